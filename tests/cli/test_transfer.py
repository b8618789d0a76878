"""Taking a setup away as a document, and keeping documents tidy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.canary import CANARY
from tests.cli.conftest import Run, Save
from webapp.services.transfer.sealing import unseal

PHRASE = f"{CANARY} paper boats"


@pytest.fixture
def saved(save: Save) -> None:
    """A setup with a secret is live in dev."""
    login = {"type": "login", "user": "ada", "pass": f"{CANARY}-of-ada"}
    config = {"host": "smtp.example.com", "port": 587, "security": "starttls", "auth": login}
    save({"connector": {"provider": "smtp", "config": {**config, "fromEmail": "no-reply@example.com"}}})


def test_an_export_is_the_same_bytes_each_time_and_holds_no_secret(either: Run, saved: None) -> None:
    first, again = either("export", "dev"), either("export", "dev")

    assert first.code == 0
    assert first.out == again.out
    assert CANARY not in first.out
    assert first.json["setup"]["connector"]["config"]["auth"]["pass"] == {"$secret": {"slot": "smtp.auth.pass"}}
    assert "fingerprint" not in first.out


def test_yaml_says_the_same(either: Run, saved: None) -> None:
    as_yaml = either("export", "dev", "--format", "yaml")

    assert YAML(typ="safe", pure=True).load(as_yaml.out) == either("export", "dev").json


def test_a_tenant_without_connector_can_be_exported(either: Run) -> None:
    assert either("export", "dev").json["setup"]["connector"] is None


def test_sealed_secrets_open_with_the_passphrase(run: Run, saved: None, tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text(PHRASE + "\n")

    done = run("export", "dev", "--seal", "--passphrase-file", str(phrase))

    assert CANARY not in done.out
    assert list(unseal(done.json["secrets"], done.json["contentHash"], PHRASE)) == ["smtp.auth.pass"]


def test_secrets_do_not_leave_a_server_by_the_api(remote: Run, saved: None, tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text(PHRASE)

    done = remote("export", "dev", "--seal", "--passphrase-file", str(phrase))

    assert done.code == 2
    assert "own shell" in done.err


class TestFmt:
    @pytest.mark.parametrize("form", ["json", "yaml"])
    def test_an_export_is_canonical(self, run: Run, tmp_path: Path, form: str) -> None:
        file = tmp_path / "setup"
        file.write_text(run("export", "dev", "--format", form).out)
        before = file.read_bytes()

        done = run("fmt", str(file))

        assert "already" in done.err
        assert file.read_bytes() == before

    def test_an_edited_document_gets_its_new_hash(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "setup.json"
        document = run("export", "dev").json
        document["setup"]["defaultLanguage"] = "ja"
        file.write_text(json.dumps(document))

        done = run("fmt", str(file))

        written = json.loads(file.read_text())
        assert done.code == 0
        assert written["contentHash"] != document["contentHash"]
        assert run("fmt", str(file)).err.strip().endswith("already.")

    def test_the_line_that_tells_an_editor_the_schema_stays(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "setup.yaml"
        line = "# yaml-language-server: $schema=./postroom.schema.json\n"
        file.write_text(line + run("export", "dev", "--format", "yaml").out.replace("length: 6", "length: 8"))

        run("fmt", str(file))

        assert file.read_text().startswith(f"{line}contentHash:")
        assert run("fmt", str(file)).err.strip().endswith("already.")

    def test_what_was_sealed_with_another_setup_is_not_given_a_new_hash(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "setup.json"
        file.write_text(json.dumps({"format": "postroom/setup", "version": 1, "setup": {}, "secrets": "-----"}))

        done = run("fmt", str(file))

        assert done.code == 2
        assert "sealed secrets" in done.err


class TestImport:
    def test_the_plan_is_printed_and_applied(self, either: Run, saved: None, tmp_path: Path) -> None:
        file = self._edited(either, tmp_path)

        planned = either("import", "dev", str(file), "--dry-run")
        done = either("import", "dev", str(file), "--note", "from the repository")

        assert (planned.code, done.code) == (3, 0)
        assert "~ changed  /defaultLanguage  en → ja" in planned.out
        assert "Revision 2 is live" in done.err
        assert either("import", "dev", str(file), "--dry-run").code == 0

    def test_a_missing_secret_is_named_and_can_be_given(self, either: Run, saved: None, tmp_path: Path) -> None:
        file, secrets = self._edited(either, tmp_path, host="smtp.example.net"), tmp_path / "secrets.json"
        secrets.write_text(json.dumps({"smtp.auth.pass": {"value": f"{CANARY}-new"}}))

        without = either("import", "dev", str(file))
        given = either("import", "dev", str(file), "--secrets", str(secrets))

        assert without.code == 1
        assert "Missing secrets" in without.out
        assert "\n  smtp.auth.pass\n" in without.out
        assert given.code == 0

    def test_sealed_secrets_come_with_the_document(self, run: Run, saved: None, tmp_path: Path) -> None:
        phrase, file = tmp_path / "phrase", tmp_path / "sealed.json"
        phrase.write_text(PHRASE)
        file.write_text(run("export", "dev", "--seal", "--passphrase-file", str(phrase)).out)

        done = run("import", "prod", str(file), "--passphrase-file", str(phrase), "--reason", "first set-up", "--json")

        assert (done.code, done.json["applied"], done.json["missingSecrets"]) == (0, True, [])
        assert CANARY not in done.out

    def test_json_holds_the_whole_plan(self, either: Run, saved: None, tmp_path: Path) -> None:
        done = either("import", "dev", str(self._edited(either, tmp_path)), "--dry-run", "--json")

        assert done.code == 3
        assert [change["pointer"] for change in done.json["changes"]] == ["/defaultLanguage"]

    def _edited(self, run: Run, tmp_path: Path, host: str = "") -> Path:
        document = run("export", "dev").json
        del document["contentHash"]
        document["setup"]["defaultLanguage"] = "ja"
        if host:
            document["setup"]["connector"]["config"]["host"] = host
        file = tmp_path / "setup.json"
        file.write_text(json.dumps(document))
        return file


class TestPromote:
    def test_the_operator_promotes_with_secrets(self, run: Run, saved: None, tmp_path: Path) -> None:
        secrets = tmp_path / "secrets.json"
        secrets.write_text(json.dumps({"smtp.auth.pass": "copy"}))

        planned = run("promote", "dev", "prod", "--dry-run")
        done = run("promote", "dev", "prod", "--secrets", str(secrets), "--reason", "first", "--note", "release")

        assert planned.code == 3
        assert 'or "copy":\n  smtp.auth.pass\n' in planned.out
        assert done.code == 0, done.err
        assert run("promote", "dev", "prod", "--dry-run").code == 0

    def test_parts_can_be_named_and_left(self, run: Run, saved: None) -> None:
        assert run("promote", "dev", "prod", "--except", "/connector", "--dry-run").code == 0
        assert "/connector" in run("promote", "dev", "prod", "--only", "/connector", "--dry-run").out
