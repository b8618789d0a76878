// The editor in the place of the text area. It lives in a shadow root, where its styles need no exception from the policy.
import { scan } from "./json-scan.js";
import { explain, suggest } from "./json-words.js";

function theme(cm) {
  return cm.EditorView.theme({
    "&": { color: "var(--ink)", backgroundColor: "var(--sheet)", border: "1px solid var(--line-strong)", borderRadius: "var(--radius)", fontSize: "0.875rem" },
    "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", overflow: "visible" },
    ".cm-content, .cm-gutter": { minHeight: "240px" },
    ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
    ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--ink-soft)", border: "0", borderRight: "1px solid var(--line)" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
    ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "var(--accent-wash)" },
    ".cm-cursor": { borderLeftColor: "var(--ink)" },
    ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--hover)", outline: "1px solid var(--line-strong)" },
    ".cm-tooltip": { backgroundColor: "var(--sheet)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "var(--radius)", boxShadow: "var(--shadow-float)", maxWidth: "min(44ch, calc(100vw - 48px))" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--sans)", maxHeight: "14em" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "4px 10px", lineHeight: "1.5" },
    ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-wash)", color: "var(--ink)" },
    ".cm-completionLabel": { fontFamily: "var(--mono)" },
    ".cm-completionDetail": { fontStyle: "normal", color: "var(--ink-soft)" },
    ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)", fontWeight: "600" },
    ".cm-completionInfo": { padding: "8px 10px", fontFamily: "var(--sans)" },
    ".cm-explains": { padding: "8px 12px", fontFamily: "var(--sans)", fontSize: "0.875rem", lineHeight: "1.5" },
    ".cm-explains p": { margin: "4px 0 0" },
    ".cm-diagnostic": { fontFamily: "var(--sans)", padding: "6px 10px" },
    ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
    ".cm-diagnostic-warning, .cm-diagnostic-info": { borderLeftColor: "var(--amber)" },
    ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad) 1px" },
    ".cm-lintRange-warning, .cm-lintRange-info": { backgroundImage: "none", textDecoration: "underline wavy var(--amber) 1px" },
    ".cm-secret": { "-webkit-text-security": "disc" },
  });
}

function colours(cm) {
  const { tags } = cm;
  return cm.syntaxHighlighting(cm.HighlightStyle.define([
    { tag: tags.propertyName, color: "var(--accent)" },
    { tag: [tags.number, tags.bool, tags.null], color: "var(--blue-ink)" },
    { tag: [tags.punctuation, tags.brace, tags.squareBracket, tags.separator], color: "var(--ink-soft)" },
  ]));
}

// A secret that is typed shows as dots, as in every field for one.
function hideSecrets(cm, secrets) {
  const names = new Set([...secrets].map((name) => name.split(".").pop()));
  const hidden = cm.Decoration.mark({ class: "cm-secret" });
  const marks = (view) => cm.Decoration.set(scan(view.state.doc.toString()).found
    .filter(({ path, sign }) => !path.includes("$secret") && sign[0] === '"' && sign.length > 2 && names.has(path[path.length - 1]))
    .map(({ from, to }) => hidden.range(from + 1, to - 1)));
  return cm.ViewPlugin.fromClass(class {
    constructor(view) { this.decorations = marks(view); }
    update(update) { if (update.docChanged) this.decorations = marks(update.view); }
  }, { decorations: (plugin) => plugin.decorations });
}

// Typing over a selection is done here: the browser's own way leaves inline styles behind, which the policy refuses.
function replaceSelection(cm) {
  return cm.EditorView.domEventHandlers({
    beforeinput(event, view) {
      const { from, to, empty } = view.state.selection.main;
      if (empty || event.inputType !== "insertText" || !event.data || view.composing) return false;
      event.preventDefault();
      const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
      if (!view.state.facet(cm.EditorView.inputHandler).some((handle) => handle(view, from, to, event.data, insert))) view.dispatch(insert());
      return true;
    },
  });
}

export function mount(cm, area, settings, secrets, changed) {
  const host = document.createElement("div");
  host.className = "json-editor";
  area.after(host);
  const root = host.attachShadow({ mode: "open" });
  const readOnly = area.readOnly || area.matches(":disabled");
  const view = new cm.EditorView({
    doc: area.value,
    root,
    parent: root,
    extensions: [
      cm.lineNumbers(), cm.lintGutter(), cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.closeBrackets(), cm.indentOnInput(), cm.json(), colours(cm), theme(cm),
      cm.EditorView.lineWrapping,
      cm.EditorView.contentAttributes.of({ "aria-label": area.dataset.label, "aria-multiline": "true", spellcheck: "false", autocapitalize: "off" }),
      cm.EditorState.readOnly.of(readOnly), cm.EditorView.editable.of(!readOnly),
      hideSecrets(cm, secrets), replaceSelection(cm), cm.hoverTooltip(explain(settings)),
      cm.autocompletion({ override: [suggest(settings)], icons: false }),
      // Tab is not among them: it leaves the text, as it leaves every other control.
      cm.keymap.of([...cm.closeBracketsKeymap, ...cm.defaultKeymap, ...cm.historyKeymap, ...cm.completionKeymap, ...cm.lintKeymap]),
      cm.EditorView.updateListener.of((update) => { if (update.docChanged) changed(update.state.doc.toString()); }),
    ],
  });
  area.hidden = true;
  return view;
}
