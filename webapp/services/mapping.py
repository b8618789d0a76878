"""Memberships from the groups that a sign-in provider names; what was given by hand stays."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.db.models import MembershipRow, TenantRow
from webapp.domain.problem import JSON
from webapp.domain.roles import Actor, Role
from webapp.domain.template import look_up
from webapp.services.audit import Audit
from webapp.services.tenants import RANK
from webapp.settings import Grant

HAND: Final = "hand"
OPENID: Final = "openid"
SYSTEM: Final = Actor(kind="system", id=None, name="sign-in provider")


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody's groups give."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    """Tenant's slug → role."""
    administrator: bool = False

    def __bool__(self) -> bool:
        return bool(self.roles) or self.administrator


def groups_of(claims: Mapping[str, JSON], claim: str) -> frozenset[str] | None:
    """The groups that a provider names; None where it says that there are more than it tells."""
    found = claims[claim] if claim in claims else look_up(claims, claim)
    # Microsoft leaves the list out where it is long, and names another place to ask (_claim_names).
    elsewhere = claims.get("_claim_names")
    if found is None and isinstance(elsewhere, dict) and claim in elsewhere:
        return None
    if isinstance(found, str):
        return frozenset((found,))
    return frozenset(each for each in found if isinstance(each, str)) if isinstance(found, list) else frozenset()


def standing_of(groups: Collection[str], grants: Iterable[Grant]) -> Standing:
    """What the groups give in all; of several roles in one tenant the highest."""
    roles: dict[str, Role] = {}
    administrator = False
    for grant in grants:
        if grant.group not in groups:
            continue
        if grant.tenant is None:
            administrator = True
        else:
            role = Role(grant.role)
            roles[grant.tenant] = max(roles.get(grant.tenant, role), role, key=RANK.__getitem__)
    return Standing(roles, administrator)


class MembershipMapping:
    """Makes memberships what the groups say, inside the caller's transaction."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def renew(
        self, session: Session, person_id: int, name: str, standing: Standing, request_id: str | None = None
    ) -> int:
        """Renew the memberships of a person, and tell how many there are then. Unknown tenants give nothing."""
        known = {row.slug: row.id for row in session.scalars(select(TenantRow).where(TenantRow.archived_at.is_(None)))}
        wanted = {known[slug]: role for slug, role in standing.roles.items() if slug in known}
        # Two last owners who sign in at once must not both be told that the other one stays.
        locked = select(MembershipRow).where(MembershipRow.person_id == person_id).with_for_update()
        rows = {row.tenant_id: row for row in session.scalars(locked)}
        for tenant_id in wanted.keys() | rows.keys():
            row = rows.get(tenant_id)
            before, best = (row.role if row else None), _best(row, wanted.get(tenant_id))
            after: str | None = before
            if row and row.role == Role.OWNER.value and best is not Role.OWNER and _is_last_owner(session, row):
                # The groups say no more, and yet it stays: the audit log tells why.
                action = "member.kept_as_last_owner"
            else:
                after = _settle(session, row, tenant_id, person_id, best)
                action = "member.mapped" if after else "member.unmapped"
                if after == before:
                    continue
            self._audit.record(
                session,
                action,
                SYSTEM,
                tenant_id=tenant_id,
                request_id=request_id,
                person=person_id,
                name=name,
                old=before,
                role=after,
            )
        session.flush()
        return len(session.scalars(select(MembershipRow.id).where(MembershipRow.person_id == person_id)).all())


def _given_by_hand(row: MembershipRow) -> str | None:
    return row.hand_role if row.origin == OPENID else row.role


def _best(row: MembershipRow | None, mapped: Role | None) -> Role | None:
    """The higher of what the groups and what somebody here gave."""
    by_hand = _given_by_hand(row) if row else None
    roles = [each for each in (mapped, Role(by_hand) if by_hand else None) if each]
    return max(roles, key=RANK.__getitem__, default=None)


def _settle(
    session: Session, row: MembershipRow | None, tenant_id: int, person_id: int, best: Role | None
) -> str | None:
    """Bring one membership in line; tells the role afterwards."""
    if row is None:
        if best is None:
            return None
        session.add(MembershipRow(tenant_id=tenant_id, person_id=person_id, role=best.value, origin=OPENID))
        return best.value
    if best is None:
        session.delete(row)
        return None
    by_hand = _given_by_hand(row)
    raised = best.value != by_hand
    row.role, row.origin, row.hand_role = best.value, OPENID if raised else HAND, by_hand if raised else None
    return row.role


def _is_last_owner(session: Session, row: MembershipRow) -> bool:
    owners = select(MembershipRow.id).where(
        MembershipRow.tenant_id == row.tenant_id, MembershipRow.role == Role.OWNER.value
    )
    return session.scalars(owners.with_for_update()).all() == [row.id]
