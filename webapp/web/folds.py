"""Pages of changes that stay light: long texts and many mails are folds, and come when they are opened.

With scripts a fold fetches its part of the changes where it stands. Without, it leads to that part on a page of its
own. Both ask the same address, which each page of changes gives for its own two sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from flask import render_template, request
from flask.typing import ResponseReturnValue

from webapp.connectors.base import Preset
from webapp.domain.diff import Change
from webapp.domain.text import T, Text
from webapp.services.changed_mails import Mail, mails
from webapp.services.changes import DescribedChange, Group, Value
from webapp.web.changes import TextLine, groups_of, text_lines
from webapp.web.frame import translated

TEXTS_AT_ONCE: Final = 12_000
"""Characters of long texts, old and new, that are drawn with a page."""
TEXT_AT_ONCE: Final = 36_000
"""Characters of one long text that are fetched at once; the rest is a fold of its own."""
MARKUP: Final = 60
"""Characters that drawing a line costs beside its text."""
LINES_AT_ONCE: Final = 24
"""Lines of changes that are drawn with a page; with more, mails fold by usage type, then each by itself."""

Kind = Literal["added", "changed", "removed"]
Address = Callable[[str], str]
"""Where the changes at a pointer and below are asked for."""

_COUNTED: Final[dict[Kind, tuple[Text, str]]] = {
    "added": (T("1 mail added"), "%(count)s mails added"),
    "changed": (T("1 mail changed"), "%(count)s mails changed"),
    "removed": (T("1 mail removed"), "%(count)s mails removed"),
}
_KINDS: Final[dict[Kind, Text]] = {"added": T("added"), "changed": T("changed"), "removed": T("removed")}


@dataclass(frozen=True, slots=True)
class Fold:
    """Changes that are said in one line, and come when it is opened."""

    pointer: str
    label: Value
    words: tuple[Text, ...]
    """Such as "30 mails added"."""


@dataclass(frozen=True, slots=True)
class Part:
    """The changes of one part of the setup: drawn, or folded."""

    title: Text
    lines: tuple[DescribedChange, ...]
    folds: tuple[Fold, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """Changes as a page draws them."""

    parts: tuple[Part, ...]
    address: Address
    at_once: bool
    """Whether long texts are drawn with the page."""

    def text(self, line: DescribedChange) -> Sequence[TextLine]:
        """A long text, compared line by line."""
        return text_lines(line)

    def __bool__(self) -> bool:
        return bool(self.parts)


def sheet_of(
    found: Sequence[Change],
    address: Address,
    provider: str | None = None,
    preset: Preset | None = None,
    *,
    sheets: int = 1,
) -> Sheet:
    """Lay out what is found; ``sheets`` is how many share the page."""
    groups = groups_of(found, provider, preset)
    return _laid_out(groups, mails(found), address, depth=1, sheets=sheets)


def part_page(
    found: Sequence[Change],
    address: Address,
    back: str,
    provider: str | None = None,
    preset: Preset | None = None,
) -> ResponseReturnValue:
    """Answer with the changes at the pointer that was asked for: for its fold, or as a page with a way back."""
    pointer = request.args.get("pointer", "")
    groups = [
        replace(group, lines=below)
        for group in groups_of(found, provider, preset)
        if (below := tuple(line for line in group.lines if _within(pointer, line.pointer)))
    ]
    lines = [line for group in groups for line in group.lines]
    if not lines:
        return _drawn(back, _title(T("This is not there any more"))), 404
    if len(lines) == 1 and lines[0].pointer == pointer and lines[0].multiline:
        title = _title(lines[0].label, *lines[0].within)
        start = request.args.get("line", 0, type=int)
        text, following = cut(text_lines(lines[0]), max(start, 0))
        rest = f"{address(pointer)}&line={following}" if following else ""
        return _drawn(back, title, text=text, rest=rest)
    depth = max(pointer.count("/"), 1)
    said = depth - 1 if pointer.startswith("/templates/") else 0
    title = _title(*lines[0].within[:said]) if said else _title(groups[0].title)
    sheet = _laid_out(_told_below(groups, said), mails(found), address, depth=depth)
    return _drawn(back, title, sheet)


def cut(lines: Sequence[TextLine], start: int) -> tuple[Sequence[TextLine], int | None]:
    """As many lines from one on as are fetched at once, and where it goes on."""
    length = 0
    for at in range(start, len(lines)):
        length += len(lines[at].text) + MARKUP
        if length > TEXT_AT_ONCE and at > start:
            return lines[start:at], at
    return lines[start:], None


def _drawn(back: str, title: str, sheet: Sheet | None = None, text: Sequence[TextLine] = (), rest: str = "") -> str:
    template = "pages/changes/_part.html" if request.headers.get("HX-Request") else "pages/changes/part.html"
    return render_template(template, back=back, title=title, sheet=sheet, text=text, rest=rest)


def _laid_out(
    groups: Sequence[Group], kinds: Sequence[Mail], address: Address, *, depth: int, sheets: int = 1
) -> Sheet:
    lines = [line for group in groups for line in group.lines]
    many = len(lines) > LINES_AT_ONCE // sheets
    parts = []
    for group in groups:
        folding = many and depth < 3 and group.lines[0].pointer.startswith("/templates/")
        folds = tuple(_folds(group.lines, kinds, depth)) if folding else ()
        parts.append(Part(group.title, () if folds else group.lines, folds))
    drawn = [line for part in parts for line in part.lines]
    return Sheet(tuple(parts), address, _length(drawn) <= TEXTS_AT_ONCE // sheets)


def _folds(lines: Iterable[DescribedChange], kinds: Sequence[Mail], depth: int) -> Iterable[Fold]:
    """The mails by usage type; or, where they are of one, by language."""
    first: dict[str, DescribedChange] = {}
    for line in lines:
        first.setdefault("/".join(line.pointer.split("/")[: depth + 2]), line)
    for pointer, line in first.items():
        found = [mail.kind for mail in kinds if _within(pointer, mail.pointer)]
        words = counted(found) if depth == 1 else (_KINDS[found[0]],)
        yield Fold(pointer, line.within[0], words)


def counted(kinds: Sequence[Kind]) -> tuple[Text, ...]:
    """Say how many mails come, change and go."""
    counts = [(kinds.count(kind), one, several) for kind, (one, several) in _COUNTED.items()]
    return tuple(one if count == 1 else T(several, count=count) for count, one, several in counts if count)


def _told_below(groups: Sequence[Group], said: int) -> list[Group]:
    """The lines without the words that their fold says already."""
    return [
        replace(group, lines=tuple(replace(line, within=line.within[said:]) for line in group.lines))
        for group in groups
    ]


def _title(*words: Value) -> str:
    return " · ".join(translated(word) if isinstance(word, Text) else word or "" for word in words)


def _length(lines: Iterable[DescribedChange]) -> int:
    texts = (text for line in lines if line.multiline for text in (line.old_text, line.new_text))
    return sum(len(text) + MARKUP * text.count("\n") if isinstance(text, str) else 0 for text in texts)


def _within(pointer: str, place: str) -> bool:
    return place == pointer or place.startswith(f"{pointer}/")
