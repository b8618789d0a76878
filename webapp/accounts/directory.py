"""The people of the house as its administrators look after them: who is in, what they may, and their one-time links."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from argon2 import PasswordHasher
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from webapp.accounts.models import Person, User, person_of
from webapp.accounts.people import address_of, check_password, end_sessions, refusal, user_by_email
from webapp.db.models import IdentityRow, LinkRow, MembershipRow, TenantRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain import password as passwords
from webapp.domain.errors import ConflictError, NotFoundError
from webapp.domain.roles import Actor, Role, TenantInfo
from webapp.domain.text import T
from webapp.services.audit import Audit
from webapp.services.tenants import info_of


class LastAdministratorError(ConflictError):
    """Nobody could look after the console any more, so nothing was changed. Make somebody else an administrator."""

    code = "account.last_administrator"
    title = T("The console needs an administrator. Make somebody else one first.")


class LinkKind(StrEnum):
    """What a one-time link to an account is for."""

    ACCOUNT = "account"
    """The first password of a new account."""
    PASSWORD = "password"  # noqa: S105  the name of a kind
    """Another password."""
    SIGN_IN = "sign-in"
    """Coming in at once, made by the operator at the shell."""


VALID: Final = {
    LinkKind.ACCOUNT: timedelta(days=7),
    LinkKind.PASSWORD: timedelta(hours=2),
    LinkKind.SIGN_IN: timedelta(minutes=15),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody's standing in one tenant."""

    tenant: TenantInfo
    role: Role
    mapped: bool
    """Whether it comes from the groups of the sign-in provider."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody, with all that an administrator looks for."""

    person: Person
    places: Sequence[Place]
    last_sign_in_at: datetime | None
    has_password: bool
    issuers: Sequence[str]
    mapped_administrator: bool
    """Whether the groups of the sign-in provider made them an administrator."""


@dataclass(frozen=True, slots=True)
class AccountLink:
    """A link that works."""

    kind: LinkKind
    person: Person
    by: str
    expires_at: datetime


class Directory:
    """Lists people, switches them off and on, makes administrators, and gives out links to accounts."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db, self._audit = db, audit

    def entries(self) -> list[Entry]:
        """Everybody, by address."""
        with self._db.read() as session:
            return _entries(session, session.scalars(select(User).order_by(User.email)).unique().all())

    def entry(self, person_id: int) -> Entry:
        """One person. Raises NotFoundError."""
        with self._db.read() as session:
            user = session.get(User, person_id)
            if user is None:
                raise NotFoundError
            return _entries(session, [user])[0]

    def add(self, email: str, by: Actor, request_id: str | None = None) -> Person:
        """Make an account that has no password yet. Raises AccountError naming ``/email``."""
        address = address_of(email)
        with self._db.write() as session:
            if user_by_email(session, address):
                raise refusal("/email", T("There is already an account with this address."))
            user = User(email=address, password=None, active=True, administrator=False)
            user.fs_uniquifier = secrets.token_hex(32)
            session.add(user)
            session.flush()
            self._note(session, "account.added", by, user, request_id)
            return person_of(user)

    def switch(self, person_id: int, by: Actor, request_id: str | None = None, *, on: bool) -> Person:
        """Switch somebody off, which ends their sessions, tokens and links at once; or on again."""
        with self._db.write() as session:
            user = _locked(session, person_id)
            if not on and user.administrator and sole_administrator(session, person_id):
                raise LastAdministratorError
            if user.active != on:
                session.execute(update(User).where(User.id == person_id).values(active=on))
                if not on:
                    end_sessions(session, person_id)
                    _forget_links(session, person_id)
                action = "account.switched_on" if on else "account.switched_off"
                self._note(session, action, by, user, request_id)
            return person_of(user)

    def administer(self, person_id: int, by: Actor, request_id: str | None = None, *, administrator: bool) -> Person:
        """Make somebody an administrator, or no longer one. Raises LastAdministratorError."""
        with self._db.write() as session:
            user = _locked(session, person_id)
            if not administrator and user.administrator and sole_administrator(session, person_id):
                raise LastAdministratorError
            if user.administrator != administrator:
                session.execute(update(User).where(User.id == person_id).values(administrator=administrator))
                # From now on it is as somebody here decided, whatever the provider's groups say.
                identities = update(IdentityRow).where(IdentityRow.person_id == person_id)
                session.execute(identities.values(made_administrator=False))
                action = "account.made_administrator" if administrator else "account.unmade_administrator"
                self._note(session, action, by, user, request_id)
            return person_of(user)

    def unlink(self, person_id: int, by: Actor, request_id: str | None = None) -> None:
        """Forget how other systems know somebody; the next one with their verified address is taken for them."""
        with self._db.write() as session:
            user = _locked(session, person_id)
            session.execute(delete(IdentityRow).where(IdentityRow.person_id == person_id))
            end_sessions(session, person_id)
            self._note(session, "account.unlinked", by, user, request_id)

    def link(self, person_id: int, kind: LinkKind, by: Actor, request_id: str | None = None) -> tuple[str, datetime]:
        """Make a link's token and give it out, this once; older ones of the same kind stop working."""
        token, expires_at = secrets.token_urlsafe(32), now() + VALID[kind]
        with self._db.write() as session:
            user = _locked(session, person_id)
            if not user.active:
                raise ConflictError(T("%(email)s is switched off. Switch the account on first.", email=user.email))
            _forget_links(session, person_id, kind)
            payload = {"person": person_id, "by": by.name}
            session.add(LinkRow(purpose=kind.value, digest=_digest(token), payload=payload, expires_at=expires_at))
            self._note(session, "account.link_made", by, user, request_id, kind=kind.value)
        return token, expires_at

    def open(self, token: str, *kinds: LinkKind) -> AccountLink:
        """Read a link. Raises NotFoundError when it was used, has lapsed, never was, or the person is switched off."""
        with self._db.read() as session:
            return _found(session, token, kinds)[1]

    def take(self, token: str, *kinds: LinkKind) -> AccountLink:
        """Take a link out of use. Raises NotFoundError as ``open`` does."""
        with self._db.write() as session:
            return _taken(session, token, kinds)

    def set_password(self, token: str, password: str, request_id: str | None = None) -> Person:
        """Set the password by a link; every session of the person ends. Raises AccountError for ``/password``."""
        link = self.open(token, LinkKind.ACCOUNT, LinkKind.PASSWORD)
        check_password(password, "/password", link.person.email)
        hashed = PasswordHasher().hash(passwords.normalised(password))
        with self._db.write() as session:
            link = _taken(session, token, (LinkKind.ACCOUNT, LinkKind.PASSWORD))
            person = link.person
            session.execute(update(User).where(User.id == person.id).values(password=hashed))
            end_sessions(session, person.id)
            _forget_links(session, person.id)
            self._audit.record(
                session, "account.password_changed", person.actor, request_id=request_id, person=person.id, by=link.by
            )
            return person

    def _note(
        self, session: Session, action: str, by: Actor, user: User, request_id: str | None, kind: str | None = None
    ) -> None:
        self._audit.record(session, action, by, request_id=request_id, person=user.id, name=user.email, kind=kind)


