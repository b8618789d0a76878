"""One's own account: the password and the theme."""

from __future__ import annotations

import pytest

from tests.web.conftest import ADA, PASSWORD, Browser, House
from webapp.accounts import Accounts

NEW = "a second violet stamp pad"


class TestPassword:
    def test_changes(self, house: House, ada: Browser) -> None:
        answer = ada.post("/account/password", {"current": PASSWORD, "new": NEW})

        assert answer.headers["Location"] == "/account"
        assert house.browser().sign_in(ADA, PASSWORD).status_code == 422
        assert house.browser().sign_in(ADA, NEW).status_code == 302

    def test_change_ends_every_other_session(self, house: House, ada: Browser) -> None:
        elsewhere = house.signed_in(ADA)

        ada.post("/account/password", {"current": PASSWORD, "new": NEW})

        assert ada.get("/account").status_code == 200
        assert elsewhere.get("/account").status_code == 302

    def test_reset_by_the_operator_ends_every_session(self, house: House, ada: Browser) -> None:
        Accounts(house.services.db).reset_password(ADA, NEW)

        assert ada.get("/account").status_code == 302

    @pytest.mark.parametrize(
        ("current", "new", "field", "words"),
        [
            ("not the one", NEW, "current", "not your current password"),
            (PASSWORD, "short", "new", "at least 10 characters"),
            (PASSWORD, "ada@example.com", "new", "little more than your address"),
            (PASSWORD, "acme-acme-2026", "new", "little more than your address"),
            ("", "", "current", "required"),
        ],
    )
    def test_stays_when_something_is_wrong(
        self, ada: Browser, house: House, current: str, new: str, field: str, words: str
    ) -> None:
        answer = ada.post("/account/password", {"current": current, "new": new})

        assert answer.status_code == 422
        assert words in answer.text.split(f'id="{field}-error"')[1].split('data-field="')[0]
        assert house.browser().sign_in(ADA, PASSWORD).status_code == 302

    def test_cannot_be_guessed_from_an_open_session(self, ada: Browser) -> None:
        answers = [ada.post("/account/password", {"current": f"guess {n}", "new": NEW}).status_code for n in range(11)]

        assert answers == [422] * 10 + [429]

    def test_change_is_written_down(self, house: House, ada: Browser) -> None:
        ada.post("/account/password", {"current": PASSWORD, "new": NEW})

        newest = house.services.audit.events(house.services.db, None)[0]
        assert (newest.action, newest.actor_name) == ("account.password_changed", ADA)

    def test_is_stored_as_argon2id(self, house: House) -> None:
        user = Accounts(house.services.db).authenticate(ADA, PASSWORD)

        assert user
        assert (user.password or "").startswith("$argon2id$")


class TestTheme:
    @pytest.mark.parametrize("theme", ["light", "dark", "system"])
    def test_is_in_the_page_from_the_server(self, ada: Browser, theme: str) -> None:
        ada.post("/theme", {"theme": theme})

        assert f'data-theme="{theme}"' in ada.get("/account").text

    def test_leads_back_to_the_page(self, ada: Browser) -> None:
        assert ada.post("/theme", {"theme": "dark", "next": "/account"}).headers["Location"] == "/account"

    def test_leads_to_no_other_site(self, ada: Browser) -> None:
        assert ada.post("/theme", {"theme": "dark", "next": "https://mallory.example/"}).headers["Location"] == "/"

    def test_ignores_what_is_none(self, ada: Browser) -> None:
        ada.post("/theme", {"theme": "neon"})

        assert ada.cookie("postroom_theme") is None
