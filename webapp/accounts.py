"""People: who they are, their passwords, and how the first of them comes in.

Flask-Security's models import Flask, so this module stands beside the entry points; below them a person is an id
and a name.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import available_timezones

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask_security import UserDatastore
from flask_security.models.sqla import FsModels, FsRoleMixin, FsUserMixin, FsWebAuthnMixin
from sqlalchemy import ColumnElement, CursorResult, String, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from webapp.db.models import Base, LinkRow, SessionRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain import password as passwords
from webapp.domain import roles
from webapp.domain.address import AddressError, parse_address
from webapp.domain.errors import FieldError, InputError, NotFoundError
from webapp.domain.roles import OPERATOR, Actor, Environment
from webapp.domain.text import T, Text
from webapp.services.audit import Audit
from webapp.services.invitations import Invitations

if TYPE_CHECKING:
    from webapp.services.wiring import Services

FsModels.set_db_info(base_model=Base)  # type: ignore[no-untyped-call]  # the library has no types

SETUP_PURPOSE: Final = "first-run"
SETUP_VALID: Final = timedelta(hours=24)
TIME_ZONES: Final = frozenset(available_timezones() | {"UTC"})
"""Those that this machine knows."""


class Role(Base, FsRoleMixin):
    """Flask-Security's role; ours are memberships, so the table stays empty."""

    __tablename__ = "role"

    update_datetime: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class User(Base, FsUserMixin):
    """A person who can sign in."""

    __tablename__ = "user"

    administrator: Mapped[bool] = mapped_column(default=False)
    """Installation administrator: tenants, people, operator settings; may read every tenant."""
    time_zone: Mapped[str | None] = mapped_column(String(64))
    """In which the person reads times; None: as the browser says."""
    create_datetime: Mapped[datetime] = mapped_column(default=now)
    update_datetime: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    # Loaded at once: a person outlives the short transaction that read it, and Flask-Security asks at each sign-in.
    roles = relationship("Role", secondary="roles_users", back_populates="users", lazy="joined")


class WebAuthn(Base, FsWebAuthnMixin):
    """A passkey of a person."""

    __tablename__ = "webauthn"

    create_datetime: Mapped[datetime] = mapped_column(default=now)


