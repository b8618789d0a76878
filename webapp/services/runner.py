"""Carries out runs on the background loop and writes down what they find while they find it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from webapp.db.session import Database
from webapp.domain.message import DeliveryError, Outcome, Phase, Receipt, Trace
from webapp.domain.problem import Problem
from webapp.domain.roles import Access
from webapp.domain.text import T
from webapp.services.loop import BackgroundLoop
from webapp.services.redaction import NOTHING_TO_HIDE, Redaction
from webapp.services.runs import HEARTBEAT, TEST_SEND, RunContent, Runs, RunView, interrupted_outcome

if TYPE_CHECKING:
    from webapp.services.audit import Audit
    from webapp.services.metrics import Metrics

SAVE_EVERY: Final = 0.15
"""Seconds between two writes of one run's progress."""
RUN_LIMIT: Final = 600.0
"""Seconds after which a run is ended whatever the connector's own time-outs say."""

_ACTIONS = {True: "connector.test_sent", False: "connector.checked"}

TIMED_OUT = Problem(
    "run.timed_out",
    T("The run took too long"),
    T("After ten minutes the console gave up."),
    (T("Lower the time-outs under Advanced, then try again."),),
    temporary=True,
)
CRASHED = Problem(
    "internal.error",
    T("The console made a mistake"),
    T("Something failed inside Postroom, not at the provider. The server's log says what."),
    (T("Try again; if it stays, report it with the log."),),
)

log = structlog.get_logger(__name__)

Work = Callable[[Trace], Awaitable[Receipt | None]]


@dataclass(frozen=True, slots=True)
class Job:
    """One check or test send to carry out."""

    access: Access
    kind: str
    values_tag: str
    content: RunContent
    redaction: Redaction = NOTHING_TO_HIDE
    succeeded: Callable[[], None] | None = None
    """Called before the end is shown, when all went well and reached the provider."""
    request_id: str | None = None
    once: str | None = None
    """What was asked for, where that may be sent twice and is to be done once."""


@dataclass(frozen=True, slots=True)
class _Result:
    state: str
    ok: bool | None
    problem: Problem | None = None
    outcome: Outcome | None = None
    receipt: Receipt | None = None


class Runner:
    """Starts, awaits and cancels runs."""

    def __init__(
        self, db: Database, runs: Runs, loop: BackgroundLoop, audit: Audit, metrics: Metrics | None = None
    ) -> None:
        self._db = db
        self._runs = runs
        self._loop = loop
        self._audit = audit
        self._metrics = metrics
        self._futures: dict[str, concurrent.futures.Future[None]] = {}

    def start(self, job: Job, work: Work) -> RunView:
        """Begin a job; returns at once."""
        run_id, fresh = self._runs.begin(job.access, job.kind, job.values_tag, job.content, job.once)
        view = self._runs.view(job.access.tenant, run_id)
        if not fresh:
            return view
        future = self._loop.submit(self._execute(run_id, job, work))
        self._futures[run_id] = future
        future.add_done_callback(functools.partial(self._ended, run_id))
        return view

    def waited(self, access: Access, view: RunView) -> RunView:
        """Wait for the end of a run of this process."""
        future = self._futures.get(view.id)
        if future:
            concurrent.futures.wait([future], RUN_LIMIT)
        return self._runs.view(access.tenant, view.id)

    def cancel(self, access: Access, run_id: str) -> RunView:
        """Stop a run, wherever it runs."""
        self._runs.cancel(access.tenant, run_id)
        view = self._runs.view(access.tenant, run_id)
        future = self._futures.get(run_id)
        if future and view.state == "cancelled":
            future.cancel()
        return view

    def _ended(self, run_id: str, future: concurrent.futures.Future[None]) -> None:
        self._futures.pop(run_id, None)
        if not future.cancelled() and (error := future.exception()):
            # Where, but not what it says: an exception's text may repeat what was sent.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("run.crashed", run=run_id, error=type(error).__name__, where=where)

    async def _execute(self, run_id: str, job: Job, work: Work) -> None:
        """Do the work and see to it that an end is written, whatever that end is."""
        changed = asyncio.Event()
        trace = Trace(lambda _: changed.set())
        saver = asyncio.create_task(self._keep_saving(run_id, job, trace, changed, asyncio.current_task()))
        result = _Result("done", ok=False, problem=CRASHED)
        try:
            async with asyncio.timeout(RUN_LIMIT):
                receipt = await work(trace)
            captured = receipt is not None and receipt.captured
            outcome = Outcome.CAPTURED if captured else Outcome.SENT
            result = _Result("done", ok=True, outcome=outcome, receipt=receipt)
        except DeliveryError as exc:
            result = _Result("done", ok=False, problem=exc.problem, outcome=exc.outcome)
        except TimeoutError:
            result = _Result("done", ok=False, problem=TIMED_OUT)
        except asyncio.CancelledError:
            result = _Result("cancelled", ok=None)
            raise
        finally:
            saver.cancel()
            await asyncio.shield(asyncio.to_thread(self._end, run_id, job, trace, result))

    async def _keep_saving(
        self, run_id: str, job: Job, trace: Trace, changed: asyncio.Event, task: asyncio.Task[Any] | None
    ) -> None:
        """Write news in batches, and a sign of life where there is none; stop the work when nobody wants it."""
        wanted = True
        while wanted:
            changed.clear()
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT)
                await asyncio.sleep(SAVE_EVERY)
            except TimeoutError:
                pass
            content = self._runs.beating(_so_far(job, trace))
            wanted = await asyncio.to_thread(self._runs.save, run_id, content)
        if task:
            task.cancel()

    def _end(self, run_id: str, job: Job, trace: Trace, result: _Result) -> None:
        content = replace(
            _so_far(job, trace),
            ok=result.ok,
            problem=job.redaction.problem(result.problem) if result.problem else None,
            outcome=_outcome(job, result, trace.phases),
            receipt=job.redaction.receipt(result.receipt) if result.receipt else None,
        )
        if result.ok and job.succeeded and result.outcome is not Outcome.CAPTURED:
            job.succeeded()
        sending = job.kind == TEST_SEND
        outcome = content.outcome.value if content.outcome else None
        detail = {"to": content.to_masked, "outcome": outcome} if sending else {}
        with self._db.write() as session:
            self._runs.finish(session, run_id, result.state, content)
            self._audit.record(
                session,
                _ACTIONS[sending],
                job.access.actor,
                tenant_id=job.access.tenant.id,
                request_id=job.request_id,
                provider=content.provider,
                state=result.state,
                ok=bool(result.ok),
                **detail,
            )
        if self._metrics:
            code = content.problem.code if content.problem else ""
            self._metrics.run_ended(job.access.tenant.id, job.kind, content.provider, _counted(result, outcome), code)


def _so_far(job: Job, trace: Trace) -> RunContent:
    return replace(
        job.content,
        phases=job.redaction.phases(trace.phases),
        transcript=job.redaction.text(trace.transcript),
        warnings=(*job.content.warnings, *map(job.redaction.problem, trace.cautions)),
    )


def _counted(result: _Result, outcome: str | None) -> str:
    """A test send counts as what became of its mail, a check as how it ended."""
    if outcome or result.state == "cancelled":
        return outcome or result.state
    return "ok" if result.ok else "failed"


def _outcome(job: Job, result: _Result, phases: list[Phase]) -> Outcome | None:
    if job.kind != TEST_SEND:
        return None
    return result.outcome or interrupted_outcome(phases)
