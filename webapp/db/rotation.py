"""Encrypt everything sealed anew under the newest key. Nothing else changes: no revision, no tag, no proof."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import inspect, select, update

from webapp.db.models import Base, DraftRow, InboxRow, RevisionRow, RunRow, TenantRow, WrappedKeyRow
from webapp.db.session import Database
from webapp.db.vault import Vault

SEALED: Final[tuple[tuple[type[Base], str], ...]] = (
    (TenantRow, "sandbox_password"),
    (RevisionRow, "secrets"),
    (DraftRow, "content"),
    (RunRow, "content"),
    (InboxRow, "summary"),
    (InboxRow, "raw"),
    (WrappedKeyRow, "key"),
)
"""Every sealed column; a test compares this list with the models."""

_BATCH: Final = 200


def rotate(database: Database, vault: Vault) -> int:
    """Rotate all sealed values; answers how many. Can be repeated after an interruption, and while others write."""
    return sum(_rotate_column(database, vault, model, name) for model, name in SEALED)


def _rotate_column(database: Database, vault: Vault, model: type[Base], name: str) -> int:
    table: Any = model.__table__
    (key,) = inspect(model).primary_key
    column = table.c[name]
    done, last = 0, None
    while True:
        query = select(key, column).where(column.is_not(None)).order_by(key).limit(_BATCH)
        if last is not None:
            query = query.where(key > last)
        with database.write() as session:
            # PostgreSQL would otherwise let somebody write between our look and our update; SQLite queues writers.
            rows = session.execute(query.with_for_update()).all()
            for identity, sealed in rows:
                session.execute(update(table).where(key == identity).values({name: vault.rotate(sealed)}))
        if not rows:
            return done
        done, last = done + len(rows), rows[-1][0]
