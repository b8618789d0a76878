"""One's own account: the password and the theme."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.web.conftest import ADA, BOB, PASSWORD, Browser, House
from webapp.accounts import Accounts
from webapp.db.types import now
from webapp.domain.roles import OPERATOR
from webapp.web.browsers import browser_name

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


def listed(browser: Browser) -> str:
    return browser.get("/account").text.partition('id="sessions"')[2].partition("</section>")[0]


class TestSessions:
    @pytest.fixture
    def here(self, house: House) -> Browser:
        browser = house.browser()
        browser.sign_in(ADA)
        return browser

    @pytest.fixture
    def there(self, house: House, here: Browser) -> Browser:
        browser = house.browser()
        browser.get("/sign-in")
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        browser.post("/sign-in", {"email": ADA, "password": PASSWORD}, headers={"User-Agent": agent})
        return browser

    def test_are_listed_with_their_browsers(self, here: Browser, there: Browser) -> None:
        section = listed(here)

        assert "Firefox on Linux" in section
        assert "127.0.0.1" in section
        assert section.count("this one") == 1

    def test_of_others_are_not_listed(self, house: House, here: Browser) -> None:
        house.browser().sign_in(BOB)

        assert listed(here).count("<li>") == 1

    def test_are_ended_one_by_one(self, here: Browser, there: Browser) -> None:
        number = listed(here).partition("/account/sessions/")[2].partition("/")[0]

        here.post(f"/account/sessions/{number}/end")

        assert there.get("/account").status_code == 302
        assert listed(here).count("<li>") == 1

    def test_of_others_cannot_be_ended(self, house: House, here: Browser, there: Browser) -> None:
        number = listed(here).partition("/account/sessions/")[2].partition("/")[0]
        bob = house.signed_in(BOB)

        assert bob.post(f"/account/sessions/{number}/end").status_code == 404
        assert bob.post(f"/account/sessions/{10**30}/end").status_code == 404
        assert there.get("/account").status_code == 200

    def test_elsewhere_are_ended_together(self, house: House, here: Browser, there: Browser) -> None:
        older = house.signed_in(ADA)

        here.post("/account/sessions/end-others")

        assert here.get("/account").status_code == 200
        assert there.get("/account").status_code == older.get("/account").status_code == 302
        assert listed(here).count("<li>") == 1
        newest = house.services.audit.events(house.services.db, None)[0]
        assert (newest.action, newest.actor_name) == ("account.sessions_ended", ADA)

    def test_leave_the_list_with_a_new_password(self, here: Browser, there: Browser) -> None:
        here.get("/account")
        here.post("/account/password", {"current": PASSWORD, "new": NEW})

        assert listed(here).count("<li>") == 1

    def test_leave_the_list_when_signed_out(self, here: Browser, there: Browser) -> None:
        there.get("/account")
        there.post("/sign-out")

        assert listed(here).count("<li>") == 1

    def test_say_when_they_were_seen_last(self, here: Browser, there: Browser) -> None:
        with time_machine.travel(now() + timedelta(hours=2), tick=False):
            there.get("/account")
            section = listed(here)

        assert section.count("just now") == 2
        assert section.count("2 hours ago") == 2

    def test_drop_off_the_list_when_nobody_came_for_twelve_hours(self, here: Browser, there: Browser) -> None:
        for hours in (7, 14):
            with time_machine.travel(now() + timedelta(hours=hours), tick=False):
                here.get("/account")
                section = listed(here)

        assert section.count("<li>") == 1


class TestTimeZone:
    def test_is_told_to_the_page_and_used_in_it(self, ada: Browser) -> None:
        ada.post("/account/time-zone", {"zone": "Asia/Tokyo"})

        page = ada.get("/account").text
        assert 'data-zone="Asia/Tokyo"' in page
        assert " JST" in page

    def test_can_be_the_browsers_again(self, ada: Browser) -> None:
        ada.post("/account/time-zone", {"zone": "Asia/Tokyo"})

        ada.post("/account/time-zone", {"zone": ""})

        page = ada.get("/account").text
        assert "data-zone" not in page
        assert " UTC" in page

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "x" * 300])
    def test_that_is_none_is_refused_at_the_field(self, ada: Browser, zone: str) -> None:
        answer = ada.post("/account/time-zone", {"zone": zone})

        assert answer.status_code == 422
        assert "This is not a time zone" in answer.text.split('id="zone-error"')[1]
        assert "data-zone" not in ada.get("/account").text

    def test_decides_where_a_day_of_the_audit_log_begins(self, house: House, ada: Browser) -> None:
        ada.post("/account/time-zone", {"zone": "Pacific/Kiritimati"})
        with time_machine.travel(datetime(2026, 3, 1, 11, tzinfo=UTC), tick=False):  # 2 March there
            house.services.tokens.create(house.tenant("dev"), "CI", ["send"], OPERATOR)

        assert "“CI”" in ada.get("/t/dev/settings/audit?since=2026-03-02&until=2026-03-02").text
        assert "“CI”" not in ada.get("/t/dev/settings/audit?since=2026-03-01&until=2026-03-01").text


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1 Version/18 Safari/605.1", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140 Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "Another browser"),
        ("", "Another browser"),
    ],
)
def test_browsers_are_called_by_their_names(user_agent: str, name: str) -> None:
    assert str(browser_name(user_agent)) == name
