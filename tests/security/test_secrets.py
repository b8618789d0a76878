"""Mallory reads what was not meant for her: logs, tracebacks, error pages, files of the machine."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.canary import CANARY
from tests.web.conftest import ADA, House, settings_in
from webapp.db import migrate
from webapp.services.authority import Authority
from webapp.services.wiring import build
from webapp.web.resume import Resumed


class TestMallory:
    def test_finds_no_key_and_no_password_in_how_things_show_themselves(self, tmp_path: Path) -> None:
        key = Fernet.generate_key().decode()
        url = f"postgresql+psycopg://postroom:{CANARY}@db/postroom"
        settings = settings_in(tmp_path, secret_keys=(key,), database_url=url)
        resumed = Resumed("/t/dev/connector", (("auth.pass", f"{CANARY}-typed"),))

        shown = repr(settings) + str(settings) + repr(resumed)
        assert CANARY not in shown
        assert key not in shown

    def test_finds_nothing_stored_in_what_a_failing_statement_says(self, house: House) -> None:
        with pytest.raises(SQLAlchemyError) as failed, house.services.db.write() as session:
            session.execute(text("INSERT INTO nothing VALUES (:value)"), {"value": CANARY})

        assert CANARY not in str(failed.value)

    @pytest.mark.parametrize(
        "path",
        [
            "/static/%00",
            "/static/" + "a" * 300,
            "/t/dev/history/99999999999999999999",
            "/t/dev/connector/saved/9999999999999999999",
            "/t/dev/history/99999999999999999999/restore",
            "/t/dev/history/diff?from=999999999&to=999999998",
        ],
    )
    def test_breaks_no_page_with_an_address_that_means_nothing(self, insider, path) -> None:
        assert insider.get(path).status_code in (403, 404)

    def test_breaks_no_page_with_a_number_that_no_database_knows(self, house: House) -> None:
        ada, number = house.signed_in(ADA), "9" * 20
        rules = {rule.rule for rule in house.app.url_map.iter_rules() if rule.rule.startswith("/t/")}
        paths = {re.sub(r"<int:\w+>", number, each.replace("<tenant>", "dev")) for each in rules if "<int:" in each}

        answers = {(path, ask(path).status_code) for path in paths for ask in (ada.get, ada.post)}

        assert [each for each in answers if each[1] not in (404, 405)] == []

    @pytest.mark.parametrize("since", ["0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "99999999999"])
    def test_breaks_no_call_with_a_moment_beyond_time(self, calls, since) -> None:
        answer = calls("dev").get(f"/tenants/dev/inbox/wait?timeout=0&since={since}")

        assert answer.status_code in (404, 422)

    def test_is_told_nothing_of_what_went_wrong_inside(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        house.app.config["PROPAGATE_EXCEPTIONS"] = False

        def broken(*args: object) -> None:
            raise RuntimeError(f"{CANARY} in {house.services.settings.data_dir}")

        monkeypatch.setattr("webapp.web.account.sign_in._sign_in", broken)
        monkeypatch.setattr(house.app, "log_exception", lambda *args: None)

        answer = house.browser().get("/sign-in")

        assert answer.status_code == 500
        assert str(house.services.settings.data_dir) not in answer.text


class TestMallorysOwnAccount:
    """Mallory has an account on the same machine."""

    def test_opens_none_of_the_files(self, tmp_path: Path) -> None:
        before = os.umask(0o022)
        try:
            folder = tmp_path / "instance"
            services = build(settings_in(folder))
            migrate.upgrade(services.db)
            services.vault.seal("made at its first use")
            Authority(folder / "sandbox").server_context()
            services.close()
        finally:
            os.umask(before)

        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
        secret = [path for path in modes if path.suffix in (".keys", ".pem") or path.name.startswith("postroom.db")]

        assert len(secret) >= 4
        assert modes[folder] == 0o700
        assert [path for path in secret if modes[path] & 0o077] == []

    @pytest.mark.parametrize(
        "path",
        [
            "../pyproject.toml",
            "..%2fpyproject.toml",
            "%2e%2e/pyproject.toml",
            "css/../../pyproject.toml",
            "/etc/passwd",
            "....//pyproject.toml",
            "..\\pyproject.toml",
            "css/%00.css",
            "vendor",
            "",
            ".hidden",
        ],
    )
    def test_reads_no_file_through_the_style_sheets(self, house: House, path: str) -> None:
        assert house.browser().get(f"/static/{path}").status_code in (404, 308)
