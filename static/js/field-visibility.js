// A setting that depends on another shows while that other has a value that it fits; the server decides the same way.
const form = document.getElementById("setup-form");

function value(name) {
  const controls = [...form.querySelectorAll(`[name="${name}"]`)];
  // What is hidden itself decides nothing; settings stand below those that they depend on.
  if (controls[0]?.closest("[data-show-if]")?.hidden) return undefined;
  const box = controls.find((each) => each.type === "checkbox");
  return box ? String(box.checked) : controls[0]?.value;
}

function update() {
  for (const field of form.querySelectorAll("[data-show-if]")) {
    field.hidden = !field.dataset.showValues.split(" ").includes(value(field.dataset.showIf));
  }
}

// Somebody may have chosen before anything here listened; what follows from a choice follows then.
function catchUp() {
  for (const list of form.querySelectorAll("select")) {
    if ([...list.options].some((each) => each.selected !== each.defaultSelected)) {
      list.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
}

form.addEventListener("change", update);
document.body.addEventListener("htmx:load", catchUp, { once: true });
form.addEventListener("htmx:afterSettle", update);
update();
