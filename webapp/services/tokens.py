"""Tokens for scripts and pipelines: one tenant, some scopes, the standing of whoever made them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.db.models import TenantRow, TokenRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.errors import FieldError, ForbiddenError, InputError, NotFoundError
from webapp.domain.roles import Access, Actor, Permission, Role, Scope, TenantInfo
from webapp.domain.text import T
from webapp.services.audit import Audit
from webapp.services.membership import membership_role
from webapp.services.tenants import RANK, info_of

PREFIX: Final = "prt_"
"""Lets people and scanners recognise a token that leaked."""
_NOTE_USE_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TokenAccess(Access):
    """What a token opens: its tenant, and perhaps one more to read from."""

    token_id: int = 0
    read_from: int | None = None


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token as lists show it; the token itself is nowhere."""

    id: int
    name: str
    scopes: frozenset[Scope]
    role: Role
    maker_name: str
    read_from: int | None
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class Tokens:
    """Makes, recognises and revokes API tokens. Only their digest is stored."""

    def __init__(self, db: Database, audit: Audit | None = None) -> None:
        self._db = db
        self._audit = audit or Audit()

    def create(
        self,
        tenant: Access | TenantInfo,
        name: str,
        scopes: Iterable[Scope | str],
        by: Actor,
        read_from: TenantInfo | None = None,
        request_id: str | None = None,
    ) -> str:
        """Make a token and give it out, this once. With an Access it gets that role, else an owner's."""
        role = Role.OWNER
        if isinstance(tenant, Access):
            if not tenant.may(Permission.MANAGE):
                raise ForbiddenError
            role, tenant = tenant.role, tenant.tenant
        if read_from and by.kind == "person" and not self._belongs(by, read_from):
            raise NotFoundError
        granted = _checked(name, scopes)
        token = PREFIX + secrets.token_urlsafe(32)
        row = TokenRow(
            tenant_id=tenant.id,
            read_from_id=read_from.id if read_from else None,
            name=name.strip(),
            digest=_digest(token),
            scopes=[scope.value for scope in granted],
            role=role.value,
            maker_id=by.id if by.kind == "person" else None,
            maker_name=by.name,
        )
        with self._db.write() as session:
            session.add(row)
            self._audit.record(
                session,
                "token.created",
                by,
                tenant_id=tenant.id,
                request_id=request_id,
                name=row.name,
                scopes=list(row.scopes),
                read_from=read_from.slug if read_from else None,
            )
        return token

    def _belongs(self, person: Actor, tenant: TenantInfo) -> bool:
        with self._db.read() as session:
            return person.id is not None and membership_role(session, tenant.id, person.id) is not None

    def authenticate(self, token: str) -> TokenAccess | None:
        """What a token opens now; None when it is unknown, revoked or its maker has left.

        It acts with the lower of the role it was made with and the role that its maker has today, and reads from
        another tenant only while its maker belongs there.
        """
        if not token.startswith(PREFIX) or len(token) > 200 or not token.isascii():
            return None
        with self._db.read() as session:
            row = session.scalar(select(TokenRow).where(TokenRow.digest == _digest(token)))
            access = _access(session, row) if row and row.revoked_at is None else None
            last_used = row.last_used_at if row else None
        if access and (last_used is None or last_used < now() - _NOTE_USE_EVERY):
            with self._db.write() as session:
                session.execute(update(TokenRow).where(TokenRow.id == access.token_id).values(last_used_at=now()))
        return access

    def list(self, tenant: TenantInfo) -> list[TokenInfo]:
        """The tenant's tokens, newest first, revoked ones too."""
        query = select(TokenRow).where(TokenRow.tenant_id == tenant.id).order_by(TokenRow.id.desc())
        with self._db.read() as session:
            return [_info(row) for row in session.scalars(query)]

    def find(self, tenant: TenantInfo, token_id: int) -> TokenInfo:
        """One token of the tenant. Raises NotFoundError."""
        with self._db.read() as session:
            row = session.get(TokenRow, token_id)
            if row is None or row.tenant_id != tenant.id:
                raise NotFoundError
            return _info(row)

    def revoke(self, token_id: int, by: Actor, tenant: TenantInfo | None = None, request_id: str | None = None) -> None:
        """End a token at once. With a tenant, only one of that tenant is found."""
        with self._db.write() as session:
            row = session.get(TokenRow, token_id)
            if row is None or (tenant and row.tenant_id != tenant.id):
                raise NotFoundError
            if row.revoked_at is None:
                row.revoked_at = now()
                self._audit.record(
                    session, "token.revoked", by, tenant_id=row.tenant_id, request_id=request_id, name=row.name
                )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _access(session: Session, row: TokenRow) -> TokenAccess | None:
    tenant = session.get_one(TenantRow, row.tenant_id)
    role: Role | None = Role(row.role)
    source = row.read_from_id
    if source is not None and row.maker_id is not None and not membership_role(session, source, row.maker_id):
        # Nobody reads through a token what is closed to them by now.
        source = None
    if row.maker_id is not None:
        today = membership_role(session, row.tenant_id, row.maker_id)
        role = min(Role(row.role), today, key=RANK.__getitem__) if today else None
    if role is None or tenant.archived_at is not None:
        return None
    actor = Actor(kind="token", id=row.id, name=row.name)
    scopes = frozenset(Scope(scope) for scope in row.scopes)
    return TokenAccess(actor, info_of(tenant), role, scopes, token_id=row.id, read_from=source)


def standing_of_token(session: Session, token_id: int) -> TokenAccess | None:
    """What a token opens now, inside the caller's transaction; None where it was revoked or its maker has left."""
    row = session.get(TokenRow, token_id)
    return _access(session, row) if row and row.revoked_at is None else None


def maker_of_token(session: Session, token_id: int) -> int | None:
    """The person who made a token; None where the operator did."""
    return session.scalar(select(TokenRow.maker_id).where(TokenRow.id == token_id))


def _info(row: TokenRow) -> TokenInfo:
    return TokenInfo(
        id=row.id,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        role=Role(row.role),
        maker_name=row.maker_name,
        read_from=row.read_from_id,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _checked(name: str, scopes: Iterable[Scope | str]) -> list[Scope]:
    errors = []
    if not name.strip() or len(name) > 120 or not name.isprintable():
        errors.append(FieldError("/name", "token.name_invalid", T("A name has 1 to 120 characters on one line.")))
    known = {scope.value for scope in Scope}
    asked = sorted({str(scope) for scope in scopes})
    if not asked or not known.issuperset(asked):
        expected = T("Name at least one scope. Scopes are: %(scopes)s.", scopes=", ".join(sorted(known)))
        errors.append(FieldError("/scopes", "token.scopes_invalid", expected))
    if errors:
        raise InputError(errors=errors)
    return [Scope(scope) for scope in asked]
