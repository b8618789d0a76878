// Notes which settings were typed and left, before htmx asks about them: only their errors are told unasked.
const form = document.getElementById("setup-form");
const left = new Set();

form.addEventListener("change", ({ target }) => {
  // Whoever asks for another value than those in a list has not typed it yet.
  if (target.tagName === "SELECT" && target.value === "*") return;
  left.add(target.name.replace(/\.(name|value|other)$/, ""));
  form.elements.left.value = [...left].join(" ");
}, { capture: true });
