"""People: who they are and what they sign in with."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import Final
from zoneinfo import available_timezones

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from webapp.accounts.models import Person, User, person_of
from webapp.db.models import SessionRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain import password as passwords
from webapp.domain.address import AddressError, parse_address
from webapp.domain.errors import FieldError, InputError, NotFoundError
from webapp.domain.roles import OPERATOR, Actor
from webapp.domain.text import T, Text
from webapp.services.audit import Audit
from webapp.services.invitations import Invitations

TIME_ZONES: Final = frozenset(available_timezones() | {"UTC"})
"""Those that this machine knows."""


class AccountError(InputError):
    """An account cannot be made or changed this way. ``errors`` names the field."""

    code = "account.invalid"
    title = T("The account needs attention")


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
            self._audit.record(
                session, "account.added", OPERATOR, person=user.id, name=user.email, administrator=administrator
            )
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
            self._audit.record(
                session, "account.added", person.actor, request_id=request_id, person=person.id, name=person.email
            )
            invitations.admit(session, invitation, person.actor, request_id)
            return person

    def check_new(self, email: str, password: str, organisation: str = "") -> str:
        """Judge an address and a password for a new account; returns the address as it is stored."""
        try:
            address = address_of(email)
        except AccountError as refused:
            weak = passwords.weakness(password, about=(organisation,))
            more = [FieldError("/password", "account.invalid", weak)] if weak else []
            raise AccountError(refused.detail, errors=[*refused.errors, *more]) from None
        check_password(password, "/password", address, organisation)
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
            user = user_by_email(session, email)
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
            user = user_by_email(session, email)
        decoy = self._decoy
        hashed = user.password if user and user.active and user.password else decoy
        fits = self._verify(hashed, password[: passwords.LONGEST])
        return user if fits and user and hashed is not decoy else None

    def has_password(self, person_id: int) -> bool:
        """Whether the person can sign in with one; whoever comes by another system may have none."""
        return bool(self.user(person_id).password)

    def change_password(self, person_id: int, current: str, new: str, *, organisation: str = "") -> None:
        """Set a new password, knowing the old one; every session of the person ends."""
        with self._db.read() as session:
            user = session.get(User, person_id)
        if not user or not self._verify(user.password or self._decoy, current):
            raise refusal("/current", T("This is not your current password."))
        check_password(new, "/new", user.email, organisation)
        self._set_password(user.id, new, person_of(user).actor)

    def reset_password(self, email: str, password: str) -> Person:
        """Set a new password as the operator; every session of the person ends."""
        person = self.by_email(email)
        check_password(password, "/password", person.email)
        self._set_password(person.id, password, OPERATOR)
        return person

    def signed_in(self, user: User, via: str, request_id: str | None = None) -> None:
        """Write down that somebody came in, and how."""
        with self._db.write() as session:
            session.execute(update(User).where(User.id == user.id).values(last_sign_in_at=now()))
            self._audit.record(session, "account.signed_in", person_of(user).actor, request_id=request_id, via=via)

    def end_sessions(self, person_id: int, request_id: str | None = None) -> None:
        """End every session of a person, everywhere."""
        with self._db.write() as session:
            end_sessions(session, person_id)
            person = person_of(session.get_one(User, person_id))
            self._audit.record(session, "account.sessions_ended", person.actor, request_id=request_id)

    def set_time_zone(self, person_id: int, zone: str) -> None:
        """Let a person read times in this zone; nothing for the browser's own."""
        if zone and zone not in TIME_ZONES:
            raise refusal("/zone", T("This is not a time zone of the list."))
        with self._db.write() as session:
            session.execute(update(User).where(User.id == person_id).values(time_zone=zone or None))

    def _set_password(self, person_id: int, password: str, by: Actor) -> None:
        hashed = self._hasher.hash(passwords.normalised(password))
        with self._db.write() as session:
            session.execute(update(User).where(User.id == person_id).values(password=hashed))
            end_sessions(session, person_id)
            self._audit.record(session, "account.password_changed", by, person=person_id)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, passwords.normalised(password))
        except (VerifyMismatchError, InvalidHashError):
            return False


def end_sessions(session: Session, person_id: int) -> None:
    """End every session of a person, within the caller's transaction."""
    # Sessions carry the uniquifier: with a new one all of them end.
    session.execute(update(User).where(User.id == person_id).values(fs_uniquifier=secrets.token_hex(32)))
    session.execute(delete(SessionRow).where(SessionRow.person_id == person_id))


def _added(session: Session, address: str, hashed: str, administrator: bool) -> User:
    if user_by_email(session, address):
        raise refusal("/email", T("There is already an account with this address."))
    user = User(email=address, password=hashed, active=True, administrator=administrator)
    user.fs_uniquifier = secrets.token_hex(32)
    session.add(user)
    session.flush()
    return user


def user_by_email(session: Session, email: str) -> User | None:
    """The account with this address, if there is one."""
    return session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))


def address_of(email: str) -> str:
    """An address as it is stored. Raises AccountError for ``/email``."""
    try:
        return parse_address(email.strip()).lower()
    except AddressError as exc:
        raise refusal("/email", T("This is not an email address, such as ada@example.com.")) from exc


def check_password(password: str, pointer: str, *about: str) -> None:
    """Refuse a weak password. Raises AccountError for the field."""
    weak = passwords.weakness(password, about=about)
    if weak:
        raise refusal(pointer, weak)


def refusal(pointer: str, message: Text) -> AccountError:
    """What is wrong with one field."""
    return AccountError(message, errors=[FieldError(pointer, "account.invalid", message)])
