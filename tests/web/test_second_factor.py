"""Two-step verification: set up, used to sign in, lost, demanded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape

import pyotp
import pytest
import time_machine
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.web.conftest import ADA, BOB, MALLORY, PASSWORD, Browser, House
from webapp.accounts import Accounts, SecondFactor
from webapp.db.keys import KeyFile
from webapp.db.models import TotpRow
from webapp.db.vault import Vault
from webapp.domain.roles import Role
from webapp.services.keyring import Keyring
from webapp.web.account.second_step import TRIES_PER_PERSON
from webapp.web.account.sign_in import TRIES_PER_ADDRESS_HERE
from webapp.web.signing_in import FRESH, HALF_SIGNED_IN

START = datetime(2026, 11, 21, 9, 0, 5, tzinfo=UTC)
NEW = "a second violet stamp pad"


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def key_of(browser: Browser) -> str:
    """The key that the set-up page shows, as a person types it."""
    found = re.search(r'id="key">([A-Z2-7-]+)<', browser.page)
    assert found
    return found[1].replace("-", "")


def codes_of(browser: Browser) -> list[str]:
    return re.findall(
        r"\b[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}\b", browser.page.partition('id="codes"')[2].partition("</pre")[0]
    )


class Ada:
    """Ada with her browser, her app and her recovery codes."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.codes: list[str] = []

    def set_up(self) -> TestResponse:
        self.browser.get("/account/two-step")
        self.app = pyotp.TOTP(key_of(self.browser))
        answer = self.browser.post("/account/two-step", {"state": self.browser.field("state"), "code": self.code()})
        self.codes = codes_of(self.browser)
        return answer

    def code(self) -> str:
        return self.app.at(datetime.now(UTC))

    def second_step(self, code: str | None = None, browser: Browser | None = None, **fields: str) -> TestResponse:
        return (browser or self.browser).post("/sign-in/second-step", {"code": code or self.code(), **fields})


@pytest.fixture
def ada(house: House, clock: time_machine.Coordinates) -> Ada:
    """Ada, who has just signed in and has no second factor."""
    return Ada(house.signed_in(ADA))


@pytest.fixture
def secured(ada: Ada, clock: time_machine.Coordinates) -> Ada:
    """Ada with an app, half a minute later: its next code can be used."""
    ada.set_up()
    clock.shift(timedelta(seconds=30))
    return ada


@pytest.fixture
def half(house: House, secured: Ada) -> Browser:
    """A browser in which Ada's password has been typed."""
    browser = house.browser()
    browser.sign_in(ADA)
    browser.get("/sign-in/second-step")
    return browser


