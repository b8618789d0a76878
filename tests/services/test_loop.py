"""The background loop serves threads that have none, survives forks and lets go of what takes too long."""

import asyncio
import os
import threading

import pytest

from webapp.services.loop import BackgroundLoop


@pytest.fixture
def loop():
    background = BackgroundLoop()
    yield background
    background.stop()


async def _where() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


def test_all_threads_share_one_loop(loop):
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(loop.run(_where(), 5))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert seen[0][1] != threading.get_ident()


def test_what_takes_too_long_is_cancelled(loop):
    ended = threading.Event()

    async def endless():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        loop.run(endless(), 0.05)

    assert ended.wait(5)


def test_an_error_reaches_the_one_who_waits(loop):
    async def fail():
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        loop.run(fail(), 5)


def test_cancelling_the_future_cancels_the_coroutine(loop):
    started, ended = threading.Event(), threading.Event()

    async def endless():
        started.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    future = loop.submit(endless())
    assert started.wait(5)
    future.cancel()

    assert ended.wait(5)


def test_stopping_ends_what_runs_and_the_next_use_starts_anew(loop):
    ended = threading.Event()

    async def endless():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    loop.submit(endless())
    first = loop.run(_where(), 5)
    loop.stop()

    assert ended.is_set()
    assert loop.run(_where(), 5)[1] != first[1] or loop.run(_where(), 5)[0] == first[0]


def test_waiting_inside_the_loop_is_refused(loop):
    async def wait_for_oneself():
        loop.run(_where(), 5)

    with pytest.raises(RuntimeError, match="never end"):
        loop.run(wait_for_oneself(), 5)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_loop_of_its_own(loop):
    loop.run(_where(), 5)
    reader, writer = os.pipe()

    child = os.fork()
    if child == 0:
        os.close(reader)
        os.write(writer, str(loop.run(_where(), 5)[0]).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)

    assert said == str(child)
    assert loop.run(_where(), 5)[0] == os.getpid()
