// A draft that could not be kept is said to be so, where otherwise "Draft kept" stands.
const form = document.getElementById("setup-form");

function warn() {
  const kept = document.getElementById("kept");
  kept.textContent = form.dataset.unkept;
  kept.classList.add("kept-failed");
}

for (const name of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(name, warn);
document.addEventListener("htmx:responseError", ({ detail }) => { if (detail.xhr.status >= 500) warn(); });