class TestSettingUp:
    def test_shows_a_code_to_scan_and_its_key_to_type(self, ada: Ada) -> None:
        page = ada.browser.get("/account/two-step").text

        assert '<svg class="qr"' in page
        assert "data:" not in page
        assert f"otpauth://totp/Postroom:{ADA}" in unescape(page)
        assert len(key_of(ada.browser)) == 32

    def test_counts_only_with_a_code(self, house: House, ada: Ada) -> None:
        ada.browser.get("/account/two-step")

        assert house.browser().sign_in(ADA).headers["Location"] == "/"

    def test_gives_ten_recovery_codes_once(self, ada: Ada) -> None:
        answer = ada.set_up()

        assert answer.status_code == 200
        assert len(set(ada.codes)) == 10
        assert not any(code in ada.browser.get("/account").text for code in ada.codes)

    def test_refuses_a_wrong_code_and_keeps_the_secret(self, ada: Ada) -> None:
        ada.browser.get("/account/two-step")
        key, state = key_of(ada.browser), ada.browser.field("state")

        answer = ada.browser.post("/account/two-step", {"state": state, "code": "000000"})

        assert answer.status_code == 422
        assert "not the code that the app shows" in answer.text
        assert key_of(ada.browser) == key

    @pytest.mark.parametrize("code", ["", "12345", "abcdef", "1234567", "\uff11\uff12\uff13\uff14\uff15\uff16", "😀"])
    def test_takes_no_nonsense(self, ada: Ada, code: str) -> None:
        ada.browser.get("/account/two-step")

        answer = ada.browser.post("/account/two-step", {"state": ada.browser.field("state"), "code": code})

        assert answer.status_code == 422

    def test_takes_no_secret_that_was_offered_to_somebody_else(self, house: House, ada: Ada) -> None:
        ada.browser.get("/account/two-step")
        state, app = ada.browser.field("state"), pyotp.TOTP(key_of(ada.browser))
        mallory = house.signed_in(MALLORY)

        answer = mallory.post("/account/two-step", {"state": state, "code": app.at(datetime.now(UTC))})

        assert answer.status_code == 422
        assert house.browser().sign_in(MALLORY).headers["Location"] == "/"

    def test_waits_for_an_hour(self, ada: Ada, clock: time_machine.Coordinates) -> None:
        ada.browser.get("/account/two-step")
        state, app = ada.browser.field("state"), pyotp.TOTP(key_of(ada.browser))
        clock.shift(timedelta(minutes=61))
        ada.browser.post("/account/confirm", {"password": PASSWORD})

        answer = ada.browser.post("/account/two-step", {"state": state, "code": app.at(datetime.now(UTC))})

        assert answer.status_code == 422
        assert "waited too long" in answer.text

    def test_ends_every_other_session(self, house: House, ada: Ada) -> None:
        elsewhere = house.signed_in(ADA)

        ada.set_up()

        assert ada.browser.get("/account").status_code == 200
        assert elsewhere.get("/account").status_code == 302

    def test_is_written_down_without_secrets(self, house: House, ada: Ada) -> None:
        ada.set_up()

        events = house.services.audit.events(house.services.db, None)
        assert events[0].action == "account.app_added"
        assert not any(code in str(event.detail) for event in events for code in ada.codes)

    def test_stores_nothing_that_can_be_read(self, house: House, ada: Ada) -> None:
        ada.set_up()

        stored = b"".join(path.read_bytes() for path in house.services.settings.data_dir.glob("postroom.db*"))
        assert ada.app.secret.encode() not in stored
        assert not any(code.encode() in stored or code.replace("-", "").encode() in stored for code in ada.codes)


