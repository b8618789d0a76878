"""What a browser has to find again when it comes back from another site, and is too large for its cookie."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select

from webapp.db.models import LinkRow
from webapp.db.session import Database
from webapp.db.types import now

PURPOSE: Final = "kept-form"
LARGEST: Final = 256 * 1024
_FOR: Final = timedelta(minutes=15)


class Keeping:
    """Keeps sealed texts for a short while, each for whoever holds its key, once."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, sealed: str) -> str:
        """Keep a text; gives the key that finds it."""
        key = secrets.token_urlsafe(32)
        with self._db.write() as session:
            session.execute(delete(LinkRow).where(LinkRow.purpose == PURPOSE, LinkRow.expires_at <= now()))
            row = LinkRow(purpose=PURPOSE, digest=_digest(key), payload={"sealed": sealed}, expires_at=now() + _FOR)
            session.add(row)
        return key

    def take(self, key: str) -> str:
        """Give a text back and forget it; nothing where there is none."""
        with self._db.write() as session:
            kept = (LinkRow.purpose == PURPOSE, LinkRow.digest == _digest(key), LinkRow.expires_at > now())
            row = session.scalar(select(LinkRow).where(*kept))
            if row is None:
                return ""
            session.delete(row)
            return str((row.payload or {})["sealed"])


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
