// The tick or choice of a fold of mails stands for all of them; opened, each has its own, and the fold follows.
const fold = (element) => element.closest?.("[data-mails]");
const inputs = (group) => [...group.querySelectorAll("input[type=checkbox], input[type=radio]")];
const head = (group) => inputs(group).filter((input) => !input.closest(".diff-folds"));
const single = (group) => inputs(group).filter((input) => input.closest(".diff-folds"));

function follow(group) {
  const mails = single(group);
  const left = group.querySelector("input[name=except]");
  for (const input of head(group)) {
    const same = mails.filter((mail) => mail.type !== "radio" || mail.value === input.value);
    const on = same.filter((mail) => mail.checked);
    if (mails.length) input.checked = input.type === "radio" ? on.length === same.length : on.length > 0;
    input.indeterminate = input.type === "checkbox" && input.checked && (on.length < same.length || Boolean(left));
  }
}

document.addEventListener("change", (event) => {
  const group = fold(event.target);
  if (!group) return;
  if (head(group).includes(event.target)) {
    const { type, value, checked } = event.target;
    for (const mail of single(group)) if (type !== "radio" || mail.value === value) mail.checked = checked;
    group.querySelectorAll(".diff-late > input[type=hidden]:not([name=shown])").forEach((said) => said.remove());
  }
  follow(group);
});
document.addEventListener("htmx:afterSwap", (event) => { const group = fold(event.target); if (group) follow(group); });
document.querySelectorAll("[data-mails]").forEach(follow);
