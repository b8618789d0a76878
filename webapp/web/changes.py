"""Diffs as pages show them: the lines of the services, long texts compared line by line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from webapp.connectors.base import Preset
from webapp.domain.diff import Change
from webapp.domain.text import Text
from webapp.services.changes import DescribedChange, Group, described
from webapp.web.context import services
from webapp.web.frame import translated

CONTEXT: Final = 2
"""Unchanged lines shown around a changed one."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of a long text."""

    kind: Literal["same", "old", "new", "gap"]
    text: str


def groups_of(found: Iterable[Change], provider: str | None = None, preset: Preset | None = None) -> list[Group]:
    """Say changes in words, in those of the preset where it has some."""
    groups = described(found, services().connectors, provider=provider)
    if not preset:
        return groups
    labels = {f"/connector/config/{name.replace('.', '/')}": label for name, label in preset.labels.items()}
    return [replace(group, lines=tuple(_labelled(line, labels) for line in group.lines)) for group in groups]


def text_lines(line: DescribedChange) -> list[TextLine]:
    """Compare two long texts, leaving out what stayed the same between."""
    old, new = _lines(line.old_text), _lines(line.new_text)
    shown: list[TextLine] = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        if shown:
            shown.append(TextLine("gap", "…"))
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                shown += [TextLine("same", text) for text in old[old_from:old_to]]
            else:
                shown += [TextLine("old", text) for text in old[old_from:old_to]]
                shown += [TextLine("new", text) for text in new[new_from:new_to]]
    return shown


def _labelled(line: DescribedChange, labels: Mapping[str, Text]) -> DescribedChange:
    return replace(line, label=labels.get(line.pointer, line.label))


def _lines(value: Text | str | None) -> list[str]:
    if value is None:
        return []
    return (translated(value) if isinstance(value, Text) else value).splitlines()
