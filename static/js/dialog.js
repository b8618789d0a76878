// <button data-dialog="id"> opens that dialog; a button with data-close inside it closes it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog).showModal();
  event.target.closest("[data-close]")?.closest("dialog")?.close();
});
