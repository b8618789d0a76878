"""The ceremonies of passkeys: what a page asks a browser for, and judging what the browser answers.

The checking is py_webauthn's; here is what it leaves to others: that an answer belongs to the session that asked, comes
in time and counts once, and how a refusal is told.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, RegistrationCredential

from webapp.db.models import AttemptRow
from webapp.db.types import now
from webapp.db.vault import Vault, VaultKeyError
from webapp.domain.errors import InputError
from webapp.domain.text import T

CEREMONY_VALID: Final = timedelta(hours=1)
UNFIT: Final = (WebAuthnException, ValueError, KeyError, TypeError)
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


class Ceremonies:
    """Begins ceremonies and knows them again. ``session`` is anything that only the browser's session knows."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def begin(self, purpose: str, session: str, person_id: int | None) -> tuple[bytes, str]:
        """A new challenge, and its state for the page to carry."""
        challenge = secrets.token_bytes(32)
        content = {
            "for": _CEREMONY,
            "purpose": purpose,
            "challenge": bytes_to_base64url(challenge),
            "session": session,
            "person": person_id,
            "at": now().timestamp(),
        }
        return challenge, self._vault.seal(content).decode()

    def challenge(self, state: str, purpose: str, session: str, person_id: int | None) -> bytes:
        """What was asked, if it was asked for this. Raises PasskeyError."""
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


def made(answer: str) -> RegistrationCredential:
    """Read the answer of ``navigator.credentials.create``. Raises PasskeyError."""
    try:
        return parse_registration_credential_json(answer[:_LONGEST_ANSWER])
    except UNFIT as exc:
        raise _unreadable() from exc


def used(answer: str) -> AuthenticationCredential:
    """Read the answer of ``navigator.credentials.get``. Raises PasskeyError."""
    try:
        return parse_authentication_credential_json(answer[:_LONGEST_ANSWER])
    except UNFIT as exc:
        raise _unreadable() from exc


def _unreadable() -> PasskeyError:
    return PasskeyError(T("The browser's answer cannot be read. Reload the page, then try again."))


def refused(exc: Exception, party: RelyingParty) -> PasskeyError:
    """What py_webauthn found wrong, in words."""
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


def use_once(session: Session, challenge: bytes) -> None:
    """What was sent once must not let anybody in again. Kept for longer than a ceremony is valid."""
    used = (AttemptRow.kind == _USED, AttemptRow.key == hashlib.sha256(challenge).hexdigest())
    if session.scalar(select(AttemptRow.id).where(*used).limit(1)) is not None:
        raise PasskeyError(T("This was sent before. Try again."))
    session.add(AttemptRow(kind=_USED, key=hashlib.sha256(challenge).hexdigest()))
