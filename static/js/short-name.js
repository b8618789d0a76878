// Suggests a short name from the name, as long as nobody has typed one.
const field = document.querySelector("[data-short-name-of]");
const name = document.getElementById(field.dataset.shortNameOf);
let own = field.value !== "";

const short = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
  .replace(/[^a-z0-9]+/g, "-").slice(0, 64).replace(/^-+|-+$/g, "");

field.addEventListener("input", () => { own = field.value !== ""; });
name.addEventListener("input", () => { if (!own) field.value = short(name.value); });
