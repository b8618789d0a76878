"""Requests that wait for something: at most a quarter of the threads, so that the rest keep answering."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app

from webapp.api.problems import BusyError

_NAME = "postroom.waiting"


def reserve(app: Flask, threads: int) -> None:
    """Set aside the share of the threads that may wait."""
    app.extensions[_NAME] = threading.BoundedSemaphore(max(threads // 4, 1))


@contextmanager
def waiting() -> Iterator[None]:
    """Hold one of the places for waiting requests. Raises BusyError when all are taken."""
    places: threading.BoundedSemaphore = current_app.extensions[_NAME]
    if not places.acquire(blocking=False):
        raise BusyError
    try:
        yield
    finally:
        places.release()
