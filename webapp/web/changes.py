"""Diffs as pages show them: the lines of the services, long texts compared line by line."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
EFFORT_LIMIT: Final = 50_000
"""Pairs of equal lines that are looked through; a real mail has hundreds."""

Opcode = tuple[str, int, int, int, int]


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
    for group in _grouped(_compared(old, new)):
        if shown:
            shown.append(TextLine("gap", "…"))
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                shown += [TextLine("same", text) for text in old[old_from:old_to]]
            else:
                shown += [TextLine("old", text) for text in old[old_from:old_to]]
                shown += [TextLine("new", text) for text in new[new_from:new_to]]
    return shown


def _compared(old: list[str], new: list[str]) -> list[Opcode]:
    """What leads from one to the other, as ``difflib`` says it; coarser where it would look for hours."""
    start = _same(old, new)
    end = _same(old[start:][::-1], new[start:][::-1])
    old_end, new_end = len(old) - end, len(new) - end
    between = old[start:old_end], new[start:new_end]
    codes: list[Opcode] = [("equal", 0, start, 0, start)] if start else []
    if _effort(*between) <= EFFORT_LIMIT:
        for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, *between, autojunk=False).get_opcodes():
            codes.append((tag, start + i1, start + i2, start + j1, start + j2))
    else:
        codes.append(("replace", start, old_end, start, new_end))
    return [*codes, ("equal", old_end, len(old), new_end, len(new))] if end else codes


def _same(old: list[str], new: list[str]) -> int:
    """How many lines are the same from the beginning on."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(old), len(new)))


def _effort(old: list[str], new: list[str]) -> int:
    """How many pairs of equal lines there are to choose from."""
    counted = Counter(new)
    return sum(counted[text] for text in old)


def _grouped(codes: list[Opcode]) -> Iterable[Sequence[Opcode]]:
    matcher = difflib.SequenceMatcher(None, "", "")
    matcher.opcodes = codes  # type: ignore[attr-defined]  # what get_opcodes() would answer
    return matcher.get_grouped_opcodes(CONTEXT) if any(code[0] != "equal" for code in codes) else ()


def _labelled(line: DescribedChange, labels: Mapping[str, Text]) -> DescribedChange:
    return replace(line, label=labels.get(line.pointer, line.label))


def _lines(value: Text | str | None) -> list[str]:
    if value is None:
        return []
    return (translated(value) if isinstance(value, Text) else value).splitlines()
