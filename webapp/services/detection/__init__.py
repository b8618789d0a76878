"""Auto-detect: from an address or a server's name alone to forms that are filled in. Nothing is sent."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import secrets
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import structlog
from pydantic import TypeAdapter
from sqlalchemy import update

from webapp.connectors.base import Connector
from webapp.connectors.dns import DNS
from webapp.connectors.network import Network
from webapp.connectors.smtp.probing import DOORS, Door
from webapp.db.models import RunRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Access, TenantInfo
from webapp.services.audit import Audit
from webapp.services.detection.candidates import candidates_of
from webapp.services.detection.problems import CRASHED, LOST, nothing_found
from webapp.services.detection.results import Candidate, Detection, Needed, Step
from webapp.services.detection.survey import Patience, Survey
from webapp.services.detection.target import Target
from webapp.services.limits import Limit, Limits
from webapp.services.loop import BackgroundLoop

__all__ = ["Candidate", "Detection", "DetectionView", "Detections", "Needed", "Patience", "Step"]

DETECT: Final = "detect"
DETECT_LIMIT: Final = Limit(30, 600)
"""Detections of one tenant: how many in how many seconds."""
SAVE_EVERY: Final = 0.15
"""Seconds between two writes of one detection's progress."""
GRACE: Final = 4.0
"""Seconds beyond the time bound after which a detection has lost its process."""

log = structlog.get_logger(__name__)
_CONTENT: TypeAdapter[Detection] = TypeAdapter(Detection)


@dataclass(frozen=True, slots=True)
class DetectionView:
    """A detection as a page draws it."""

    id: str
    state: str
    """``running``, ``done`` or ``cancelled``."""
    started_at: datetime
    result: Detection

    @property
    def running(self) -> bool:
        return self.state == "running"


