// A button whose request waits behind another is out of use at once, not only when its turn has come.
const pressed = "button[hx-disabled-elt]";

document.addEventListener("click", (event) => {
  const button = event.target.closest(pressed);
  // htmx has taken the click by now; if it is not there, the form is sent as without scripts.
  if (button && event.defaultPrevented) button.disabled = true;
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.elt.matches(pressed)) detail.elt.disabled = false;
});
