"""Who did what, when: written in the same transaction as the deed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, CursorResult, delete, select
from sqlalchemy.orm import Session

from webapp.db.models import AuditRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.diff import Change, escape, is_secret
from webapp.domain.problem import JSON
from webapp.domain.roles import Actor
from webapp.domain.strict_json import dumps


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


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events to read; what is None says nothing."""

    who: str | None = None
    """The actor's name."""
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """The first moment that is too late."""

    def conditions(self) -> list[ColumnElement[bool]]:
        conditions = []
        if self.who is not None:
            conditions.append(AuditRow.actor_name == self.who)
        if self.action is not None:
            conditions.append(AuditRow.action == self.action)
        if self.since is not None:
            conditions.append(AuditRow.at >= self.since)
        if self.until is not None:
            conditions.append(AuditRow.at < self.until)
        return conditions


CHANGES_LIMIT: Final = 100
"""Changes that are written down with an event; the revisions hold all of them."""
TEXT_LIMIT: Final = 200
"""Characters of a value that are written down."""

EVERYTHING: Final = AuditFilter()
_BATCH: Final = 500


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
        self,
        db: Database,
        tenant_id: int | None,
        limit: int = 50,
        before: int | None = None,
        chosen: AuditFilter = EVERYTHING,
    ) -> list[AuditEvent]:
        """Newest first; ``before`` is the id of the last one seen. Without a tenant: the installation's own events."""
        query = select(AuditRow).where(AuditRow.tenant_id == tenant_id, *chosen.conditions())
        if before is not None:
            query = query.where(AuditRow.id < before)
        with db.read() as session:
            return [_event(row) for row in session.scalars(query.order_by(AuditRow.id.desc()).limit(limit))]

    def all(self, db: Database, tenant_id: int, chosen: AuditFilter = EVERYTHING) -> Iterator[AuditEvent]:
        """Every event, newest first, read a batch at a time: no transaction stays open while somebody downloads."""
        before = None
        while batch := self.events(db, tenant_id, _BATCH, before, chosen):
            yield from batch
            before = batch[-1].id

    def names(self, db: Database, tenant_id: int) -> tuple[list[str], list[str]]:
        """Whose events there are, and of which actions."""
        with db.read() as session:
            who, actions = (
                session.scalars(select(column).where(AuditRow.tenant_id == tenant_id).distinct().order_by(column))
                for column in (AuditRow.actor_name, AuditRow.action)
            )
            return list(who), list(actions)

    def purge(self, db: Database, older_than: timedelta) -> int:
        """Forget what is older than the operator's retention; tells how many events."""
        with db.write() as session:
            result: CursorResult[Any] = session.execute(delete(AuditRow).where(AuditRow.at < now() - older_than))  # type: ignore[assignment]
            return result.rowcount


def told_changes(found: Iterable[Change]) -> dict[str, JSON]:
    """Say what changed, for an event: value by value, long ones cut, of secrets only that they differ."""
    leaves = [leaf for change in found for leaf in _leaves(change)]
    told: dict[str, JSON] = {"changes": [_cut(leaf) for leaf in leaves[:CHANGES_LIMIT]]}
    if len(leaves) > CHANGES_LIMIT:
        told["changes_left_out"] = len(leaves) - CHANGES_LIMIT
    return told


def _leaves(change: Change) -> Iterator[Change]:
    """A branch that came or went, part by part, so that its secrets are told as such."""
    branch = change.new if change.old is None else change.old if change.new is None else None
    if is_secret(branch):
        yield replace(change, old=None, new=None, secret=True)
    elif isinstance(branch, Mapping) and branch and not change.secret:
        kind: Literal["added", "removed"] = "added" if change.old is None else "removed"
        for key, value in branch.items():
            if value is not None:
                old, new = (None, value) if kind == "added" else (value, None)
                yield from _leaves(Change(f"{change.pointer}/{escape(key)}", kind, old, new))
    else:
        yield change


def _cut(change: Change) -> dict[str, JSON]:
    told = change.to_json()
    for side in ("old", "new"):
        value = told.get(side)
        text = value if isinstance(value, str) else dumps(value)
        if len(text) > TEXT_LIMIT:
            told |= {side: f"{text[:TEXT_LIMIT]}…", "cut": True}
    return told


def _event(row: AuditRow) -> AuditEvent:
    return AuditEvent(
        row.id, row.at, row.action, row.actor_kind, row.actor_name, row.tenant_id, row.detail, row.request_id
    )
