"""Passkeys: made, listed, and used to sign in. The checking is py_webauthn's."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import webauthn
from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from webapp.accounts.models import Person, User, WebAuthn
from webapp.accounts.people import refusal
from webapp.accounts.second_factor import SecondFactor
from webapp.db.models import AttemptRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault, VaultKeyError
from webapp.domain.errors import InputError, NotFoundError
from webapp.domain.text import T
from webapp.services.audit import Audit

MOST: Final = 20
"""Passkeys of one person."""
CEREMONY_VALID: Final = timedelta(hours=1)
LONGEST_NAME: Final = 64
_UNFIT: Final = (WebAuthnException, ValueError, KeyError, TypeError)
"""What py_webauthn raises over an answer that is none."""
_LONGEST_ANSWER: Final = 64 * 1024
_CEREMONY: Final = "passkey"
_USED: Final = "passkey_ceremony"


class PasskeyError(InputError):
    """A passkey was not accepted; nothing was changed. Try again, or sign in another way."""

    code = "account.passkey_refused"
    title = T("The passkey was not accepted")


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks for a passkey: it belongs to the name, and answers only pages of the origin."""

    id: str
    origin: str
    name: str = "Postroom"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What a page hands to the browser, and what it sends back with the browser's answer."""

    options: str
    """JSON for ``navigator.credentials``."""
    state: str = field(repr=False)
    """Sealed; good for one answer, in the session that it was made in."""


@dataclass(frozen=True, slots=True)
class PasskeyInfo:
    """A passkey on its owner's list."""

    id: int
    name: str
    made_at: datetime
    used_at: datetime | None
    synced: bool
    """Whether a password manager keeps a copy, so that losing one device does not lose it."""


