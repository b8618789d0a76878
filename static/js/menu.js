// Menus made of <details> close when something else is clicked, on Escape, and when the focus leaves them.
const open = () => document.querySelectorAll("details.menu[open]");

document.addEventListener("click", (event) => {
  open().forEach((menu) => menu.contains(event.target) || menu.removeAttribute("open"));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = [...open()].pop();
  if (!menu) return;
  menu.removeAttribute("open");
  menu.querySelector("summary").focus();
});

document.addEventListener("focusin", (event) => {
  open().forEach((menu) => menu.contains(event.target) || menu.removeAttribute("open"));
});
