// A button copies a value: data-copy="text", or data-copy-from="id of the element that holds it".
const announce = document.getElementById("announce");

function reveal(root) {
  root.querySelectorAll?.("[data-copy], [data-copy-from]").forEach((button) => { button.hidden = false; });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
  await navigator.clipboard.writeText(source ? (source.value ?? source.textContent).trim() : button.dataset.copy);
  const use = button.querySelector("use");
  const before = use?.getAttribute("href");
  use?.setAttribute("href", before.replace(/#.*/, "#check"));
  announce.textContent = document.documentElement.dataset.copied || "Copied";
  setTimeout(() => { use?.setAttribute("href", before); announce.textContent = ""; }, 1600);
});

if (navigator.clipboard) {
  reveal(document);
  document.addEventListener("htmx:afterSwap", (event) => reveal(event.target));
}
