"""Promoting: what is live in one tenant, or the parts of it that are wanted, as a plan for another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from webapp.domain import tenant_document
from webapp.domain.diff import Change, changes, escape
from webapp.domain.errors import (
    FieldError,
    ForbiddenError,
    InputError,
    NotFoundError,
    SecretRetypeRequiredError,
)
from webapp.domain.roles import Access, Permission, TenantInfo
from webapp.domain.tenant_document import slotted
from webapp.domain.text import T
from webapp.services.setups import Setups, StoredSetup
from webapp.services.transfer.differing import Difference
from webapp.services.transfer.drift import Drift, Drifts
from webapp.services.transfer.lineage import Promoted
from webapp.services.transfer.merging import Promotion, kept, overwriting, put_over, settled
from webapp.services.transfer.planning import Planning, TransferPlan, Wanted
from webapp.services.transfer.slots import Choice, read_choices

__all__ = ["Comparison", "Place", "Promoting", "Promotion", "may_copy"]

COPY: Final = "copy"


@dataclass(frozen=True, slots=True)
class Place:
    """A secret of what would be promoted."""

    slot: str
    pointer: str
    keepable: bool
    """Whether the target's own may stay there."""
    copyable: bool
    """Whether the source's may be taken along."""
    lendable: tuple[str, ...] = ()
    """The names of the operator's secrets that may go there."""
    receiver: str = ""
    """Who gets it, to be compared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tenants beside each other, each as it is live."""

    source_revision: int
    target_revision: int
    drift: Drift

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(part.difference for part in self.drift.parts)


