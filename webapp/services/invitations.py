"""Invitations: one-time links that make somebody a member of a tenant."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import CursorResult, Select, delete, select, update
from sqlalchemy.orm import Session

from webapp.db.models import LinkRow, MembershipRow, TenantRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.address import AddressError, parse_address
from webapp.domain.errors import FieldError, ForbiddenError, InputError, NotFoundError
from webapp.domain.roles import Access, Actor, Permission, Role, TenantInfo
from webapp.domain.text import T
from webapp.services.audit import Audit
from webapp.services.membership import membership_role
from webapp.services.tenants import RANK, info_of

PURPOSE: Final = "invitation"
VALID: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that waits for the one it was made for."""

    id: int
    tenant: TenantInfo
    email: str
    role: Role
    by: str
    """Name of the owner who made it."""
    made_at: datetime
    expires_at: datetime


class Invitations:
    """Makes, lists, withdraws and takes invitations. Only the digest of a link is stored.

    One works for seven days, once, for one address, and as long as its maker still owns the tenant.
    """

    def __init__(self, db: Database, audit: Audit | None = None) -> None:
        self._db = db
        self._audit = audit or Audit()

    def invite(self, access: Access, email: str, role: Role, request_id: str | None = None) -> str:
        """Make the link's token and give it out, this once; an older one for the same address stops working."""
        _need_owner(access)
        try:
            address = parse_address(email.strip()).lower()
        except AddressError as exc:
            odd = T("This is not an email address, such as bob@example.com.")
            raise InputError(errors=[FieldError("/email", "invitation.email_invalid", odd)]) from exc
        token = secrets.token_urlsafe(32)
        actor = access.actor
        maker = actor.id if actor.kind == "person" else None
        payload = {"email": address, "role": role.value, "by": actor.name, "by_id": maker}
        with self._db.write() as session:
            for row in session.scalars(_open(access.tenant.id)):
                if (row.payload or {})["email"] == address:
                    session.delete(row)
            session.add(
                LinkRow(
                    purpose=PURPOSE,
                    digest=_digest(token),
                    tenant_id=access.tenant.id,
                    payload=payload,
                    expires_at=now() + VALID,
                )
            )
            self._note(session, "member.invited", access, request_id, email=address, role=role.value)
        return token

    def pending(self, tenant: TenantInfo) -> list[Invitation]:
        """The tenant's invitations that still work, newest first."""
        with self._db.read() as session:
            found = (_alive(session, row) for row in session.scalars(_open(tenant.id).order_by(LinkRow.id.desc())))
            return [invitation for invitation in found if invitation]

    def revoke(self, access: Access, invitation_id: int, request_id: str | None = None) -> str:
        """Withdraw one, and tell for whom it was. Raises NotFoundError for one that is not open here."""
        _need_owner(access)
        with self._db.write() as session:
            row = session.scalar(_open(access.tenant.id).where(LinkRow.id == invitation_id))
            if row is None:
                raise NotFoundError
            email = str((row.payload or {})["email"])
            session.delete(row)
            self._note(session, "member.invitation_revoked", access, request_id, email=email)
            return email

    def open(self, token: str) -> Invitation:
        """Read an invitation. Raises NotFoundError when it was used, withdrawn, has lapsed or never was."""
        with self._db.read() as session:
            return _found(session, token)

    def accept(self, token: str, actor: Actor, request_id: str | None = None) -> TenantInfo:
        """Make the person it was made for a member. Raises NotFoundError as ``open`` does, and for anybody else."""
        with self._db.write() as session:
            invitation = self.take(session, token)
            if actor.name.lower() != invitation.email:
                raise NotFoundError
            self.admit(session, invitation, actor, request_id)
            return invitation.tenant

    def take(self, session: Session, token: str) -> Invitation:
        """Take the link out of use, inside the caller's transaction."""
        invitation = _found(session, token)
        unused = (LinkRow.id == invitation.id, LinkRow.used_at.is_(None))
        taken: CursorResult[Any] = session.execute(update(LinkRow).where(*unused).values(used_at=now()))  # type: ignore[assignment]
        if not taken.rowcount:
            raise NotFoundError
        return invitation

    def admit(self, session: Session, invitation: Invitation, actor: Actor, request_id: str | None = None) -> None:
        """Make the actor a member, inside the caller's transaction; a higher role than the invitation's stays."""
        if actor.id is None:
            raise NotFoundError
        tenant_id, role = invitation.tenant.id, invitation.role
        known = select(MembershipRow).where(MembershipRow.tenant_id == tenant_id, MembershipRow.person_id == actor.id)
        row = session.scalar(known)
        if row is None:
            session.add(MembershipRow(tenant_id=tenant_id, person_id=actor.id, role=role.value))
        elif RANK[Role(row.role)] < RANK[role]:
            row.role, row.origin, row.hand_role = role.value, "hand", None
        elif row.origin != "hand":
            # The groups give as much today; the invitation is what stays should they not.
            row.hand_role = role.value
        self._audit.record(
            session,
            "member.joined",
            actor,
            tenant_id=tenant_id,
            request_id=request_id,
            role=role.value,
            invited_by=invitation.by,
        )

    def purge(self) -> int:
        """Forget the links that have lapsed, whatever their purpose, and tell how many that were."""
        with self._db.write() as session:
            result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
                delete(LinkRow).where(LinkRow.expires_at < now())
            )
            return result.rowcount

    def _note(self, session: Session, action: str, access: Access, request_id: str | None, **detail: str) -> None:
        self._audit.record(session, action, access.actor, tenant_id=access.tenant.id, request_id=request_id, **detail)


def _need_owner(access: Access) -> None:
    if not access.may(Permission.MANAGE):
        raise ForbiddenError


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _open(tenant_id: int | None = None) -> Select[LinkRow]:
    query = select(LinkRow).where(LinkRow.purpose == PURPOSE, LinkRow.used_at.is_(None), LinkRow.expires_at > now())
    return query if tenant_id is None else query.where(LinkRow.tenant_id == tenant_id)


def _found(session: Session, token: str) -> Invitation:
    row = session.scalar(_open().where(LinkRow.digest == _digest(token)))
    invitation = _alive(session, row) if row else None
    if invitation is None:
        raise NotFoundError
    return invitation


def _alive(session: Session, row: LinkRow) -> Invitation | None:
    """What a link is worth now: nothing in an archived tenant, nor once its maker no longer owns the tenant."""
    tenant = session.get(TenantRow, row.tenant_id)
    payload = row.payload or {}
    if tenant is None or tenant.archived_at is not None:
        return None
    if payload["by_id"] is not None and membership_role(session, tenant.id, payload["by_id"]) is not Role.OWNER:
        return None
    return Invitation(
        id=row.id,
        tenant=info_of(tenant),
        email=payload["email"],
        role=Role(payload["role"]),
        by=payload["by"],
        made_at=row.created_at or row.expires_at - VALID,
        expires_at=row.expires_at,
    )
