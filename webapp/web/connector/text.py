"""A connector's config as text: written for the page, read with errors that name their line, laid over the draft."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from webapp.connectors.base import Connector
from webapp.connectors.config import Setting, settings_of
from webapp.domain.diff import SECRET, is_secret
from webapp.domain.errors import FieldError, InputError
from webapp.domain.json_places import Place, line_of, places
from webapp.domain.problem import JSON
from webapp.domain.strict_json import NotJSONError, loads
from webapp.domain.text import T, Text
from webapp.services.drafts import DRAFT
from webapp.web.connector.documents import unmarked
from webapp.web.connector.shape import WHOLE, Shape
from webapp.web.forms import SettingsForm

LIMIT: Final = 200_000
"""Characters of a text that is read: two certificates and a key are far below."""
MOST_FAULTS: Final = 50
"""As many are told; with them mended the next ones come."""
_SPREAD_MARK = re.compile(r'\{\s*"\$secret": \{\s*([^{}\n]*?)\s*\}\s*\}')

_WORDS: Final[Mapping[str, Text]] = {
    "Expecting ',' delimiter": T("A comma, or a closing bracket, is missing before this."),
    "Expecting ':' delimiter": T("A colon is missing after the name."),
    "Expecting property name enclosed in double quotes": T(
        "A name in double quotation marks is expected here. Perhaps the comma before it is one too many."
    ),
    "Illegal trailing comma before end of object": T("The last comma is one too many."),
    "Expecting value": T("A value is missing here. Texts stand in double quotation marks."),
    "Unterminated string": T("The text that begins here lacks its closing quotation mark."),
    "Extra data": T("There is more after the closing bracket. One object is expected."),
    "Invalid control character": T(
        "The text is not closed on its line: a quotation mark is missing. A line break inside it is written \\n."
    ),
    "Invalid \\escape": T("A backslash stands alone here. Write it twice."),
}


@dataclass(frozen=True, slots=True)
class TextFault:
    """What is wrong with a text, and where."""

    line: int
    pointer: str
    message: Text


@dataclass(frozen=True, slots=True)
class Reading:
    """A text that was read. ``config`` is None where the form cannot take it over; ``faults`` say why."""

    text: str
    """As it was typed, without the secrets."""
    config: dict[str, Any] | None
    faults: tuple[TextFault, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Pointer into the config → the secret that was typed there."""
    guess: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What a text that is not taken over seems to say, to know for which place its secrets were typed."""


def text_of(form: SettingsForm) -> str:
    """Write the values of a form as text, every setting that applies, those that say nothing with their default."""
    config: dict[str, Any] = {}
    for each in form.setting_fields():
        if form.applies(each):
            value = each.json()
            _put(config, each.setting.path, "" if value is None and each.required else value)
    return _SPREAD_MARK.sub(r'{"$secret": {\1}}', json.dumps(config, indent=2, ensure_ascii=False))


def read_text(text: str, connector: type[Connector[Any]]) -> Reading:
    """Read a text as a config. Nothing is raised: what is wrong is said by line."""
    text = text.replace("\r\n", "\n").replace("\0", "\ufffd")
    if len(text) > LIMIT:
        long = T("The text is longer than %(limit)s characters; the rest was left out.", limit=LIMIT)
        return Reading(text[:LIMIT], None, (TextFault(1, "", long),))
    settings = settings_of(connector.config_model)
    text, typed, faults = _without_secrets(text, settings)
    found = places(text)
    try:
        value = loads(text)
    except NotJSONError as refusal:
        faults.append(_not_json(refusal, text))
    except InputError as refusal:
        faults += _by_line(refusal.errors, text, found)
    else:
        faults += _by_line(_object_faults(value) or Shape(settings).faults(value), text, found)
        if not faults:
            return Reading(text, tidied(value, settings), (), typed)
    told = sorted(faults, key=lambda each: each.line)[:MOST_FAULTS]
    return Reading(text, None, tuple(told), typed, _guessed(found))


def tidied(config: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    """A config as the form would give it: what says nothing is left out, numbers in quotation marks are numbers."""
    kinds = {each.path: each.kind for each in settings}

    def part(value: Any, path: tuple[str, ...]) -> Any:
        kind = kinds.get(path)
        if kind == "number" and isinstance(value, str) and WHOLE.fullmatch(value.strip()):
            return int(value)
        if kind == "headers" and isinstance(value, Mapping):
            return {
                name: lines[0] if isinstance(lines, list) and len(lines) == 1 else lines
                for name, lines in value.items()
            }
        if isinstance(value, Mapping) and not is_secret(value) and kind is None:
            parts = {key: part(each, (*path, key)) for key, each in value.items()}
            return {key: each for key, each in parts.items() if each not in (None, "")}
        return unmarked(value)

    tidy: dict[str, Any] = part(config, ())
    return tidy


def same(one: Mapping[str, Any], other: Mapping[str, Any], connector: type[Connector[Any]]) -> bool:
    """Whether two configs say the same, defaults counted as said."""
    settings = settings_of(connector.config_model)
    return _said(one, settings) == _said(other, settings)


def _by_line(errors: Iterable[FieldError], text: str, found: Sequence[Place]) -> list[TextFault]:
    return [
        TextFault(line_at(text, found, each.pointer), each.pointer, each.message)
        for each in islice(errors, MOST_FAULTS)
    ]


def line_at(text: str, found: Sequence[Place], pointer: str) -> int:
    """The line where a pointer leads, or where that stands which it should be in."""
    known = {place.pointer: place.start for place in found}
    while pointer and pointer not in known:
        pointer = pointer.rpartition("/")[0]
    return line_of(text, known.get(pointer, 0))


def _said(config: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, Any]:
    tidy, said = tidied(config, settings), {}
    for each in settings:
        value: Any = tidy
        for key in each.path:
            value = value.get(key) if isinstance(value, Mapping) and SECRET not in value else None
        first = each.about.choices[0][0] if each.kind == "choice" and each.about.choices else None
        default = each.default if each.default is not None else first
        said[each.name] = default if value in (None, "") else value
    return said


def _without_secrets(text: str, settings: Sequence[Setting]) -> tuple[str, dict[str, str], list[TextFault]]:
    """Put a mark where a secret was typed. One that is no text, or not closed, goes without being kept."""
    pointers = {each.pointer for each in settings if each.kind == "secret"}
    names = {pointer.rpartition("/")[2] for pointer in pointers}
    typed: dict[str, str] = {}
    faults = []
    parts, end = [], 0
    for place in sorted(places(text), key=lambda each: each.value_start):
        if place.kind == "container" or not _may_be_secret(place.pointer, pointers, names):
            continue
        written = text[place.value_start : place.value_end]
        if place.kind == "other":
            if written in ("null", "true", "false"):
                continue
            instead = '""'
            faults.append(TextFault(line_of(text, place.value_start), place.pointer, T("Text is expected here.")))
        elif not place.value:
            instead = '"' if not place.whole else written
        else:
            instead = json.dumps(DRAFT)
            typed[place.pointer] = place.value
        parts += [text[end : place.value_start], instead]
        end = place.value_end
    return "".join([*parts, text[end:]]), typed, faults


def _may_be_secret(pointer: str, pointers: set[str], names: set[str]) -> bool:
    """Whether a secret stands here, or was meant to: its name in the wrong place, or inside something at its place."""
    if f"/{SECRET}" in pointer:
        return False
    return pointer.rpartition("/")[2] in names or any(pointer.startswith(f"{each}/") for each in pointers)


def _not_json(refusal: NotJSONError, text: str) -> TextFault:
    values = dict(refusal.detail.values)
    if not text.strip():
        return TextFault(1, "", T("Nothing stands here. An object is expected: { … }."))
    what = values.get("what", "").partition(" (")[0]
    words = _WORDS.get(what, T("%(what)s.", what=what) if what else refusal.detail)
    return TextFault(int(values.get("line", "1")), "", words)


def _object_faults(value: Any) -> list[FieldError]:
    if isinstance(value, dict):
        return []
    return [FieldError("", "value.type", T("The settings are one object: { … }."))]


def _guessed(found: Sequence[Place]) -> dict[str, Any]:
    guess: dict[str, Any] = {}
    for place in found:
        if place.kind == "text" and place.value is not None:
            _put(guess, place.pointer.split("/")[1:], place.value)
    return guess


def _put(config: dict[str, Any], path: Sequence[str], value: JSON) -> None:
    at: Any = config
    for key in path[:-1]:
        at = at.setdefault(key, {}) if isinstance(at, dict) else {}
    if isinstance(at, dict) and path:
        at[path[-1]] = value
