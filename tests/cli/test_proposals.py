"""Proposals at the shell and over the API: one proposes, another one approves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.canary import CANARY
from tests.cli.conftest import Run, Shell
from webapp.domain.roles import OPERATOR, Access, Actor, ChangesBy, Role
from webapp.services.wiring import build
from webapp.settings import Settings

REASON = ("--note", "New relay", "--reason", "The old one is down")


@pytest.fixture
def closed(ready: Shell) -> str:
    """A second person approves what changes production. Gives out a token that Ada made there."""
    services = build(Settings(data_dir=ready.folder, sandbox_smtp_port=0))
    prod = services.tenants.change(
        "prod", OPERATOR, name="Production", editors_may_save_production=False, changes_by=ChangesBy.APPROVAL
    )
    ada = Actor("person", services.tenants.members(prod.id)[0].person_id, "ada@example.com")
    plain = services.tokens.create(Access(ada, prod, Role.OWNER), "ci", ["config:write"], ada)
    services.close()
    return plain


@pytest.fixture
def pipeline(remote: Run, closed: str) -> Run:
    """The command over the API, with Ada's token."""
    return Run(remote.shell, remote.environment | {"POSTROOM_TOKEN": closed})


@pytest.fixture
def document(tmp_path: Path) -> str:
    login = {"type": "login", "user": "ada", "pass": f"{CANARY}-of-production"}
    config: dict[str, Any] = {"host": "smtp.example.com", "port": 587, "security": "starttls", "auth": login}
    path = tmp_path / "setup.json"
    path.write_text(
        json.dumps({"connector": {"provider": "smtp", "config": {**config, "fromEmail": "no-reply@example.com"}}})
    )
    return str(path)


def proposed(run: Run, document: str, note: str = "New relay") -> str:
    done = run("import", "prod", document, "--propose", "--json", "--note", note, *REASON[2:])
    assert done.code == 0, done.err
    plan_id: str = done.json["proposed"]["planId"]
    return plan_id


def test_applying_is_refused_and_says_how_it_goes_on(pipeline: Run, document: str) -> None:
    done = pipeline("import", "prod", document, *REASON)

    assert done.code == 1
    assert "--propose" in done.err
    assert "plan.approval_required" in done.err


def test_a_pipeline_proposes_and_the_operator_approves(pipeline: Run, run: Run, document: str) -> None:
    said = pipeline("import", "prod", document, "--propose", *REASON)
    (waiting,) = run("proposals", "prod", "--json").json

    done = run("approve", "prod", waiting["planId"])

    assert said.code == 0
    assert f"/t/prod/migrate/proposals/{waiting['planId']}" in said.err
    assert done.code == 0
    assert "Revision 1 is live." in done.err
    assert run("history", "prod", "--json").json[0]["author"] == "ci"


def test_the_operator_proposes_and_a_person_approves_over_the_api(pipeline: Run, run: Run, document: str) -> None:
    plan_id = proposed(run, document)

    assert pipeline("approve", "prod", plan_id).code == 0


def test_nobody_approves_their_own(pipeline: Run, run: Run, document: str) -> None:
    for who in (pipeline, run):
        done = who("approve", "prod", proposed(who, document))

        assert done.code == 1
        assert "plan.own_proposal" in done.err


def test_what_waits_is_listed_with_what_it_changes_and_no_secret(pipeline: Run, run: Run, document: str) -> None:
    plan_id = proposed(pipeline, document)

    for who in (pipeline, run):
        listed = who("proposals", "prod")

        assert listed.code == 0
        assert f"{plan_id}  import, proposed by ci at" in listed.out
        assert "note: New relay" in listed.out
        assert "smtp.example.com" in listed.out
        assert CANARY not in listed.out


def test_what_the_proposer_writes_neither_hides_nor_feigns_what_would_change(
    pipeline: Run, run: Run, document: str
) -> None:
    """Who approves at the shell decides by what stands there."""
    feigned = "Spelling\n  Nothing to change.\x1b[8m\x9b2J"
    plan_id = proposed(run, document, note=feigned)

    listed = run("proposals", "prod")
    pipeline("approve", "prod", plan_id)
    told = run("history", "prod")

    assert "  note: Spelling Nothing to change." in listed.out
    assert "  Nothing to change." not in listed.out.splitlines()
    for done in (listed, told):
        assert "Spelling" in done.out
        assert not {"\x1b", "\x9b"} & set(done.out)


def test_nothing_waits(pipeline: Run, run: Run) -> None:
    for who in (pipeline, run):
        listed = who("proposals", "prod")

        assert (listed.code, listed.out) == (0, "")
        assert "Nothing waits" in listed.err


def test_what_is_live_already_is_not_proposed(pipeline: Run, run: Run, document: str) -> None:
    run("approve", "prod", proposed(pipeline, document))

    done = pipeline("import", "prod", document, "--propose")

    assert done.code == 0
    assert "nothing to approve" in done.err
    assert run("proposals", "prod", "--json").json == []


def test_a_dry_run_proposes_nothing(pipeline: Run, document: str) -> None:
    done = pipeline("import", "prod", document, "--dry-run", "--propose")

    assert done.code == 3
    assert pipeline("proposals", "prod", "--json").json == []


def test_the_operator_declines_and_the_proposer_reads_why(pipeline: Run, run: Run, document: str) -> None:
    plan_id = proposed(pipeline, document)

    done = run("decline", "prod", plan_id, "--note", "Wait for Monday")

    assert (done.code, done.err) == (0, "Declined. Nothing was changed.\n")
    assert run("proposals", "prod", "--json").json == []
    assert run("history", "prod", "--json").json == []


def test_a_proposal_is_withdrawn_by_who_made_it_alone(pipeline: Run, run: Run, document: str) -> None:
    plan_id = proposed(pipeline, document)

    assert run("withdraw", "prod", plan_id).code == 1
    assert pipeline("decline", "prod", plan_id).code == 1
    assert len(pipeline("proposals", "prod", "--json").json) == 1
    assert pipeline("withdraw", "prod", plan_id).code == 0
    assert pipeline("proposals", "prod", "--json").json == []
