"""Takes out what is past its time, now and then, in one process of the machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from webapp.services.lock import ProcessLock

EVERY: Final = 600.0
"""Seconds between two rounds."""

log = structlog.get_logger(__name__)


class Housekeeping:
    """Calls each job in turn; a job deletes what is too old and returns how much that was."""

    def __init__(self, lock: ProcessLock, jobs: Mapping[str, Callable[[], int]]) -> None:
        self._lock = lock
        self._jobs = jobs
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin the rounds, in whichever process has the lock at the time."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._rounds, name="postroom-housekeeping", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the present round."""
        self._stopping.set()
        if self._thread:
            self._thread.join(timeout=10)
            self._thread = None

    def round(self) -> None:
        """Do every job once; one that fails does not keep the others from running."""
        for name, job in self._jobs.items():
            try:
                count = job()
            except SQLAlchemyError as exc:
                log.warning("housekeeping.failed", job=name, why=type(exc).__name__)
            else:
                if count:
                    log.info("housekeeping.done", job=name, count=count)

    def _rounds(self) -> None:
        while not self._stopping.is_set():
            if self._lock.acquire():
                self.round()
            self._stopping.wait(EVERY)
        self._lock.release()
