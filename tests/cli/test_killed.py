"""A command or a server that is killed while it applies a document has applied all of it or nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import PATIENCE, Shell, Start, token
from tests.services.transfer.house import LONG, House
from tests.services.transfer.test_killed import STEPS, apply, numbered, whole
from webapp.services.wiring import build
from webapp.settings import Settings

ROOT = Path(__file__).parents[2]
ROUNDS = 20 if LONG else 1
SEED = 20_26
ENDING_ITSELF = "from tests.services.transfer.test_killed import end_at; end_at({step!r}[0], {step!r}[1]); "
POSTROOM = "from webapp.cli import main; main(prog_name='postroom')"


@contextmanager
def installation(shell: Shell) -> Iterator[House]:
    """The installation of a shell, looked at from outside."""
    services = build(Settings(data_dir=shell.folder, sandbox_smtp_port=0))
    house = House(services.db, services.vault, services.setups, services.tenants)
    yield house
    services.close()


@pytest.mark.parametrize("step", STEPS if LONG else ["after the revision", "after the commit"])
def test_an_import_that_is_killed_applied_all_or_nothing(ready: Shell, tmp_path: Path, step: str) -> None:
    document, secrets = numbered(2)
    (tmp_path / "setup.json").write_text(json.dumps(document))
    (tmp_path / "secrets.json").write_text(json.dumps(secrets))
    arguments = ["import", "dev", str(tmp_path / "setup.json"), "--secrets", str(tmp_path / "secrets.json")]
    arguments.append("--allow-breaking")

    killed = subprocess.run(
        [sys.executable, "-c", ENDING_ITSELF.format(step=STEPS[step]) + POSTROOM, *arguments],
        capture_output=True,
        env=ready.env(PYTHONPATH=str(ROOT)),
        timeout=PATIENCE,
    )

    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with installation(ready) as house:
        number = whole(house, house.tenants.by_slug("dev"))
        assert number == (1 if step == "after the commit" else 0)
        apply(house, 7)
        assert whole(house, house.tenants.by_slug("dev")) == number + 1


@pytest.mark.timeout(60 + ROUNDS * 30)
def test_a_server_that_is_killed_applied_all_or_nothing(ready: Shell, start: Start) -> None:
    moments = random.Random(SEED)  # noqa: S311  reproducible, not secret
    reached = 0

    for round_ in range(ROUNDS):
        # Plans of one token are limited.
        plain = token(ready, "config:write")
        server = start(ready)
        stop, applied = threading.Event(), threading.Event()
        asking = threading.Thread(target=ask_on_and_on, args=(server.url, plain, round_ * 1000, stop, applied))
        asking.start()
        assert applied.wait(PATIENCE)
        time.sleep(moments.uniform(0, 0.3))
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(PATIENCE)
        stop.set()
        asking.join(PATIENCE)

        with installation(ready) as house:
            number = whole(house, house.tenants.by_slug("dev"))
            assert number > reached
            reached = number

    with installation(ready) as house:
        apply(house, 7)
        assert whole(house, house.tenants.by_slug("dev")) == reached + 1


def ask_on_and_on(url: str, plain: str, start: int, stop: threading.Event, applied: threading.Event) -> None:
    """Import document after document over the API, until the server is gone."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {plain}"}, trust_env=False) as client:
        for number in range(start, start + 1000):
            document, secrets = numbered(number)
            try:
                answer = client.post(
                    "/api/v1/tenants/dev/import",
                    json={"document": document, "secrets": secrets, "allowBreaking": True},
                )
            except httpx.TransportError:
                return
            assert answer.status_code == 200, answer.text
            applied.set()
            if stop.is_set():
                return
