// Reads a JSON text as far as it goes, right or not yet: which value stands where, and what is expected at its end.
const TOKEN = /"(?:[^"\\\n]|\\.)*"?|[{}[\]:,]|[^\s{}[\]:,"]+/g;

function plain(sign) {
  try { return JSON.parse(sign); } catch { return sign.replace(/^"|"$/g, ""); }
}

export function scan(text, end = text.length) {
  const found = [];
  const stack = [];
  const top = () => stack[stack.length - 1];
  const ended = () => { if (top()) top().value = false; };
  let token = null;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index >= end) break;
    const [sign] = match;
    const at = top();
    const from = match.index;
    const to = from + sign.length;
    token = null;
    if (sign === "{" || sign === "[") {
      stack.push({ path: at ? [...at.path, at.list ? at.count : at.key] : [], list: sign === "[", count: 0, key: "", keys: new Set(), value: false });
    } else if (sign === "}" || sign === "]") { stack.pop(); ended(); }
    else if (sign === ",") { if (at) { at.count += 1; at.value = false; } }
    else if (sign === ":") { if (at) at.value = true; }
    else if (at && !at.list && !at.value) {
      token = { from, to, key: true };
      at.key = plain(sign);
      at.keyFrom = from;
      if (to < end) at.keys.add(at.key);
    } else if (at) {
      token = { from, to, key: false };
      found.push({ path: [...at.path, at.list ? at.count : at.key], start: at.list ? from : at.keyFrom, from, to, sign });
      ended();
    }
  }
  if (token && token.to < end) token = null;
  const at = top();
  const value = token ? !token.key : Boolean(at?.value || at?.list);
  return { found, token, inside: at && !at.list ? at.path : null, key: at?.key, keys: at?.keys ?? new Set(), value };
}

export const MARK = '{"$secret": {"draft": true}}';

// The text without the secrets that were typed into it, as the server keeps it.
export function withoutSecrets(text, secrets) {
  const names = new Set([...secrets].map((name) => name.split(".").pop()));
  let out = "";
  let end = 0;
  for (const { path, from, to, sign } of scan(text).found) {
    if (path.includes("$secret") || sign[0] !== '"' || sign === '""' || !names.has(path[path.length - 1])) continue;
    out += text.slice(end, from) + (sign.length > 1 && sign.endsWith('"') ? MARK : '"');
    end = to;
  }
  return out + text.slice(end);
}
