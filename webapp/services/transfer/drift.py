"""What happened in two tenants since one was promoted into the other: three sides, part by part.

What was promoted then is the side that both began with. A part that changed only there is ahead, one that changed only
here was edited, one that changed on both sides is a conflict, and one that nobody touched was left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Final

from webapp.domain.diff import Change, changes
from webapp.domain.errors import NotFoundError, SetupUnreadableError
from webapp.domain.roles import TenantInfo
from webapp.domain.tenant_document import slotted
from webapp.services.setups import Setups, StoredSetup
from webapp.services.transfer.differing import Difference, differences
from webapp.services.transfer.lineage import Lineages, Promoted

_MAIL: Final = re.compile(r"/templates/[^/]+/[^/]+")
_BODY: Final = frozenset({"contentType", "content", "text", "providerTemplate"})
"""Fields of a mail that are written together: HTML of one side does not go with the text of the other."""


class Standing(StrEnum):
    """Which side changed a part since it was promoted last."""

    AHEAD = "ahead"
    """The source, or it was never promoted."""
    EDITED = "edited"
    """The target."""
    CONFLICT = "conflict"
    """Both; also where the target kept its own then, and the source changed since."""
    LEFT = "left"
    """Neither: it was left as it is."""
    UNKNOWN = "unknown"
    """What was promoted cannot be read any more."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that differs, and what became of it on both sides."""

    difference: Difference
    standing: Standing
    edits: tuple[Change, ...] = ()
    """What was edited in the target since."""
    kept: tuple[Change, ...] = ()
    """Where the target kept its own when the rest was promoted."""
    news: tuple[Change, ...] = ()
    """What changed in the source since."""

    @property
    def pointer(self) -> str:
        return self.difference.pointer

    @property
    def asked(self) -> bool:
        """Whether somebody has to say which side it shall be."""
        return self.standing is Standing.CONFLICT

    @property
    def goes(self) -> bool:
        """Whether promoting takes it along where nobody says otherwise."""
        return self.standing is Standing.AHEAD and not self.difference.left_alone


@dataclass(frozen=True, slots=True)
class Drift:
    """How far two tenants went apart."""

    last: Promoted | None
    """What was promoted last; None where nothing ever was, or it was undone."""
    parts: tuple[Part, ...]
    secrets: tuple[Change, ...] = ()
    """Secrets that were changed in the target since. Across tenants they are not compared."""

    @property
    def edited(self) -> tuple[Change, ...]:
        """What was edited in the target since, secrets among it."""
        return (*(change for part in self._of(Standing.EDITED) for change in part.edits), *self.secrets)

    @property
    def ahead(self) -> tuple[Change, ...]:
        """What promoting would bring that is new in the source."""
        return self._changes(Standing.AHEAD)

    @property
    def conflicts(self) -> tuple[Change, ...]:
        """What promoting would change where both sides have their own."""
        return self._changes(Standing.CONFLICT, Standing.UNKNOWN)

    @property
    def left(self) -> tuple[Change, ...]:
        """What differs as it did when the rest was promoted."""
        return self._changes(Standing.LEFT)

    @property
    def behind(self) -> int:
        """How many parts of the source wait to be promoted, or to be decided about."""
        waits = (Standing.AHEAD, Standing.UNKNOWN)
        return sum(part.asked or (part.standing in waits and not part.difference.left_alone) for part in self.parts)

    @property
    def edits(self) -> int:
        """How many parts of the target were edited since, those among them that changed on both sides."""
        return sum(bool(part.edits) for part in self.parts) + len(self.secrets)

    def _of(self, *standings: Standing) -> Iterator[Part]:
        return (part for part in self.parts if part.standing in standings)

    def _changes(self, *standings: Standing) -> tuple[Change, ...]:
        return tuple(change for part in self._of(*standings) for change in part.difference.changes)


class Drifts:
    """Says how two tenants drifted apart."""

    def __init__(self, setups: Setups) -> None:
        self._setups = setups
        self._lineages = Lineages(setups)

    def last(self, target: TenantInfo, number: int) -> Promoted | None:
        """What was promoted last into what is live in a tenant, wherever it came from."""
        return next(iter(self._lineages.promotions(target, number)), None)

    def between(self, source: TenantInfo, theirs: StoredSetup, target: TenantInfo, ours: StoredSetup) -> Drift:
        """Compare what is live in two tenants with what was promoted last from the one into the other."""
        found = differences(slotted(ours.document), slotted(theirs.document))
        bases = [_Base(each) for each in self._behind(source, target, ours.number)]
        if not bases:
            return Drift(None, tuple(Part(each, Standing.AHEAD) for each in found))
        for base in bases:
            base.read(self._setups, source, theirs, target, ours)
        parts, secrets = _judged_parts(found, bases)
        if any(_merges_by_field(part) for part in parts):
            pieces = [piece for part in parts for piece in (_fields(part) if _merges_by_field(part) else [part])]
            parts, secrets = _judged_parts([piece.difference for piece in pieces], bases)
        return Drift(bases[0].promoted, tuple(parts), tuple(secrets))

    def _behind(self, source: TenantInfo, target: TenantInfo, number: int) -> Iterator[Promoted]:
        """The promotions that have a say: back to the newest that looked at everything."""
        for promoted in self._lineages.promotions(target, number):
            if promoted.source == source.slug:
                yield promoted
                if not promoted.only:
                    return


