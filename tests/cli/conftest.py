"""The command, on an installation of the test's own or against a server of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.canary import CANARY
from tests.peers.ports import free_port
from webapp.domain.roles import OPERATOR
from webapp.services.wiring import build
from webapp.settings import Settings

PATIENCE = 60.0
PASSWORD = f"{CANARY} a violet stamp pad"
POSTROOM = [sys.executable, "-W", "error", "-c", "from webapp.cli import main; main(prog_name='postroom')"]


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs the command with an environment that nothing else reaches into."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def env(self, **more: str) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("POSTROOM_") and name != "DATABASE_URL"
        }
        ours = {
            "POSTROOM_DATA_DIR": str(self.folder),
            "POSTROOM_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
            "POSTROOM_SANDBOX_SMTP_PORT": "0",
        }
        return inherited | ours | self.environment | more

    def __call__(self, *arguments: str, typed: str = "", **more: str) -> Result:
        done = subprocess.run(
            [*POSTROOM, *arguments], input=typed, capture_output=True, text=True, env=self.env(**more), timeout=PATIENCE
        )
        return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installation that ``postroom init`` made, to be copied."""
    folder = tmp_path_factory.mktemp("initialised") / "instance"
    done = Shell(folder)("init", "--email", "ada@example.com", "--password-stdin", typed=f"{PASSWORD}\n")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def empty(tmp_path: Path) -> Shell:
    """A machine on which nothing was done yet."""
    return Shell(tmp_path / "instance")


@pytest.fixture
def ready(initialised: Path, tmp_path: Path) -> Shell:
    """A machine where Ada is the administrator and owns dev and prod."""
    shutil.copytree(initialised, tmp_path / "instance")
    return Shell(tmp_path / "instance")


def token(shell: Shell, *scopes: str, tenant: str = "dev") -> str:
    """Make a token without starting a process for it."""
    services = build(Settings(data_dir=shell.folder, sandbox_smtp_port=0))
    plain = services.tokens.create(services.tenants.by_slug(tenant), "test", scopes, OPERATOR)
    services.close()
    return plain


@dataclass
class Server:
    """A running ``postroom serve``."""

    url: str
    process: subprocess.Popen[str]
    log: Path
    words: Path

    def said(self, part: str) -> str:
        """Wait until standard output contains this."""
        return self._wait(lambda: text if part in (text := self.words.read_text()) else None)

    def stop(self) -> int:
        """Tell it to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def _wait(self, found: Callable[[], str | None]) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if (text := found()) is not None:
                return text
            assert self.process.poll() is None, f"it ended: {self.log.read_text()}"
            time.sleep(0.05)
        raise AssertionError(f"nothing of the kind was said:\n{self.words.read_text()}\n{self.log.read_text()}")


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start ``postroom serve`` on a free port: ``start(shell)``."""
    running: list[Server] = []

    def begin(shell: Shell, *arguments: str, **more: str) -> Server:
        port = more.pop("POSTROOM_PORT", None) or str(free_port())
        words, log = tmp_path / f"{len(running)}.out.log", tmp_path / f"{len(running)}.err.log"
        with words.open("w") as out, log.open("w") as err:
            process = subprocess.Popen(
                [*POSTROOM, "serve", *arguments],
                stdout=out,
                stderr=err,
                text=True,
                env=shell.env(POSTROOM_PORT=port, **more),
            )
        server = Server(f"http://127.0.0.1:{port}", process, log, words)
        running.append(server)
        server.said(server.url)
        return server

    yield begin
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(PATIENCE)
