"""Passkeys: made, listed, and used to sign in. The checking is py_webauthn's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import webauthn
from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from webapp.accounts import ceremony
from webapp.accounts.ceremony import CEREMONY_VALID, Ceremonies, Ceremony, PasskeyError, RelyingParty
from webapp.accounts.models import Person, User, WebAuthn
from webapp.accounts.people import refusal
from webapp.accounts.second_factor import SecondFactor
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.errors import NotFoundError
from webapp.domain.text import T
from webapp.services.audit import Audit

MOST: Final = 20
"""Passkeys of one person."""
LONGEST_NAME: Final = 64


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
        self._ceremonies = Ceremonies(vault)
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
        challenge, state = self._ceremonies.begin("add", session, person.id)
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
        return Ceremony(webauthn.options_to_json(options), state)

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
        challenge = self._ceremonies.challenge(state, "add", session, person.id)
        credential = ceremony.made(answer)
        try:
            made = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
                require_user_verification=True,
            )
        except ceremony.UNFIT as exc:
            raise ceremony.refused(exc, party) from exc
        moment, handle, codes = now(), self._handle(person.id), self._second_factor.prepare_codes(person.id)
        with self._db.write() as db:
            ceremony.use_once(db, challenge)
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
            db.get_one(User, person.id).fs_webauthn_user_handle = handle
            db.flush()
            self._audit.record(db, "account.passkey_added", person.actor, request_id=request_id, name=name)
            return self._second_factor.began(db, person, codes)

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
        challenge, state = self._ceremonies.begin("use", session, person_id)
        options = webauthn.generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            timeout=int(CEREMONY_VALID.total_seconds() * 1000),
            allow_credentials=None if person_id is None else self._descriptors(person_id),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return Ceremony(webauthn.options_to_json(options), state)

    def use(self, party: RelyingParty, session: str, state: str, answer: str, person_id: int | None = None) -> User:
        """Find out who used theirs. Raises PasskeyError."""
        challenge = self._ceremonies.challenge(state, "use", session, person_id)
        credential = ceremony.used(answer)
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
            except ceremony.UNFIT as exc:
                raise ceremony.refused(exc, party) from exc
            ceremony.use_once(db, challenge)
            row.sign_count, row.lastuse_datetime = used.new_sign_count, now()
            row.backup_state = used.credential_backed_up
            number = user.id
        with self._db.read() as db:
            return db.get_one(User, number)

    def _handle(self, person_id: int) -> str:
        """What authenticators call the person. A keyed hash, as it can be read off a device: it tells nothing."""
        with self._db.read() as session:
            known = session.get_one(User, person_id).fs_webauthn_user_handle
        return known or self._vault.tag("passkey-handle", str(person_id))

    def _descriptors(self, person_id: int) -> list[PublicKeyCredentialDescriptor]:
        with self._db.read() as session:
            return [
                PublicKeyCredentialDescriptor(
                    id=row.credential_id,
                    transports=[AuthenticatorTransport(each) for each in row.transports or [] if each] or None,
                )
                for row in session.scalars(_of(person_id))
            ]


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
