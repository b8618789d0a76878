"""The command, on an installation of the test's own or against a server of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from tests.canary import CANARY
from tests.peers.ports import free_port
from webapp.app import create_app
from webapp.cli import main
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


@dataclass(frozen=True)
class Run:
    """Runs the command inside the tests' own process, which is quicker."""

    shell: Shell
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, typed: str = "", **more: str) -> Result:
        unset = {name: None for name in os.environ if name.startswith("POSTROOM_") or name == "DATABASE_URL"}
        ours = {name: value for name, value in self.shell.env().items() if name.startswith("POSTROOM_")}
        done = CliRunner().invoke(
            main, list(arguments), input=typed, env={**unset, **ours, **self.environment, **more}, prog_name="postroom"
        )
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Result(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def run(ready: Shell) -> Run:
    """The command on the database of a machine that is set up."""
    return Run(ready)


@pytest.fixture
def bare(empty: Shell) -> Run:
    """The command on a machine on which nothing was done yet."""
    return Run(empty)


@pytest.fixture
def remote(ready: Shell, tmp_path: Path) -> Iterator[Run]:
    """The command as a pipeline uses it: a server's address and a token, and no database."""
    settings = Settings(data_dir=ready.folder, sandbox_smtp_port=0, allowed_networks=("127.0.0.0/8",))
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    there = {
        "POSTROOM_URL": f"http://127.0.0.1:{server.port}",
        "POSTROOM_TOKEN": token(ready, "config:write"),
    }
    yield Run(Shell(tmp_path / "elsewhere"), there)
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["postroom"].close()


@pytest.fixture(params=["here", "over the API"])
def either(request: pytest.FixtureRequest) -> Run:
    """The command on the database, and on a server over the API."""
    run: Run = request.getfixturevalue("run" if request.param == "here" else "remote")
    return run


Save = Callable[..., None]


@pytest.fixture
def save(ready: Shell) -> Save:
    """Save a setup in dev as the operator: ``save(document, note="…")``."""

    def put(document: dict[str, Any], note: str | None = None) -> None:
        services = build(Settings(data_dir=ready.folder, sandbox_smtp_port=0))
        access = services.tenants.access(OPERATOR, "dev")
        services.setups.save(access, document, base=None, note=note)
        services.close()

    return put


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
                # Whatever a test does to it, its workers end with it.
                start_new_session=True,
            )
        server = Server(f"http://127.0.0.1:{port}", process, log, words)
        running.append(server)
        server.said(server.url)
        return server

    yield begin
    for each in running:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
            each.process.wait(PATIENCE)
