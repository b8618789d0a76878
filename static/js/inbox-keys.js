// In the list of mails the arrow keys move, and the mail that is open is in sight.
const rows = () => [...document.querySelectorAll("#inbox-list .mails-row")];

document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const all = rows();
  const here = all.indexOf(document.activeElement);
  if (!step || here < 0) return;
  event.preventDefault();
  all[here + step]?.focus();
});

const current = rows().find((row) => row.hasAttribute("aria-current"));
const column = current?.closest(".inbox-column");
if (column && current.offsetTop + current.offsetHeight > column.clientHeight) {
  column.scrollTop = current.offsetTop - column.clientHeight / 2;
}
