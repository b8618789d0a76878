"""Who did what, when: written in the same transaction as the deed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from webapp.db.models import AuditRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.problem import JSON
from webapp.domain.roles import Actor


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One deed. ``detail`` holds no secret and no full recipient."""

    id: int
    at: datetime
    action: str
    actor_kind: str
    actor_name: str
    tenant_id: int | None
    detail: Mapping[str, JSON]
    request_id: str | None


class Audit:
    """Records events inside the caller's transaction, so that none exists without its deed, nor a deed without it."""

    def record(
        self,
        session: Session,
        action: str,
        actor: Actor,
        *,
        tenant_id: int | None = None,
        request_id: str | None = None,
        **detail: JSON,
    ) -> None:
        """Write down ``area.what_happened``. Values that are None say nothing and are left out."""
        session.add(
            AuditRow(
                tenant_id=tenant_id,
                action=action,
                actor_kind=actor.kind,
                actor_id=actor.id,
                actor_name=actor.name,
                detail={name: value for name, value in detail.items() if value is not None},
                request_id=request_id,
            )
        )

    def events(
        self, db: Database, tenant_id: int | None, limit: int = 50, before: int | None = None
    ) -> list[AuditEvent]:
        """Newest first; ``before`` is the id of the last one seen. Without a tenant: the installation's own events."""
        query = select(AuditRow).where(AuditRow.tenant_id == tenant_id).order_by(AuditRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditRow.id < before)
        with db.read() as session:
            return [_event(row) for row in session.scalars(query)]

    def purge(self, db: Database, older_than: timedelta) -> int:
        """Forget what is older than the operator's retention; tells how many events."""
        with db.write() as session:
            result: CursorResult[Any] = session.execute(delete(AuditRow).where(AuditRow.at < now() - older_than))  # type: ignore[assignment]
            return result.rowcount


def _event(row: AuditRow) -> AuditEvent:
    return AuditEvent(
        row.id, row.at, row.action, row.actor_kind, row.actor_name, row.tenant_id, row.detail, row.request_id
    )