class Passkeys:
    """The passkeys of people. ``session`` in the signatures is anything that only the browser's session knows."""

    def __init__(self, db: Database, vault: Vault, second_factor: SecondFactor, audit: Audit) -> None:
        self._db = db
        self._vault = vault
        self._second_factor = second_factor
        self._audit = audit

    def of_person(self, person_id: int) -> list[PasskeyInfo]:
        with self._db.read() as session:
            return [_info(row) for row in session.scalars(_of(person_id).order_by(WebAuthn.id))]

    def any(self) -> bool:
        """Whether anybody has one."""
        with self._db.read() as session:
            return session.scalar(select(WebAuthn.id).limit(1)) is not None

    def one(self, person_id: int, number: int) -> PasskeyInfo:
        """One of the person's. Raises NotFoundError for another's."""
        with self._db.read() as session:
            return _info(_own(session, person_id, number))

    def begin_adding(self, person: Person, party: RelyingParty, session: str) -> Ceremony:
        """Have the browser make one that can sign in by itself: it knows whose it is, and asks who holds it."""
        handle = self._handle(person.id)
        challenge = secrets.token_bytes(32)
        options = webauthn.generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_id=handle.encode(),
            user_name=person.email,
            challenge=challenge,
            timeout=int(CEREMONY_VALID.total_seconds() * 1000),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=self._descriptors(person.id),
        )
        return Ceremony(webauthn.options_to_json(options), self._state("add", challenge, session, person.id))

    def add(
        self,
        person: Person,
        party: RelyingParty,
        session: str,
        state: str,
        answer: str,
        name: str,
        request_id: str | None = None,
    ) -> list[str]:
        """Keep what the browser made; every session ends. Returns new recovery codes if there were none.

        Raises AccountError for ``/name``, PasskeyError for the rest.
        """
        name = _name(name)
        challenge = self._challenge(state, "add", session, person.id)
        credential = _parsed_new(answer)
        try:
            made = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
                require_user_verification=True,
            )
        except _UNFIT as exc:
            raise _refused(exc, party) from exc
        moment = now()
        with self._db.write() as db:
            _use_once(db, challenge)
            if len(db.scalars(_of(person.id)).all()) >= MOST:
                raise refusal("/name", T("%(most)s passkeys are the most. Remove one first.", most=MOST))
            if db.scalar(_of(person.id).where(WebAuthn.name == name)):
                raise refusal("/name", T("You have a passkey of this name already."))
            if db.scalar(select(WebAuthn).where(WebAuthn.credential_id == made.credential_id)):
                raise PasskeyError(T("This passkey is here already."))
            db.add(
                WebAuthn(
                    user_id=person.id,
                    name=name,
                    credential_id=made.credential_id,
                    public_key=made.credential_public_key,
                    sign_count=made.sign_count,
                    transports=[str(each.value) for each in credential.response.transports or []],
                    backup_state=made.credential_backed_up,
                    device_type=made.credential_device_type.value,
                    usage="first",
                    create_datetime=moment,
                    lastuse_datetime=moment,
                )
            )
            db.flush()
            self._audit.record(db, "account.passkey_added", person.actor, request_id=request_id, name=name)
            return self._second_factor.began(db, person)

    def rename(self, person: Person, number: int, name: str, request_id: str | None = None) -> None:
        """Raises AccountError for ``/name``, NotFoundError for another's."""
        name = _name(name)
        with self._db.write() as session:
            row = _own(session, person.id, number)
            if session.scalar(_of(person.id).where(WebAuthn.name == name, WebAuthn.id != number)):
                raise refusal("/name", T("You have a passkey of this name already."))
            self._audit.record(
                session, "account.passkey_renamed", person.actor, request_id=request_id, old=row.name, new=name
            )
            row.name = name

    def remove(self, person: Person, number: int, request_id: str | None = None) -> PasskeyInfo:
        """Let it sign in no more; every session of the person ends. Raises NotFoundError for another's."""
        with self._db.write() as session:
            row = _own(session, person.id, number)
            gone = _info(row)
            session.delete(row)
            session.flush()
            self._audit.record(session, "account.passkey_removed", person.actor, request_id=request_id, name=gone.name)
            self._second_factor.ended(session, person.id)
        return gone

    def begin_using(self, party: RelyingParty, session: str, person_id: int | None = None) -> Ceremony:
        """Have the browser use one: any that it has for us, or one of this person's."""
        challenge = secrets.token_bytes(32)
        options = webauthn.generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            timeout=int(CEREMONY_VALID.total_seconds() * 1000),
            allow_credentials=None if person_id is None else self._descriptors(person_id),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return Ceremony(webauthn.options_to_json(options), self._state("use", challenge, session, person_id))

    def use(self, party: RelyingParty, session: str, state: str, answer: str, person_id: int | None = None) -> User:
        """Find out who used theirs. Raises PasskeyError."""
        challenge = self._challenge(state, "use", session, person_id)
        credential = _parsed_used(answer)
        with self._db.write() as db:
            row = db.scalar(select(WebAuthn).where(WebAuthn.credential_id == credential.raw_id).with_for_update())
            user = db.get(User, row.user_id) if row else None
            handle = credential.response.user_handle
            if (
                row is None
                or user is None
                or not user.active
                or (person_id is not None and user.id != person_id)
                or (handle is not None and handle != (user.fs_webauthn_user_handle or "").encode())
            ):
                raise PasskeyError(T("This passkey is not known here. It may have been removed from the account."))
            try:
                used = webauthn.verify_authentication_response(
                    credential=credential,
                    expected_challenge=challenge,
                    expected_rp_id=party.id,
                    expected_origin=party.origin,
                    credential_public_key=row.public_key,
                    credential_current_sign_count=row.sign_count or 0,
                    require_user_verification=True,
                )
            except _UNFIT as exc:
                raise _refused(exc, party) from exc
            _use_once(db, challenge)
            row.sign_count, row.lastuse_datetime = used.new_sign_count, now()
            row.backup_state = used.credential_backed_up
            number = user.id
        with self._db.read() as db:
            return db.get_one(User, number)

    def _handle(self, person_id: int) -> str:
        """What authenticators call the person: random, as it can be read off a device."""
        with self._db.write() as session:
            user = session.get_one(User, person_id)
            if not user.fs_webauthn_user_handle:
                user.fs_webauthn_user_handle = secrets.token_hex(32)
            return user.fs_webauthn_user_handle

    def _descriptors(self, person_id: int) -> list[PublicKeyCredentialDescriptor]:
        with self._db.read() as session:
            return [
                PublicKeyCredentialDescriptor(
                    id=row.credential_id,
                    transports=[AuthenticatorTransport(each) for each in row.transports or [] if each] or None,
                )
                for row in session.scalars(_of(person_id))
            ]

    def _state(self, purpose: str, challenge: bytes, session: str, person_id: int | None) -> str:
        content = {
            "for": _CEREMONY,
            "purpose": purpose,
            "challenge": bytes_to_base64url(challenge),
            "session": session,
            "person": person_id,
            "at": now().timestamp(),
        }
        return self._vault.seal(content).decode()

    def _challenge(self, state: str, purpose: str, session: str, person_id: int | None) -> bytes:
        try:
            content = self._vault.open(state.encode())
        except VaultKeyError:
            content = None
        expected = {"for": _CEREMONY, "purpose": purpose, "session": session, "person": person_id}
        if (
            not isinstance(content, dict)
            or any(content.get(name) != value for name, value in expected.items())
            or now().timestamp() - content["at"] > CEREMONY_VALID.total_seconds()
        ):
            raise PasskeyError(T("The page has waited too long for the passkey. Try again."))
        return base64url_to_bytes(content["challenge"])