class Detections:
    """Begins detections on the background loop, and keeps what they find for a day."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        loop: BackgroundLoop,
        limits: Limits,
        audit: Audit,
        connectors: Mapping[str, type[Connector[Any]]],
        network_for: Callable[[TenantInfo], Network],
        *,
        dns: DNS | None = None,
        doors: Sequence[Door] = DOORS,
        patience: Patience | None = None,
    ) -> None:
        self._db = db
        self._vault = vault
        self._loop = loop
        self._limits = limits
        self._audit = audit
        self._connectors = connectors
        self._network_for = network_for
        self._dns = dns or DNS()
        self._doors = doors
        self._patience = patience or Patience()
        self._futures: dict[str, concurrent.futures.Future[None]] = {}

    def start(
        self, access: Access, typed: str, *, pointer: str = "/address", request_id: str | None = None
    ) -> DetectionView:
        """Begin to look for whoever carries the mail of an address, a domain or a server; poll ``view``."""
        target = Target.of(typed, pointer)
        self._limits.hit(
            "detect.tenant", str(access.tenant.id), amount=DETECT_LIMIT.amount, seconds=DETECT_LIMIT.seconds
        )
        begun = Detection(target.shown, target.address, self._patience.overall)
        run_id = self._begin(access, begun)
        future = self._loop.submit(self._execute(run_id, access, target, begun, request_id))
        self._futures[run_id] = future
        future.add_done_callback(functools.partial(self._ended, run_id))
        return self.view(access.tenant, run_id)

    def detect(self, access: Access, typed: str, **options: Any) -> DetectionView:
        """Look, and wait for what is found; takes what ``start`` takes."""
        return self.wait(access, self.start(access, typed, **options))

    def wait(self, access: Access, view: DetectionView) -> DetectionView:
        """Wait for the end of a detection that this process began."""
        future = self._futures.get(view.id)
        if future:
            concurrent.futures.wait([future], self._patience.overall + GRACE)
        return self.view(access.tenant, view.id)

    def cancel(self, access: Access, run_id: str) -> DetectionView:
        """Stop looking."""
        self.view(access.tenant, run_id)
        with self._db.write() as session:
            session.execute(_running(run_id).values(state="cancelled", finished_at=now()))
        if future := self._futures.get(run_id):
            future.cancel()
        return self.view(access.tenant, run_id)

    def view(self, tenant: TenantInfo, run_id: str) -> DetectionView:
        """Tell how a detection stands, in whichever process it runs. Raises NotFoundError for other tenants' too."""
        with self._db.read() as session:
            row = session.get(RunRow, run_id)
            if row is None or row.tenant_id != tenant.id or row.kind != DETECT:
                raise NotFoundError
            result = _CONTENT.validate_python(self._vault.open(row.content))
            state = row.state
            if state == "running" and (now() - row.started_at).total_seconds() > result.seconds + GRACE:
                state, result = "done", replace(result, problem=LOST)
            return DetectionView(row.id, state, row.started_at, result)

    def _begin(self, access: Access, begun: Detection) -> str:
        run_id = secrets.token_hex(16)
        row = RunRow(
            id=run_id,
            tenant_id=access.tenant.id,
            actor_kind=access.actor.kind,
            actor_id=access.actor.id,
            kind=DETECT,
            state="running",
            values_tag="",
            content=self._sealed(begun),
            started_at=now(),
        )
        with self._db.write() as session:
            session.add(row)
        return run_id

    async def _execute(
        self, run_id: str, access: Access, target: Target, begun: Detection, request_id: str | None
    ) -> None:
        """Look around, and see to it that an end is written, whatever that end is."""
        steps: list[tuple[Step, ...]] = [()]
        changed = asyncio.Event()

        def told(now_known: tuple[Step, ...]) -> None:
            steps[0] = now_known
            changed.set()

        saver = asyncio.create_task(self._keep_saving(run_id, begun, steps, changed))
        survey = Survey(self._network_for(access.tenant), self._dns, self._doors, self._patience, told)
        ended = replace(begun, problem=CRASHED)
        try:
            seen = await survey.look(target)
            found = candidates_of(target, seen, self._connectors)
            ended = replace(begun, candidates=found, remarks=tuple(seen.notes))
            ended = replace(ended, problem=None if ended.found else nothing_found(target, seen, found))
        finally:
            saver.cancel()
            ended = replace(ended, steps=steps[0])
            await asyncio.shield(asyncio.to_thread(self._end, run_id, access, ended, request_id))

    async def _keep_saving(
        self, run_id: str, begun: Detection, steps: list[tuple[Step, ...]], changed: asyncio.Event
    ) -> None:
        while True:
            await changed.wait()
            changed.clear()
            sealed = self._sealed(replace(begun, steps=steps[0]))
            await asyncio.to_thread(self._save, run_id, sealed)
            await asyncio.sleep(SAVE_EVERY)

    def _save(self, run_id: str, sealed: bytes) -> None:
        with self._db.write() as session:
            session.execute(_running(run_id).values(content=sealed))

    def _end(self, run_id: str, access: Access, ended: Detection, request_id: str | None) -> None:
        with self._db.write() as session:
            session.execute(_running(run_id).values(state="done", content=self._sealed(ended), finished_at=now()))
            self._audit.record(
                session,
                "provider.detected",
                access.actor,
                tenant_id=access.tenant.id,
                request_id=request_id,
                host=ended.asked,
                found=sum(candidate.usable for candidate in ended.candidates),
                ok=ended.found,
            )

    def _ended(self, run_id: str, future: concurrent.futures.Future[None]) -> None:
        self._futures.pop(run_id, None)
        if not future.cancelled() and (error := future.exception()):
            # Where, but not what it says: an exception's text may repeat what was typed.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("detection.crashed", run=run_id, error=type(error).__name__, where=where)

    def _sealed(self, content: Detection) -> bytes:
        return self._vault.seal(_CONTENT.dump_python(content, mode="json"))


def _running(run_id: str) -> Any:
    return update(RunRow).where(RunRow.id == run_id, RunRow.state == "running")
