"""Coming in, staying in, and coming back to what one was doing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.web.conftest import ADA, PASSWORD, Browser, House
from webapp.web.account.sign_in import TRIES_PER_ADDRESS_HERE
from webapp.web.security import safe_next

FIELDS = {"current": "x", "new": "a second violet stamp pad"}


class TestSignIn:
    def test_leads_to_the_first_tenant(self, anonymous: Browser) -> None:
        answer = anonymous.sign_in(ADA)

        assert answer.status_code == 302
        assert anonymous.get(answer.headers["Location"]).headers["Location"] == "/t/dev/"

    def test_leads_on_to_the_page_that_was_asked_for(self, anonymous: Browser) -> None:
        away = anonymous.get("/t/prod/?tab=1").headers["Location"]
        anonymous.get(away)

        answer = anonymous.post("/sign-in", {"email": ADA, "password": PASSWORD, "next": anonymous.field("next")})

        assert answer.headers["Location"] == "/t/prod/?tab=1"

    def test_takes_the_address_in_any_case(self, anonymous: Browser) -> None:
        assert anonymous.sign_in(f" {ADA.upper()} ").status_code == 302

    def test_says_the_same_of_an_unknown_address_and_a_wrong_password(self, anonymous: Browser) -> None:
        unknown = anonymous.sign_in("nobody@example.com", "whatever it is")
        wrong = anonymous.sign_in(ADA, "whatever it is")

        assert unknown.status_code == wrong.status_code == 422
        assert "do not go together" in wrong.text
        assert body(unknown.text, "nobody@example.com") == body(wrong.text, ADA)

    def test_keeps_the_address_and_not_the_password(self, anonymous: Browser) -> None:
        answer = anonymous.sign_in(ADA, "whatever it is")

        assert f'value="{ADA}"' in answer.text
        assert "whatever it is" not in answer.text

    def test_needs_both(self, anonymous: Browser) -> None:
        assert anonymous.sign_in("", "").status_code == 422

    def test_needs_the_form_of_this_site(self, anonymous: Browser) -> None:
        answer = anonymous.post("/sign-in", {"email": ADA, "password": PASSWORD, "csrf_token": "made up"})

        assert answer.status_code == 419

    def test_gives_a_new_session(self, anonymous: Browser) -> None:
        anonymous.get("/sign-in")
        before = anonymous.token

        anonymous.sign_in(ADA)

        assert anonymous.post("/account/password", {"csrf_token": before, **FIELDS}).status_code == 419

    def test_lasts_half_a_day_after_the_last_page(self, anonymous: Browser) -> None:
        start = datetime(2026, 11, 21, 9, tzinfo=UTC)
        with time_machine.travel(start, tick=False) as clock:
            anonymous.sign_in(ADA)
            clock.shift(timedelta(hours=11))
            kept = anonymous.get("/account")
            clock.shift(timedelta(hours=11))
            renewed = anonymous.get("/account")
            clock.shift(timedelta(hours=13))
            lapsed = anonymous.get("/account")

        assert [kept.status_code, renewed.status_code, lapsed.status_code] == [200, 200, 302]


class TestThrottle:
    def test_stops_guessing_at_one_address(self, house: House, anonymous: Browser) -> None:
        for _ in range(TRIES_PER_ADDRESS_HERE):
            anonymous.sign_in(ADA, "a wrong guess")

        answer = anonymous.sign_in(ADA)

        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "Too many tries" in answer.text

    def test_counts_the_same_in_every_process(self, house: House, anonymous: Browser) -> None:
        for _ in range(TRIES_PER_ADDRESS_HERE):
            anonymous.sign_in(ADA, "a wrong guess")

        assert house.browser().sign_in(ADA).status_code == 429

    def test_forgets_failures_after_a_success(self, anonymous: Browser) -> None:
        for _ in range(TRIES_PER_ADDRESS_HERE - 1):
            anonymous.sign_in(ADA, "a wrong guess")
        anonymous.sign_in(ADA)
        anonymous.post("/sign-out")

        assert anonymous.sign_in(ADA, "a wrong guess").status_code == 422

    def test_opens_again(self, anonymous: Browser) -> None:
        with time_machine.travel(datetime.now(UTC), tick=False) as clock:
            for _ in range(TRIES_PER_ADDRESS_HERE):
                anonymous.sign_in(ADA, "a wrong guess")
            clock.shift(timedelta(minutes=11))

            assert anonymous.sign_in(ADA).status_code == 302


class TestSignOut:
    def test_ends_the_session(self, ada: Browser) -> None:
        ada.post("/sign-out")

        assert ada.get("/account").status_code == 302

    def test_needs_the_form(self, ada: Browser) -> None:
        ada.post("/sign-out", {"csrf_token": "made up"})

        assert ada.get("/account").status_code == 200


class TestSessionThatIsOver:
    """What was typed into a session that had ended is kept, sealed, and sent again after sign-in."""

    def test_keeps_what_was_typed_without_showing_it(self, ada: Browser) -> None:
        ada.lose_session()

        answer = ada.post("/account/password", {"current": PASSWORD, "new": "a second violet stamp pad"})

        assert answer.status_code == 419
        assert "stamp pad" not in answer.text
        assert PASSWORD not in answer.text

    def test_does_it_after_sign_in(self, house: House, ada: Browser) -> None:
        ada.lose_session()
        ada.post("/account/password", {"current": PASSWORD, "new": "a second violet stamp pad"})
        ada.post("/sign-in", {"email": ADA, "password": PASSWORD, "sealed": ada.field("sealed")})

        answer = ada.post("/resume", {"sealed": ada.field("sealed")})

        assert answer.headers["Location"] == "/account"
        assert "Your password is changed" in ada.get("/account").text
        assert house.browser().sign_in(ADA, "a second violet stamp pad").status_code == 302

    def test_shows_errors_of_what_was_typed_as_usual(self, ada: Browser) -> None:
        ada.lose_session()
        ada.post("/account/password", {"current": "not the one", "new": "a second violet stamp pad"})
        ada.post("/sign-in", {"email": ADA, "password": PASSWORD, "sealed": ada.field("sealed")})

        answer = ada.post("/resume", {"sealed": ada.field("sealed")})

        assert answer.status_code == 422
        assert "not your current password" in answer.text

    def test_survives_a_wrong_password_on_the_way(self, ada: Browser) -> None:
        ada.lose_session()
        ada.post("/account/password", FIELDS)
        ada.post("/sign-in", {"email": ADA, "password": "a wrong guess", "sealed": ada.field("sealed")})

        assert ada.field("sealed")

    def test_that_began_anew_in_another_tab_needs_one_click(self, ada: Browser) -> None:
        ada.post("/account/password", {"csrf_token": "of an older session", **FIELDS})

        answer = ada.post("/resume", {"sealed": ada.field("sealed")})

        assert answer.status_code == 422

    @pytest.mark.parametrize(
        "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}]
    )
    def test_keeps_nothing_that_another_site_sent(self, ada: Browser, headers: dict[str, str]) -> None:
        ada.lose_session()

        answer = ada.post("/account/password", FIELDS, headers=headers)

        assert answer.status_code == 419
        assert 'name="sealed"' not in answer.text

    @pytest.mark.parametrize(("origin", "kept"), [("http://localhost", True), ("https://mallory.example", False)])
    def test_asks_an_old_browser_for_the_origin(self, house: House, origin: str, kept: bool) -> None:
        browser = house.app.test_client()

        answer = browser.post("/account/password", data=FIELDS, headers={"Origin": origin})

        assert ('name="sealed"' in answer.text) is kept

    @pytest.mark.parametrize("sealed", ["", "rubbish", "gAAAAA"])
    def test_refuses_what_it_did_not_seal(self, ada: Browser, sealed: str) -> None:
        assert ada.post("/resume", {"sealed": sealed}).status_code == 404

    def test_refuses_what_was_sealed_for_something_else(self, house: House, ada: Browser) -> None:
        sealed = house.services.vault.seal({"path": "/sign-out", "fields": []}).decode()

        assert ada.post("/resume", {"sealed": sealed}).status_code == 404

    def test_lapses_after_a_day(self, ada: Browser) -> None:
        with time_machine.travel(datetime.now(UTC), tick=False) as clock:
            ada.post("/account/password", {"csrf_token": "old", **FIELDS})
            sealed = ada.field("sealed")
            clock.shift(timedelta(hours=25))
            ada.sign_in(ADA)

            assert ada.post("/resume", {"sealed": sealed}).status_code == 404

    def test_takes_the_page_for_a_part_of_it(self, ada: Browser) -> None:
        ada.lose_session()

        answer = ada.post("/account/password", FIELDS, headers={"HX-Request": "true"})

        assert answer.status_code == 419
        assert answer.headers["HX-Retarget"] == "body"
        assert ada.field("sealed")

    def test_leaves_a_page_that_only_polls_alone(self, ada: Browser) -> None:
        ada.lose_session()

        answer = ada.get("/account", headers={"HX-Request": "true"})

        assert answer.status_code == 419
        assert "HX-Retarget" not in answer.headers
        assert "<html" not in answer.text


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "//mallory.example",
        "/\\mallory.example",
        "https://mallory.example/",
        "javascript:alert(1)",
        "t/dev/",
        "/\t/mallory.example",
        "/ok\r\nLocation: https://mallory.example",
        "/%0d\\..",
    ],
)
def test_next_never_leads_to_another_site(target: str | None) -> None:
    assert safe_next(target) is None


@pytest.mark.parametrize("target", ["/", "/t/dev/", "/t/dev/history?from=3&to=7"])
def test_next_leads_on_within_the_site(target: str) -> None:
    assert safe_next(target) == target


def body(page: str, email: str) -> str:
    """The page without what differs from one to the next: form tokens and the address itself."""
    lines = [line for line in page.splitlines() if "csrf_token" not in line]
    return "\n".join(lines).replace(email, "")
