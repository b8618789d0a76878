"""How each difference between two tenants stands, in words: new there, edited here, left on purpose, or to be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from flask import request

from webapp.domain.diff import Change
from webapp.domain.roles import TenantInfo
from webapp.domain.text import T, Text
from webapp.services.changes import OTHER, TEMPLATES, DescribedChange, Group
from webapp.services.transfer import drift
from webapp.services.transfer.drift import Drift, Standing
from webapp.web.changes import groups_of
from webapp.web.migrate.mails import Mails, Sent, are_many, folded, is_mail, key_of

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
    mails: Sequence[Mails] = ()
    """Mails that fold, where there are many."""
    left_mails: Sequence[Mails] = ()

    @property
    def open(self) -> bool:
        """Whether what folds shows by itself, since something of it is ticked."""
        return any(part.ticked for part in self.left) or any(each.chosen or each.open for each in self.left_mails)

    @property
    def left_count(self) -> int:
        return len(self.left) + sum(len(each.mails) for each in self.left_mails)


def areas_of(
    found: Drift, ticks: Collection[str], provider: str | None, source: TenantInfo, undecided: Collection[str] = ()
) -> list[Area]:
    """The differences in the admin's words, by part of the setup."""
    areas: dict[Text, list[Part]] = {}
    alone: dict[Text, bool] = {}
    sent, standing = Sent(request.form), partial(_standing, found, source)
    many = are_many(found.parts)
    mails = folded([part for part in found.parts if is_mail(part)], standing, ticks, sent, undecided) if many else []
    for each in found.parts:
        if many and is_mail(each):
            areas.setdefault(TEMPLATES, [])
            alone[TEMPLATES] = False
            continue
        group = _group(each.difference.changes, provider)
        part = Part(
            each.pointer,
            group.lines,
            each.pointer in ticks,
            *standing(each),
            _short(each.edits or each.kept, provider),
            _short(each.news or each.difference.changes, provider),
            not each.edits,
            sent.side(each),
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
            [each for each in mails if each.standing != Standing.LEFT] if title == TEMPLATES else (),
            [each for each in mails if each.standing == Standing.LEFT] if title == TEMPLATES else (),
        )
        for title, parts in areas.items()
    ]


def nothing_new(found: Drift) -> bool:
    """Whether all that differs was left as it was."""
    return bool(found.parts) and all(part.standing is Standing.LEFT for part in found.parts)


def labels_of(found: Iterable[Change]) -> list[DescribedChange]:
    """Changes in words, without their groups."""
    return [line for group in groups_of(found) for line in group.lines]


def usual_ticks(found: Drift) -> list[str]:
    """What is ticked where nobody has said anything."""
    return [part.pointer for part in found.parts if part.goes]


def ticked(found: Drift) -> list[str]:
    """The parts that the form wants promoted: those that are ticked, and conflicts for which the source was taken."""
    sent = Sent(request.form)
    return [
        part.pointer for part in found.parts if sent.side(part) == "there" or (not part.asked and sent.ticked(part))
    ]


def undecided(found: Drift) -> list[str]:
    """The conflicts for which the form chooses no side."""
    sent = Sent(request.form)
    return [part.pointer for part in found.parts if part.asked and not sent.side(part)]


def _group(found: Sequence[Change], provider: str | None) -> Group:
    return next(iter(groups_of(found, provider)), Group(OTHER, ()))


def _short(found: Sequence[Change], provider: str | None) -> Sequence[DescribedChange]:
    return _group(found, provider).lines if found else ()


def _standing(found: Drift, source: TenantInfo, part: drift.Part) -> tuple[str, Text | None, str]:
    if found.last is None:
        return "", None, ""
    return part.standing, _words(part, source), _ICONS[part.standing]


def mails_of(found: Drift, source: TenantInfo, key: str) -> Mails | None:
    """One fold of mails, opened."""
    parts = [part for part in found.parts if is_mail(part) and key_of(part) == key]
    sent = Sent(request.args)
    ticks = [part.pointer for part in parts if sent.ticked(part)]
    return next(iter(folded(parts, partial(_standing, found, source), ticks, sent)), None)


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
