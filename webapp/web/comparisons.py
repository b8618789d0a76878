"""How the other tenants of a person stand beside the one of the page, and what was promoted last between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from flask_babel import gettext, ngettext

from webapp.domain.diff import Change, changes
from webapp.domain.errors import SetupUnreadableError
from webapp.domain.roles import Access, Permission, TenantInfo
from webapp.domain.text import T, Text
from webapp.services.changes import DescribedChange
from webapp.services.transfer.drift import Drift, Standing
from webapp.services.transfer.lineage import Promoted
from webapp.web.changes import groups_of
from webapp.web.context import current_access, current_person, services
from webapp.web.migrate.pairs import pair_of, pairable

PLACES_SHOWN: Final = 20
FEW: Final = 3
"""Other tenants of which each is compared; where there are more, only those that belong to this one."""

_WORDS: Final = {
    Standing.EDITED: T("edited here"),
    Standing.CONFLICT: T("changed on both sides"),
    Standing.UNKNOWN: T("unknown"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Something that drifted, in words and as a pointer."""

    label: DescribedChange | None
    pointer: str
    words: Text


@dataclass(frozen=True, slots=True)
class Comparison:
    """How another tenant of the same person stands beside this one."""

    tenant: TenantInfo
    changes: int
    """How many values differ, secrets left out; or how many parts wait to be promoted."""
    alone: bool
    """Whether the tenant of the page is not set up itself."""
    here: TenantInfo
    source: TenantInfo | None = None
    """The one of the two that is promoted from, where that is clear: ``changes`` count what would go."""
    open: bool = False
    """Whether the person may open the page that compares the two."""
    drift: Drift | None = None
    several: bool = False
    """Whether the same target is compared with several sources."""

    @property
    def target(self) -> TenantInfo:
        return self.tenant if self.source and self.source.id == self.here.id else self.here

    @property
    def last(self) -> Promoted | None:
        """What was promoted last from the one into the other."""
        return self.drift.last if self.drift else None

    @property
    def edits(self) -> int:
        """How many parts of the target were edited since."""
        return self.drift.edits if self.drift else 0

    @property
    def words(self) -> str:
        name = self.tenant.name
        if not self.tenant.active_revision:
            return str(gettext("%(name)s is not set up yet.", name=name))
        if self.alone:
            return str(gettext("%(name)s is set up already.", name=name))
        said = self._behind()
        return f"{said} {gettext('It was edited since.')}" if self.last and self.edits else said

    def _behind(self) -> str:
        if self.source and self.changes:
            names = {"name": self.target.name, "source": self.source.name}
            if self.several:
                one, many = (
                    "%(name)s is one change behind %(source)s.",
                    "%(name)s is %(num)d changes behind %(source)s.",
                )
            else:
                one, many = "%(name)s is one change behind.", "%(name)s is %(num)d changes behind."
            return str(ngettext(one, many, self.changes, **names))
        if self.source and self.last:
            names = {"name": self.target.name, "source": self.source.name}
            return str(gettext("%(name)s is up to date with %(source)s.", **names))
        if not self.changes:
            return str(gettext("%(name)s has the same setup, secrets aside.", name=self.tenant.name))
        one, many = "%(name)s differs in one value.", "%(name)s differs in %(num)d values."
        return str(ngettext(one, many, self.changes, name=self.tenant.name))

    @property
    def places(self) -> list[Place]:
        """The first of what drifted since the last promotion."""
        return list(self._places())[:PLACES_SHOWN]

    @property
    def more(self) -> int:
        """How many places are not shown."""
        return max(0, len(list(self._places())) - PLACES_SHOWN)

    def _places(self) -> Iterator[Place]:
        ahead = T("new in %(source)s", source=self.source.name) if self.source else T("new")
        for part in self.drift.parts if self.drift else ():
            if part.standing in _WORDS or part.goes:
                yield Place(_label(part.difference.changes), part.pointer, _WORDS.get(part.standing, ahead))
        for secret in self.drift.secrets if self.drift else ():
            yield Place(_label([secret]), secret.pointer, _WORDS[Standing.EDITED])


