// What was typed in the last moment, before the server heard of it, survives a reload. Secrets are never put aside here.
const form = document.getElementById("setup-form");
const place = `unsent:${location.pathname}:${form.dataset.provider}`;
const unsent = JSON.parse(sessionStorage.getItem(place) || "{}");
let leaving = false;

function put() {
  if (Object.keys(unsent).length) sessionStorage.setItem(place, JSON.stringify(unsent));
  else sessionStorage.removeItem(place);
}

// htmx listens from this moment on, so that what is put back is kept at once.
document.addEventListener("DOMContentLoaded", () => {
  for (const [id, value] of Object.entries(unsent)) {
    const control = document.getElementById(id);
    if (!control || control.form !== form) continue;
    if (control.type === "checkbox") control.checked = value;
    else control.value = value;
    control.dispatchEvent(new Event("input", { bubbles: true }));
    control.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

form.addEventListener("input", ({ target }) => {
  if (!target.id || "secret" in target.dataset) return;
  leaving = false;
  unsent[target.id] = target.type === "checkbox" ? target.checked : target.value;
  put();
});

document.addEventListener("htmx:beforeRequest", ({ detail }) => { detail.xhr.carries = { ...unsent }; });
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  // The page that is on its way may have been drawn before what is answered now was kept: it is put back there as well.
  if (leaving || !detail.successful || detail.requestConfig.verb !== "post") return;
  for (const [id, value] of Object.entries(detail.xhr.carries || {})) if (unsent[id] === value) delete unsent[id];
  put();
});
addEventListener("beforeunload", () => { leaving = true; });
form.addEventListener("submit", () => sessionStorage.removeItem(place));
