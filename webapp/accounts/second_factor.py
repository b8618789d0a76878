"""The second step of signing in by password: codes of an authenticator app, and recovery codes for when it is lost.

Flask-Security (and passlib under it) makes and checks the codes. Its own storing is not used: it keeps recovery codes
so that they can be read, and lets a code of the app be used twice.
"""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import qrcode  # type: ignore[import-untyped]  # the library ships no types
from flask_security.totp import Totp
from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from webapp.accounts.models import Person, User, WebAuthn, person_of
from webapp.accounts.people import end_sessions, refusal, user_by_email
from webapp.db.models import RecoveryCodeRow, TotpRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault, VaultKeyError
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import OPERATOR, Actor
from webapp.domain.text import T
from webapp.services.audit import Audit

ISSUER: Final = "Postroom"
RECOVERY_CODES: Final = 10
OFFER_VALID: Final = timedelta(hours=1)
_PERIOD: Final = 30
_OFFER: Final = "totp"


class _Totp(Totp):
    """Flask-Security's codes, each of which works once. The vault encrypts the secret, so passlib need not."""

    def generate_totp_secret(self) -> str:
        secret: str = self._totp.new().to_json(encrypt=False)
        return secret

    def fits(self, code: str, secret: str, row: TotpRow) -> bool:
        """Whether this is the code of now, or of the step before or after, and no later one was used."""
        user: Any = row
        return self.verify_totp(code, secret, user, window=_PERIOD)

    def get_last_counter(self, user: Any) -> int | None:
        counter: int | None = user.last_counter
        return counter

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        user.last_counter = tmatch.counter


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person's account asks for after the password."""

    app_since: datetime | None
    """Since when there is an authenticator app."""
    passkeys: int
    codes_left: int

    @property
    def on(self) -> bool:
        """Whether there is a second step at all."""
        return self.app_since is not None or self.passkeys > 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A new secret for an authenticator app. It counts once the app's code has been typed in."""

    key: str
    """The secret in groups, to be typed."""
    uri: str
    drawing: str
    """The squares of the QR code, as the path of an SVG."""
    size: int
    """Squares on a side."""
    state: str
    """Sealed, for the page to carry."""