@dataclass(frozen=True, slots=True)
class Origin:
    """What was promoted last into the tenant of the page, and how far both went apart since."""

    last: Promoted
    name: str
    """Of the tenant that it came from; its short name, where the person is no member of it."""
    comparison: Comparison | None


def comparisons_of(tenant: TenantInfo) -> list[Comparison]:
    """Compare with the tenants that this person is a member of; strangers' are not even counted.

    Of many, only with the one that was promoted from last and with the usual other one.
    """
    others = _others(tenant)
    known = {tenant.slug, *(access.tenant.slug for access in others)}
    found = []
    for there in _nearest(tenant, others):
        # What cannot be read is told on that tenant's own pages; this one does not suffer from it.
        with suppress(SetupUnreadableError):
            if compared := _compared(tenant, there, known):
                found.append(compared)
    targets = [each.target.id for each in found if each.source]
    return [replace(each, several=bool(each.source) and targets.count(each.target.id) > 1) for each in found]


def onward_of(tenant: TenantInfo) -> TenantInfo | None:
    """Where what is new in a tenant would be promoted to, where that waits; into production before anywhere else."""
    waits = [
        each.target
        for each in comparisons_of(tenant)
        if each.open and each.changes and each.source and each.source.id == tenant.id
    ]
    return next((each for each in waits if each.production), next(iter(waits), None))


def others_of(tenant: TenantInfo) -> int:
    """How many tenants of this person are not compared with."""
    others = _others(tenant)
    return len(others) - len(_nearest(tenant, others))


def origin_of(tenant: TenantInfo, found: Sequence[Comparison]) -> Origin | None:
    """What was promoted last into this tenant; None where nothing was."""
    last = services().promoting.last(tenant)
    if last is None:
        return None
    comparison = next((each for each in found if each.target.id == tenant.id and each.last == last), None)
    name = comparison.source.name if comparison and comparison.source else last.source
    return Origin(last, name, comparison)


def _others(tenant: TenantInfo) -> list[Access]:
    if current_person() is None or current_access().actor.kind != "person":
        return []
    return [access for access in pairable() if access.tenant.id != tenant.id]


def _nearest(tenant: TenantInfo, others: Sequence[Access]) -> list[Access]:
    if len(others) <= FEW:
        return list(others)
    last, pair = services().promoting.last(tenant), pair_of(tenant)
    near = {last.source if last else "", *(each.slug for each in pair or ())}
    return [access for access in others if access.tenant.slug in near]


def _compared(here: TenantInfo, there: Access, known: set[str]) -> Comparison | None:
    other, alone = there.tenant, not here.active_revision
    pair = _direction(here, there)
    if pair is None:
        own, theirs = (services().setups.active(each).document for each in (here, other))
        return Comparison(other, _differences(own, theirs), alone, here)
    source, target = pair
    last = services().promoting.last(target.tenant)
    if last and last.source != source.tenant.slug and last.source in known:
        # It follows another tenant, with which it is compared; what is here reaches it through that one.
        return None
    drift = services().promoting.drift(source, target)
    return Comparison(other, drift.behind, alone, here, source.tenant, target.may(Permission.EDIT), drift)


def _direction(here: TenantInfo, there: Access) -> tuple[Access, Access] | None:
    """Source and target: from development to production, else the way in which was promoted before."""
    own, other = current_access(), there.tenant
    if here.production != other.production:
        return (there, own) if here.production else (own, there)
    for source, target in ((there, own), (own, there)):
        last = services().promoting.last(target.tenant)
        if last and last.source == source.tenant.slug:
            return source, target
    return None


def _differences(one: dict[str, Any], other: dict[str, Any]) -> int:
    """Count what differs. A secret's marks say nothing across tenants."""
    return sum(not change.secret for change in changes(one, other))


def _label(found: Sequence[Change]) -> DescribedChange | None:
    return next((line for group in groups_of(found) for line in group.lines), None)