@dataclass(slots=True)
class _Base:
    """One promotion, and what changed on both sides since."""

    promoted: Promoted
    readable: bool = False
    edits: Sequence[Change] = ()
    kept: Sequence[Change] = ()
    news: Sequence[Change] = ()

    def read(
        self, setups: Setups, source: TenantInfo, theirs: StoredSetup, target: TenantInfo, ours: StoredSetup
    ) -> None:
        if self.promoted.source_revision is None:
            return
        try:
            old_theirs = setups.revision(source, self.promoted.source_revision).document
            old_ours = setups.revision(target, self.promoted.number).document
        except (NotFoundError, SetupUnreadableError):
            return  # it is said that nobody knows
        self.readable = True
        # Within a tenant secrets compare by their fingerprints; across tenants there are only their slots.
        self.edits = changes(old_ours, ours.document)
        self.kept = changes(slotted(old_theirs), slotted(old_ours))
        self.news = changes(slotted(old_theirs), slotted(theirs.document))


@dataclass(slots=True)
class _Sides:
    edits: list[Change] = field(default_factory=list)
    kept: list[Change] = field(default_factory=list)
    news: list[Change] = field(default_factory=list)


def _judged_parts(found: Sequence[Difference], bases: Sequence[_Base]) -> tuple[list[Part], list[Change]]:
    """How each part stands; and the secrets that were edited in none of them."""
    places = _Places(found)
    sides = [_Sides() for _ in found]
    secrets: list[Change] = []

    @cache
    def newest(pointer: str) -> int | None:
        """The newest promotion that looked at a place; with fifty of them each place is asked about often."""
        return next((at for at, base in enumerate(bases) if base.promoted.covers(pointer)), None)

    for index, base in enumerate(bases):
        for name, listed in (("edits", base.edits), ("kept", base.kept), ("news", base.news)):
            for change in listed:
                if newest(change.pointer) != index:
                    continue
                touched = places.touched(change.pointer)
                for at in touched:
                    getattr(sides[at], name).append(change)
                if name == "edits" and change.secret and not touched:
                    secrets.append(change)
    return [_judged(each, side, bases) for each, side in zip(found, sides, strict=True)], secrets


def _merges_by_field(part: Part) -> bool:
    """Whether both sides changed a mail, but not the same of it: then its fields can go, or stay, one by one."""
    if part.standing is not Standing.CONFLICT or not _MAIL.fullmatch(part.pointer):
        return False
    found = part.difference.changes
    own, new, differ = (
        {_field(each.pointer) for each in side} for side in ((*part.edits, *part.kept), part.news, found)
    )
    whole = part.pointer in own | new | differ  # it came or went
    return not whole and own.isdisjoint(new) and not (_bodies(own) and _bodies(new))


def _bodies(fields: Iterable[str]) -> set[str]:
    return {each for each in fields if each.rpartition("/")[2] in _BODY}


def _field(pointer: str) -> str:
    """The field of a mail in which a change lies, as a pointer."""
    return "/".join(pointer.split("/")[:5])


def _fields(part: Part) -> list[Part]:
    by_field: dict[str, list[Change]] = {}
    for change in part.difference.changes:
        by_field.setdefault(_field(change.pointer), []).append(change)
    return [Part(Difference(pointer, tuple(found)), part.standing) for pointer, found in by_field.items()]


def _judged(difference: Difference, sides: _Sides, bases: Sequence[_Base]) -> Part:
    of = [next((base for base in bases if base.promoted.covers(each.pointer)), None) for each in difference.changes]
    if any(base and not base.readable for base in of):
        return Part(difference, Standing.UNKNOWN)
    news = bool(sides.news) or None in of
    own = bool(sides.edits) or (bool(sides.kept) and not difference.left_alone)
    standing = (
        (Standing.CONFLICT if own else Standing.AHEAD) if news else (Standing.EDITED if sides.edits else Standing.LEFT)
    )
    return Part(difference, standing, tuple(sides.edits), tuple(sides.kept), tuple(sides.news))


class _Places:
    """Finds the parts in which a change lies: at a value that differs, above or below it."""

    def __init__(self, found: Iterable[Difference]) -> None:
        self._at: dict[str, set[int]] = {}
        self._below: dict[str, set[int]] = {}
        for index, difference in enumerate(found):
            for change in difference.changes:
                self._at.setdefault(change.pointer, set()).add(index)
                for above in _above(change.pointer):
                    self._below.setdefault(above, set()).add(index)

    def touched(self, pointer: str) -> set[int]:
        return set().union(
            self._below.get(pointer, ()), *(self._at.get(each, ()) for each in (pointer, *_above(pointer)))
        )


def _above(pointer: str) -> Iterator[str]:
    while pointer:
        pointer = pointer.rpartition("/")[0]
        if pointer:
            yield pointer


def overwritten(drift: Drift, ours: Mapping[str, Any], merged: Mapping[str, Any]) -> Iterator[Part]:
    """The parts that were edited in the target and that a merged setup has otherwise; both with slots."""
    edited = [Difference(part.pointer, part.edits) for part in drift.parts if part.edits]
    places = _Places(edited)
    lost = {index for change in changes(ours, merged) for index in places.touched(change.pointer)}
    by_pointer = {part.pointer: part for part in drift.parts}
    return (by_pointer[edited[index].pointer] for index in sorted(lost))