class Promoting:
    """Plans promotions between tenants."""

    def __init__(self, setups: Setups, planning: Planning) -> None:
        self._setups = setups
        self._planning = planning
        self._drifts = Drifts(setups)

    def plan(self, source: Access, target: Access, wanted: Promotion, *, base: int | None = None) -> TransferPlan:
        """Say what promoting would do; nothing is applied.

        Raises InputError for pointers that lead nowhere, ForbiddenError for secrets that may not be copied,
        PromotionConflictsError for what a merge cannot decide, and what planning raises.
        """
        whole, choices, typed = self._asked(source, target, wanted)
        asked = {"typed": typed, "receivers": self._receivers(whole.setup)}
        return self._planning.plan(target, whole, choices, base=base, asked=asked)

    def look(self, source: Access, target: Access, wanted: Promotion, *, base: int | None = None) -> TransferPlan:
        """The same, and keep nothing."""
        whole, choices, _ = self._asked(source, target, wanted)
        return self._planning.look(target, whole, choices, base=base)

    def remember(self, target: Access, typed: Mapping[str, str], places: Collection[Place]) -> str:
        """Keep secrets that were typed for what cannot be planned yet; returns an id for ``typed``."""
        receivers = {place.slot: place.receiver for place in places}
        return self._planning.remember(target, "promote", {"typed": dict(typed), "receivers": receivers})

    def typed(self, target: Access, plan_id: str, places: Collection[Place]) -> Mapping[str, str]:
        """The secrets that were typed for a plan, slot → value: those that go where they were typed for.

        Raises NotFoundError.
        """
        kept = self._planning.kept(target, plan_id)
        if kept.origin != "promote" or kept.asked is None:
            raise NotFoundError
        bound = kept.asked.get("receivers", {})
        same = {place.slot for place in places if bound.get(place.slot) == place.receiver}
        return {slot: value for slot, value in kept.asked["typed"].items() if slot in same}

    def led_as_seen(self, source: Access, target: Access, theirs: int, ours: int, wanted: Promotion) -> frozenset[str]:
        """The slots whose secrets go where they went when somebody saw these revisions. Raises NotFoundError."""
        then = self._setups.revision(target.tenant, ours), self._setups.revision(source.tenant, theirs)
        live = self._setups.active(target.tenant), self._setups.active(source.tenant)
        try:
            before, after = (
                self._receivers(put_over(slotted(old.document), slotted(new.document), wanted))
                for old, new in (then, live)
            )
        except InputError:  # then there was not yet what is wanted now
            return frozenset()
        return frozenset(slot for slot, receiver in after.items() if before.get(slot) == receiver)

    def _receivers(self, merged: Mapping[str, Any]) -> dict[str, str]:
        """Who gets the secret of each slot."""
        sections = self._setups.receivers(merged)
        return {slot: sections[pointer.split("/")[1]] for pointer, slot in tenant_document.slots(merged).items()}

    def compared(self, source: Access, target: Access) -> Comparison:
        """What differs between two tenants, in parts that can go alone. Raises InputError, ForbiddenError."""
        theirs, ours = self._both(source, target)
        return Comparison(theirs.number, ours.number, self._drifts.between(source.tenant, theirs, target.tenant, ours))

    def drift(self, source: Access, target: Access) -> Drift:
        """How far two tenants went apart since the last promotion. Raises InputError, ForbiddenError."""
        return self.compared(source, target).drift

    def last(self, tenant: TenantInfo) -> Promoted | None:
        """What was promoted last into what is live in a tenant, wherever it came from."""
        return self._drifts.last(tenant, self._setups.active(tenant).number)

    def between(self, source: Access, target: Access, theirs: int, ours: int) -> list[Change]:
        """What leads from a revision of the target to one of the source's. Raises NotFoundError, ForbiddenError."""
        if not source.may(Permission.READ):
            raise ForbiddenError
        old, new = self._setups.revision(target.tenant, ours), self._setups.revision(source.tenant, theirs)
        return changes(slotted(old.document), slotted(new.document))

    def places(self, source: Access, target: Access, wanted: Promotion) -> tuple[Place, ...]:
        """The secrets of what would be promoted, and where each may be taken from."""
        theirs, ours = self._both(source, target)
        merged = self._asked_here(target, ours, put_over(slotted(ours.document), slotted(theirs.document), wanted))
        keepable = self._setups.keepable(target.tenant, merged)
        copyable = self._copyable(source, theirs.number, merged) if may_copy(source, target) else frozenset()
        lendable, receivers = self._setups.lendable(target.tenant, merged), self._receivers(merged)
        return tuple(
            Place(
                slot,
                pointer,
                pointer in keepable,
                pointer in copyable,
                lendable.get(pointer.split("/")[1], ()),
                receivers[slot],
            )
            for pointer, slot in tenant_document.slots(merged).items()
        )

    def _asked_here(self, target: Access, ours: StoredSetup, merged: Mapping[str, Any]) -> dict[str, Any]:
        """What the operator lends to the source and not to the target is asked for, as any other secret."""
        lendable, live = self._setups.lendable(target.tenant, merged), tenant_document.lent(ours.document)
        unlent = [
            pointer
            for pointer, name in tenant_document.lent(merged).items()
            if live.get(pointer) != name and name not in lendable.get(pointer.split("/")[1], ())
        ]
        return slotted(tenant_document.slotted_at(merged, unlent))

    def _copyable(self, source: Access, revision: int, merged: Mapping[str, Any]) -> frozenset[str]:
        """The source's secrets that would go to the place that they were given for."""
        return frozenset(self._setups.secrets(source, revision)) & self._setups.keepable(source.tenant, merged)

    def _both(self, source: Access, target: Access) -> tuple[StoredSetup, StoredSetup]:
        if source.tenant.id == target.tenant.id:
            raise InputError(T("Source and target are the same tenant. Name two."))
        if not source.may(Permission.READ):
            raise ForbiddenError
        return self._setups.active(source.tenant), self._setups.active(target.tenant)

    def _asked(
        self, source: Access, target: Access, wanted: Promotion
    ) -> tuple[Wanted, dict[str, Choice], dict[str, str]]:
        theirs, ours = self._both(source, target)
        if wanted.seen is not None:
            theirs = self._setups.revision(source.tenant, wanted.seen)
        drift = self._drifts.between(source.tenant, theirs, target.tenant, ours)
        merged = put_over(slotted(ours.document), slotted(theirs.document), wanted, kept(drift, wanted))
        merged = self._asked_here(target, ours, merged)
        choices, copied = self._choices(source, target, theirs.number, merged, wanted.secrets)
        typed = {slot: value for slot, value in choices.items() if isinstance(value, str) and slot not in copied}
        came: dict[str, Any] = {"from": source.tenant.slug, "revision": theirs.number}
        if wanted.only and not wanted.whole:
            came["only"] = list(wanted.only)
        if decided := settled(drift, wanted):
            came["kept"] = decided
        lost = tuple(overwriting(drift, slotted(ours.document), merged))
        detail = source.tenant.slug
        return Wanted(merged, warnings=lost, origin="promote", origin_detail=detail, transfer=came), choices, typed

    def _choices(
        self, source: Access, target: Access, revision: int, merged: Mapping[str, Any], given: Any
    ) -> tuple[dict[str, Choice], list[str]]:
        given = dict(given) if isinstance(given, Mapping) else given
        copied = [slot for slot, choice in given.items() if choice == COPY] if isinstance(given, dict) else []
        for slot in copied:
            given.pop(slot)
        choices = read_choices(given)
        if copied:
            choices |= self._copied(source, target, revision, merged, copied)
        return choices, copied

    def _copied(
        self, source: Access, target: Access, revision: int, merged: Mapping[str, Any], copied: Collection[str]
    ) -> dict[str, str | None]:
        """The source's secrets for some slots. Only for owners of both, and never out of production.

        Raises ForbiddenError, InputError, or SecretRetypeRequiredError where the merged setup leads them elsewhere.
        """
        if not (source.may(Permission.MANAGE) and target.may(Permission.MANAGE)):
            raise ForbiddenError(T("Only who owns both tenants may copy secrets from one to the other."))
        if source.tenant.production and not target.tenant.production:
            raise ForbiddenError(T("Secrets of a production tenant are never copied into a development tenant."))
        values = self._setups.secrets(source, revision)
        places = tenant_document.slots(merged)
        by_slot = {slot: values.get(pointer) for pointer, slot in places.items()}
        unknown = [slot for slot in copied if by_slot.get(slot) is None]
        if unknown:
            message = T("The source has no such secret, or it is lent by the operator.")
            raise InputError(
                errors=[FieldError(f"/secrets/{escape(slot)}", "secret.slot_unknown", message) for slot in unknown]
            )
        # A mixture of both setups may have the source's slot and the target's host, or another provider's key there.
        asked, stays = frozenset(copied), self._setups.keepable(source.tenant, merged)
        astray = [slot for pointer, slot in places.items() if slot in asked and pointer not in stays]
        if astray:
            elsewhere = T("In this setup the secret would go to another place than the source's own. Type it.")
            code = SecretRetypeRequiredError.code
            raise SecretRetypeRequiredError(
                elsewhere, errors=[FieldError(f"/secrets/{escape(slot)}", code, elsewhere) for slot in astray]
            )
        return {slot: by_slot[slot] for slot in copied}


def may_copy(source: Access, target: Access) -> bool:
    """Whether secrets may go along: for owners of both, and never out of production."""
    owned = source.may(Permission.MANAGE) and target.may(Permission.MANAGE)
    return owned and not (source.tenant.production and not target.tenant.production)
