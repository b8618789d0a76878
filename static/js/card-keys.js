// Arrow keys move between the cards as they lie in the grid; Enter chooses, as on every button.
const list = document.querySelector("[data-cards]");
const search = document.querySelector("[data-card-search]");
const buttons = () => [...list.querySelectorAll("li:not([hidden]) button")];

function perRow(all) {
  const top = all[0].getBoundingClientRect().top;
  return all.filter((each) => each.getBoundingClientRect().top === top).length || 1;
}

function step(key, columns) {
  return { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[key];
}

list.addEventListener("keydown", (event) => {
  const all = buttons();
  const move = step(event.key, perRow(all));
  if (!move) return;
  event.preventDefault();
  const target = all.indexOf(document.activeElement) + move;
  (target < 0 ? search : all[Math.min(target, all.length - 1)]).focus();
});

search.addEventListener("keydown", (event) => {
  const first = buttons()[0];
  if (event.key === "ArrowDown" && first) {
    event.preventDefault();
    first.focus();
  }
});
