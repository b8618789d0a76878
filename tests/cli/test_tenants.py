"""Tenants at the shell."""

from __future__ import annotations

import pytest

from tests.canary import CANARY
from tests.cli.conftest import Run, Save

CONNECTOR = {
    "provider": "smtp",
    "config": {
        "host": "smtp.example.com",
        "port": 587,
        "security": "starttls",
        "auth": {"type": "login", "user": "ada", "pass": f"{CANARY}-of-dev"},
        "fromEmail": "no-reply@example.com",
    },
}


class TestCopy:
    def test_has_everything_but_the_secrets_which_are_listed(self, run: Run, save: Save) -> None:
        save({"connector": CONNECTOR, "defaultLanguage": "ja"})

        done = run("tenant", "add", "stage", "--environment", "production", "--copy-of", "dev")

        assert done.code == 0
        assert "smtp.auth.pass" in done.err
        assert "postroom promote dev stage" in done.err
        assert "defaultLanguage: ja" in run("show", "stage").out
        assert CANARY not in run("export", "stage").out

    def test_as_json(self, run: Run, save: Save) -> None:
        save({"connector": CONNECTOR})

        made = run("tenant", "add", "stage", "--environment", "development", "--copy-of", "dev", "--json").json

        assert (made["slug"], made["secretsLeft"], made["connectorWaits"]) == ("stage", ["smtp.auth.pass"], True)

    def test_of_nothing_makes_nothing(self, run: Run) -> None:
        assert run("tenant", "add", "stage", "--environment", "development", "--copy-of", "nowhere").code == 1
        assert "stage" not in run("tenant", "list", "--archived").out

    def test_its_owner_is_a_member(self, run: Run) -> None:
        done = run("tenant", "add", "stage", "--environment", "development", "--owner", "ada@example.com")

        assert done.code == 0
        assert run("tenant", "add", "other", "--environment", "development", "--owner", "no@example.com").code == 1


class TestNames:
    def test_a_name_changes_and_a_slug_stays(self, run: Run) -> None:
        assert run("tenant", "rename", "dev", "Workshop").code == 0

        (dev, _prod) = run("tenant", "list", "--json").json
        assert (dev["slug"], dev["name"]) == ("dev", "Workshop")

    def test_as_json(self, run: Run) -> None:
        assert run("tenant", "rename", "dev", "Workshop", "--json").json["name"] == "Workshop"

    def test_an_odd_one_is_refused(self, run: Run) -> None:
        done = run("tenant", "rename", "dev", "  ")

        assert done.code == 2
        assert "/name" in done.err

    @pytest.mark.parametrize("slug", ["dev", "Dev"])
    def test_a_taken_or_odd_slug_is_refused(self, run: Run, slug: str) -> None:
        done = run("tenant", "add", slug, "--environment", "development")

        assert done.code in (1, 2)
        assert "/slug" in done.err


class TestArchive:
    def test_there_and_back(self, run: Run) -> None:
        assert run("tenant", "archive", "dev", "--yes", "--json").json["archived"] is True

        done = run("tenant", "unarchive", "dev", "--json")

        assert done.json["archived"] is False
        assert [each["slug"] for each in run("tenant", "list", "--json").json] == ["dev", "prod"]

    def test_what_is_not_archived_does_not_come_back(self, run: Run) -> None:
        done = run("tenant", "unarchive", "dev")

        assert done.code == 1
        assert "no archived tenant" in done.err
