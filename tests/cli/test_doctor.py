"""doctor, providers, schema and the help."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.canary import CANARY
from tests.cli.conftest import Run, Save, Shell
from tests.peers.ports import free_port
from webapp.cli import COMMANDS
from webapp.settings import documented_settings

WITH_SECRET = {
    "connector": {
        "provider": "smtp",
        "config": {
            "host": "smtp.example.com",
            "port": 587,
            "security": "starttls",
            "auth": {"user": "ada", "pass": f"{CANARY}-of-ada"},
            "fromEmail": "no-reply@example.com",
        },
    }
}


class TestDoctor:
    def test_a_good_installation_is_good(self, run: Run) -> None:
        done = run("doctor")

        assert done.code == 0
        assert "failed" not in done.out

    def test_settings_are_listed_without_secrets(self, run: Run) -> None:
        key = Fernet.generate_key().decode()

        done = run("doctor", "--json", POSTROOM_SECRET_KEYS=key, DATABASE_URL="postgresql+psycopg://u:pw@127.0.0.1:1/x")

        assert done.json["settings"]["POSTROOM_SECRET_KEYS"] == "(set)"
        assert done.json["settings"]["DATABASE_URL"] == "postgresql+psycopg://127.0.0.1:1/x"
        assert key not in done.out + done.err
        assert "u:pw" not in done.out + done.err

    def test_every_setting_is_there(self, run: Run) -> None:
        listed = run("doctor", "--json", POSTROOM_TEST_SEND_LIMITS="3/hour,9/day").json["settings"]

        assert list(listed) == [variable for variable, _, _ in documented_settings()]
        assert listed["POSTROOM_TEST_SEND_LIMITS"] == "3/hour,9/day"
        assert listed["POSTROOM_DATA_DIR"] == str(run.shell.folder)

    def test_a_database_that_does_not_answer_fails(self, run: Run) -> None:
        done = run("doctor", "--json", DATABASE_URL="postgresql+psycopg://u:pw@127.0.0.1:1/x")

        assert done.code == 1
        assert [(each["what"], each["state"]) for each in done.json["findings"]] == [("database", "failed")]

    def test_a_database_of_another_version_fails(self, bare: Run) -> None:
        done = bare("doctor", "--json")

        assert done.code == 1
        assert done.json["findings"][-1]["what"] == "migrations"

    def test_other_keys_fail(self, run: Run, save: Save) -> None:
        save(WITH_SECRET)

        done = run("doctor", "--json", POSTROOM_SECRET_KEYS=Fernet.generate_key().decode())

        assert done.code == 1
        assert done.json["findings"][-1]["what"] == "keys"

    def test_what_ends_is_told(self, run: Run, save: Save) -> None:
        auth = {
            "type": "oauth2",
            "user": "robot@example.com",
            "clientId": "client-1",
            "clientSecret": f"{CANARY}-client",
            "refreshToken": f"{CANARY}-refresh",
            "clientSecretExpires": "2020-01-31",
        }
        config = {**WITH_SECRET["connector"]["config"], "auth": auth}
        save({"connector": {**WITH_SECRET["connector"], "config": config}})

        done = run("doctor", "--json")

        told = next(each for each in done.json["findings"] if each["state"] == "failed")
        assert done.code == 1
        assert (told["what"], "2020-01-31" in told["says"]) == ("connector of dev", True)

    def test_files_to_import_are_looked_at_and_not_imported(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "dev.yaml").write_text("format: postroom/setup\nversion: 1\nsetup: {defaultLanguage: ja}\n")

        done = run("doctor", POSTROOM_IMPORT_DIR=str(tmp_path))

        assert done.code == 0
        assert "dev: the next start imports dev.yaml. It changes /defaultLanguage." in done.out
        assert "defaultLanguage: en" in run("show", "dev").out

    def test_files_that_keep_the_server_off_fail(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "nowhere.json").write_text("{}")

        done = run("doctor", POSTROOM_IMPORT_DIR=str(tmp_path))

        assert done.code == 1
        assert "failed   import at start-up: nowhere.json: There is no tenant" in done.out

    def test_a_port_that_another_program_has_fails(self, run: Run) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = str(listener.getsockname()[1])
            listener.settimeout(5)

            done = run("doctor", "--json", POSTROOM_SANDBOX_SMTP_PORT=port)

        findings = {each["what"]: each for each in done.json["findings"]}
        assert findings["sandbox"]["state"] in ("warning", "failed")
        assert port in findings["sandbox"]["says"]


class TestKeys:
    def test_a_server_does_not_start_with_others(self, ready: Shell, save: Save) -> None:
        save(WITH_SECRET)

        done = ready("serve", POSTROOM_SECRET_KEYS=Fernet.generate_key().decode(), POSTROOM_PORT=str(free_port()))

        assert done.code == 1
        assert "POSTROOM_SECRET_KEYS" in done.err
        assert "Traceback" not in done.err

    def test_a_command_without_the_right_keys_says_so(self, run: Run) -> None:
        done = run("show", "dev", POSTROOM_SECRET_KEYS="nonsense")

        assert done.code == 2
        assert "POSTROOM_SECRET_KEYS" in done.err


BAD = {
    "POSTROOM_PORT": "70000",
    "POSTROOM_THREADS": "1",
    "POSTROOM_PUBLIC_URL": "mail.example.com",
    "DATABASE_URL": "postgres://h/d",
    "POSTROOM_SECRET_KEYS": f"{CANARY}-no-key",
    "POSTROOM_SANDBOX_SMTP_PORT": "smtp",
    "POSTROOM_ALLOWED_NETWORKS": "10.0.0.1/8",
    "POSTROOM_TEST_SEND_LIMITS": "many",
    "POSTROOM_TRUSTED_PROXIES": "-1",
    "POSTROOM_RETENTION_DAYS": "0",
}


class TestABadSetting:
    @pytest.mark.parametrize("variable", BAD)
    def test_is_named_in_one_line(self, bare: Run, variable: str) -> None:
        done = bare("show", "dev", **{variable: BAD[variable]})

        assert done.code == 2
        assert done.err.startswith(f"Error: {variable}: ")
        assert done.err.count("\n") == 1
        assert done.out == ""

    @pytest.mark.parametrize("command", ["doctor", "serve", "keys rotate", "backup copy.db", "user list"])
    def test_is_told_by_every_command(self, bare: Run, command: str) -> None:
        assert bare(*command.split(), POSTROOM_PORT="many").code == 2

    def test_is_named_beside_the_others(self, bare: Run) -> None:
        done = bare("doctor", POSTROOM_PORT="x", POSTROOM_THREADS="y")

        assert [line.partition(": ")[0] for line in done.err.removeprefix("Error: ").splitlines()] == [
            "POSTROOM_PORT",
            "POSTROOM_THREADS",
        ]

    def test_is_a_data_directory_that_is_a_file(self, bare: Run) -> None:
        bare.shell.folder.touch()

        done = bare("doctor")

        assert (done.code, done.out) == (2, "")
        assert "POSTROOM_DATA_DIR" in done.err


class TestSchema:
    def test_it_describes_the_document_and_each_config(self, run: Run) -> None:
        schema = run("schema").json

        assert schema["properties"]["format"] == {"const": "postroom/setup"}
        assert "SmtpConfig" in schema["$defs"]
        references = json.dumps(schema).split('"$ref": "')[1:]
        assert {each.partition('"')[0].removeprefix("#/$defs/") for each in references} <= set(schema["$defs"])

    def test_a_secret_may_be_a_mark(self, run: Run) -> None:
        schema = run("schema").json

        password = schema["$defs"]["LoginAuth"]["properties"]["pass"]
        assert {"$ref": "#/$defs/SecretMark"} in password["anyOf"]


class TestHelp:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_explains_itself(self, bare: Run, command: str) -> None:
        done = bare(command, "--help")

        assert done.code == 0
        assert "Usage: postroom" in done.out

    def test_the_list_is_complete(self, bare: Run) -> None:
        listed = bare("--help").out

        assert all(f"\n  {command}" in listed for command in COMMANDS)

    def test_an_unknown_command_is_bad_usage(self, bare: Run) -> None:
        assert bare("fly").code == 2
