"""Passkeys: added, used to sign in, refused where anything does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from werkzeug.test import TestResponse

from tests.peers.authenticator import Authenticator
from tests.web.conftest import ADA, BOB, PASSWORD, Browser, House
from webapp.accounts import Accounts
from webapp.accounts.ceremony import CEREMONY_VALID
from webapp.accounts.passkeys import MOST
from webapp.db.models import Base

ORIGIN = "http://localhost"


class Device:
    """A browser with a passkey in it."""

    def __init__(self, browser: Browser, authenticator: Authenticator) -> None:
        self.browser = browser
        self.authenticator = authenticator

    def options(self) -> str:
        """What the page asks the browser for."""
        found = re.search(r'data-options="([^"]*)"', self.browser.page)
        assert found, "the page asks for no passkey"
        return unescape(found[1])

    def add(self, name: str = "Phone", **bent: Any) -> TestResponse:
        self.browser.get("/account/passkeys/new")
        answer = self.authenticator.create(self.options(), **bent)
        fields = {"name": name, "state": self.browser.field("state"), "passkey": answer}
        return self.browser.post("/account/passkeys/new", fields)

    def use(self, path: str = "/sign-in/passkey", browser: Browser | None = None, **bent: Any) -> TestResponse:
        """Use the passkey on the page that the browser shows."""
        self.browser = browser or self.browser
        answer = self.authenticator.get(self.options(), **bent)
        return self.browser.post(path, {"state": self.browser.field("state"), "passkey": answer})


@pytest.fixture
def ada(house: House) -> Device:
    """Ada, who has just signed in, with a device that has no passkey yet."""
    return Device(house.signed_in(ADA), Authenticator(ORIGIN))


@pytest.fixture
def with_passkey(ada: Device) -> Device:
    assert ada.add().status_code == 200
    return ada


@pytest.fixture
def outside(house: House, with_passkey: Device) -> Device:
    """Ada's device at the sign-in."""
    with_passkey.browser = house.browser()
    with_passkey.browser.get("/sign-in")
    return with_passkey


class TestAdding:
    def test_gives_recovery_codes_with_the_first(self, ada: Device) -> None:
        answer = ada.add()

        assert "Your recovery codes" in answer.text
        assert "Phone" in ada.browser.get("/account").text

    def test_gives_none_with_the_second(self, house: House, with_passkey: Device) -> None:
        second = Device(with_passkey.browser, Authenticator(ORIGIN))

        assert second.add("Laptop").headers["Location"] == "/account#two-step"

    def test_asks_for_one_that_signs_in_by_itself(self, ada: Device) -> None:
        ada.browser.get("/account/passkeys/new")

        options = ada.options()

        assert '"residentKey": "required"' in options
        assert '"userVerification": "required"' in options
        assert '"rp": {"name": "Postroom", "id": "localhost"}' in options

    def test_ends_every_other_session(self, house: House, ada: Device) -> None:
        elsewhere = house.signed_in(ADA)

        ada.add()

        assert ada.browser.get("/account").status_code == 200
        assert elsewhere.get("/account").status_code == 302

    def test_is_written_down_by_its_name(self, house: House, with_passkey: Device) -> None:
        newest = house.services.audit.events(house.services.db, None)[0]

        assert (newest.action, newest.detail) == ("account.passkey_added", {"name": "Phone"})

    @pytest.mark.parametrize(
        ("bent", "words"),
        [
            ({"origin": "https://mallory.example"}, "at another address than http://localhost"),
            ({"challenge": "bm90IHRoaXMgb25l"}, "does not fit"),
            ({"type": "webauthn.get"}, "does not fit"),
        ],
    )
    def test_refuses_what_does_not_fit(self, ada: Device, bent: dict[str, str], words: str) -> None:
        answer = ada.add(**bent)

        assert answer.status_code == 422
        assert words in answer.text

    def test_refuses_a_device_that_did_not_ask_who_holds_it(self, ada: Device) -> None:
        ada.authenticator.recognises = False

        answer = ada.add()

        assert answer.status_code == 422
        assert "did not ask who you are" in answer.text

    @pytest.mark.parametrize("answer", ["", "{}", "rubbish", '{"id": 5}', "[]", '{"id":"x","rawId":"x","response":{}}'])
    def test_refuses_nonsense(self, ada: Device, answer: str) -> None:
        ada.browser.get("/account/passkeys/new")

        fields = {"name": "Phone", "state": ada.browser.field("state"), "passkey": answer}

        assert ada.browser.post("/account/passkeys/new", fields).status_code == 422

    @pytest.mark.parametrize(
        ("name", "words"), [("", "required"), ("  ", "required"), ("x" * 65, "64"), ("a\x07b", "64")]
    )
    def test_wants_a_name(self, ada: Device, name: str, words: str) -> None:
        answer = ada.add(name)

        assert answer.status_code == 422
        assert words in answer.text

    def test_wants_a_name_of_its_own(self, with_passkey: Device) -> None:
        answer = Device(with_passkey.browser, Authenticator(ORIGIN)).add("Phone")

        assert answer.status_code == 422
        assert "of this name already" in answer.text

    def test_cannot_be_begun_for_somebody_else(self, house: House, ada: Device) -> None:
        ada.browser.get("/account/passkeys/new")
        answer, state = ada.authenticator.create(ada.options()), ada.browser.field("state")
        bob = house.signed_in(BOB)
        bob.get("/account")

        refused = bob.post("/account/passkeys/new", {"name": "Phone", "state": state, "passkey": answer})

        assert refused.status_code == 422
        assert "waited too long" in refused.text

    def test_has_a_bound(self, house: House, with_passkey: Device) -> None:
        for number in range(MOST - 1):
            Device(with_passkey.browser, Authenticator(ORIGIN)).add(f"Phone {number}")

        answer = Device(with_passkey.browser, Authenticator(ORIGIN)).add("One more")

        assert answer.status_code == 422
        assert "Remove one first" in answer.text


