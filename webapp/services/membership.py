"""Rows of who stands in a tenant, inside the caller's transaction."""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from webapp.db.models import PEOPLE, MembershipRow
from webapp.domain.errors import LastOwnerError, NotFoundError
from webapp.domain.roles import Role


def membership_role(session: Session, tenant_id: int, person_id: int) -> Role | None:
    """A person's role in a tenant; None for strangers and who is switched off."""
    off = select(PEOPLE.c.id).where(PEOPLE.c.id == person_id, PEOPLE.c.active.is_(False))
    row = session.scalar(membership(tenant_id, person_id).where(~off.exists()))
    return Role(row.role) if row else None


def membership(tenant_id: int, person_id: int) -> Select[MembershipRow]:
    """Find the row of one person in one tenant."""
    return select(MembershipRow).where(MembershipRow.tenant_id == tenant_id, MembershipRow.person_id == person_id)


def member_to_change(session: Session, tenant_id: int, person_id: int, *, stays_owner: bool) -> MembershipRow:
    """Find a membership that is about to change; the last owner's only when it stays one."""
    # Two owners who leave at once must not both be told that the other one stays.
    locked = select(MembershipRow).where(MembershipRow.tenant_id == tenant_id).with_for_update()
    rows = {row.person_id: row for row in session.scalars(locked)}
    if person_id not in rows:
        raise NotFoundError
    owners = [row.person_id for row in rows.values() if row.role == Role.OWNER.value]
    if owners == [person_id] and not stays_owner:
        raise LastOwnerError
    return rows[person_id]
