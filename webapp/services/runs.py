"""The rows of checks and test sends: kept while they run, polled by pages, gone after a day."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

from pydantic import TypeAdapter
from sqlalchemy import CursorResult, delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.db.models import RunRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.address import mask
from webapp.domain.errors import NotFoundError
from webapp.domain.message import Outcome, Phase, Receipt
from webapp.domain.problem import Problem
from webapp.domain.roles import Access, TenantInfo
from webapp.domain.text import T

CHECK: Final = "check"
TEST_SEND: Final = "test_send"

HEARTBEAT: Final = 2.0
"""Seconds between two signs of life of a run that has nothing new to tell."""
LOST_AFTER: Final = timedelta(seconds=20)
"""A run without a sign of life for so long has lost its process."""
KEPT: Final = timedelta(hours=24)

_HANDING_OVER: Final = frozenset({"data", "submit"})

LOST = Problem(
    "run.lost",
    T("The run was interrupted"),
    T("The console stopped or was restarted while this was running, so its end is not known."),
    (T("Run it again."),),
    temporary=True,
)


@dataclass(frozen=True, slots=True)
class RunContent:
    """What a run has to tell so far. All words of the provider are redacted before they get here."""

    provider: str
    steps: tuple[str, ...]
    """The phases it goes through, in order."""
    beat: datetime
    to_masked: str | None = None
    message_id: str | None = None
    phases: tuple[Phase, ...] = ()
    transcript: str = ""
    ok: bool | None = None
    problem: Problem | None = None
    outcome: Outcome | None = None
    receipt: Receipt | None = None
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class RunView:
    """A check or a test send as a page draws it."""

    id: str
    kind: str
    """``check`` or ``test_send``."""
    state: str
    """``running``, ``done``, ``cancelled`` or ``lost``."""
    ok: bool | None
    phases: list[Phase]
    problem: Problem | None
    outcome: Outcome | None
    """What became of the mail; None while it runs, and for checks."""
    receipt: Receipt | None
    transcript: str
    values_tag: str
    """Tells whether the result is about the values on the screen."""
    started_at: datetime
    finished_at: datetime | None
    to_masked: str | None
    message_id: str | None
    expected_phases: tuple[str, ...]
    """Phases that have not run yet, in order."""
    provider: str
    warnings: tuple[Problem, ...]

    @property
    def running(self) -> bool:
        return self.state == "running"


_CONTENT: TypeAdapter[RunContent] = TypeAdapter(RunContent)


class Runs:
    """Stores runs. Their words are sealed; a run of another process is read like one's own."""

    def __init__(self, db: Database, vault: Vault, clock: Callable[[], datetime] = now) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    def begin(
        self, access: Access, kind: str, values_tag: str, content: RunContent, once: str | None = None
    ) -> tuple[str, bool]:
        """Note that a run starts; returns its id, and whether it is to be started: not where ``once`` was used before.

        ``once`` names what was asked for, such as a drawn button: however often that is sent, it is one run.
        """
        row = RunRow(
            id=self._id(access, once) if once else secrets.token_hex(16),
            tenant_id=access.tenant.id,
            actor_kind=access.actor.kind,
            actor_id=access.actor.id,
            kind=kind,
            state="running",
            values_tag=values_tag,
            content=self._sealed(content),
            started_at=self._clock(),
        )
        run_id = row.id
        try:
            with self._db.write() as session:
                session.add(row)
        except IntegrityError:
            if once is None:
                raise
            return run_id, False
        return run_id, True

    def begun(self, access: Access, once: str | None) -> RunView | None:
        """The run that was begun as this already, if there is one."""
        if not once:
            return None
        with self._db.read() as session:
            row = session.get(RunRow, self._id(access, once))
            return self._view(row) if row else None

    def save(self, run_id: str, content: RunContent) -> bool:
        """Keep what is known so far. Tells whether the run is still wanted."""
        sealed = self._sealed(content)
        change = update(RunRow).where(RunRow.id == run_id, RunRow.state == "running").values(content=sealed)
        with self._db.write() as session:
            return _rows(session, change) == 1

    def finish(self, session: Session, run_id: str, state: str, content: RunContent) -> None:
        """Write the end, inside the caller's transaction."""
        values = {"state": state, "content": self._sealed(content), "finished_at": self._clock()}
        session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))

    def cancel(self, tenant: TenantInfo, run_id: str) -> None:
        """Mark a run as no longer wanted; whichever process runs it stops at its next sign of life."""
        change = (
            update(RunRow)
            .where(RunRow.id == run_id, RunRow.tenant_id == tenant.id, RunRow.state == "running")
            .values(state="cancelled", finished_at=self._clock())
        )
        with self._db.write() as session:
            session.execute(change)

    def view(self, tenant: TenantInfo, run_id: str) -> RunView:
        """Read a run. Raises NotFoundError for other tenants' too."""
        with self._db.read() as session:
            row = session.get(RunRow, run_id)
            if row is None or row.tenant_id != tenant.id or row.kind not in (CHECK, TEST_SEND):
                raise NotFoundError
            return self._view(row)

    def purge(self) -> int:
        """Delete runs older than a day; returns how many."""
        with self._db.write() as session:
            return _rows(session, delete(RunRow).where(RunRow.started_at < self._clock() - KEPT))

    def content(self, provider: str, steps: tuple[str, ...], to: str | None = None) -> RunContent:
        """What a run tells before it has begun."""
        return RunContent(provider, steps, self._clock(), mask(to) if to else None)

    def beating(self, content: RunContent) -> RunContent:
        """The content with a sign of life of this moment."""
        return replace(content, beat=self._clock())

    def _id(self, access: Access, once: str) -> str:
        actor = access.actor
        return self._vault.tag("run", str(access.tenant.id), actor.kind, str(actor.id), once)[:32]

    def _sealed(self, content: RunContent) -> bytes:
        return self._vault.seal(_CONTENT.dump_python(content, mode="json"))

    def _view(self, row: RunRow) -> RunView:
        content = _CONTENT.validate_python(self._vault.open(row.content))
        state, ok, problem, outcome = row.state, content.ok, content.problem, content.outcome
        if state == "running" and self._clock() - content.beat > LOST_AFTER:
            state, ok, problem = "lost", False, LOST
        if state != "running" and outcome is None and row.kind == TEST_SEND:
            outcome = interrupted_outcome(content.phases)
        return RunView(
            id=row.id,
            kind=row.kind,
            state=state,
            ok=ok,
            phases=list(content.phases),
            problem=problem,
            outcome=outcome,
            receipt=content.receipt,
            transcript=content.transcript,
            values_tag=row.values_tag,
            started_at=row.started_at,
            finished_at=row.finished_at,
            to_masked=content.to_masked,
            message_id=content.message_id,
            expected_phases=_after(content.steps, content.phases),
            provider=content.provider,
            warnings=content.warnings,
        )


def interrupted_outcome(phases: Iterable[Phase]) -> Outcome:
    """What became of a mail whose run ended in between: nobody knows once it was being handed over."""
    handing_over = any(phase.phase in _HANDING_OVER and phase.ok is None for phase in phases)
    return Outcome.MAYBE_SENT if handing_over else Outcome.NOT_SENT


def _after(steps: tuple[str, ...], phases: tuple[Phase, ...]) -> tuple[str, ...]:
    known = [steps.index(phase.phase) for phase in phases if phase.phase in steps]
    return steps[max(known) + 1 :] if known else steps


def _rows(session: Session, statement: Any) -> int:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
