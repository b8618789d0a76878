// "Add a row" copies the last row, emptied; without scripts the same button asks the server for more.
document.querySelectorAll("[data-rows]").forEach((rows) => {
  const button = rows.querySelector("[data-add-row]");

  button.addEventListener("click", (event) => {
    event.preventDefault();
    const last = button.previousElementSibling;
    const row = last.cloneNode(true);
    row.querySelectorAll("input").forEach((input) => { input.value = ""; });
    row.querySelectorAll(".field-error").forEach((error) => error.remove());
    last.after(row);
    row.querySelector("input").focus();
  });
});