class SecondFactor:
    """What stands between a password and the console."""

    def __init__(self, db: Database, vault: Vault, audit: Audit) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit
        self._totp = _Totp({"unused": secrets.token_hex()}, ISSUER)

    def standing(self, person_id: int) -> Standing:
        with self._db.read() as session:
            return Standing(
                session.scalar(select(TotpRow.created_at).where(TotpRow.person_id == person_id)),
                _passkeys(session, person_id),
                session.scalar(select(func.count()).where(*_unused(person_id))) or 0,
            )

    def offer(self, person: Person, state: str = "") -> Offer:
        """A secret for a new app, or once more the one that was offered. Raises NotFoundError when that has lapsed."""
        secret = self._offered(person, state) if state else self._totp.generate_totp_secret()
        if not state:
            content = {"for": _OFFER, "person": person.id, "secret": secret, "at": now().timestamp()}
            state = self._vault.seal(content).decode()
        uri = self._totp.get_totp_uri(person.email, secret)
        drawing, size = _drawing(uri)
        return Offer(self._totp.get_totp_pretty_key(secret), uri, drawing, size, state)

    def enable_app(self, person: Person, state: str, code: str, request_id: str | None = None) -> list[str]:
        """Ask for the app's codes from now on; every session ends. Returns new recovery codes if there were none.

        Raises AccountError for ``/code``, NotFoundError when the offer has lapsed.
        """
        secret = self._offered(person, state)
        row = TotpRow(person_id=person.id, secret=self._vault.seal(secret))
        if not self._totp.fits(code, secret, row):
            raise refusal(
                "/code", T("This is not the code that the app shows now. If it keeps failing, check the phone's clock.")
            )
        codes = self.prepare_codes(person.id)
        with self._db.write() as session:
            if session.get(TotpRow, person.id):
                raise refusal("/code", T("An authenticator app has been set up meanwhile. Reload the page."))
            session.add(row)
            self._audit.record(session, "account.app_added", person.actor, request_id=request_id)
            return self.began(session, person, codes)

    def disable_app(self, person: Person, request_id: str | None = None) -> None:
        """Ask for no codes any more; every session ends."""
        with self._db.write() as session:
            session.execute(delete(TotpRow).where(TotpRow.person_id == person.id))
            self._audit.record(session, "account.app_removed", person.actor, request_id=request_id)
            self.ended(session, person.id)

    def prepare_codes(self, person_id: int) -> dict[str, str]:
        """New recovery codes with their digests. Before the transaction: the key of the hash may have to be read."""
        codes: list[str] = self._totp.generate_recovery_codes(RECOVERY_CODES)
        return {code: self._digest(person_id, code) for code in codes}

    def began(self, session: Session, person: Person, codes: dict[str, str]) -> list[str]:
        """A factor was added: sessions that were begun without it end. Returns the codes if there were none before."""
        end_sessions(session, person.id)
        known = session.scalar(select(RecoveryCodeRow.id).where(*_unused(person.id)).limit(1))
        return [] if known else _replace_codes(session, person.id, codes)

    def ended(self, session: Session, person_id: int) -> None:
        """A factor was removed: all sessions end; with the last factor the recovery codes go too."""
        end_sessions(session, person_id)
        if not session.get(TotpRow, person_id) and not _passkeys(session, person_id):
            session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id))

    def check_app(self, person_id: int, code: str) -> bool:
        """Whether this is the app's code, of now or 30 seconds to either side, and was not used before."""
        with self._db.write() as session:
            row = session.get(TotpRow, person_id, with_for_update=True)
            return row is not None and self._totp.fits(code, self._vault.open(row.secret), row)

    def use_recovery_code(self, person_id: int, code: str, request_id: str | None = None) -> bool:
        """Use up a recovery code; tells whether it was one."""
        digest = self._digest(person_id, code)
        with self._db.write() as session:
            taken: CursorResult[Any] = session.execute(  # type: ignore[assignment]  # of an update it is a cursor's
                update(RecoveryCodeRow)
                .where(*_unused(person_id), RecoveryCodeRow.digest == digest)
                .values(used_at=now())
            )
            if not taken.rowcount:
                return False
            left = session.scalar(select(func.count()).where(*_unused(person_id)))
            actor = person_of(session.get_one(User, person_id)).actor
            self._audit.record(session, "account.recovery_code_used", actor, request_id=request_id, left=left)
            return True

    def are_recovery_codes(self, person_id: int, codes: list[str]) -> bool:
        """Whether all of these are codes of the person that can be used."""
        digests = {self._digest(person_id, code) for code in codes}
        with self._db.read() as session:
            known = session.scalar(select(func.count()).where(*_unused(person_id), RecoveryCodeRow.digest.in_(digests)))
        return bool(codes) and known == len(digests)

    def new_recovery_codes(self, person: Person, request_id: str | None = None) -> list[str]:
        """Make new ones; those of before stop working."""
        codes = self.prepare_codes(person.id)
        with self._db.write() as session:
            self._audit.record(session, "account.recovery_codes_made", person.actor, request_id=request_id)
            return _replace_codes(session, person.id, codes)

    def reset(self, email: str, by: Actor = OPERATOR) -> Person:
        """Take every second factor from an account whose owner has lost them; every session ends."""
        with self._db.write() as session:
            user = user_by_email(session, email)
            if user is None:
                raise NotFoundError(T("There is no account with the address %(email)s.", email=email))
            had = session.get(TotpRow, user.id) is not None
            passkeys = _passkeys(session, user.id)
            session.execute(delete(TotpRow).where(TotpRow.person_id == user.id))
            session.execute(delete(WebAuthn).where(WebAuthn.user_id == user.id))
            self.ended(session, user.id)
            self._audit.record(session, "account.second_factor_reset", by, person=user.id, app=had, passkeys=passkeys)
            return person_of(user)

    def _offered(self, person: Person, state: str) -> str:
        try:
            content = self._vault.open(state.encode())
        except VaultKeyError:
            content = None
        if (
            not isinstance(content, dict)
            or (content.get("for"), content.get("person")) != (_OFFER, person.id)
            or now().timestamp() - content["at"] > OFFER_VALID.total_seconds()
        ):
            raise NotFoundError(T("This page has waited too long. Begin again, with a new code to scan."))
        return str(content["secret"])

    def _digest(self, person_id: int, code: str) -> str:
        """A keyed hash: whoever has only the database cannot try out codes."""
        plain = "".join(char for char in code.lower() if char.isalnum())
        return self._vault.tag("recovery-code", str(person_id), plain)


def _replace_codes(session: Session, person_id: int, codes: dict[str, str]) -> list[str]:
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id))
    session.add_all(RecoveryCodeRow(person_id=person_id, digest=digest) for digest in codes.values())
    return list(codes)


def _passkeys(session: Session, person_id: int) -> int:
    return session.scalar(select(func.count()).where(WebAuthn.user_id == person_id)) or 0


def _unused(person_id: int) -> tuple[Any, Any]:
    return RecoveryCodeRow.person_id == person_id, RecoveryCodeRow.used_at.is_(None)


def _drawing(text: str) -> tuple[str, int]:
    code = qrcode.QRCode(border=2, error_correction=qrcode.ERROR_CORRECT_M)
    code.add_data(text)
    rows: list[list[bool]] = code.get_matrix()
    path = io.StringIO()
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                path.write(f"M{x} {y}h{end - x}v1H{x}z")
            x = end + 1
    return path.getvalue(), len(rows)
