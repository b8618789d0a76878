"""show, check, test-send, history and restore: on the database here and over the API, with the same words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.canary import CANARY
from tests.cli.conftest import Run, Save
from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer, answer

GENERIC = {"Generic": {"*": {"contentType": "text/plain", "subject": "Code", "content": "{{code}}\nfor {{user.name}}"}}}


def setup(port: int = 587, **config: Any) -> dict[str, Any]:
    """A setup that a server without TLS and login takes."""
    complete = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "auth": {"type": "none"},
        "fromEmail": "no-reply@example.com",
    }
    return {"connector": {"provider": "smtp", "config": {**complete, **config}}, "templates": GENERIC}


def with_login() -> dict[str, Any]:
    login = {"type": "login", "user": "ada", "pass": f"{CANARY}-of-ada"}
    return setup(host="smtp.example.com", security="starttls", auth=login)


@pytest.fixture
def server(scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return scripted(Script(offers_starttls=False))


@pytest.fixture
def refusing(scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return scripted(Script(rcpt=answer(550, "5.1.1 no such user"), offers_starttls=False))


class TestShow:
    def test_it_is_yaml_with_masked_secrets(self, either: Run, save: Save) -> None:
        save(with_login())

        shown = either("show", "dev")

        assert shown.code == 0
        read = YAML(typ="safe").load(shown.out)
        assert read["connector"]["config"]["auth"]["pass"]["$secret"]["set"] is True
        assert "      content: |-\n" in shown.out
        assert CANARY not in shown.out

    def test_what_is_shown_can_be_given_back(
        self, either: Run, save: Save, server: ScriptedServer, tmp_path: Path
    ) -> None:
        save(setup(server.port))
        file = tmp_path / "setup.yaml"
        file.write_text(either("show", "dev").out)

        assert either("check", "dev", "--file", str(file)).code == 0

    def test_a_tenant_that_is_not_there_is_not_found(self, either: Run) -> None:
        done = either("show", "nowhere")

        assert done.code == 1
        assert "resource.not_found" in done.err
        assert done.out == ""


class TestCheck:
    def test_the_phases_are_printed(self, either: Run, save: Save, server: ScriptedServer) -> None:
        save(setup(server.port))

        done = either("check", "dev")

        assert done.code == 0
        assert [line.split()[:2] for line in done.out.splitlines()] == [
            [name, "ok"] for name in ("resolve", "connect", "greeting", "ehlo")
        ]

    def test_a_failure_says_why_and_what_to_do(self, either: Run, save: Save) -> None:
        save(setup(free_port()))

        done = either("check", "dev")

        assert done.code == 1
        assert "connect    FAILED" in done.out
        assert "  1. " in done.err

    def test_what_should_be_known_is_said_beside_a_success(
        self, either: Run, save: Save, server: ScriptedServer
    ) -> None:
        endpoint = {"provider": "http-email", "config": {"endpoint": f"http://127.0.0.1:{server.port}/send"}}
        save({"connector": endpoint, "templates": GENERIC})

        done = either("check", "dev")

        assert done.code == 0
        assert "Only the way there was checked (http-email.only_reached)" in done.err

    def test_nothing_set_up_is_said(self, either: Run) -> None:
        done = either("check", "dev")

        assert done.code == 1
        assert "connector.not_set_up" in done.err

    @pytest.mark.parametrize("kind", ["json", "yaml", "document"])
    def test_a_file_is_checked_instead(self, either: Run, server: ScriptedServer, tmp_path: Path, kind: str) -> None:
        file = tmp_path / "setup"
        wanted = setup(server.port)
        if kind == "yaml":
            YAML().dump(wanted, file)
        else:
            whole = {"format": "postroom/setup", "version": 1, "setup": wanted} if kind == "document" else wanted
            file.write_text(json.dumps(whole))

        assert either("check", "dev", "--file", str(file), "--json").json["ok"] is True

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("connector: [", "reading stopped at line"),
            ('{"connector": ', "begins as JSON"),
            ('{"connector": null, "connector": null}', "/connector"),
            ("connector: 1\nconnector: 2", "reading stopped at line 2"),
            ("- 1", "no setup"),
            ('{"format": "other"}', "no tenant document"),
            ('{"templates": {}}', "no connector"),
            ('{"connector": {"provider": "smtp", "config": {"port": "many"}}}', "/connector/config/port"),
            ("connector:\n  provider: smtp\n  config: {1: 2}", "is no text"),
            ("connector: !!binary aGVsbG8=", "JSON knows no such value"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_explained(
        self, either: Run, tmp_path: Path, content: str, said: str
    ) -> None:
        file = tmp_path / "setup"
        file.write_text(content)

        done = either("check", "dev", "--file", str(file))

        assert done.code == 2
        assert said in done.err

    def test_a_file_that_is_not_there_is_bad_usage(self, run: Run) -> None:
        assert run("check", "dev", "--file", "/nowhere/setup.json").code == 2

    def test_no_is_a_string(self, either: Run, server: ScriptedServer, tmp_path: Path) -> None:
        file = tmp_path / "setup.yaml"
        YAML().dump(setup(server.port, customHeaders={"X-Norwegian": "A"}), file)
        file.write_text(file.read_text().replace("X-Norwegian: A", "X-Norwegian: no"))

        assert either("check", "dev", "--file", str(file)).code == 0


class TestTestSend:
    def test_a_mail_arrives(self, either: Run, save: Save, server: ScriptedServer) -> None:
        save(setup(server.port))

        done = either("test-send", "dev", "--to", "ada@example.com", "--usage-type", "SignIn")

        assert done.code == 0
        assert done.out.splitlines()[-1].split()[:2] == ["data", "ok"]
        assert b"000000" in server.bodies[0]

    def test_it_can_be_looked_at_only(self, either: Run, save: Save, server: ScriptedServer) -> None:
        save(setup(server.port))

        done = either("test-send", "dev", "--to", "ada@example.com", "--capture")

        assert done.code == 0
        assert "In the inbox of this tenant" in done.out + done.err
        assert server.conversations == []

    def test_production_has_no_inbox_to_look_into(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "setup.json"
        file.write_text(json.dumps(setup(25)))

        done = run("test-send", "prod", "--to", "ada@example.com", "--capture", "--file", str(file))

        assert done.code == 2

    def test_a_refusal_fails(self, either: Run, save: Save, refusing: ScriptedServer) -> None:
        save(setup(refusing.port))

        done = either("test-send", "dev", "--to", "ada@example.com", "--json")

        assert done.code == 1
        assert done.json["outcome"] == "not_sent"

    def test_the_files_templates_are_used(self, either: Run, server: ScriptedServer, tmp_path: Path) -> None:
        file = tmp_path / "setup.json"
        file.write_text(json.dumps(setup(server.port)))

        done = either("test-send", "dev", "--to", "ada@example.com", "--file", str(file))

        assert done.code == 0
        assert b"for Ada Lovelace" in server.bodies[0]

    def test_an_address_that_is_none_is_bad_input(self, either: Run, save: Save, server: ScriptedServer) -> None:
        save(setup(server.port))

        done = either("test-send", "dev", "--to", "nobody")

        assert done.code == 2
        assert "/to" in done.err

    def test_an_unknown_usage_type_is_bad_usage(self, run: Run) -> None:
        assert run("test-send", "dev", "--to", "ada@example.com", "--usage-type", "SignOut").code == 2


class TestHistory:
    def test_it_lists_the_newest_first(self, either: Run, save: Save) -> None:
        save(setup(587), note="First")
        save(setup(2525), note="Second")

        lines = either("history", "dev").out.splitlines()

        assert [line.split()[0] for line in lines] == ["REVISION", "2*", "1"]
        assert "Second" in lines[1]
        assert "/connector/config/port" in lines[1]

    def test_it_says_in_words_where_each_came_from(self, either: Run, save: Save) -> None:
        save(setup(587))
        save(setup(2525))
        either("restore", "dev", "1")

        lines = either("history", "dev").out.splitlines()

        assert "Restored from revision 1" in lines[1]
        assert "Saved" in lines[2]

    def test_nothing_saved_is_no_failure(self, either: Run) -> None:
        done = either("history", "dev")

        assert (done.code, done.out) == (0, "")


class TestRestore:
    @pytest.fixture(autouse=True)
    def _two_revisions(self, save: Save) -> None:
        save(setup(587))
        save(setup(2525))

    def test_a_dry_run_with_changes_ends_with_3(self, either: Run) -> None:
        done = either("restore", "dev", "1", "--dry-run")

        assert done.code == 3
        assert done.out == "~ changed  /connector/config/port  2525 → 587\n\n1 changed.\n"

    def test_a_dry_run_without_changes_ends_with_0(self, either: Run) -> None:
        done = either("restore", "dev", "2", "--dry-run")

        assert (done.code, done.out) == (0, "Nothing to change.\n")

    def test_it_makes_a_new_revision(self, either: Run) -> None:
        done = either("restore", "dev", "1", "--note", "Back", "--json")

        assert done.code == 0
        assert done.json["revision"] == 3
        assert either("history", "dev", "--json").json[0]["note"] == "Back"

    def test_one_that_is_not_there_fails(self, either: Run) -> None:
        assert either("restore", "dev", "9").code == 1


class TestSameWords:
    """What comes over the API is word for word what comes from the database."""

    @pytest.mark.parametrize(
        "command",
        [
            ["show", "dev"],
            ["show", "dev", "--json"],
            ["history", "dev"],
            ["history", "dev", "--json"],
            ["providers"],
            ["providers", "--json"],
            ["providers", "smtp"],
            ["providers", "smtp", "--json"],
            ["restore", "dev", "1", "--dry-run", "--json"],
            ["restore", "dev", "1", "--dry-run"],
        ],
        ids=" ".join,
    )
    def test_here_and_there(self, run: Run, remote: Run, save: Save, command: list[str]) -> None:
        save(with_login())
        save(with_login() | {"defaultLanguage": "ja"})

        here, there = run(*command), remote(*command)

        assert (here.code, here.out) == (there.code, there.out)
        assert here.out
