// A button starts one thing at a time: until it is answered, pressing again does nothing. The button keeps the focus.
const busy = new WeakSet();

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-press-once]");
  if (!button || !window.htmx) return;
  if (busy.has(button)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  busy.add(button);
  button.setAttribute("aria-disabled", "true");
}, { capture: true });

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  busy.delete(detail.elt);
  if (detail.elt.matches("[data-press-once]")) detail.elt.removeAttribute("aria-disabled");
});

// What a form sends by itself goes to its own address. htmx would take that of the button that was pressed last, and a
// draft that waits for the end of typing would become a second test.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  const own = detail.elt.matches("form") && detail.triggeringEvent?.type !== "submit" && detail.elt.getAttribute("hx-post");
  if (own) detail.path = own;
});
