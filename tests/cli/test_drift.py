"""Drift at the shell: what changed on which side, for people and for pipelines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.canary import CANARY
from tests.cli.conftest import Run, Save

SUBJECT = "/templates/SignIn/*/subject"


@pytest.fixture
def promoted(run: Run, save: Save, tmp_path: Path) -> None:
    """Development is set up, and was promoted once."""
    login = {"type": "login", "user": "ada", "pass": f"{CANARY}-of-ada"}
    config = {"host": "smtp.example.com", "port": 587, "security": "starttls", "auth": login}
    save({"connector": {"provider": "smtp", "config": {**config, "fromEmail": "no-reply@example.com"}}})
    secrets = tmp_path / "secrets.json"
    secrets.write_text(json.dumps({"smtp.auth.pass": "copy"}))
    done = run("promote", "dev", "prod", "--secrets", str(secrets), "--reason", "first")
    assert done.code == 0, done.err


def edit(run: Run, tmp_path: Path, tenant: str, **parts: Any) -> None:
    """Import the tenant's own setup with other parts."""
    document = run("export", tenant).json
    del document["contentHash"]
    for name, value in parts.items():
        document["setup"][name] = value(document["setup"][name]) if callable(value) else value
    file = tmp_path / f"{tenant}.json"
    file.write_text(json.dumps(document))
    done = run("import", tenant, str(file), "--reason", "a test")
    assert done.code == 0, done.err


def newer(templates: dict[str, Any]) -> dict[str, Any]:
    cells = templates["SignIn"]
    return {**templates, "SignIn": {**cells, "*": {**cells["*"], "subject": "Newer"}}}


def test_just_promoted_there_is_none(run: Run, promoted: None) -> None:
    done = run("drift", "dev", "prod")

    assert done.code == 0
    assert "Promoted last: revision 1 of dev as revision 1" in done.out
    assert "Nothing changed since" in done.out


def test_each_side_is_told(run: Run, promoted: None, tmp_path: Path) -> None:
    edit(run, tmp_path, "dev", templates=newer)
    edit(run, tmp_path, "prod", defaultLanguage="ja")

    done = run("drift", "dev", "prod")

    assert done.code == 3
    assert done.out.index("Edited in prod since:") < done.out.index("/defaultLanguage") < done.out.index("New in dev:")
    assert SUBJECT in done.out


def test_never_promoted_everything_is_new(run: Run, tmp_path: Path) -> None:
    assert run("drift", "dev", "prod").code == 0
    edit(run, tmp_path, "dev", defaultLanguage="ja")

    done = run("drift", "dev", "prod", "--json")

    assert (done.code, done.json["lastPromotion"]) == (3, None)
    assert [each["pointer"] for each in done.json["ahead"]] == ["/defaultLanguage"]


def test_merging_keeps_what_was_edited(run: Run, promoted: None, tmp_path: Path) -> None:
    edit(run, tmp_path, "dev", templates=newer)
    edit(run, tmp_path, "prod", defaultLanguage="ja")

    warned = run("promote", "dev", "prod", "--dry-run")
    done = run("promote", "dev", "prod", "--merge")

    assert "An edit made here would be overwritten" in warned.out
    assert done.code == 0, done.err
    assert SUBJECT in done.out
    assert "/defaultLanguage" not in done.out
    left = run("drift", "dev", "prod")
    assert left.code == 0
    assert "Left as it was last time:" in left.out


def test_a_conflict_is_refused_by_its_pointer(run: Run, promoted: None, tmp_path: Path) -> None:
    edit(run, tmp_path, "dev", defaultLanguage="ja")
    edit(run, tmp_path, "prod", defaultLanguage="th")

    refused = run("promote", "dev", "prod", "--merge")

    assert refused.code == 1
    assert "/defaultLanguage: It changed on both sides." in refused.err
    assert "Changed on both sides:" in run("drift", "dev", "prod").out
    assert run("promote", "dev", "prod", "--merge", "--only", "/defaultLanguage").code == 0


def test_a_conflict_that_is_left_is_decided(run: Run, promoted: None, tmp_path: Path) -> None:
    edit(run, tmp_path, "dev", defaultLanguage="ja")
    edit(run, tmp_path, "prod", defaultLanguage="th")

    first, again = (run("promote", "dev", "prod", "--merge", "--except", "/defaultLanguage") for _ in range(2))

    assert (first.code, again.code) == (0, 0)
    assert "Revision 3 is live." in first.err
    assert "This is what is live already." in again.err
    assert run("drift", "dev", "prod").code == 0


def test_a_pipeline_without_a_database_is_told_the_same(run: Run, remote: Run, promoted: None, tmp_path: Path) -> None:
    edit(run, tmp_path, "dev", templates=newer)
    made = run("token", "create", "prod", "--name", "ci", "--scope", "config:write", "--read-from", "dev")
    pipeline = {"POSTROOM_TOKEN": made.out.split()[-1]}

    here, there = run("drift", "dev", "prod"), remote("drift", "dev", "prod", **pipeline)
    merged = remote("promote", "dev", "prod", "--merge", **pipeline)

    assert (there.code, there.out) == (here.code, here.out) == (3, here.out)
    assert merged.code == 0, merged.err
    assert remote("drift", "dev", "prod", **pipeline).code == 0