class TestSigningIn:
    def test_asks_for_a_code_after_the_password(self, house: House, secured: Ada) -> None:
        browser = house.browser()

        answer = browser.sign_in(ADA)

        assert answer.headers["Location"] == "/sign-in/second-step"
        browser.get("/sign-in/second-step")
        assert secured.second_step(browser=browser).headers["Location"] == "/"
        assert browser.get("/account").status_code == 200

    def test_is_worth_nothing_before_the_second_step(self, half: Browser) -> None:
        assert half.get("/account").status_code == 302
        assert half.get("/t/dev/").status_code == 302
        assert half.post("/account/password", {"current": PASSWORD, "new": NEW}).status_code == 419
        assert half.post("/account/recovery-codes").status_code == 419

    def test_goes_on_to_where_one_wanted(self, house: House, secured: Ada) -> None:
        browser = house.browser()
        answer = browser.sign_in(ADA, next="/t/dev/history")
        browser.get(answer.headers["Location"])

        answer = secured.second_step(browser=browser, next=browser.field("next"))

        assert answer.headers["Location"] == "/t/dev/history"

    def test_goes_on_to_no_other_site(self, secured: Ada, half: Browser) -> None:
        assert secured.second_step(browser=half, next="https://mallory.example/").headers["Location"] == "/"

    @pytest.mark.parametrize(("seconds", "status"), [(-60, 422), (-30, 302), (0, 302), (30, 302), (60, 422)])
    def test_takes_the_code_of_a_step_before_or_after(
        self, secured: Ada, half: Browser, clock: time_machine.Coordinates, seconds: int, status: int
    ) -> None:
        clock.shift(timedelta(minutes=5))
        code = secured.app.at(datetime.now(UTC) + timedelta(seconds=seconds))

        assert secured.second_step(code, browser=half).status_code == status

    def test_takes_a_code_once(self, house: House, secured: Ada, half: Browser) -> None:
        code = secured.code()
        secured.second_step(code, browser=half)
        again = house.browser()
        again.sign_in(ADA)
        again.get("/sign-in/second-step")

        answer = secured.second_step(code, browser=again)

        assert answer.status_code == 422
        assert "used before" in answer.text

    def test_takes_a_code_once_from_however_many_at_once(self, house: House, secured: Ada) -> None:
        person = Accounts(house.services.db).by_email(ADA)
        factor = SecondFactor(house.services.db, house.services.vault, house.services.audit)
        code = secured.code()

        with ThreadPoolExecutor(6) as pool:
            taken = list(pool.map(lambda _: factor.check_app(person.id, code), range(6)))

        assert taken.count(True) == 1

    def test_does_not_take_the_code_of_the_set_up(self, house: House, ada: Ada) -> None:
        ada.set_up()
        browser = house.browser()
        browser.sign_in(ADA)
        browser.get("/sign-in/second-step")

        assert ada.second_step(browser=browser).status_code == 422

    def test_takes_the_code_with_a_space(self, secured: Ada, half: Browser) -> None:
        code = secured.code()

        assert secured.second_step(f"{code[:3]} {code[3:]}", browser=half).status_code == 302

    def test_takes_nobody_elses_code(self, house: House, half: Browser) -> None:
        bob = Ada(house.signed_in(BOB))
        bob.set_up()

        assert bob.second_step(bob.app.at(datetime.now(UTC) + timedelta(seconds=30)), browser=half).status_code == 422

    def test_lapses(self, secured: Ada, half: Browser, clock: time_machine.Coordinates) -> None:
        clock.shift(timedelta(seconds=HALF_SIGNED_IN + 1))

        answer = secured.second_step(browser=half)

        assert answer.status_code == 422
        assert "took too long" in answer.text
        assert half.get("/account").status_code == 302

    def test_ends_with_the_password(self, house: House, secured: Ada, half: Browser) -> None:
        Accounts(house.services.db).reset_password(ADA, NEW)

        assert secured.second_step(browser=half).status_code == 422
        assert half.get("/account").status_code == 302

    def test_begins_a_new_session(self, secured: Ada, half: Browser) -> None:
        token, cookie = half.token, half.cookie("postroom")

        secured.second_step(browser=half)

        assert half.cookie("postroom") != cookie
        half.get("/account")
        assert half.token != token

    def test_without_the_password_leads_to_the_sign_in(self, anonymous: Browser) -> None:
        anonymous.get("/sign-in")

        assert anonymous.get("/sign-in/second-step").headers["Location"] == "/"
        assert anonymous.post("/sign-in/second-step", {"code": "123456"}).status_code == 422

    def test_is_not_asked_of_others(self, house: House, secured: Ada) -> None:
        assert house.browser().sign_in(BOB).headers["Location"] == "/"

    def test_is_written_down(self, house: House, secured: Ada, half: Browser) -> None:
        secured.second_step(browser=half)

        newest = house.services.audit.events(house.services.db, None)[0]
        assert (newest.action, newest.detail) == ("account.signed_in", {"via": "password"})


class TestThrottle:
    def test_stops_guessing_here(self, secured: Ada, half: Browser) -> None:
        for _ in range(TRIES_PER_ADDRESS_HERE):
            secured.second_step("000000", browser=half)

        answer = secured.second_step(browser=half)

        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0

    def test_stops_guessing_from_everywhere(self, secured: Ada, half: Browser) -> None:
        statuses = []
        for number in range(TRIES_PER_PERSON):
            here = {"REMOTE_ADDR": f"192.0.2.{number}"}
            answer = half.post("/sign-in/second-step", {"code": "000000"}, environ_overrides=here)
            statuses.append(answer.status_code)

        # Typing the first code, when it was set up, was a try too.
        assert statuses == [422] * (TRIES_PER_PERSON - 1) + [429]

    def test_holds_for_recovery_codes_too(self, secured: Ada, half: Browser) -> None:
        for _ in range(TRIES_PER_ADDRESS_HERE):
            secured.second_step("0000-0000-0000", browser=half)

        assert secured.second_step(secured.codes[0], browser=half).status_code == 429


