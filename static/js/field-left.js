// Notes which settings were typed and left, before htmx asks about them: only their errors are told unasked.
const form = document.getElementById("setup-form");
const left = new Set();

form.addEventListener("change", ({ target }) => {
  left.add(target.name.replace(/\.(name|value)$/, ""));
  form.elements.left.value = [...left].join(" ");
}, { capture: true });
