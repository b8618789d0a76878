// A double click sends once: while a form is on its way, its buttons wait. What htmx sends looks after itself.
const sending = new Set();

function release(form) {
  sending.delete(form);
  form.querySelectorAll("button[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (sending.has(form)) { event.preventDefault(); return; }
  sending.add(form);
  // After the event, or the pressed button's own name would be missing from what is sent.
  setTimeout(() => form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-disabled", "true")));
  setTimeout(() => release(form), 10_000);
});

addEventListener("pageshow", (event) => event.persisted && [...sending].forEach(release));
