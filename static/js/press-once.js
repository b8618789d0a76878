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
