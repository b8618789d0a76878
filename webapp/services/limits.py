"""Limits counted from rows, so that they are the same on any number of threads, processes and machines."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, func, select, text
from sqlalchemy.orm import Session

from webapp.db.models import AttemptRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.errors import LimitedError
from webapp.domain.text import T
from webapp.settings import Limit

__all__ = ["Limit", "Limits"]


class Limits:
    """Counts attempts over a sliding window. What is limited is stored as a keyed hash only."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    def hit(self, kind: str, *key_parts: str, amount: int, seconds: int) -> None:
        """Count one attempt; raises LimitedError, and counts nothing, when the window is full."""
        key = self._key(kind, key_parts)
        with self._db.write() as session:
            self._queue(session, key)
            moment = now()
            window = (AttemptRow.kind == kind, AttemptRow.key == key)
            session.execute(delete(AttemptRow).where(*window, AttemptRow.at <= moment - timedelta(seconds=seconds)))
            self._judge(session, kind, key, amount, seconds, moment)
            session.add(AttemptRow(kind=kind, key=key, at=moment))

    def check(self, kind: str, *key_parts: str, amount: int, seconds: int) -> None:
        """Raise LimitedError when the window is full; count nothing."""
        with self._db.read() as session:
            self._judge(session, kind, self._key(kind, key_parts), amount, seconds, now())

    def clear(self, kind: str, *key_parts: str) -> None:
        """Forget the attempts, such as the failed sign-ins of someone who then got in."""
        with self._db.write() as session:
            session.execute(
                delete(AttemptRow).where(AttemptRow.kind == kind, AttemptRow.key == self._key(kind, key_parts))
            )

    def purge(self, older_than: timedelta) -> int:
        """Forget attempts that no window reaches back to; tells how many."""
        with self._db.write() as session:
            result: CursorResult[Any] = session.execute(delete(AttemptRow).where(AttemptRow.at < now() - older_than))  # type: ignore[assignment]
            return result.rowcount

    def _key(self, kind: str, parts: tuple[str, ...]) -> str:
        return self._vault.tag("limit", kind, *parts)

    def _queue(self, session: Session, key: str) -> None:
        """Let one count at a time. SQLite queues writers anyway; PostgreSQL is asked to, for this key only."""
        if not self._db.sqlite:
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(key[:15], 16)})

    @staticmethod
    def _judge(session: Session, kind: str, key: str, amount: int, seconds: int, moment: datetime) -> None:
        since = moment - timedelta(seconds=seconds)
        inside = (AttemptRow.kind == kind, AttemptRow.key == key, AttemptRow.at > since)
        if (session.scalar(select(func.count()).where(*inside)) or 0) < amount:
            return
        # The window opens when enough of the oldest attempts have left it.
        frees = session.scalars(
            select(AttemptRow.at).where(*inside).order_by(AttemptRow.at.desc()).offset(amount - 1).limit(1)
        ).one()
        wait = max(1, math.ceil((frees + timedelta(seconds=seconds) - moment).total_seconds()))
        detail = T(
            "At most %(amount)s in %(seconds)s seconds. Try again in %(wait)s seconds.",
            amount=amount,
            seconds=seconds,
            wait=wait,
        )
        raise LimitedError(detail, retry_after=wait)
