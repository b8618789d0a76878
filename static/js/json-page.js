// Edit as JSON: an editor over the text area; what it holds is what the form sends, and what the server says stands at its line.
import { withoutSecrets } from "./json-scan.js";
import { mount } from "./json-editor.js";

const form = document.getElementById("setup-form");
const area = document.getElementById("set-json");
const settings = JSON.parse(area.dataset.settings);
const secrets = settings.filter(({ kind }) => kind === "secret").map(({ path }) => path.join("."));
const place = `unsent:${location.pathname}:${form.dataset.provider}`;
let view = null;
let waiting = null;
let quiet = false;
let leaving = false;

// What was typed in the last moment, before the server heard of it, survives a reload; secrets do not stay in the browser.
function putAside() {
  leaving = false;
  sessionStorage.setItem(place, withoutSecrets(area.value, secrets));
}

function changed(text) {
  area.value = text;
  if (quiet) return;
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function replace(text) {
  const old = area.value;
  let from = 0;
  let end = 0;
  while (from < Math.min(old.length, text.length) && old[from] === text[from]) from += 1;
  while (end < Math.min(old.length, text.length) - from && old[old.length - 1 - end] === text[text.length - 1 - end]) end += 1;
  area.value = text;
  quiet = true;
  view?.dispatch({ changes: { from, to: old.length - end, insert: text.slice(from, text.length - end) } });
  quiet = false;
}

function mark(cm) {
  const { doc } = view.state;
  const diagnostics = [...document.querySelectorAll("#json-says [data-line]")].map((element) => {
    const line = doc.line(Math.min(Number(element.dataset.line), doc.lines));
    const indent = line.text.length - line.text.trimStart().length;
    const message = element.querySelector(":scope > span, .advice-title").textContent;
    return { from: line.from + indent, to: line.to, severity: element.dataset.tone, message };
  });
  view.dispatch(cm.setDiagnostics(view.state, diagnostics));
}

// The server keeps secrets apart and lays the text over what came from the form meanwhile: the text that says so.
function settle() {
  if (!waiting || waiting.from !== area.value) return;
  const onlySecrets = withoutSecrets(area.value, secrets) === waiting.text;
  if (onlySecrets && view?.hasFocus) return;
  if (waiting.text !== area.value) replace(waiting.text);
  waiting = null;
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  form.elements.sent.value = Number(form.elements.sent.value) + 1;
  if (detail.parameters.has?.("sent") || "sent" in detail.parameters) detail.parameters.sent = form.elements.sent.value;
});
document.addEventListener("htmx:beforeRequest", ({ detail }) => { detail.xhr.carries = area.value; });
form.addEventListener("submit", () => {
  form.elements.sent.value = Number(form.elements.sent.value) + 1;
  sessionStorage.removeItem(place);
});
area.addEventListener("input", putAside);
addEventListener("beforeunload", () => { leaving = true; });

const unsent = sessionStorage.getItem(place);
if (unsent !== null && unsent !== area.value) area.value = unsent;

const cm = await import(area.dataset.editor);
const typing = document.activeElement === area;
const { selectionStart: anchor, selectionEnd: head } = area;
view = mount(cm, area, settings, secrets, changed);
if (typing) {
  view.dispatch({ selection: { anchor, head } });
  view.focus();
}
view.contentDOM.addEventListener("blur", () => setTimeout(settle));
document.querySelector("[data-editor-help]").hidden = false;
mark(cm);
if (unsent !== null) area.dispatchEvent(new Event("input", { bubbles: true }));

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!area.isConnected || !detail.successful || detail.requestConfig.verb !== "post") return;
  if (!leaving && detail.xhr.carries === area.value) sessionStorage.removeItem(place);
  const text = document.getElementById("json-drawn").dataset.text;
  if (detail.elt !== form || detail.xhr.status === 204 || text === undefined || detail.xhr.carries !== area.value) return;
  waiting = { from: area.value, text };
  settle();
  mark(cm);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest(".json-line");
  if (!link) return;
  event.preventDefault();
  const line = view.state.doc.line(Math.min(Number(link.closest("[data-line]").dataset.line), view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.to }, scrollIntoView: true });
  view.focus();
});
