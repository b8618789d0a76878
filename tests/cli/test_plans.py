"""A plan as a pipeline uses it: looked at, tried, applied exactly as it was seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.cli.conftest import Run
from tests.peers.scripted import Script, ScriptedServer

SECRET = f"{CANARY}-of-the-plan"


@pytest.fixture
def server(scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return scripted(Script(offers_starttls=False))


@pytest.fixture
def files(server: ScriptedServer, tmp_path: Path) -> tuple[str, ...]:
    """A document and its secrets."""
    login = {"type": "login", "user": "ada", "pass": {"$secret": {"slot": "smtp.auth.pass"}}}
    config = {"host": server.host, "port": server.port, "security": "none", "auth": login, "fromEmail": "a@example.com"}
    setup, secrets = tmp_path / "mail.json", tmp_path / "secrets.json"
    setup.write_text(json.dumps({"connector": {"provider": "smtp", "config": config}}))
    secrets.write_text(json.dumps({"smtp.auth.pass": {"value": SECRET}}))
    return str(setup), "--secrets", str(secrets)


def test_planned_tried_and_applied(either: Run, files: tuple[str, ...], server: ScriptedServer) -> None:
    plan = either("import", "dev", *files, "--dry-run", "--json").json["planId"]

    checked = either("check", "dev", "--plan", plan)
    sent = either("test-send", "dev", "--plan", plan, "--to", "ada@example.com")
    done = either("apply", "dev", plan, "--note", "From the pipeline")

    assert (checked.code, sent.code, done.code) == (0, 0, 0), sent.err
    assert len(server.bodies) == 1
    assert "Revision 1 is live." in done.err
    assert "From the pipeline" in either("history", "dev").out
    assert SECRET not in checked.out + sent.out + done.out


def test_the_dry_run_says_how_to_go_on(either: Run, files: tuple[str, ...]) -> None:
    planned = either("import", "dev", *files, "--dry-run")

    line = next(line for line in planned.out.splitlines() if line.startswith("Kept for a day: "))
    assert either(*line.partition("postroom ")[2].split()).code == 0


def test_what_was_accepted_needs_no_reason_in_production(run: Run, files: tuple[str, ...]) -> None:
    plan = run("import", "prod", *files, "--dry-run", "--json").json["planId"]

    refused = run("apply", "prod", plan)
    run("test-send", "prod", "--plan", plan, "--to", "ada@example.com")

    assert (refused.code, run("apply", "prod", plan).code) == (1, 0)
    assert "setup.unproven" in refused.err


def test_a_plan_that_is_outdated_is_not_applied(either: Run, files: tuple[str, ...]) -> None:
    plan = either("import", "dev", *files, "--dry-run", "--json").json["planId"]
    other = json.loads(Path(files[0]).read_text())
    Path(files[0]).write_text(json.dumps({**other, "defaultLanguage": "ja"}))
    either("import", "dev", *files)

    done = either("apply", "dev", plan)

    assert done.code == 1
    assert "setup.changed_meanwhile" in done.err


def test_a_file_and_a_plan_together_are_refused(either: Run, files: tuple[str, ...]) -> None:
    done = either("check", "dev", "--plan", "0" * 32, "--file", files[0])

    assert done.code == 2
    assert "not both" in done.err


def test_an_unknown_plan_is_said(either: Run) -> None:
    assert either("apply", "dev", "0" * 32).code == 1
