"""Making tenants: empty, or with a copy of another's setup, whose secrets stay behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from webapp.domain.diff import SECRET, is_secret
from webapp.domain.errors import ForbiddenError, InputError, PostroomError, SetupUnprovenError
from webapp.domain.roles import Access, Actor, Environment, Permission, Role, TenantInfo
from webapp.domain.tenant_document import FORMAT, SECTIONS, VERSION, slots, slotted
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.importing import GivenDocument, Importing

_WITHOUT: Final = dict.fromkeys(SECTIONS)
"""No connector and no fallback."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants made."""

    slug: str
    name: str
    environment: Environment | str
    source: Access | None = None
    """The maker's standing in the tenant whose setup it shall have."""


@dataclass(frozen=True, slots=True)
class Made:
    """A tenant that was made, and what of the source's connector is still to be done there."""

    tenant: TenantInfo
    left: tuple[str, ...] = ()
    """Slots of the secrets that stayed behind, and their connector with them."""
    lent: tuple[str, ...] = ()
    """What the operator lends to the source, and not to this tenant, under these names."""
    waits: bool = False
    """Whether the source's connector is not live here: it needs its secrets, or a proof in production."""
    plan: str | None = None
    """The plan of an import that brings the connector, for whoever made the tenant."""


class Duplicating:
    """Makes tenants."""

    def __init__(self, tenants: Tenants, setups: Setups, importing: Importing) -> None:
        self._tenants = tenants
        self._setups = setups
        self._importing = importing

    def make(self, wish: Wish, by: Actor, *, owner: int | None = None, request_id: str | None = None) -> Made:
        """Make a tenant with everything of the source that needs no secret, or nothing at all.

        Raises InputError and ConflictError with pointers for what it is to be called, and what reading the source
        raises.
        """
        if wish.source is None:
            return Made(self._add(wish, by, owner, request_id))
        if not wish.source.may(Permission.READ):
            raise ForbiddenError
        live = self._setups.active(wish.source.tenant)
        if not live.number:
            return Made(self._add(wish, by, owner, request_id))
        document = slotted(live.document)
        came: dict[str, Any] = {"from": wish.source.tenant.slug, "revision": live.number}
        whole = not slots(document)
        took = [whole]

        def begin(session: Session, tenant: TenantInfo) -> None:
            def copied(setup: Mapping[str, Any]) -> None:
                access = Access(by, tenant, Role.OWNER)
                self._setups.begin(
                    session, access, setup, origin_detail=came["from"], transfer=came, request_id=request_id
                )

            if whole:
                try:
                    copied(document)
                except (InputError, SetupUnprovenError):
                    # What is lent to the other, not installed any more, or not proven here.
                    took[0] = False
                else:
                    return
            copied(document | _WITHOUT)

        tenant = self._add(wish, by, owner, request_id, begin)
        if took[0] or document.get("connector") is None:
            return Made(tenant)
        return self._waiting(Access(by, tenant, Role.OWNER), document)

    def _add(self, wish: Wish, by: Actor, owner: int | None, request_id: str | None, begin: Any = None) -> TenantInfo:
        return self._tenants.add(
            wish.slug, wish.name, wish.environment, by, owner=owner, begin=begin, request_id=request_id
        )

    def _waiting(self, access: Access, document: Mapping[str, Any]) -> Made:
        """The tenant with a plan that brings the connector; what is lent to the source is asked for as well."""
        lent: list[str] = []
        asking = {**document, **{name: _asked(document.get(name), lent) for name in SECTIONS}}
        given = {"format": FORMAT, "version": VERSION, "setup": slotted(asking)}
        try:
            made = self._importing.plan(access, GivenDocument(given))
        except PostroomError:
            # The tenant is made; its connector cannot be had here, and choosing another is always possible.
            return Made(access.tenant, tuple(slots(asking).values()), tuple(lent), waits=True)
        return Made(access.tenant, made.transfer.missing, tuple(lent), waits=True, plan=made.transfer.id)


def _asked(value: Any, lent: list[str]) -> Any:
    """A section with a mark in the place of what the operator lends, whose names are noted."""
    if is_secret(value) and "env" in value[SECRET]:
        lent.append(str(value[SECRET]["env"]))
        return {SECRET: {"set": True}}
    if isinstance(value, Mapping):
        return {key: _asked(part, lent) for key, part in value.items()}
    return value
