// What a setting is, as the connector declares it: suggested while it is typed, explained under the pointer.
import { scan, MARK } from "./json-scan.js";

const KEEP = '{"$secret": {"set": true}}';
const name = (setting) => setting.path.join(".");

function applies(setting, found, settings) {
  if (!setting.if) return true;
  const [other, values] = setting.if;
  const decisive = settings.find((each) => name(each) === other);
  const said = found.find(({ path }) => path.join(".") === other)?.sign.replace(/^"|"$/g, "");
  return values.includes(said ?? String(decisive?.default ?? decisive?.choices?.[0][0]));
}

function stub(setting) {
  if (setting.kind === "headers") return ["{}", 1];
  if (setting.kind === "switch" || setting.kind === "number") return [String(setting.default ?? ""), null];
  return ['""', 1];
}

// What is written stands in quotation marks or not: all of it is replaced.
function written(view) {
  const pos = view.state.selection.main.head;
  return scan(view.state.doc.toString(), pos).token ?? { from: pos, to: pos };
}

function insertValue(text) {
  return (view) => {
    const { from, to } = written(view);
    view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, userEvent: "input.complete" });
  };
}

function insertKey(setting, key, nested) {
  return (view) => {
    const { from, to } = written(view);
    const rest = view.state.sliceDoc(to, to + 400);
    const [value, inside] = nested ? ["{}", 1] : stub(setting);
    const known = /^\s*:/.test(rest);
    const text = `"${key}"${known ? "" : `: ${value}${/^\s*"/.test(rest) ? "," : ""}`}`;
    const cursor = from + (known || inside === null ? text.length : `"${key}": `.length + inside);
    view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: cursor }, userEvent: "input.complete" });
  };
}

function keys(settings, place, found) {
  const offered = new Map();
  for (const setting of settings) {
    const depth = place.inside.length;
    const below = setting.path.length > depth && place.inside.every((step, n) => setting.path[n] === step);
    const key = setting.path[depth];
    if (!below || place.keys.has(key) || offered.has(key) || !applies(setting, found, settings)) continue;
    const nested = setting.path.length > depth + 1;
    offered.set(key, { label: key, type: "property", detail: nested ? "" : setting.title, info: nested ? undefined : setting.help, apply: insertKey(setting, key, nested) });
  }
  return [...offered.values()];
}

function values(setting) {
  const of = (text, detail, boost = 0) => ({ label: text.replace(/^"(.*)"$/, "$1"), detail, boost, type: "constant", apply: insertValue(text) });
  const choices = setting.choices ?? setting.known;
  if (choices) return choices.map(([value, label], n) => of(`"${value}"`, label, -n));
  if (setting.kind === "switch") return [of("true", ""), of("false", "")];
  if (setting.kind === "secret") return [of(KEEP, "keeps the stored one"), of(MARK, "keeps the one that was typed")];
  const quote = (value) => (setting.kind === "number" ? String(value) : JSON.stringify(value));
  const said = [];
  if (setting.default != null) said.push(of(quote(setting.default), "default", 1));
  if (setting.example && setting.example !== String(setting.default)) said.push(of(quote(setting.example), "example"));
  return said;
}

export function suggest(settings) {
  return (context) => {
    const text = context.state.doc.toString();
    const place = scan(text, context.pos);
    if (!place.inside) return null;
    const { found } = scan(text);
    const token = place.token;
    if (!token && !context.explicit && !place.value) return null;
    const path = [...place.inside, place.key].join(".");
    const setting = settings.find((each) => name(each) === path);
    const options = place.value ? (setting ? values(setting) : []) : keys(settings, place, found);
    const quoted = token && text[token.from] === '"' ? 1 : 0;
    return options.length ? { from: token ? token.from + quoted : context.pos, options, validFor: /^[\w$.-]*$/ } : null;
  };
}

export function explain(settings) {
  return (view, pos) => {
    const at = scan(view.state.doc.toString()).found.find(({ start, to }) => start <= pos && pos <= to);
    const setting = at && settings.find((each) => at.path.join(".").startsWith(name(each)));
    if (!setting) return null;
    const dom = document.createElement("div");
    dom.className = "cm-explains";
    const line = (tag, words) => { const element = document.createElement(tag); element.textContent = words; dom.append(element); };
    line("strong", setting.title);
    if (setting.help) line("p", setting.help);
    for (const [value, label] of setting.choices ?? []) line("p", `"${value}": ${label}`);
    return { pos: at.start, end: at.to, above: true, create: () => ({ dom }) };
  };
}
