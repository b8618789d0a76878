"""How server processes end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from typing import Final

DRAIN: Final = 30
"""Seconds that requests in flight get to end once the server is told to stop."""
_LOOK: Final = 1.0
"""Seconds between two looks at the process that started this one."""


def end_with_parent() -> None:
    """End this process when the one that started it is gone.

    A parent that was killed tells nobody, and its workers would go on holding the port, the sandbox and the database.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        threading.Thread(target=_watch, args=(parent.pid,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    # Requests in flight end first, as when it is told to stop; what hangs does not hold it up.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN)
    os._exit(1)
