// Arrow keys move between the cards as they lie on the page; Enter chooses, as on every button.
const list = document.querySelector("[data-cards]");
const search = document.querySelector("[data-card-search]");
const buttons = () => [...list.querySelectorAll("li:not([hidden]) button")];
const steps = { ArrowRight: 1, ArrowLeft: -1 };
const ways = { ArrowDown: 1, ArrowUp: -1 };

// Groups have rows of their own: up and down lead to the next row, to the card that stands nearest in it.
function nearest(all, from, way) {
  const here = from.getBoundingClientRect();
  const places = all.map((button) => ({ button, box: button.getBoundingClientRect() }));
  const beyond = places.filter(({ box }) => way * (box.top - here.top) > 1);
  const row = Math.min(...beyond.map(({ box }) => way * box.top));
  const inRow = beyond.filter(({ box }) => way * box.top - row < 1);
  const off = ({ box }) => Math.abs(box.left - here.left);
  return inRow.sort((one, other) => off(one) - off(other))[0]?.button;
}

list.addEventListener("keydown", (event) => {
  if (!(event.key in steps || event.key in ways)) return;
  event.preventDefault();
  const all = buttons();
  const from = document.activeElement;
  const next = event.key in steps ? all[all.indexOf(from) + steps[event.key]] : nearest(all, from, ways[event.key]);
  const back = event.key === "ArrowLeft" || event.key === "ArrowUp";
  (next ?? (back ? search : from)).focus();
});

search.addEventListener("keydown", (event) => {
  const first = buttons()[0];
  if (event.key === "ArrowDown" && first) {
    event.preventDefault();
    first.focus();
  }
});
