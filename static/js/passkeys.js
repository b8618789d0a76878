// A form asks the browser for a passkey (data-passkey: "create" or "get") and sends what the browser answers.
const known = Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON && navigator.credentials);

function say(form, words) {
  const place = form.querySelector("[data-passkey-says]");
  place.textContent = words;
  place.hidden = !words;
}

async function ask(form) {
  const options = JSON.parse(form.dataset.options);
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  form.elements.passkey.value = JSON.stringify(credential);
  form.submit();
}

document.querySelectorAll("form[data-passkey]").forEach((form) => {
  const button = form.querySelector("[type=submit]");
  let asking = false;
  if (!known || location.origin !== form.dataset.origin) {
    say(form, known ? form.dataset.elsewhere : form.dataset.unknown);
    return;
  }
  button.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (asking) return;
    asking = true;
    say(form, "");
    try {
      await ask(form);
    } catch (error) {
      say(form, { InvalidStateError: form.dataset.already, SecurityError: form.dataset.elsewhere }[error.name] || form.dataset.cancelled);
      asking = false;
    }
  });
});