class TestSigningIn:
    def test_needs_no_password(self, outside: Device) -> None:
        answer = outside.use()

        assert answer.headers["Location"] == "/"
        assert ADA in outside.browser.get("/account").text

    def test_is_written_down_and_seen_on_the_list(self, house: House, outside: Device) -> None:
        outside.use()

        newest = house.services.audit.events(house.services.db, None)[0]
        assert (newest.action, newest.detail) == ("account.signed_in", {"via": "passkey"})
        assert "last used" in outside.browser.get("/account").text

    def test_is_offered_where_somebody_has_one(self, anonymous: Browser) -> None:
        assert "passkey" not in anonymous.get("/sign-in").text.lower()

    def test_is_the_second_step_after_the_password(self, house: House, with_passkey: Device) -> None:
        browser = house.browser()
        browser.sign_in(ADA)
        browser.get("/sign-in/second-step")

        answer = with_passkey.use("/sign-in/second-step", browser)

        assert answer.headers["Location"] == "/"
        assert browser.get("/account").status_code == 200

    def test_is_asked_for_once_there_is_one(self, house: House, with_passkey: Device) -> None:
        assert house.browser().sign_in(ADA).headers["Location"] == "/sign-in/second-step"

    def test_shows_again_who_one_is(self, with_passkey: Device) -> None:
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=30), tick=False):
            with_passkey.browser.get("/account/confirm?next=/account/recovery-codes")

            assert with_passkey.use("/account/confirm").status_code == 302
            assert with_passkey.browser.get("/account/recovery-codes").status_code == 200

    @pytest.mark.parametrize(
        "bent",
        [
            {"origin": "http://localhost.mallory.example"},
            {"origin": "http://localhost:9999"},
            {"challenge": "bm90IHRoaXMgb25l"},
            {"type": "webauthn.create"},
            {"handle": "c29tZWJvZHkgZWxzZQ"},
        ],
    )
    def test_refuses_what_does_not_fit(self, outside: Device, bent: dict[str, str]) -> None:
        assert outside.use(**bent).status_code == 422
        assert outside.browser.get("/account").status_code == 302

    def test_refuses_a_device_that_did_not_ask_who_holds_it(self, outside: Device) -> None:
        outside.authenticator.recognises = False

        assert outside.use().status_code == 422

    def test_refuses_a_signature_by_another_key(self, outside: Device) -> None:
        outside.authenticator.key = Authenticator(ORIGIN).key

        assert outside.use().status_code == 422

    def test_refuses_a_counter_that_runs_backwards(self, house: House, outside: Device) -> None:
        outside.authenticator.counter = 10
        outside.use()
        outside.authenticator.counter = 3
        browser = house.browser()
        browser.get("/sign-in")

        assert outside.use(browser=browser).status_code == 422

    def test_refuses_an_answer_that_was_sent_before(self, house: House, outside: Device) -> None:
        answer = outside.authenticator.get(outside.options())
        fields = {"state": outside.browser.field("state"), "passkey": answer, "csrf_token": outside.browser.token}
        cookie = outside.browser.cookie("postroom")
        first = outside.browser.post("/sign-in/passkey", fields)
        thief = house.app.test_client()
        thief.set_cookie("postroom", cookie or "")

        second = thief.post("/sign-in/passkey", data=fields)

        assert first.status_code == 302
        assert second.status_code == 422

    def test_refuses_an_answer_in_another_session(self, house: House, outside: Device) -> None:
        fields = {
            "state": outside.browser.field("state"),
            "passkey": outside.authenticator.get(outside.options()),
        }
        thief = house.browser()
        thief.get("/sign-in")

        assert thief.post("/sign-in/passkey", fields).status_code == 422

    def test_comes_back_to_what_was_typed(self, house: House, with_passkey: Device) -> None:
        browser = with_passkey.browser
        browser.get("/account")
        browser.lose_session()
        browser.post("/account/time-zone", {"zone": "Europe/Berlin"})
        browser.post("/sign-in", {"other": "1", "email": "", "password": "", "sealed": browser.field("sealed")})
        answer, state = with_passkey.authenticator.get(with_passkey.options()), browser.field("state")
        fields = {"state": state, "passkey": answer, "sealed": browser.field("sealed")}
        browser.post("/sign-in/passkey", fields)

        browser.post("/resume", {"sealed": browser.field("sealed")})

        assert Accounts(house.services.db).by_email(ADA).time_zone == "Europe/Berlin"

    def test_refuses_a_page_that_waited_too_long(self, outside: Device) -> None:
        with time_machine.travel(datetime.now(UTC) + CEREMONY_VALID + timedelta(seconds=5), tick=False):
            answer = outside.use()

        assert answer.status_code == 422
        assert "waited too long" in answer.text

    def test_refuses_somebody_elses_as_second_step(self, house: House, with_passkey: Device) -> None:
        bob = Device(house.signed_in(BOB), Authenticator(ORIGIN))
        bob.add()
        half = house.browser()
        half.sign_in(ADA)
        half.get("/sign-in/second-step")

        assert bob.use("/sign-in/second-step", half).status_code == 422
        assert half.get("/account").status_code == 302

    def test_refuses_one_that_was_removed(self, house: House, outside: Device) -> None:
        page = outside.browser
        outside.use()
        outside.browser.get("/account")
        outside.browser.post("/account/passkeys/1/remove")
        browser = house.browser()
        browser.get("/sign-in")

        assert 'data-passkey="get"' not in browser.page
        assert page.get("/account").status_code == 200

    def test_refuses_an_account_that_is_switched_off(self, house: House, outside: Device) -> None:
        with house.services.db.write() as session:
            session.execute(Base.metadata.tables["user"].update().values(active=False))

        assert outside.use().status_code == 422


