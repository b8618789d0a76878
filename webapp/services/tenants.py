"""Tenants and who stands where in them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.db.models import MembershipRow, TenantRow, TokenRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.errors import ConflictError, FieldError, ForbiddenError, InputError, NotFoundError
from webapp.domain.roles import Access, Actor, ChangesBy, Environment, Role, TenantInfo
from webapp.domain.text import T
from webapp.services.audit import Audit
from webapp.services.membership import member_to_change, membership, membership_role
from webapp.services.naming import checked, name_errors

_CLOSING: Final[Mapping[ChangesBy, str]] = {
    ChangesBy.ALL: "tenant.opened_to_changes",
    ChangesBy.PROMOTION: "tenant.closed_but_promotions",
    ChangesBy.APPROVAL: "tenant.closed_but_approved",
}
RANK = {Role.VIEWER: 0, Role.EDITOR: 1, Role.OWNER: 2}


@dataclass(frozen=True, slots=True)
class Member:
    """A person's standing in a tenant; the name is the accounts' business."""

    person_id: int
    role: Role
    since: datetime
    mapped: bool = False
    """Whether the role comes from the groups of the sign-in provider."""


class Tenants:
    """Makes, finds and archives tenants, and says who may enter one."""

    def __init__(self, db: Database, vault: Vault, audit: Audit | None = None) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit or Audit()

    def add(
        self,
        slug: str,
        name: str,
        environment: Environment | str,
        by: Actor,
        *,
        owner: int | None = None,
        begin: Callable[[Session, TenantInfo], None] | None = None,
        request_id: str | None = None,
    ) -> TenantInfo:
        """Make a tenant. ``begin`` is done in the same transaction: what it raises leaves nothing behind.

        Raises InputError for a bad name and ConflictError for one that is taken, both with pointers.
        """
        row = TenantRow(slug=slug, name=name.strip(), environment=checked(slug, name, environment).value)
        with self._db.write() as session:
            session.add(row)
            try:
                session.flush()
            except IntegrityError:
                raise self._taken(slug) from None
            self._audit.record(
                session,
                "tenant.added",
                by,
                tenant_id=row.id,
                request_id=request_id,
                slug=slug,
                environment=row.environment,
            )
            if owner is not None:
                session.add(MembershipRow(tenant_id=row.id, person_id=owner, role=Role.OWNER.value))
            if begin:
                begin(session, info_of(row))
            session.refresh(row)
            return info_of(row)

    def _taken(self, slug: str) -> ConflictError:
        with self._db.read() as session:
            archived = session.scalar(select(TenantRow.archived_at).where(TenantRow.slug == slug))
        words = (
            T("An archived tenant has the short name “%(slug)s”. Choose another, or bring that one back.", slug=slug)
            if archived
            else T("There is already a tenant “%(slug)s”. Choose another short name.", slug=slug)
        )
        return ConflictError(words, errors=[FieldError("/slug", "tenant.slug_taken", words)])

    def all(self, include_archived: bool = False) -> list[TenantInfo]:
        """Every tenant, in the order they were made."""
        query = select(TenantRow).order_by(TenantRow.id)
        if not include_archived:
            query = query.where(TenantRow.archived_at.is_(None))
        with self._db.read() as session:
            return [info_of(row) for row in session.scalars(query)]

    def by_slug(self, slug: str) -> TenantInfo:
        """One tenant that is not archived. Raises NotFoundError."""
        with self._db.read() as session:
            return info_of(_row(session, slug))

    def by_id(self, tenant_id: int) -> TenantInfo:
        """One tenant, archived or not. Raises NotFoundError."""
        with self._db.read() as session:
            row = session.get(TenantRow, tenant_id)
            if row is None:
                raise NotFoundError
            return info_of(row)

    def of_person(self, person_id: int, administrator: bool = False) -> list[tuple[TenantInfo, Role]]:
        """The tenants that a person may enter, with the role there; an administrator may read every one."""
        with self._db.read() as session:
            roles = {
                row.tenant_id: Role(row.role)
                for row in session.scalars(select(MembershipRow).where(MembershipRow.person_id == person_id))
            }
            query = select(TenantRow).where(TenantRow.archived_at.is_(None)).order_by(TenantRow.id)
            return [
                (info_of(row), roles.get(row.id, Role.VIEWER))
                for row in session.scalars(query)
                if administrator or row.id in roles
            ]

    def access(self, actor: Actor, slug: str) -> Access:
        """The actor's standing. Raises NotFoundError for strangers, who may not learn that the tenant exists."""
        with self._db.read() as session:
            row = _row(session, slug)
            return Access(actor, info_of(row), _role(session, actor, row.id))

    def add_member(self, tenant_id: int, person_id: int, role: Role, by: Actor | None = None) -> None:
        """Give a person a role in a tenant, or another one than before."""
        with self._db.write() as session:
            row = session.scalar(membership(tenant_id, person_id))
            if row is None:
                session.add(MembershipRow(tenant_id=tenant_id, person_id=person_id, role=role.value))
            else:
                row.role, row.origin, row.hand_role = role.value, "hand", None
            if by:
                self._audit.record(session, "member.added", by, tenant_id=tenant_id, person=person_id, role=role.value)

    def change_role(
        self, tenant_id: int, person_id: int, role: Role, by: Actor, *, name: str, request_id: str | None = None
    ) -> None:
        """Give a member another role; ``name`` is theirs, for the audit. Raises LastOwnerError."""
        with self._db.write() as session:
            row = member_to_change(session, tenant_id, person_id, stays_owner=role is Role.OWNER)
            old, row.role, row.origin, row.hand_role = row.role, role.value, "hand", None
            if old != role.value:
                self._audit.record(
                    session,
                    "member.role_changed",
                    by,
                    tenant_id=tenant_id,
                    request_id=request_id,
                    person=person_id,
                    name=name,
                    old=old,
                    role=role.value,
                )

    def remove_member(
        self, tenant_id: int, person_id: int, by: Actor, *, name: str | None = None, request_id: str | None = None
    ) -> None:
        """Take a person's standing away; tokens that the person made end with it. Raises LastOwnerError."""
        with self._db.write() as session:
            session.delete(member_to_change(session, tenant_id, person_id, stays_owner=False))
            self._audit.record(
                session,
                "member.removed",
                by,
                tenant_id=tenant_id,
                request_id=request_id,
                person=person_id,
                name=name,
            )

    def members(self, tenant_id: int) -> list[Member]:
        """Who stands in a tenant."""
        query = select(MembershipRow).where(MembershipRow.tenant_id == tenant_id).order_by(MembershipRow.id)
        with self._db.read() as session:
            return [
                Member(row.person_id, Role(row.role), row.created_at, mapped=row.origin != "hand")
                for row in session.scalars(query)
            ]

    def change(
        self,
        slug: str,
        by: Actor,
        *,
        name: str,
        editors_may_save_production: bool,
        changes_by: ChangesBy | None = None,
        request_id: str | None = None,
    ) -> TenantInfo:
        """Give a tenant another name, its editors more or less to do, or other ways of changing. Raises InputError."""
        refused = name_errors(name)
        if refused:
            raise InputError(errors=refused)
        with self._db.write() as session:
            row = _row(session, slug)
            before = info_of(row)
            if changes_by not in (None, ChangesBy.ALL) and not before.production:
                open_always = T("A development tenant changes in every way. Close the production tenant instead.")
                raise InputError(errors=[FieldError("/changesBy", "tenant.changes_by_invalid", open_always)])
            row.name, row.editors_may_save_production = name.strip(), editors_may_save_production
            row.changes_by = (changes_by or before.changes_by).value
            after = info_of(row)
            if after.name != before.name:
                self._audit.record(
                    session,
                    "tenant.renamed",
                    by,
                    tenant_id=row.id,
                    request_id=request_id,
                    old=before.name,
                    new=row.name,
                )
            if after.editors_may_save_production != before.editors_may_save_production:
                action = "tenant.editors_trusted" if editors_may_save_production else "tenant.editors_held"
                self._audit.record(session, action, by, tenant_id=row.id, request_id=request_id)
            if after.changes_by is not before.changes_by:
                self._audit.record(session, _CLOSING[after.changes_by], by, tenant_id=row.id, request_id=request_id)
            return after

    def archive(self, slug: str, by: Actor, request_id: str | None = None) -> None:
        """Hide a tenant and end its tokens; nothing of it is deleted."""
        with self._db.write() as session:
            row = _row(session, slug)
            row.archived_at = now()
            _end_tokens(session, row)
            self._audit.record(session, "tenant.archived", by, tenant_id=row.id, request_id=request_id, slug=slug)

    def bring_back(self, slug: str, by: Actor, request_id: str | None = None) -> TenantInfo:
        """Show an archived tenant again, as it was; its tokens stay ended. Raises NotFoundError."""
        with self._db.write() as session:
            row = session.scalar(select(TenantRow).where(TenantRow.slug == slug, TenantRow.archived_at.is_not(None)))
            if row is None:
                raise NotFoundError(T("There is no archived tenant “%(slug)s”.", slug=slug))
            row.archived_at = None
            # Those of a tenant that an earlier version archived were only asleep.
            _end_tokens(session, row)
            self._audit.record(session, "tenant.brought_back", by, tenant_id=row.id, request_id=request_id, slug=slug)
            return info_of(row)

    def sandbox_password(self, tenant: TenantInfo) -> SecretStr:
        """The password of a development tenant at the sandbox mail server; made at the first ask."""
        if tenant.production:
            raise ForbiddenError(T("A production tenant cannot use the sandbox."))
        with self._db.read() as session:
            sealed = session.get_one(TenantRow, tenant.id).sandbox_password
        if sealed is None:
            fresh = self._vault.seal(secrets.token_urlsafe(18))
            with self._db.write() as session:
                unset = (TenantRow.id == tenant.id, TenantRow.sandbox_password.is_(None))
                session.execute(update(TenantRow).where(*unset).values(sandbox_password=fresh))
                # Somebody else may have asked first; theirs stands.
                sealed = session.scalars(select(TenantRow.sandbox_password).where(TenantRow.id == tenant.id)).one()
        return SecretStr(self._vault.open(sealed or b""))


def info_of(row: TenantRow) -> TenantInfo:
    """A tenant's row as the rest of the product sees it."""
    return TenantInfo(
        id=row.id,
        slug=row.slug,
        name=row.name,
        environment=Environment(row.environment),
        active_revision=row.active_revision,
        editors_may_save_production=row.editors_may_save_production,
        archived=row.archived_at is not None,
        changes_by=ChangesBy(row.changes_by),
    )


def _row(session: Session, slug: str) -> TenantRow:
    row = session.scalar(select(TenantRow).where(TenantRow.slug == slug, TenantRow.archived_at.is_(None)))
    if row is None:
        raise NotFoundError
    return row


def _end_tokens(session: Session, tenant: TenantRow) -> None:
    own = (TokenRow.tenant_id == tenant.id, TokenRow.revoked_at.is_(None))
    session.execute(update(TokenRow).where(*own).values(revoked_at=now()))


def _role(session: Session, actor: Actor, tenant_id: int) -> Role:
    if actor.kind == "operator":
        return Role.OWNER
    role = membership_role(session, tenant_id, actor.id) if actor.kind == "person" and actor.id is not None else None
    if role is None and not (actor.kind == "person" and actor.administrator):
        raise NotFoundError
    return role or Role.VIEWER
