"""Where people are signed in: a list to look at, and the way to end what is on it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from webapp.db.models import AttemptRow, SessionRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.errors import NotFoundError

SIGNED_OUT: Final = "signed_out"
LIFETIME: Final = timedelta(hours=12)
"""Of a session, since its last page; each page begins it anew."""
LONGEST: Final = timedelta(days=7)
"""Of a session, since its beginning: whoever is never away signs in anew once a week."""
_NOTE_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A browser in which somebody is signed in."""

    id: int
    browser: str
    """What the browser calls itself."""
    address: str
    began_at: datetime
    seen_at: datetime
    this: bool
    """Whether it is the one that asks."""


class Sessions:
    """Notes where people come in. Only the digest of a session's id is stored."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(self, person_id: int, session_id: str, browser: str, address: str) -> None:
        """Note a new session, and forget those of the person that are over by now."""
        with self._db.write() as session:
            stale = (SessionRow.person_id == person_id, SessionRow.seen_at < now() - LIFETIME)
            session.execute(delete(SessionRow).where(*stale))
            session.add(
                SessionRow(person_id=person_id, digest=_digest(session_id), browser=browser[:255], address=address[:64])
            )

    def ended(self, session_id: str, *, seen: bool = True) -> bool:
        """Whether it is over: signed out of, so that what comes is a copy of its cookie, or too old.

        Otherwise notes that it was ``seen``.
        """
        digest, moment = _digest(session_id), now()
        with self._db.read() as session:
            over = (AttemptRow.kind == SIGNED_OUT, AttemptRow.key == digest)
            if session.scalar(select(AttemptRow.id).where(*over).limit(1)) is not None:
                return True
            row = session.scalar(select(SessionRow).where(SessionRow.digest == digest))
            if row is None or row.began_at < moment - LONGEST:
                return True
            last = row.seen_at
        if seen and last < moment - _NOTE_EVERY:
            with self._db.write() as session:
                session.execute(update(SessionRow).where(SessionRow.digest == digest).values(seen_at=moment))
        return False

    def of_person(self, person_id: int, session_id: str) -> list[SessionInfo]:
        """The person's sessions that are not over, this one first, then the one seen last."""
        query = select(SessionRow).where(SessionRow.person_id == person_id, SessionRow.seen_at >= now() - LIFETIME)
        own = _digest(session_id)
        with self._db.read() as session:
            found = [_info(row, own) for row in session.scalars(query.order_by(SessionRow.seen_at.desc()))]
        return sorted(found, key=lambda each: not each.this)

    def end(self, session_id: str) -> None:
        """End a session by its id. Noted for longer than any cookie lasts."""
        digest = _digest(session_id)
        with self._db.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.digest == digest))
            _end(session, digest)

    def end_one(self, person_id: int, number: int) -> None:
        """End one on the person's list. Raises NotFoundError for another's."""
        with self._db.write() as session:
            row = session.scalar(select(SessionRow).where(SessionRow.id == number, SessionRow.person_id == person_id))
            if row is None:
                raise NotFoundError
            _end(session, row.digest)
            session.delete(row)

    def purge(self) -> int:
        """Forget those that are over by now, and tell how many that were."""
        with self._db.write() as session:
            result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
                delete(SessionRow).where(SessionRow.seen_at < now() - LIFETIME)
            )
            return result.rowcount


def _end(session: Session, digest: str) -> None:
    session.add(AttemptRow(kind=SIGNED_OUT, key=digest))


def _digest(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()


def _info(row: SessionRow, own: str) -> SessionInfo:
    return SessionInfo(row.id, row.browser, row.address, row.began_at, row.seen_at, row.digest == own)
