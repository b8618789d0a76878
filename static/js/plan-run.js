// What a check or a test found is about the values it was made with: once those are others it says so.
const form = document.querySelector(".plan-form");
const beside = /^(to|usageType|note|reason|breaks|press|plan|csrf_token|secrets-file)$/;
const values = () => JSON.stringify([...new FormData(form)].filter(([name]) => !beside.test(name)));
let tried = values();

function tell() {
  const stale = document.getElementById("run-stale");
  if (stale) stale.hidden = values() === tried;
}

document.addEventListener("htmx:beforeRequest", ({ detail }) => { if (detail.elt.matches("[data-tries]")) tried = values(); });
document.addEventListener("htmx:afterSwap", tell);
form.addEventListener("input", tell);
// What stood in the way of a secret is settled once something is given.
form.addEventListener("input", ({ target }) => {
  const secret = target.closest(".secret.has-error");
  if (!secret) return;
  secret.classList.remove("has-error");
  secret.querySelector(".field-errors").hidden = true;
  secret.querySelectorAll("[aria-invalid]").forEach((each) => each.removeAttribute("aria-invalid"));
});