class TestLookingAfter:
    def test_renames(self, house: House, with_passkey: Device) -> None:
        with_passkey.browser.post("/account/passkeys/1", {"name": "Old phone"})

        assert "Old phone" in with_passkey.browser.get("/account").text
        assert house.services.audit.events(house.services.db, None)[0].action == "account.passkey_renamed"

    @pytest.mark.parametrize("name", ["", "x" * 65])
    def test_wants_a_name(self, with_passkey: Device, name: str) -> None:
        assert with_passkey.browser.post("/account/passkeys/1", {"name": name}).status_code == 422

    def test_removes_and_asks_for_the_password_alone_again(self, house: House, with_passkey: Device) -> None:
        with_passkey.browser.post("/account/passkeys/1/remove")

        assert house.browser().sign_in(ADA).headers["Location"] == "/"

    def test_does_not_find_those_of_others(self, house: House, with_passkey: Device) -> None:
        bob = house.signed_in(BOB)

        answers = [
            bob.get("/account/passkeys/1"),
            bob.post("/account/passkeys/1", {"name": "Mine"}),
            bob.post("/account/passkeys/1/remove"),
        ]

        assert [answer.status_code for answer in answers] == [404, 404, 404]


class TestAddress:
    """Where browsers keep passkeys at all."""

    @pytest.fixture
    def at(self, open_house: Callable[..., House]) -> Iterator[Callable[..., str]]:
        def account(base: str, **settings: Any) -> str:
            house = open_house(**settings)
            browser = house.signed_in(ADA)
            return browser.get("/account", base_url=base).text

        return account

    @pytest.mark.parametrize("base", ["http://localhost:8420", "http://localhost"])
    def test_this_machine_by_name_will_do(self, at: Callable[..., str], base: str) -> None:
        assert "Add a passkey" in at(base)

    def test_an_ip_address_leads_to_the_name(self, open_house: Callable[..., House]) -> None:
        browser = open_house().browser()
        base = {"base_url": "http://127.0.0.1:8420"}
        browser.get("/sign-in", **base)
        browser.post("/sign-in", {"email": ADA, "password": PASSWORD}, **base)

        page = browser.get("/account", **base).text

        assert "Add a passkey" not in page
        assert 'href="http://localhost:8420/account"' in page

    def test_a_name_by_http_will_not_do(self, open_house: Callable[..., House]) -> None:
        house = open_house(public_url="http://mail.example.com")
        browser = house.browser()
        base = {"base_url": "http://mail.example.com"}
        browser.get("/sign-in", **base)
        browser.post("/sign-in", {"email": ADA, "password": PASSWORD}, **base)

        assert "only for pages that come by https" in browser.get("/account", **base).text

    def test_the_public_url_is_whose_they_are(self, open_house: Callable[..., House]) -> None:
        house = open_house(public_url="https://mail.example.com")
        browser = house.browser()
        base = {"base_url": "https://mail.example.com"}
        headers = {"Referer": "https://mail.example.com/sign-in"}
        browser.get("/sign-in", **base)
        browser.post("/sign-in", {"email": ADA, "password": PASSWORD}, headers=headers, **base)
        page = browser.get("/account/passkeys/new", **base).text

        assert 'data-origin="https://mail.example.com"' in page
        assert '"id": "mail.example.com"' in unescape(page)


def test_nobody_is_told_whose_passkey_there_is(house: House, outside: Device) -> None:
    """The options on the sign-in page name nobody's."""
    assert '"allowCredentials": []' in outside.options() or "allowCredentials" not in outside.options()
    assert not any(person.email in outside.options() for person in Accounts(house.services.db).list())
