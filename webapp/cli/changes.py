"""What a plan would change, as tables for the terminal."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import click

from webapp.cli.output import one_line
from webapp.domain.diff import escape, is_secret
from webapp.services.transfer.writing import write_yaml

SIGNS: Final = {"added": "+", "changed": "~", "removed": "-"}
_COLOURS: Final = {"added": "green", "changed": "yellow", "removed": "red"}
_SECRETS: Final = {"added": "secret, set", "changed": "secret, another one", "removed": "secret, gone"}
_NO_TERMINAL: Final = 160
"""Columns where nothing says how many there are, as in the log of a pipeline."""
_NARROW: Final = 24
"""Columns that values need at least beside their place; with fewer they stand below it."""
_ARROW: Final = " → "

JSONObject = Mapping[str, Any]


def change_lines(plan: JSONObject) -> list[str]:
    """A line for each value that differs, of a secret only that it does; last how many there are."""
    return _joined(_changes(plan))


def plan_lines(plan: JSONObject, *, copies: bool = False, apply: str = "") -> list[str]:
    """The same, and what else there is to know before it is applied. ``copies``: whether a source has secrets.

    ``apply``: the tenant whose plan this is, where the plan is kept.
    """
    table, *count = _changes(plan)
    warnings = [f"! {one_line(each['title'])}. {one_line(each['cause'])}" for each in plan["warnings"]]
    ways = ['{"value": "…"}', '{"env": "NAME"} for one that the operator lends', *(['"copy"'] if copies else [])]
    given = f"{', '.join(ways[:-1])} or {ways[-1]}"
    missing = _block(f"Missing secrets. A file for --secrets says of each {given}", plan["missingSecrets"])
    breaks = _block("Flows that are on and would lose their mail. Allow it with --allow-breaking", plan["breaks"])
    return _joined([table, warnings, missing, breaks, _kept(plan, apply), *count])


def _changes(plan: JSONObject) -> list[list[str]]:
    missing = plan.get("missingSecrets", ())
    rows = [
        (kind, pointer, ["secret, missing"] if values[0] in _SECRETS.values() and _needed(pointer, missing) else values)
        for change in plan["changes"]
        for kind, pointer, values in _rows(change)
    ]
    return [_table(rows), [_count(rows)]] if rows else [["Nothing to change."]]


def _needed(pointer: str, missing: Iterable[str]) -> bool:
    """Whether the secret at a place is one of the slots that are missing."""
    _, section, _, *path = [*pointer.split("/"), "", ""]
    tail = "." + ".".join(step for step in path if step)
    return any(slot.endswith(tail) and slot.startswith("fallback.") == (section == "fallback") for slot in missing)


def _kept(plan: JSONObject, tenant: str) -> list[str]:
    """How to go on with a plan that is kept."""
    if not tenant or not plan["changes"] or plan["missingSecrets"]:
        return []
    lines = [f"Kept for a day: postroom apply {tenant} {plan['planId']}"]
    if plan.get("needsReason"):
        lines += [f"Not proven:     postroom test-send {tenant} --plan {plan['planId']} --to …, or give a --reason."]
    return lines


def _joined(blocks: Sequence[Sequence[str]]) -> list[str]:
    """Blocks with an empty line between."""
    return [line for block in blocks if block for line in ("", *block)][1:]


def mapped_lines(mapped: Sequence[JSONObject]) -> list[str]:
    """What became what, of a document of another system."""
    if not mapped:
        return []
    wide = max(_width(one_line(each["source"])) for each in mapped)
    rows = [f"  {_padded(one_line(each['source']), wide)}{_ARROW}{one_line(each['target'])}" for each in mapped]
    return ["Read as:", *rows, ""]


def _block(head: str, names: Sequence[str]) -> list[str]:
    return [f"{head}:", *(f"  {one_line(name)}" for name in names)] if names else []


def _rows(change: JSONObject) -> Iterator[tuple[str, str, list[str]]]:
    """Kind, place and values of a change; what was added or removed as a whole is told part by part."""
    kind, pointer = change["kind"], change["pointer"]
    if "secret" in change:
        yield kind, pointer, [_SECRETS[kind]]
        return
    old, new = change.get("old"), change.get("new")
    if isinstance(new, dict) and old is None:
        yield from _parts("added", pointer, new)
    elif isinstance(old, dict) and new is None:
        yield from _parts("removed", pointer, old)
    else:
        yield kind, pointer, _values(old, new, change)


def _parts(kind: str, pointer: str, value: Any) -> Iterator[tuple[str, str, list[str]]]:
    if is_secret(value):
        yield kind, pointer, [_SECRETS[kind]]
    elif isinstance(value, dict) and "contentType" not in value:
        for key, part in value.items():
            if part not in (None, {}, []):
                yield from _parts(kind, f"{pointer}/{escape(key)}", part)
    else:
        yield kind, pointer, [_short(value)]


def _values(old: Any, new: Any, change: JSONObject) -> list[str]:
    texts = [value for value in (old, new) if isinstance(value, str) and "\n" in value.strip()]
    if texts and change["kind"] == "changed":
        return [_short(old), _lines(new)] if old and new else [_short(old), _short(new)]
    return [_short(change[name]) for name in ("old", "new") if name in change]


def _lines(value: Any) -> str:
    if value is None:
        return "nothing"
    count = len(str(value).splitlines())
    return "1 line" if count == 1 else f"{count} lines"


def _short(value: Any) -> str:
    """A value in one line."""
    match value:
        case None:
            return "nothing"
        case {"contentType": _, **rest}:
            if not rest.get("content"):
                return "a mail of the provider's own"
            return f"“{one_line(str(rest.get('subject') or ''))}” ({_lines(rest['content'])})"
        case str() if "\n" in value.strip():
            return f"text, {_lines(value)}"
        case str():
            return one_line(value) or '""'
        case _:
            return one_line(write_yaml({"": value}).partition(":")[2].strip())


def _table(rows: Sequence[tuple[str, str, list[str]]]) -> list[str]:
    columns = shutil.get_terminal_size((_NO_TERMINAL, 24)).columns
    kinds = max(len(kind) for kind, _, _ in rows) + 2
    places = max(_width(one_line(pointer)) for _, pointer, _ in rows)
    beside = columns - kinds - places - 4
    below = beside < _NARROW
    lines = []
    for kind, pointer, values in rows:
        head = _padded(f"{SIGNS[kind]} {kind}", kinds)
        head = click.style(head, fg=_COLOURS[kind]) if _coloured() else head
        if below:
            lines += [f"{head}  {one_line(pointer)}", f"{' ' * (kinds + 2)}{_fitted(values, columns - kinds - 2)}"]
        else:
            lines += [f"{head}  {_padded(one_line(pointer), places)}  {_fitted(values, beside)}"]
    return lines


def _fitted(values: Sequence[str], room: int) -> str:
    """Old and new in as many columns as there are; the shorter leaves its room to the longer."""
    room = max(room, 2 * _NARROW // 3)
    if len(values) == 1:
        return _cut(values[0], room)
    room -= len(_ARROW)
    old, new = values
    half = room // 2
    first = max(half, room - _width(new)) if _width(new) < half else half
    old = _cut(old, first)
    return f"{old}{_ARROW}{_cut(new, room - _width(old))}"


def _count(rows: Sequence[tuple[str, str, list[str]]]) -> str:
    counted = Counter(kind for kind, _, _ in rows)
    return ", ".join(f"{counted[kind]} {kind}" for kind in SIGNS if counted[kind]) + "."


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _width(text: str) -> int:
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _cut(text: str, room: int) -> str:
    if _width(text) <= room:
        return text
    taken = 0
    for at, char in enumerate(text):
        taken += _columns(char)
        if taken > room - 1:
            return f"{text[:at]}…"
    return text
