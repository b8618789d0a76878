"""Proof: a mail that the provider accepted in this tenant, with exactly this provider, config and secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.db.models import ProofRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.roles import Actor, TenantInfo


@dataclass(frozen=True, slots=True)
class ProofInfo:
    """When and by whom values were proven."""

    kind: str
    """``test_send`` or ``delivery``."""
    by_name: str
    first_at: datetime
    last_at: datetime


class Proofs:
    """Remembers proofs by the keyed hash of the values. They are never taken away: what was accepted, was."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(self, tenant: TenantInfo, values_tag: str) -> ProofInfo | None:
        """The proof of these values in this tenant."""
        query = select(ProofRow).where(ProofRow.tenant_id == tenant.id, ProofRow.values_tag == values_tag)
        with self._db.read() as session:
            row = session.scalar(query)
            return ProofInfo(row.kind, row.by_name, row.first_at, row.last_at) if row else None

    def record(self, tenant: TenantInfo, values_tag: str, kind: str, by: Actor) -> None:
        """Note that a mail was accepted with these values, for the first time or again."""
        try:
            with self._db.write() as session:
                if not _again(session, tenant.id, values_tag):
                    session.add(ProofRow(tenant_id=tenant.id, values_tag=values_tag, kind=kind, by_name=by.name))
        except IntegrityError:
            # Another process proved the same values between our look and our insert.
            with self._db.write() as session:
                _again(session, tenant.id, values_tag)


def _again(session: Session, tenant_id: int, values_tag: str) -> bool:
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(ProofRow).where(ProofRow.tenant_id == tenant_id, ProofRow.values_tag == values_tag).values(last_at=now())
    )
    return bool(result.rowcount)
