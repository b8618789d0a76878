"""Edit as JSON: the config of the form as text, over the same draft, with the same check, test and review."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.errors import FieldError, InputError
from webapp.domain.json_places import places
from webapp.domain.problem import JSON
from webapp.domain.roles import Permission
from webapp.domain.text import NOTHING, T, Text
from webapp.web.connector.blueprint import bp
from webapp.web.connector.editor import Editor
from webapp.web.connector.laying import page_count
from webapp.web.connector.outcome import run_context
from webapp.web.connector.telling import CONFIG
from webapp.web.connector.text import TextFault, line_at
from webapp.web.context import current_access, services
from webapp.web.fields import ChoiceField, SecretField, SettingField
from webapp.web.frame import translated
from webapp.web.security import tenant_route

KEEP_TRIES = 3
"""How often a draft is read and kept anew when another request of the same person came between."""


@tenant_route(bp, "/connector/json", permission=Permission.READ)
def as_json() -> ResponseReturnValue:
    """Show the settings as text; without a provider, the choice of one."""
    editor = Editor(services(), current_access())
    if not editor.connector:
        return redirect(url_for("connector.form"))
    editor.remarks.view = "json"
    return text_page(editor)


@tenant_route(bp, "/connector/json", methods=["POST"], permission=Permission.EDIT)
def keep_text() -> ResponseReturnValue:
    """Keep the text while it is typed, and say what is wrong with it."""
    editor = _kept()
    if editor is None:
        return "", 204
    if "HX-Request" not in request.headers:
        # Sent again after the session had ended: there is no page any more that could take the parts.
        return redirect(url_for("connector.as_json"), 303)
    return render_template(
        "pages/connector/_json_kept.html", editor=editor, **text_context(editor), **run_context(editor)
    )


def text_page(
    editor: Editor, errors: Sequence[FieldError] | None = None, status: int = 200, refusal: Text | None = None
) -> tuple[str, int]:
    """Draw the page of text."""
    words = render_template(
        "pages/connector/json.html",
        editor=editor,
        faults=[],
        refusal=refusal or (T("Nothing was saved or sent. What is wrong stands below the text.") if errors else None),
        to_errors=[error.message for error in errors or () if error.pointer == "/to"],
        may_edit=editor.access.may(Permission.EDIT),
        cautions=services().expiries.cautions(editor.access.tenant, editor.active),
        page=token_hex(8),
        settings=[_setting(field) for field in editor.form.setting_fields()] if editor.form else [],
        fields=editor.form.setting_fields() if editor.form else [],
        **text_context(editor),
        **run_context(editor),
    )
    return words, status


def back(editor: Editor, anchor: str | None = None) -> str:
    """The address of the view that was sent last."""
    if editor.remarks.view == "json":
        return url_for("connector.as_json", _anchor=anchor if anchor in ("test", "json") else None)
    return url_for("connector.form", _anchor=anchor or None)


def text_context(editor: Editor) -> dict[str, Any]:
    """What the parts are drawn from that change while somebody types."""
    shown = editor.text
    return {
        "shown": shown,
        "drawn": json.dumps(shown.drawn, ensure_ascii=False, separators=(",", ":")),
        "faults_of_text": shown.faults if shown.pending else _faults(editor),
        "elsewhere": [] if shown.pending else _elsewhere(editor),
        "advice": [] if shown.pending else _advice(editor),
    }


def unusable(editor: Editor) -> InputError | None:
    """Why nothing can be done with the text; None where it is taken over, or was not what was sent."""
    if editor.remarks.view != "json" or not editor.connector or not editor.text.pending:
        return None
    errors = [
        FieldError(
            f"{CONFIG}{fault.pointer}",
            "text.unusable",
            T("Line %(line)s: %(fault)s", line=fault.line, fault=translated(fault.message)),
        )
        for fault in editor.text.faults
    ]
    return InputError(T("The text cannot be used as it is. Mend it, then try again."), errors=errors)


def with_lines(editor: Editor, errors: Sequence[FieldError]) -> list[Text]:
    """Errors in words that name the line of the text."""
    text = editor.text.text
    found = places(text)
    words = []
    for error in errors:
        if not error.pointer.startswith(CONFIG) or error.code == "text.unusable":
            words.append(error.message)
            continue
        line = line_at(text, found, error.pointer.removeprefix(CONFIG))
        words.append(T("Line %(line)s: %(fault)s", line=line, fault=translated(error.message)))
    return words


def _kept() -> Editor | None:
    """Keep what the page sent by itself, unless the same page has sent something newer."""
    for _ in range(KEEP_TRIES):
        editor = Editor(services(), current_access())
        if not editor.connector or "json" not in request.form:
            return None
        if request.form.get("page", "") == editor.remarks.page and page_count(request.form) < editor.remarks.sent:
            return None
        editor.read(request.form)
        if editor.keep_unless_newer():
            return editor
    return None


def _faults(editor: Editor) -> list[TextFault]:
    """What the rules of saving say about the values, by line."""
    text = editor.text.text
    found = places(text)
    faults = []
    for error in editor.judgement.errors:
        if error.pointer.startswith(CONFIG):
            pointer = error.pointer.removeprefix(CONFIG)
            faults.append(TextFault(line_at(text, found, pointer), pointer, error.message))
    return sorted(faults, key=lambda each: each.line)


def _elsewhere(editor: Editor) -> list[Text]:
    return [error.message for error in editor.judgement.errors if not error.pointer.startswith(CONFIG)]


def _advice(editor: Editor) -> list[tuple[int, Any]]:
    """Combinations that cannot work, with their line and correction."""
    text = editor.text.text
    found = places(text)
    return [(line_at(text, found, pointer), problem) for pointer, problem in editor.problems if problem.patch]


def _setting(field: SettingField) -> Mapping[str, JSON]:
    """What the editor completes and explains about a setting."""
    about = field.setting.about
    told: dict[str, JSON] = {
        "path": list(field.setting.path),
        "kind": field.kind,
        "title": translated(field.words.title),
    }
    if field.words.help is not NOTHING and field.words.help.template:
        told["help"] = translated(field.words.help)
    if isinstance(field, ChoiceField):
        told["choices"] = [[value, translated(label)] for value, label in about.choices]
    elif field.setting.default is not None and not isinstance(field, SecretField):
        told["default"] = field.setting.default if isinstance(field.setting.default, str | int | bool) else None
    if about.suggestions:
        told["known"] = [[value, translated(label)] for value, label in about.suggestions]
    if about.example:
        told["example"] = about.example
    if about.show_if:
        told["if"] = [about.show_if[0], list(about.show_if[1])]
    return told