def _parsed_new(answer: str) -> RegistrationCredential:
    try:
        return parse_registration_credential_json(answer[:_LONGEST_ANSWER])
    except _UNFIT as exc:
        raise _unreadable() from exc


def _parsed_used(answer: str) -> AuthenticationCredential:
    try:
        return parse_authentication_credential_json(answer[:_LONGEST_ANSWER])
    except _UNFIT as exc:
        raise _unreadable() from exc


def _unreadable() -> PasskeyError:
    return PasskeyError(T("The browser's answer cannot be read. Reload the page, then try again."))


def _refused(exc: Exception, party: RelyingParty) -> PasskeyError:
    if "client data origin" in str(exc):
        return PasskeyError(
            T(
                "The browser is at another address than %(origin)s, to which the console's passkeys belong. "
                "Open that address, or have the operator correct POSTROOM_PUBLIC_URL.",
                origin=party.origin,
            )
        )
    if "user was not verified" in str(exc):
        return PasskeyError(
            T("The device did not ask who you are. Set a PIN, fingerprint or face on it, then try again.")
        )
    return PasskeyError(T("The passkey does not fit what the console asked for. Try again."))


def _use_once(session: Session, challenge: bytes) -> None:
    """What was sent once must not let anybody in again. Kept for longer than a ceremony is valid."""
    used = (AttemptRow.kind == _USED, AttemptRow.key == hashlib.sha256(challenge).hexdigest())
    if session.scalar(select(AttemptRow.id).where(*used).limit(1)) is not None:
        raise PasskeyError(T("This was sent before. Try again."))
    session.add(AttemptRow(kind=_USED, key=hashlib.sha256(challenge).hexdigest()))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise refusal("/name", T("Give it a name, such as the device's."))
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise refusal("/name", T("Use at most %(most)s characters.", most=LONGEST_NAME))
    return name


def _of(person_id: int) -> Any:
    return select(WebAuthn).where(WebAuthn.user_id == person_id)


def _own(session: Session, person_id: int, number: int) -> WebAuthn:
    row: WebAuthn | None = session.scalar(_of(person_id).where(WebAuthn.id == number))
    if row is None:
        raise NotFoundError
    return row


def _info(row: WebAuthn) -> PasskeyInfo:
    used = row.lastuse_datetime if row.lastuse_datetime > row.create_datetime else None
    return PasskeyInfo(row.id, row.name, row.create_datetime, used, row.backup_state)
