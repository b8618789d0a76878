"""Plans that were shown and may be applied: kept for a day, sealed, since they hold typed secrets. Proposed: a week."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from webapp.db.models import PlanRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Access, Actor
from webapp.domain.text import T
from webapp.services.requests import Origin

KEPT: Final = timedelta(hours=24)
PROPOSED_KEPT: Final = timedelta(days=7)
"""How long what was put before a second person waits for them."""
LIMIT: Final = 50
"""Plans of one actor in one tenant: a document has up to 5 MB, and planning costs nothing."""


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """What applying needs: the document with its secrets, and what it was compared with."""

    base: int
    document: dict[str, Any] = field(repr=False)
    origin: Origin = "import"
    origin_detail: str | None = None
    missing: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    asked: Mapping[str, Any] | None = field(default=None, repr=False)
    """What was asked for, to plan it again with other secrets."""
    transfer: Mapping[str, Any] | None = None
    """Where it came from; see ``webapp.services.requests.Request``."""
    proposed: bool = False
    """Whether it waits for a second person."""


@dataclass(frozen=True, slots=True)
class Declined:
    """That a second person did not approve it, and why."""

    by: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan that waits for a second person."""

    id: str
    proposer: Actor
    proposed_at: datetime
    kept: KeptPlan = field(repr=False)
    """Holds typed secrets; what of it may be shown is in ``Proposals.look``."""
    note: str | None = None
    reason: str | None = None
    mine: bool = False
    """Whether the asker proposed it, in the browser or with a token."""
    declined: Declined | None = None
    """Told to the proposer alone, for a day; it does not wait any more."""

    @property
    def until(self) -> datetime:
        return self.proposed_at + PROPOSED_KEPT


class Plans:
    """Keeps plans for whoever made them."""

    def __init__(self, db: Database, vault: Vault, clock: Callable[[], datetime] = now) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    def keep(self, access: Access, plan: KeptPlan) -> str:
        """Keep a plan; returns its id. The actor's oldest make room."""
        row = PlanRow(
            id=secrets.token_hex(16),
            tenant_id=access.tenant.id,
            actor_kind=access.actor.kind,
            actor_id=access.actor.id,
            actor_name=access.actor.name,
            base_revision=plan.base,
            content=self._vault.seal(content_of(plan)),
            created_at=self._clock(),
        )
        plan_id = row.id
        with self._db.write() as session:
            session.add(row)
            session.flush()
            others = select(PlanRow.id).where(
                PlanRow.tenant_id == row.tenant_id,
                PlanRow.actor_kind == row.actor_kind,
                PlanRow.actor_id.is_not_distinct_from(row.actor_id),
                PlanRow.id != plan_id,
                PlanRow.proposed_at.is_(None),
            )
            oldest = others.order_by(PlanRow.created_at.desc(), PlanRow.id).offset(LIMIT - 1)
            session.execute(delete(PlanRow).where(PlanRow.id.in_(session.scalars(oldest).all())))
        return plan_id

    def load(self, access: Access, plan_id: str) -> KeptPlan:
        """The plan of this actor in this tenant. Raises NotFoundError: unknown, of somebody else, or too old."""
        with self._db.read() as session:
            row = session.get(PlanRow, plan_id)
            mine = row is not None and (row.tenant_id, row.actor_kind, row.actor_id) == (
                access.tenant.id,
                access.actor.kind,
                access.actor.id,
            )
            if row is None or not mine or lapsed(row, self._clock()):
                raise NotFoundError
            return plan_of(row, self._vault.open(row.content))

    def purge(self) -> int:
        """Delete what was not applied within a day, and not approved within a week; tells how many."""
        with self._db.write() as session:
            result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
                delete(PlanRow).where(_lapsed(self._clock()))
            )
            return result.rowcount


def content_of(plan: KeptPlan) -> dict[str, Any]:
    """What is sealed of a plan."""
    return {
        "document": plan.document,
        "origin": plan.origin,
        "detail": plan.origin_detail,
        "missing": list(plan.missing),
        "breaks": list(plan.breaks),
        "asked": plan.asked,
        "transfer": plan.transfer,
    }


def plan_of(row: PlanRow, content: Mapping[str, Any]) -> KeptPlan:
    """A plan from its row and what was sealed of it."""
    return KeptPlan(
        base=row.base_revision,
        document=content["document"],
        origin=content["origin"],
        origin_detail=content["detail"],
        missing=tuple(content["missing"]),
        breaks=tuple(content["breaks"]),
        asked=content.get("asked"),
        transfer=content.get("transfer"),
        proposed=row.proposed_at is not None,
    )


def lapsed(row: PlanRow, at: datetime) -> bool:
    """Whether a plan or a proposal is too old."""
    return row.created_at <= at - KEPT if row.proposed_at is None else row.proposed_at <= at - PROPOSED_KEPT


def take_proposed(session: Session, proposal_id: str) -> None:
    """Delete it, where it still waits. Raises NotFoundError where somebody decided meanwhile."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(PlanRow).where(PlanRow.id == proposal_id, PlanRow.proposed_at.is_not(None))
    )
    if not result.rowcount:
        raise NotFoundError(T("Somebody else decided about this proposal at the same moment. The history says how."))


def count_proposed(session: Session, tenant_id: int, at: datetime) -> int:
    """How many wait in a tenant, inside the caller's transaction."""
    query = select(func.count()).select_from(PlanRow)
    return session.scalar(query.where(PlanRow.tenant_id == tenant_id, PlanRow.proposed_at > at - PROPOSED_KEPT)) or 0


def _lapsed(at: datetime) -> ColumnElement[bool]:
    plans = and_(PlanRow.proposed_at.is_(None), PlanRow.created_at <= at - KEPT)
    return or_(plans, PlanRow.proposed_at <= at - PROPOSED_KEPT)
