"""``postroom serve``, as a process."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.cli.conftest import PATIENCE, Server, Shell, Start, token
from tests.peers.ports import free_port


def bearer(shell: Shell, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(shell, *scopes)}", "Content-Type": "application/json"}


class TestStart:
    def test_a_fresh_machine_gets_a_link_that_works(self, empty: Shell, start: Start) -> None:
        server = start(empty)

        (link,) = re.findall(rf"{server.url}/setup/\S+", server.said("/setup/"))

        assert httpx2.get(f"{server.url}/livez").status_code == 200
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        assert httpx2.get(link).status_code == 200
        assert server.words.read_text().count("/setup/") == 1
        assert {path.name for path in empty.folder.parent.iterdir() if path.suffix != ".log"} == {"instance"}

    def test_an_administrator_ends_the_links(self, ready: Shell, start: Start) -> None:
        server = start(ready)

        assert "/setup/" not in server.words.read_text()

    def test_a_restart_keeps_everything(self, ready: Shell, start: Start) -> None:
        headers = bearer(ready, "config:write")
        first = start(ready)
        httpx2.put(f"{first.url}/api/v1/tenants/dev/setup", headers=headers, json={"defaultLanguage": "ja"})
        first.stop()

        second = start(ready)

        setup = httpx2.get(f"{second.url}/api/v1/tenants/dev/setup", headers=headers)
        assert setup.headers["ETag"] == '"1"'
        assert setup.json()["defaultLanguage"] == "ja"

    def test_several_workers_serve_one_house(self, ready: Shell, start: Start) -> None:
        server = start(ready, "--workers", "2")

        with httpx2.Client(headers=bearer(ready, "config:write")) as client:
            saved = client.put(f"{server.url}/api/v1/tenants/dev/setup", json={"defaultLanguage": "ja"})
            seen = {client.get(f"{server.url}/api/v1/tenants/dev/setup").headers["ETag"] for _ in range(10)}
        assert saved.status_code == 201
        assert seen == {'"1"'}
        assert server.stop() == 0

    def test_an_option_goes_before_the_environment(self, empty: Shell) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = str(listener.getsockname()[1])

            done = empty("serve", "--port", port, POSTROOM_PORT="8420")

        assert f"Port {port}" in done.err


class TestAddress:
    def test_a_taken_port_names_the_setting(self, empty: Shell) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

            done = empty("serve", POSTROOM_PORT=str(port))

        assert done.code == 1
        assert f"Port {port}" in done.err
        assert "POSTROOM_PORT" in done.err
        assert "Traceback" not in done.err
        assert done.out == ""
        assert not empty.folder.exists()

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
    def test_an_address_that_is_not_here_names_the_setting(self, empty: Shell, host: str) -> None:
        done = empty("serve", "--host", host, POSTROOM_PORT=str(free_port()))

        assert done.code == 1
        assert "POSTROOM_HOST" in done.err

    def test_a_setting_that_cannot_be_read_is_named(self, empty: Shell) -> None:
        done = empty("serve", POSTROOM_PORT="many")

        assert done.code == 2
        assert "POSTROOM_PORT" in done.err


def test_being_told_to_end_it_lets_requests_end(ready: Shell, start: Start) -> None:
    headers = bearer(ready, "deliveries:read")
    server = start(ready)
    answers: list[int] = []

    def wait() -> None:
        url = f"{server.url}/api/v1/tenants/dev/inbox/wait?timeout=3"
        answers.append(httpx2.get(url, headers=headers, timeout=60).status_code)

    waiting = threading.Thread(target=wait)
    waiting.start()
    # The token's first use is written down before the waiting begins.
    while not _token_was_used(ready.folder):
        waiting.join(0.05)
    code = server.stop()
    waiting.join()

    assert answers == [404]
    assert code == 0
    assert "Traceback" not in server.log.read_text()


def _token_was_used(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "postroom.db")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM tokens WHERE last_used_at IS NOT NULL").fetchone()
    return bool(count)


class TestOnTheWire:
    """What only a real server shows."""

    @pytest.fixture
    def server(self, ready: Shell, start: Start) -> Server:
        return start(ready)

    def test_bodies_are_read_as_they_come_and_no_further_than_5_mb(self, ready: Shell, server: Server) -> None:
        url, headers = f"{server.url}/api/v1/tenants/dev/setup", bearer(ready, "config:write")

        in_chunks = httpx2.put(url, headers=headers, content=iter([b'{"defaultLa', b'nguage": "ja"}']))
        too_much = httpx2.put(url, headers=headers, content=b" " * 6_000_000)
        too_many_chunks = httpx2.put(url, headers=headers, content=(b" " * 100_000 for _ in range(60)))

        assert in_chunks.status_code == 201
        assert too_much.status_code == 413
        assert too_many_chunks.status_code == 413
        assert too_much.headers["Content-Type"] == "application/problem+json"

    def test_another_host_name_is_refused_in_our_shape(self, ready: Shell, server: Server) -> None:
        headers = bearer(ready, "config:read") | {"Host": "evil.example"}

        response = httpx2.get(f"{server.url}/api/v1/tenants", headers=headers)

        assert response.status_code == 400
        assert response.headers["Content-Type"] == "application/problem+json"


class TestKilled:
    def test_workers_end_with_the_process_that_started_them(self, ready: Shell, start: Start) -> None:
        server = start(ready, "--workers", "2")
        workers = children(server.process.pid)

        server.process.kill()
        server.process.wait(PATIENCE)

        assert len(workers) >= 2
        assert not eventually_alive(workers)
        with socket.create_server(("127.0.0.1", int(server.url.rpartition(":")[2]))):
            pass


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def eventually_alive(processes: list[int]) -> list[int]:
    """Which of these still run after some patience."""
    deadline = time.monotonic() + PATIENCE
    while (alive := [each for each in processes if Path(f"/proc/{each}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return alive


class TestMountedFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "mounted"
        folder.mkdir()
        return folder

    def test_are_live_before_it_listens(self, ready: Shell, start: Start, folder: Path) -> None:
        (folder / "dev.yaml").write_text("format: postroom/setup\nversion: 1\nsetup: {defaultLanguage: ja}\n")

        server = start(ready, "--workers", "2", POSTROOM_IMPORT_DIR=str(folder))

        setup = httpx2.get(f"{server.url}/api/v1/tenants/dev/setup", headers=bearer(ready, "config:read"))
        assert setup.headers["ETag"] == '"1"'
        assert setup.json()["defaultLanguage"] == "ja"
        assert "dev: imported dev.yaml as revision 1." in server.log.read_text()

    def test_that_are_unchanged_change_nothing(self, ready: Shell, start: Start, folder: Path) -> None:
        (folder / "dev.yaml").write_text("format: postroom/setup\nversion: 1\nsetup: {defaultLanguage: ja}\n")
        start(ready, POSTROOM_IMPORT_DIR=str(folder)).stop()

        server = start(ready, POSTROOM_IMPORT_DIR=str(folder))

        assert "dev: dev.yaml is unchanged since it was read." in server.log.read_text()

    def test_that_are_wrong_keep_it_off(self, ready: Shell, folder: Path) -> None:
        (folder / "dev.yaml").write_text("format: postroom/setup\nversion: 1\nsetup: {defaultLanguage: ja}\n")
        (folder / "prod.yaml").write_text(
            "format: postroom/setup\nversion: 1\nsetup: {verificationCode: {length: 99}}\n"
        )
        (folder / "nowhere.json").write_text("{}")

        done = ready("serve", POSTROOM_IMPORT_DIR=str(folder), POSTROOM_PORT=str(free_port()))

        assert done.code == 1
        assert "nothing was imported" in done.err
        assert "prod.yaml /verificationCode/length" in done.err
        assert "nowhere.json" in done.err
        assert "Traceback" not in done.err
        assert done.out == ""
        assert ready("show", "dev").out.count("defaultLanguage: en") == 1

    def test_that_are_not_there_keep_it_off(self, ready: Shell, folder: Path) -> None:
        done = ready("serve", POSTROOM_IMPORT_DIR=str(folder / "no"), POSTROOM_PORT=str(free_port()))

        assert done.code == 1
        assert str(folder / "no") in done.err
