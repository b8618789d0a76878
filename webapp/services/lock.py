"""A lock that one process of a machine holds at a time; the system releases it when that process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ProcessLock:
    """A lock on a file. What runs only once per machine (the sandbox, periodic jobs) runs where the lock is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody has it, without waiting; tells whether it is held now."""
        if self._handle is None:
            self._handle = self._lock()
        return self._handle is not None

    def release(self) -> None:
        """Give the lock to whoever asks next."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def taken(self) -> bool:
        """Whether this process or another one holds the lock."""
        if self._handle is not None:
            return True
        handle = self._lock()
        if handle is None:
            return True
        os.close(handle)
        return False

    def _lock(self) -> int | None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Do something while no other process of this machine does it; waits for its turn."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