class InstallationRow(Base):
    """What the console knows about the house it runs in: one row."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(120), default="")


@dataclass(frozen=True, slots=True)
class Person:
    """A person as lists and pages show them."""

    id: int
    email: str
    administrator: bool
    active: bool
    created_at: datetime
    time_zone: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor(kind="person", id=self.id, name=self.email, administrator=self.administrator)


class AccountError(InputError):
    """An account cannot be made or changed this way. ``errors`` names the field."""

    code = "account.invalid"
    title = T("The account needs attention")


class AccountStore(UserDatastore):
    """What Flask-Security loads people from: short transactions of our own instead of a session for each request."""

    def __init__(self, db: Database) -> None:
        super().__init__(User, Role, WebAuthn)
        self._db = db

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> User | None:
        ((name, value),) = kwargs.items()
        column = getattr(User, name)
        matches = func.lower(column) == str(value).lower() if case_insensitive else column == value
        with self._db.read() as session:
            return session.scalar(select(User).where(matches))


class Accounts:
    """Makes people, checks their passwords, changes them."""

    def __init__(self, db: Database, audit: Audit | None = None) -> None:
        self._db = db
        self._audit = audit or Audit()
        self._hasher = PasswordHasher()

    @cached_property
    def _decoy(self) -> str:
        """What an unknown address is compared with, so that it takes as long as a known one."""
        return self._hasher.hash(secrets.token_urlsafe())

    def add_person(self, email: str, password: str, administrator: bool = False) -> Person:
        """Make an account. Raises AccountError naming ``/email`` or ``/password``."""
        address = self.check_new(email, password)
        hashed = self._hasher.hash(passwords.normalised(password))
        with self._db.write() as session:
            user = _added(session, address, hashed, administrator)
            self._audit.record(session, "account.added", OPERATOR, person=user.id, administrator=administrator)
            return person_of(user)

    def join(self, invitations: Invitations, token: str, password: str, request_id: str | None = None) -> Person:
        """Make the account of somebody invited, who is a member from then on. Raises AccountError for ``/password``."""
        invitation = invitations.open(token)
        self.check_new(invitation.email, password, invitation.tenant.name)
        hashed = self._hasher.hash(passwords.normalised(password))
        with self._db.write() as session:
            # All or nothing: a link that was used meanwhile leaves no account behind.
            invitation = invitations.take(session, token)
            user = _added(session, invitation.email, hashed, administrator=False)
            person = person_of(user)
            self._audit.record(session, "account.added", person.actor, request_id=request_id, person=person.id)
            invitations.admit(session, invitation, person.actor, request_id)
            return person

    def check_new(self, email: str, password: str, organisation: str = "") -> str:
        """Judge an address and a password for a new account; returns the address as it is stored."""
        try:
            address = _address(email)
        except AccountError as refused:
            weak = passwords.weakness(password, about=(organisation,))
            more = [FieldError("/password", "account.invalid", weak)] if weak else []
            raise AccountError(refused.detail, errors=[*refused.errors, *more]) from None
        _check(password, "/password", address, organisation)
        return address

    def by_id(self, person_id: int) -> Person:
        return person_of(self.user(person_id))

    def user(self, person_id: int) -> User:
        """The account as Flask-Security signs it in."""
        with self._db.read() as session:
            user = session.get(User, person_id)
            if not user:
                raise NotFoundError
            return user

    def by_email(self, email: str) -> Person:
        with self._db.read() as session:
            user = _user(session, email)
            if not user:
                raise NotFoundError(T("There is no account with the address %(email)s.", email=email))
            return person_of(user)

    def list(self) -> list[Person]:
        with self._db.read() as session:
            return [person_of(user) for user in session.scalars(select(User).order_by(User.email)).unique()]

    def count(self) -> int:
        with self._db.read() as session:
            return session.scalar(select(func.count()).select_from(User)) or 0

    def has_administrator(self) -> bool:
        with self._db.read() as session:
            return bool(session.scalar(select(func.count()).where(User.administrator, User.active)))

    def authenticate(self, email: str, password: str) -> User | None:
        """Find the person by address and password. Takes as long for an address that nobody has."""
        with self._db.read() as session:
            user = _user(session, email)
        decoy = self._decoy
        hashed = user.password if user and user.active and user.password else decoy
        fits = self._verify(hashed, password[: passwords.LONGEST])
        return user if fits and user and hashed is not decoy else None

    def change_password(self, person_id: int, current: str, new: str, *, organisation: str = "") -> None:
        """Set a new password, knowing the old one; every session of the person ends."""
        with self._db.read() as session:
            user = session.get(User, person_id)
        if not user or not self._verify(user.password or self._decoy, current):
            raise _invalid("/current", T("This is not your current password."))
        _check(new, "/new", user.email, organisation)
        self._set_password(user.id, new, person_of(user).actor)

    def reset_password(self, email: str, password: str) -> Person:
        """Set a new password as the operator; every session of the person ends."""
        person = self.by_email(email)
        _check(password, "/password", person.email)
        self._set_password(person.id, password, OPERATOR)
        return person

    def signed_in(self, user: User, request_id: str | None = None) -> None:
        """Write down that somebody came in."""
        with self._db.write() as session:
            self._audit.record(session, "account.signed_in", person_of(user).actor, request_id=request_id)

    def end_sessions(self, person_id: int, request_id: str | None = None) -> None:
        """End every session of a person, everywhere."""
        with self._db.write() as session:
            _end_sessions(session, person_id)
            person = person_of(session.get_one(User, person_id))
            self._audit.record(session, "account.sessions_ended", person.actor, request_id=request_id)

    def set_time_zone(self, person_id: int, zone: str) -> None:
        """Let a person read times in this zone; nothing for the browser's own."""
        if zone and zone not in TIME_ZONES:
            raise _invalid("/zone", T("This is not a time zone of the list."))
        with self._db.write() as session:
            session.execute(update(User).where(User.id == person_id).values(time_zone=zone or None))

    def _set_password(self, person_id: int, password: str, by: Actor) -> None:
        hashed = self._hasher.hash(passwords.normalised(password))
        with self._db.write() as session:
            session.execute(update(User).where(User.id == person_id).values(password=hashed))
            _end_sessions(session, person_id)
            self._audit.record(session, "account.password_changed", by, person=person_id)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, passwords.normalised(password))
        except (VerifyMismatchError, InvalidHashError):
            return False


