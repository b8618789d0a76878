"""How each difference between two tenants stands, in words: new there, edited here, left on purpose, or to be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from flask import request

from webapp.domain.diff import Change
from webapp.domain.roles import TenantInfo
from webapp.domain.text import T, Text
from webapp.services.changes import OTHER, DescribedChange, Group
from webapp.services.transfer import drift
from webapp.services.transfer.drift import Drift, Standing
from webapp.web.changes import groups_of

Side = Literal["here", "there"]

_ICONS: Final[Mapping[Standing, str]] = {
    Standing.AHEAD: "arrow-right",
    Standing.EDITED: "edit",
    Standing.CONFLICT: "alert-triangle",
    Standing.LEFT: "circle-dashed",
    Standing.UNKNOWN: "info-circle",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A difference as the page shows it."""

    pointer: str
    lines: Sequence[DescribedChange]
    ticked: bool
    standing: str = ""
    """The value of its standing; empty where nothing was promoted before."""
    words: Text | None = None
    icon: str = ""
    here: Sequence[DescribedChange] = ()
    """For a conflict: what the target made of it."""
    there: Sequence[DescribedChange] = ()
    """For a conflict: what the source made of it."""
    kept: bool = False
    """For a conflict: whether the target kept its own last time, and nobody edited it since."""
    chosen: str = ""
    """For a conflict: the side that was chosen."""
    undecided: bool = False
    """For a conflict: whether it was confirmed without choosing."""

    @property
    def asked(self) -> bool:
        return self.standing == Standing.CONFLICT


@dataclass(frozen=True, slots=True)
class Area:
    """The differences of one part of the setup."""

    title: Text
    parts: Sequence[Part]
    left: Sequence[Part]
    """Those that stayed as they were last time, which fold."""
    left_alone: bool
    """Whether nothing of it goes unless somebody asks for it."""

    @property
    def open(self) -> bool:
        """Whether what folds shows by itself: something of it is ticked, or there is nothing else."""
        return not self.parts or any(part.ticked for part in self.left)


def areas_of(
    found: Drift, ticks: Collection[str], provider: str | None, source: TenantInfo, undecided: Collection[str] = ()
) -> list[Area]:
    """The differences in the admin's words, by part of the setup."""
    areas: dict[Text, list[Part]] = {}
    alone: dict[Text, bool] = {}
    for each in found.parts:
        group = _group(each.difference.changes, provider)
        known = found.last is not None
        part = Part(
            each.pointer,
            group.lines,
            each.pointer in ticks,
            each.standing if known else "",
            _words(each, source) if known else None,
            _ICONS[each.standing],
            _short(each.edits or each.kept, provider),
            _short(each.news or each.difference.changes, provider),
            not each.edits,
            _chosen(each.pointer),
            each.pointer in undecided,
        )
        areas.setdefault(group.title, []).append(part)
        alone[group.title] = alone.get(group.title, True) and each.difference.left_alone
    return [
        Area(
            title,
            [part for part in parts if part.standing != Standing.LEFT],
            [part for part in parts if part.standing == Standing.LEFT],
            alone[title],
        )
        for title, parts in areas.items()
    ]


def labels_of(found: Iterable[Change]) -> list[DescribedChange]:
    """Changes in words, without their groups."""
    return [line for group in groups_of(found) for line in group.lines]


def usual_ticks(found: Drift) -> list[str]:
    """What is ticked where nobody has said anything."""
    return [part.pointer for part in found.parts if part.goes]


def ticked(found: Drift) -> list[str]:
    """The parts that the form wants promoted: those that are ticked, and conflicts for which the source was taken."""
    sent = set(request.form.getlist("tick"))
    return [
        part.pointer
        for part in found.parts
        if _chosen(part.pointer) == "there" or (part.pointer in sent and not part.asked)
    ]


def undecided(found: Drift) -> list[str]:
    """The conflicts for which the form chooses no side."""
    return [part.pointer for part in found.parts if part.asked and not _chosen(part.pointer)]


def _chosen(pointer: str) -> Side | Literal[""]:
    said = request.form.get(f"side:{pointer}")
    return "here" if said == "here" else "there" if said == "there" else ""


def _group(found: Sequence[Change], provider: str | None) -> Group:
    return next(iter(groups_of(found, provider)), Group(OTHER, ()))


def _short(found: Sequence[Change], provider: str | None) -> Sequence[DescribedChange]:
    return _group(found, provider).lines if found else ()


def _words(part: drift.Part, source: TenantInfo) -> Text:
    match part.standing:
        case Standing.AHEAD:
            return T("New in %(source)s", source=source.name)
        case Standing.EDITED:
            return T("Edited here since. A tick overwrites it.")
        case Standing.CONFLICT if part.edits:
            return T("Changed on both sides since. Choose one.")
        case Standing.CONFLICT:
            return T("Kept here last time, and changed in %(source)s since. Choose one.", source=source.name)
        case Standing.LEFT:
            return T("Left as it was last time")
        case Standing.UNKNOWN:
            return T("Nobody knows whether it was edited here since: what was promoted cannot be read any more.")
