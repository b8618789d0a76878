// Shows the cards that hold every word of the search while it is typed; without scripts the form asks the server.
const search = document.querySelector("[data-card-search]");
const cards = [...document.querySelectorAll("[data-cards] li")];
const groups = [...document.querySelectorAll("[data-cards] > section")];
const none = document.querySelector("[data-cards-none]");

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const card of cards) {
    card.hidden = !words.every((word) => card.dataset.words.includes(word));
  }
  for (const group of groups) {
    group.hidden = !group.querySelector("li:not([hidden])");
  }
  none.hidden = cards.some((card) => !card.hidden);
}

search.addEventListener("input", filter);
search.form.addEventListener("submit", (event) => {
  // Enter in the search takes the first card, as in a launcher.
  const first = cards.find((card) => !card.hidden);
  if (search.value.trim() && first) {
    event.preventDefault();
    first.querySelector("button").click();
  }
});
search.form.querySelector("button").hidden = true;
filter();
