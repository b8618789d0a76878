// Says at the control itself that it is in error, as soon as the server has said so in words; and goes where a link points.
const form = document.getElementById("setup-form");

function mark() {
  for (const errors of form.querySelectorAll(".field-errors[id]")) {
    const control = document.getElementById(errors.id.replace(/-error$/, ""));
    if (!control) continue;
    errors.closest(".field")?.classList.toggle("has-error", !errors.hidden);
    if (errors.hidden) control.removeAttribute("aria-invalid");
    else control.setAttribute("aria-invalid", "true");
  }
}

function follow() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  target.closest("details:not([open])")?.setAttribute("open", "");
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: "center" });
}

document.addEventListener("htmx:oobAfterSwap", mark);
addEventListener("hashchange", follow);
follow();
