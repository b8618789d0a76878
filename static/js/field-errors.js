// Says at the control itself that it is in error, as soon as the server has said so in words; and goes where a link points.
const form = document.getElementById("setup-form");

function mark() {
  for (const says of form.querySelectorAll(".field-says")) {
    const control = document.getElementById(says.id.replace(/-says$/, ""));
    const wrong = says.querySelector(".field-error") !== null;
    says.closest(".field").classList.toggle("has-error", wrong);
    if (wrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
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
