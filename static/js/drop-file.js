// A file dropped on the field is chosen there; its name is shown.
const zone = document.querySelector("[data-drop]");
const input = zone.querySelector("input[type=file]");
const said = zone.querySelector(".drop-name");

const tell = () => { said.textContent = input.files[0]?.name ?? ""; };
const over = (on) => zone.classList.toggle("is-over", on);

zone.querySelector(".drop-how").hidden = false;
input.addEventListener("change", tell);
zone.addEventListener("dragover", (event) => { event.preventDefault(); over(true); });
zone.addEventListener("dragleave", () => over(false));
zone.addEventListener("drop", (event) => {
  event.preventDefault();
  over(false);
  if (!event.dataTransfer.files.length) return;
  input.files = event.dataTransfer.files;
  tell();
});
tell();