class Installation:
    """The house: its organisation, and the one-time link that makes its first administrator."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @property
    def organisation(self) -> str:
        with self._db.read() as session:
            return session.scalar(select(InstallationRow.organisation)) or ""

    def rename(self, organisation: str) -> None:
        with self._db.write() as session:
            row = session.get(InstallationRow, 1)
            if row:
                row.organisation = organisation
            else:
                session.add(InstallationRow(id=1, organisation=organisation))

    def new_setup_link(self) -> str:
        """Make the token of a new first-run link; older ones stop working."""
        token = secrets.token_urlsafe(32)
        with self._db.write() as session:
            session.execute(delete(LinkRow).where(LinkRow.purpose == SETUP_PURPOSE))
            session.add(LinkRow(purpose=SETUP_PURPOSE, digest=_digest(token), expires_at=now() + SETUP_VALID))
        return token

    def setup_link_valid(self, token: str) -> bool:
        with self._db.read() as session:
            return session.scalar(select(LinkRow.id).where(*_open_link(token))) is not None

    def use_setup_link(self, token: str) -> None:
        """Take the link out of use. Raises NotFoundError when it was used, has lapsed or never was."""
        with self._db.write() as session:
            taken: CursorResult[Any] = session.execute(  # type: ignore[assignment]  # of an update it is a cursor's
                # The conditions themselves, not a query of ids: a second post that waited judges them anew.
                update(LinkRow).where(*_open_link(token)).values(used_at=now())
            )
            if not taken.rowcount:
                raise NotFoundError(T("This set-up link has been used or has lapsed."))


def first_run(services: Services, email: str, password: str, organisation: str = "") -> Person:
    """Make the first administrator and the tenants Development and Production, owned by that person.

    Safe to repeat: what is there stays as it is, the person's password too.
    """
    accounts = Accounts(services.db, services.audit)
    try:
        person = accounts.by_email(_address(email))
    except NotFoundError:
        person = accounts.add_person(email, password, administrator=True)
    if organisation:
        Installation(services.db).rename(organisation)
    existing = {tenant.slug for tenant in services.tenants.all(include_archived=True)}
    for slug, name, environment in (
        ("dev", "Development", Environment.DEVELOPMENT),
        ("prod", "Production", Environment.PRODUCTION),
    ):
        if slug not in existing:
            tenant = services.tenants.add(slug, name, environment, by=OPERATOR)
            services.tenants.add_member(tenant.id, person.id, roles.Role.OWNER)
    return person


def _end_sessions(session: Session, person_id: int) -> None:
    # Sessions carry the uniquifier: with a new one all of them end.
    session.execute(update(User).where(User.id == person_id).values(fs_uniquifier=secrets.token_hex(32)))
    session.execute(delete(SessionRow).where(SessionRow.person_id == person_id))


def _added(session: Session, address: str, hashed: str, administrator: bool) -> User:
    if _user(session, address):
        raise _invalid("/email", T("There is already an account with this address."))
    user = User(email=address, password=hashed, active=True, administrator=administrator)
    user.fs_uniquifier = secrets.token_hex(32)
    session.add(user)
    session.flush()
    return user


def _open_link(token: str) -> tuple[ColumnElement[bool], ...]:
    """What is true of the row of a link that can be used."""
    return (
        LinkRow.purpose == SETUP_PURPOSE,
        LinkRow.digest == _digest(token),
        LinkRow.used_at.is_(None),
        LinkRow.expires_at > now(),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def person_of(user: User) -> Person:
    """An account as the rest of the product sees it."""
    return Person(user.id, user.email, user.administrator, user.active, user.create_datetime, user.time_zone)


def _user(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))


def _address(email: str) -> str:
    try:
        return parse_address(email.strip()).lower()
    except AddressError as exc:
        raise _invalid("/email", T("This is not an email address, such as ada@example.com.")) from exc


def _check(password: str, pointer: str, *about: str) -> None:
    weak = passwords.weakness(password, about=about)
    if weak:
        raise _invalid(pointer, weak)


def _invalid(pointer: str, message: Text) -> AccountError:
    return AccountError(message, errors=[FieldError(pointer, "account.invalid", message)])
