"""Encrypt everything sealed anew under the newest key. Nothing else changes: no revision, no tag, no proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import CursorResult, inspect, select, update

from webapp.db.models import (
    AccessRow,
    Base,
    DraftRow,
    InboxRow,
    PlanRow,
    RevisionRow,
    RunRow,
    TenantRow,
    TotpRow,
    WrappedKeyRow,
)
from webapp.db.session import Database
from webapp.db.vault import Vault, VaultKeyError

SEALED: Final[tuple[tuple[type[Base], str], ...]] = (
    (TenantRow, "sandbox_password"),
    (RevisionRow, "secrets"),
    (DraftRow, "content"),
    (PlanRow, "content"),
    (RunRow, "content"),
    (InboxRow, "summary"),
    (InboxRow, "raw"),
    (AccessRow, "content"),
    (TotpRow, "secret"),
    (WrappedKeyRow, "key"),
)
"""Every sealed column; a test compares this list with the models."""

_BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of the sealed values."""

    values: int
    """All that are under the newest key now."""
    renewed: int
    """Those of them that were under an older one."""
    unreadable: int
    """Those that no key opens; they were left as they are."""

    def __add__(self, other: Rotated) -> Rotated:
        return Rotated(self.values + other.values, self.renewed + other.renewed, self.unreadable + other.unreadable)


def rotate(database: Database, vault: Vault) -> Rotated:
    """Rotate all sealed values. Can be repeated after an interruption, and done while others write."""
    return sum((_rotate_column(database, vault, model, name) for model, name in SEALED), Rotated(0, 0, 0))


def _rotate_column(database: Database, vault: Vault, model: type[Base], name: str) -> Rotated:
    table: Any = model.__table__
    (key,) = inspect(model).primary_key
    column = table.c[name]
    done, last = Rotated(0, 0, 0), None
    while True:
        query = select(key).where(column.is_not(None)).order_by(key).limit(_BATCH)
        with database.read() as session:
            identities = session.scalars(query if last is None else query.where(key > last)).all()
        for identity in identities:
            done += _rotate_value(database, vault, column, key == identity)
        if not identities:
            return done
        last = identities[-1]


def _rotate_value(database: Database, vault: Vault, column: Any, here: Any) -> Rotated:
    """Encrypt outside the transaction, and write only where the value still is what was read: writers need not wait."""
    while True:
        with database.read() as session:
            sealed = session.scalar(select(column).where(here))
        if sealed is None:
            return Rotated(0, 0, 0)
        try:
            renewed = vault.rotate(sealed)
        except VaultKeyError:
            return Rotated(0, 0, 1)
        if renewed == sealed:
            return Rotated(1, 0, 0)
        change = update(column.table).where(here, column == sealed).values({column.name: renewed})
        with database.write() as session:
            if cast("CursorResult[Any]", session.execute(change)).rowcount:
                return Rotated(1, 1, 0)
