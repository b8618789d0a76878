// A word that comes to stand beside a field that was left may push the next one under the bar below: it stays in sight.
let inSight = false;

document.addEventListener("htmx:beforeSwap", () => {
  const { top, bottom } = document.activeElement.getBoundingClientRect();
  inSight = top >= 0 && bottom <= innerHeight;
});
document.addEventListener("htmx:afterOnLoad", () => {
  if (inSight) document.activeElement.scrollIntoView({ block: "nearest" });
});