class TestRecoveryCodes:
    def test_lets_in_once(self, house: House, secured: Ada, half: Browser) -> None:
        first = secured.second_step(secured.codes[0], browser=half)
        again = house.browser()
        again.sign_in(ADA)
        again.get("/sign-in/second-step")
        second = secured.second_step(secured.codes[0], browser=again)

        assert first.status_code == 302
        assert "9 recovery codes left" in half.get("/account").text
        assert second.status_code == 422
        assert "used before" in second.text

    def test_are_read_however_they_are_typed(self, secured: Ada, half: Browser) -> None:
        assert secured.second_step(f" {secured.codes[0].upper().replace('-', ' ')} ", browser=half).status_code == 302

    def test_are_counted_on_the_account(self, secured: Ada, half: Browser) -> None:
        secured.second_step(secured.codes[0], browser=half)

        assert "9 are left" in half.get("/account").text

    def test_new_ones_replace_the_old(self, house: House, secured: Ada, half: Browser) -> None:
        old = secured.codes
        secured.browser.get("/account/recovery-codes")
        secured.browser.post("/account/recovery-codes")

        new = codes_of(secured.browser)

        assert len(new) == 10
        assert secured.second_step(old[0], browser=half).status_code == 422
        assert secured.second_step(new[0], browser=half).status_code == 302

    def test_are_given_as_a_file(self, secured: Ada) -> None:
        answer = secured.browser.post("/account/recovery-codes/file", {"codes": " ".join(secured.codes)})

        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.mimetype == "text/plain"
        assert all(code in answer.text for code in secured.codes)

    @pytest.mark.parametrize("codes", ["", "made up", "0000-0000-0000"])
    def test_only_real_ones_are_given_as_a_file(self, secured: Ada, codes: str) -> None:
        assert secured.browser.post("/account/recovery-codes/file", {"codes": codes}).status_code == 404

    def test_are_used_up_by_one_of_however_many_at_once(self, house: House, secured: Ada) -> None:
        person = Accounts(house.services.db).by_email(ADA)
        factor = SecondFactor(house.services.db, house.services.vault, house.services.audit)

        with ThreadPoolExecutor(6) as pool:
            used = list(pool.map(lambda _: factor.use_recovery_code(person.id, secured.codes[0]), range(6)))

        assert used.count(True) == 1


def test_goes_on_under_a_new_key(house: House, secured: Ada, half: Browser) -> None:
    Keyring(house.services).rotate()
    newest = Vault(KeyFile(house.services.settings.data_dir)()[:1])
    with house.services.db.read() as session:
        opened = [newest.open(secret) for secret in session.scalars(select(TotpRow.secret))]

    assert len(opened) == 1
    assert secured.second_step(browser=half).status_code == 302


class TestSwitchingOff:
    def test_asks_for_the_password_alone_again(self, house: House, secured: Ada) -> None:
        secured.browser.get("/account/two-step/off")
        secured.browser.post("/account/two-step/off")

        assert house.browser().sign_in(ADA).headers["Location"] == "/"
        assert SecondFactor(house.services.db, house.services.vault, house.services.audit).standing(1).codes_left == 0

    def test_ends_every_other_session(self, house: House, secured: Ada, half: Browser) -> None:
        secured.second_step(browser=half)

        secured.browser.post("/account/two-step/off")

        assert secured.browser.get("/account").status_code == 200
        assert half.get("/account").status_code == 302

    def test_is_written_down(self, house: House, secured: Ada) -> None:
        secured.browser.post("/account/two-step/off")

        assert house.services.audit.events(house.services.db, None)[0].action == "account.app_removed"


