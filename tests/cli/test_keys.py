"""keys rotate and keys prune, also under a server that goes on serving."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet

from tests.canary import CANARY
from tests.cli.conftest import Run, Save, Shell, Start, token
from webapp.db.keys import KeyFile
from webapp.db.vault import VaultKeyError
from webapp.domain.roles import OPERATOR
from webapp.services.wiring import Services, build
from webapp.settings import Settings


def setup(number: int = 0) -> dict[str, Any]:
    """A setup whose password nobody else has."""
    login = {"user": "ada", "pass": f"{CANARY}-{number}"}
    config = {"host": "smtp.example.com", "port": 587, "security": "starttls", "auth": login}
    return {"connector": {"provider": "smtp", "config": {**config, "fromEmail": "no-reply@example.com"}}}


def opened(shell: Shell, *keys: str) -> Services:
    return build(Settings(data_dir=shell.folder, sandbox_smtp_port=0, secret_keys=keys))


def password(services: Services, number: int | None = None) -> str:
    """The stored password of dev's connector."""
    tenant = services.tenants.by_slug("dev")
    if number is not None:
        services.setups.restore(services.tenants.access(OPERATOR, "dev"), number)
    config: Any = services.setups.resolve(tenant, None).config
    found: str = config.auth.password.get_secret_value()
    return found


def settle(run: Run) -> None:
    """Let the newest key be an hour old."""
    hour_ago = time.time() - 3600
    os.utime(run.shell.folder / "secret.keys", (hour_ago, hour_ago))


class TestTheKeyFile:
    def test_gets_a_new_key_and_everything_is_under_it(self, run: Run, save: Save) -> None:
        save(setup())
        (before,) = KeyFile(run.shell.folder)()

        done = run("keys", "rotate", "--json")

        newest, *older = KeyFile(run.shell.folder)()
        assert (done.code, older) == (0, [before])
        assert (done.json["source"], done.json["made"], done.json["keys"]) == ("file", True, 2)
        assert done.json["values"] == done.json["renewed"] > 1
        services = opened(run.shell, newest)
        assert password(services) == f"{CANARY}-0"
        services.close()

    def test_shows_no_key(self, run: Run) -> None:
        done = run("keys", "rotate")

        assert all(key not in done.out + done.err for key in KeyFile(run.shell.folder)())

    def test_keeps_proofs_and_tags(self, run: Run, save: Save) -> None:
        save(setup())
        services = opened(run.shell)
        tenant = services.tenants.by_slug("dev")
        tag = services.setups.resolve(tenant, None).values_tag
        services.setups.record_proof(tenant, tag, "test_send", OPERATOR)
        services.close()

        run("keys", "rotate")
        settle(run)
        run("keys", "prune")

        services = opened(run.shell)
        assert services.setups.resolve(tenant, None).values_tag == tag
        assert services.setups.proven(tenant, tag)
        services.close()

    def test_loses_its_older_keys_when_asked_to(self, run: Run, save: Save) -> None:
        save(setup())
        run("keys", "rotate")
        newest, _ = KeyFile(run.shell.folder)()
        settle(run)

        done = run("keys", "prune", "--json")

        assert done.json["removed"] == 1
        assert KeyFile(run.shell.folder)() == (newest,)
        assert run("doctor").code == 0
        assert run("keys", "prune", "--json").json["removed"] == 0

    def test_keeps_its_older_keys_while_something_may_be_on_its_way(self, run: Run) -> None:
        run("keys", "rotate")

        done = run("keys", "prune")

        assert done.code == 1
        assert "Repeat in a minute" in done.err
        assert len(KeyFile(run.shell.folder)()) == 2

    def test_is_written_down(self, run: Run) -> None:
        run("keys", "rotate")

        services = opened(run.shell)
        event = services.audit.events(services.db, None)[0]
        assert (event.action, event.actor_kind) == ("keys.rotated", "operator")
        services.close()


