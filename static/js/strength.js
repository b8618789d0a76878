// How strong a new password is, as it is typed: a rough guess at the guesses it takes, by length and variety.
// The server decides; this only says early what it will probably say.
function level(password, shortest) {
  if (password.length < shortest) return 0;
  const lower = password.toLowerCase();
  const variety = new Set(lower).size;
  const runs = "0123456789 abcdefghijklmnopqrstuvwxyz qwertyuiop asdfghjkl zxcvbnm";
  const common = /^(password|passwort|qwert[yz]|welcome|admin|letmein|iloveyou|changeme|postroom)[\d\W_]*$/;
  if (variety < 5 || runs.includes(lower) || common.test(lower)) return 1;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z\d]/].filter((kind) => kind.test(password)).length;
  const bits = Math.min(password.length, variety * 1.5) * (2 + kinds * 0.7);
  return bits < 38 ? 2 : bits < 54 ? 3 : 4;
}

document.querySelectorAll("[data-strength]").forEach((input) => {
  const meter = document.getElementById(input.dataset.strength);
  const words = meter.dataset.words.split("|");
  input.addEventListener("input", () => {
    meter.hidden = !input.value;
    meter.dataset.level = level(input.value, Number(input.minLength));
    meter.querySelector(".guess-word").textContent = words[meter.dataset.level];
  });
});