class TestShowingAgainWhoOneIs:
    """What protects the account is changed only a short while after a sign-in, or after showing it again."""

    @pytest.fixture
    def stale(self, secured: Ada, clock: time_machine.Coordinates) -> Ada:
        clock.shift(timedelta(seconds=FRESH + 1))
        return secured

    @pytest.mark.parametrize("path", ["/account/two-step/off", "/account/recovery-codes", "/account/passkeys/new"])
    def test_is_asked_for_on_the_way(self, stale: Ada, path: str) -> None:
        answer = stale.browser.get(path)

        assert answer.headers["Location"] == f"/account/confirm?next={path}"

    def test_by_password_goes_on(self, stale: Ada) -> None:
        stale.browser.get("/account/confirm?next=/account/recovery-codes")

        answer = stale.browser.post("/account/confirm", {"password": PASSWORD, "next": "/account/recovery-codes"})

        assert answer.headers["Location"] == "/account/recovery-codes"
        assert stale.browser.get("/account/recovery-codes").status_code == 200

    def test_by_code_goes_on(self, stale: Ada) -> None:
        assert stale.browser.post("/account/confirm", {"code": stale.code()}).headers["Location"] == "/account"

    @pytest.mark.parametrize("given", [{"password": "a wrong guess"}, {"code": "000000"}, {"password": ""}, {}])
    def test_wrongly_goes_nowhere(self, stale: Ada, given: dict[str, str]) -> None:
        assert stale.browser.post("/account/confirm", given).status_code == 422
        assert stale.browser.get("/account/two-step/off").status_code == 302

    def test_cannot_be_guessed(self, stale: Ada) -> None:
        answers = [stale.browser.post("/account/confirm", {"password": f"guess {n}"}).status_code for n in range(11)]

        assert answers == [422] * 10 + [429]

    def test_keeps_what_was_sent_and_does_it_afterwards(self, house: House, stale: Ada) -> None:
        asked = stale.browser.post("/account/two-step/off")
        done = stale.browser.post("/account/confirm", {"password": PASSWORD, "sealed": stale.browser.field("sealed")})

        assert asked.status_code == 403
        assert done.headers["Location"] == "/account#two-step"
        assert stale.browser.get("/account/two-step").status_code == 200
        assert house.browser().sign_in(ADA).headers["Location"] == "/"

    def test_holds_for_a_while_after_what_was_kept_was_done(self, stale: Ada) -> None:
        stale.browser.post("/account/recovery-codes")
        stale.browser.post("/account/confirm", {"password": PASSWORD, "sealed": stale.browser.field("sealed")})

        assert len(codes_of(stale.browser)) == 10
        assert stale.browser.get("/account/recovery-codes").status_code == 200

    def test_is_not_done_by_signing_out_elsewhere(self, stale: Ada) -> None:
        stale.browser.get("/account")
        stale.browser.post("/account/sessions/end-others")

        assert stale.browser.get("/account/two-step/off").status_code == 302

    def test_cannot_be_claimed_by_a_header(self, stale: Ada) -> None:
        answer = stale.browser.get(
            "/account/two-step/off", headers={"Postroom.Confirmed": "1", "postroom-confirmed": "1"}
        )

        assert answer.status_code == 302


class TestSessionThatIsOver:
    def test_comes_back_to_what_was_typed_after_both_steps(self, house: House, secured: Ada) -> None:
        browser = secured.browser
        browser.get("/account")
        browser.lose_session()
        browser.post("/account/password", {"current": PASSWORD, "new": NEW})
        browser.post("/sign-in", {"email": ADA, "password": PASSWORD, "sealed": browser.field("sealed")})
        wrong = secured.second_step("000000", sealed=browser.field("sealed"))
        secured.second_step(sealed=browser.field("sealed"))

        answer = browser.post("/resume", {"sealed": browser.field("sealed")})

        assert wrong.status_code == 422
        assert answer.headers["Location"] == "/account"
        assert house.browser().sign_in(ADA, NEW).headers["Location"] == "/sign-in/second-step"

    def test_that_lapsed_on_the_way_keeps_it_still(self, secured: Ada, clock: time_machine.Coordinates) -> None:
        browser = secured.browser
        browser.get("/account")
        browser.lose_session()
        browser.post("/account/password", {"current": PASSWORD, "new": NEW})
        browser.post("/sign-in", {"email": ADA, "password": PASSWORD, "sealed": browser.field("sealed")})
        clock.shift(timedelta(seconds=HALF_SIGNED_IN + 1))

        secured.second_step(sealed=browser.field("sealed"))

        assert browser.field("sealed")