class TestKeysOfTheEnvironment:
    def test_move_everything_to_the_first(self, run: Run, save: Save) -> None:
        save(setup())
        (old,) = KeyFile(run.shell.folder)()
        new = Fernet.generate_key().decode()

        done = run("keys", "rotate", "--json", POSTROOM_SECRET_KEYS=f"{new},{old}")

        assert (done.json["source"], done.json["made"], done.json["keys"]) == ("environment", False, 2)
        assert done.json["renewed"] > 0
        assert KeyFile(run.shell.folder)() == (old,)
        services = opened(run.shell, new)
        assert services.vault.tag("any")
        services.close()

    def test_that_are_only_one_say_what_to_do(self, run: Run) -> None:
        (old,) = KeyFile(run.shell.folder)()

        done = run("keys", "rotate", POSTROOM_SECRET_KEYS=old)

        assert done.code == 0
        assert "put a new one in front" in done.err

    def test_are_the_operators_to_remove(self, run: Run) -> None:
        (old,) = KeyFile(run.shell.folder)()

        done = run("keys", "prune", POSTROOM_SECRET_KEYS=old)

        assert done.code == 1
        assert "POSTROOM_SECRET_KEYS" in done.err

    def test_that_do_not_fit_change_nothing(self, run: Run, save: Save) -> None:
        save(setup())
        done = run("keys", "rotate", POSTROOM_SECRET_KEYS=Fernet.generate_key().decode())

        assert done.code == 1
        assert "POSTROOM_SECRET_KEYS" in done.err


def test_a_value_that_no_key_opens_is_told_and_left(run: Run, save: Save) -> None:
    save(setup())
    services = opened(run.shell)
    stranger = opened(run.shell, Fernet.generate_key().decode())
    with services.db.write() as session:
        session.connection().exec_driver_sql("UPDATE revisions SET secrets = ?", (stranger.vault.seal({}),))
    services.close()

    done = run("keys", "rotate", "--json")

    assert done.code == 1
    assert done.json["unreadable"] == 1
    services = opened(run.shell)
    with pytest.raises(VaultKeyError):
        password(services)
    services.close()
    stranger.close()


def test_under_a_running_server_nothing_is_lost(ready: Shell, run: Run, start: Start) -> None:
    headers = {"Authorization": f"Bearer {token(ready, 'config:write')}"}
    server = start(ready, "--workers", "2")
    url = f"{server.url}/api/v1/tenants/dev/setup"
    statuses: list[int] = []
    first_saves, enough = threading.Event(), threading.Event()

    def keep_saving() -> None:
        with httpx2.Client(headers=headers, timeout=60) as client:
            while not enough.is_set():
                statuses.append(client.put(url, json=setup(len(statuses))).status_code)
                statuses.append(client.put(url, json={"connector": None}).status_code)
                if len(statuses) > 6:
                    first_saves.set()

    saving = threading.Thread(target=keep_saving)
    saving.start()
    assert first_saves.wait(60)
    codes = [run("keys", "rotate").code, run("keys", "rotate").code]
    settle(run)
    codes.append(run("keys", "prune").code)
    enough.set()
    saving.join(60)
    final = httpx2.put(url, headers=headers, json=setup(7000), timeout=60)
    server.stop()

    assert codes == [0, 0, 0]
    assert {*statuses, final.status_code} <= {200, 201}
    assert len(KeyFile(ready.folder)()) == 1
    services = opened(ready)
    for number in range(1, len(statuses), 2):
        assert password(services, number) == f"{CANARY}-{number - 1}"
    services.close()


def test_sessions_go_on(ready: Shell, run: Run) -> None:
    services = opened(ready)
    before = services.vault.tag("session-key")
    services.close()

    run("keys", "rotate")
    settle(run)
    run("keys", "prune")

    services = opened(ready)
    assert services.vault.tag("session-key") == before
    services.close()
