"""One asyncio loop in the background of each process: connections outlive the request that opened them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import os
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class BackgroundLoop:
    """Runs coroutines for threads that have no loop.

    The daemon thread starts with the first use, in whichever process that happens, so that a loop is never inherited
    through a fork, where its thread would be missing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        # Only a weak reference: hooks of a fork stay for as long as the process.
        os.register_at_fork(after_in_child=functools.partial(_forget, weakref.ref(self)))

    def submit(self, coro: Coroutine[Any, Any, ResultT]) -> concurrent.futures.Future[ResultT]:
        """Start a coroutine and return at once. Cancelling the future cancels the coroutine."""
        return asyncio.run_coroutine_threadsafe(coro, self._running())

    def run(self, coro: Coroutine[Any, Any, ResultT], timeout: float) -> ResultT:
        """Run a coroutine and wait for its result. After ``timeout`` seconds it is cancelled: TimeoutError."""
        loop = self._running()
        if threading.current_thread() is self._thread:
            coro.close()
            raise RuntimeError("waiting for the loop inside the loop would never end")
        future = asyncio.run_coroutine_threadsafe(coro, loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self) -> None:
        """Cancel what still runs and end the thread. The next use starts anew."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop and thread:
            asyncio.run_coroutine_threadsafe(_cancel_others(), loop).result(timeout=10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=10)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name="postroom-loop", daemon=True)
                self._thread.start()
            return self._loop


def _forget(reference: weakref.ref[BackgroundLoop]) -> None:
    """Begin anew in a forked child: the loop's thread stayed in the parent, and its lock may be held for ever."""
    if background := reference():
        background._lock = threading.Lock()
        background._loop = background._thread = None


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def _cancel_others() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
