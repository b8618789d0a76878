// A double click sends once: while a form is on its way, its buttons wait.
const sending = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.matches("[data-theme-form], [hx-post], [data-hx-post]")) return;
  if (sending.has(form)) { event.preventDefault(); return; }
  sending.add(form);
  // After the event, or the pressed button's own name would be missing from what is sent.
  setTimeout(() => form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-disabled", "true")));
});

addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("form").forEach((form) => sending.delete(form));
  document.querySelectorAll("form button[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
});