def sole_administrator(session: Session, person_id: int) -> bool:
    """Whether nobody else could look after the console, within the caller's transaction."""
    # Two who give it up at once must not both be told that the other one stays.
    active = select(User.id).where(User.administrator, User.active).with_for_update()
    return session.scalars(active).all() == [person_id]


def _entries(session: Session, users: Sequence[User]) -> list[Entry]:
    tenants = {
        row.id: info_of(row) for row in session.scalars(select(TenantRow).where(TenantRow.archived_at.is_(None)))
    }
    places: dict[int, list[Place]] = {}
    for row in session.scalars(select(MembershipRow).order_by(MembershipRow.tenant_id)):
        if row.tenant_id in tenants:
            place = Place(tenants[row.tenant_id], Role(row.role), row.origin != "hand")
            places.setdefault(row.person_id, []).append(place)
    identities: dict[int, list[IdentityRow]] = {}
    for identity in session.scalars(select(IdentityRow).order_by(IdentityRow.id)):
        identities.setdefault(identity.person_id, []).append(identity)
    return [
        Entry(
            person=person_of(user),
            places=places.get(user.id, []),
            last_sign_in_at=user.last_sign_in_at,
            has_password=bool(user.password),
            issuers=[each.issuer for each in identities.get(user.id, [])],
            mapped_administrator=any(each.made_administrator for each in identities.get(user.id, [])),
        )
        for user in users
    ]


def _locked(session: Session, person_id: int) -> User:
    found = select(User).where(User.id == person_id).with_for_update(of=User)
    user = session.scalar(found)
    if user is None:
        raise NotFoundError
    return user


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _found(session: Session, token: str, kinds: Sequence[LinkKind]) -> tuple[LinkRow, AccountLink]:
    purposes = [kind.value for kind in kinds]
    alive = (LinkRow.purpose.in_(purposes), LinkRow.used_at.is_(None), LinkRow.expires_at > now())
    row = session.scalar(select(LinkRow).where(LinkRow.digest == _digest(token), *alive))
    payload: dict[str, Any] = (row.payload if row else None) or {}
    user = session.get(User, payload["person"]) if payload else None
    if row is None or user is None or not user.active:
        raise NotFoundError
    return row, AccountLink(LinkKind(row.purpose), person_of(user), payload["by"], row.expires_at)


def _taken(session: Session, token: str, kinds: Sequence[LinkKind]) -> AccountLink:
    row, link = _found(session, token, kinds)
    unused = (LinkRow.id == row.id, LinkRow.used_at.is_(None))
    taken: CursorResult[Any] = session.execute(update(LinkRow).where(*unused).values(used_at=now()))  # type: ignore[assignment]
    if not taken.rowcount:
        raise NotFoundError
    return link


def _forget_links(session: Session, person_id: int, kind: LinkKind | None = None) -> None:
    purposes = [kind.value] if kind else [each.value for each in LinkKind]
    for row in session.scalars(select(LinkRow).where(LinkRow.purpose.in_(purposes), LinkRow.used_at.is_(None))):
        if (row.payload or {}).get("person") == person_id:
            session.delete(row)