class TestInvitation:
    def test_is_accepted_after_both_steps(self, house: House, secured: Ada, clock: time_machine.Coordinates) -> None:
        tenant = house.tenant("elsewhere")
        mallory = Accounts(house.services.db).by_email(MALLORY).actor
        access = house.services.tenants.access(mallory, "elsewhere")
        token = house.services.invitations.invite(access, ADA, Role.VIEWER)
        browser = house.browser()
        answer = browser.sign_in(ADA, next=f"/invitation/{token}")
        browser.get(answer.headers["Location"])
        answer = secured.second_step(browser=browser, next=browser.field("next"))
        browser.get(answer.headers["Location"])

        answer = browser.post(f"/invitation/{token}")

        assert answer.headers["Location"] == f"/t/{tenant.slug}/"


class TestDemanded:
    """POSTROOM_REQUIRE_SECOND_FACTOR"""

    @pytest.fixture
    def strict(self, open_house: Callable[..., House], clock: time_machine.Coordinates) -> House:
        return open_house(require_second_factor="administrators")

    @pytest.fixture
    def owing(self, strict: House) -> Ada:
        return Ada(strict.signed_in(ADA))

    def test_leads_to_the_set_up(self, owing: Ada) -> None:
        answer = owing.browser.get("/t/dev/history")

        assert answer.headers["Location"] == "/account/secure?next=/t/dev/history"
        assert owing.browser.get(answer.headers["Location"]).status_code == 200

    def test_shows_nothing_else(self, owing: Ada) -> None:
        page = owing.browser.get("/account/secure").text + owing.browser.get("/nothing-of-the-kind").text

        assert owing.browser.get("/account").status_code == 302
        assert owing.browser.post("/account/password", {"current": PASSWORD, "new": NEW}).status_code == 403
        assert "Development" not in page
        assert "/t/dev" not in page

    def test_is_met_and_goes_on(self, owing: Ada) -> None:
        owing.browser.get("/account/secure?next=/t/dev/history")
        owing.set_up()

        assert 'href="/t/dev/history"' in owing.browser.page
        assert owing.browser.get("/t/dev/history").status_code == 200

    def test_is_not_made_of_members(self, strict: House) -> None:
        bob = strict.signed_in(BOB)

        assert bob.get("/t/dev/").status_code == 200

    def test_is_made_of_owners(self, strict: House) -> None:
        mallory = strict.signed_in(MALLORY)

        assert mallory.get("/t/elsewhere/").headers["Location"].startswith("/account/secure")

    def test_is_made_of_everybody(self, open_house: Callable[..., House]) -> None:
        bob = open_house(require_second_factor="everybody").signed_in(BOB)

        assert bob.get("/t/dev/").headers["Location"].startswith("/account/secure")

    def test_cannot_be_undone_by_removing_it(self, owing: Ada) -> None:
        owing.set_up()
        owing.browser.post("/account/two-step/off")

        assert owing.browser.get("/t/dev/").headers["Location"].startswith("/account/secure")


class TestLostDevice:
    def test_operator_takes_the_second_step_away(self, house: House, secured: Ada) -> None:
        SecondFactor(house.services.db, house.services.vault, house.services.audit).reset(ADA)

        newest = house.services.audit.events(house.services.db, None)[0]
        assert secured.browser.get("/account").status_code == 302
        assert house.browser().sign_in(ADA).headers["Location"] == "/"
        assert (newest.action, newest.actor_kind) == ("account.second_factor_reset", "operator")
