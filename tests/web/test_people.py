"""The people of the installation, as its administrators look after them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine

import webapp
from tests.canary import CANARY
from tests.peers.postfix import PostfixServer
from tests.web.conftest import ADA, BOB, MALLORY, PASSWORD, Browser, House
from webapp.accounts import Accounts, Directory, LinkKind
from webapp.db.types import now
from webapp.domain.roles import OPERATOR, Role
from webapp.services.deeds import DEEDS

CAROL = "carol@example.com"
NEW = f"{CANARY} quite another one"


@pytest.fixture
def ada(house: House) -> Browser:
    """Ada's browser, in which she has shown only just who she is."""
    return just_signed_in(house)


def just_signed_in(house: House) -> Browser:
    browser = house.browser()
    assert browser.sign_in(ADA).status_code == 302
    return browser


def accounts(house: House) -> Accounts:
    return Accounts(house.services.db)


def id_of(house: House, email: str) -> int:
    return accounts(house).by_email(email).id


def do(house: House, browser: Browser, email: str, deed: str, **fields: str) -> int:
    """Press a button on somebody's page."""
    path = f"/people/{id_of(house, email)}"
    browser.get(path)
    return browser.post(f"{path}/{deed}", fields).status_code


def link_made(house: House, browser: Browser, email: str) -> str:
    """Make a link with which somebody chooses a password, and read its path off the page."""
    assert do(house, browser, email, "link") == 303
    found = re.search(r'<code id="link">([^<]+)</code>', browser.get("/people/link").text)
    assert found
    return urlsplit(found[1]).path


class TestList:
    def test_tells_who_is_in_and_as_what(self, ada: Browser) -> None:
        page = ada.get("/people").text

        assert re.search(rf"{ADA}.*?Administrator.*?Development.*?Owner", page, re.DOTALL)
        assert re.search(rf"{MALLORY}.*?Elsewhere.*?Owner", page, re.DOTALL)

    def test_tells_when_somebody_came_in_last_and_how(self, house: House, ada: Browser) -> None:
        before = ada.get(f"/people/{id_of(house, BOB)}").text
        house.browser().sign_in(BOB)

        after = ada.get(f"/people/{id_of(house, BOB)}").text

        assert "not noted yet" in before
        assert "not noted yet" not in after
        assert "Password" in after

    def test_of_nobody_is_nowhere(self, ada: Browser) -> None:
        assert ada.get("/people/4711").status_code == 404
        ada.get("/people")
        for deed in ("switch", "administrator", "link", "second-factor", "unlink"):
            assert ada.post(f"/people/4711/{deed}").status_code == 404, deed


class TestAdding:
    def test_gives_a_link_to_choose_a_password(self, house: House, ada: Browser) -> None:
        ada.get("/people/add")
        answer = ada.post("/people/add", {"email": f" {CAROL.title()} ", "place": "dev:viewer"})
        found = re.search(r'<code id="link">([^<]+)</code>', ada.get(answer.headers["Location"]).text)
        assert found
        link, carol = urlsplit(found[1]).path, house.browser()
        carol.get(link)

        assert carol.post(link, {"password": NEW}).headers["Location"] == "/sign-in"
        assert carol.sign_in(CAROL, NEW).status_code == 302
        assert carol.get("/t/dev/").status_code == 200
        assert carol.get("/t/dev/connector/choose").status_code == 403

    @pytest.mark.parametrize(
        ("email", "place", "field"),
        [("", "", "email"), ("carol", "", "email"), (BOB, "", "email"), (CAROL, "elsewhere:owner", "place")],
    )
    def test_is_refused_at_the_field(self, house: House, ada: Browser, email: str, place: str, field: str) -> None:
        ada.get("/people/add")

        answer = ada.post("/people/add", {"email": email, "place": place})

        assert answer.status_code == 422
        assert "field-error" in answer.text.split(f'id="{field}-error"')[1].split('class="field ')[0]
        assert len(accounts(house).list()) == 3


class TestSwitchingOff:
    def test_ends_sessions_and_lets_nobody_in(self, house: House, ada: Browser, bob: Browser) -> None:
        assert do(house, ada, BOB, "switch", on="false") == 303

        assert bob.get("/t/dev/").status_code == 302
        assert house.browser().sign_in(BOB).status_code == 422
        assert "Switched off" in ada.get("/people").text

    def test_ends_tokens_and_invitations_of_theirs(self, house: House, ada: Browser) -> None:
        house.make_bob(Role.OWNER)
        bob = house.services.tenants.access(accounts(house).by_email(BOB).actor, "dev")
        token = house.services.tokens.create(bob, "his", ["send"], bob.actor)
        link = "/invitation/" + house.services.invitations.invite(bob, CAROL, Role.VIEWER)
        worked = house.services.tokens.authenticate(token), house.browser().get(link).status_code

        do(house, ada, BOB, "switch", on="false")

        assert worked[0] is not None
        assert worked[1] == 200
        assert house.services.tokens.authenticate(token) is None
        assert house.browser().get(link).status_code == 404

    def test_can_be_taken_back(self, house: House, ada: Browser) -> None:
        do(house, ada, BOB, "switch", on="false")
        do(house, ada, BOB, "switch", on="true")

        assert house.browser().sign_in(BOB).status_code == 302

    def test_is_not_for_the_last_administrator(self, house: House, ada: Browser) -> None:
        assert do(house, ada, ADA, "switch", on="false") == 409
        assert "The console needs an administrator" in ada.page
        assert ada.get("/people").status_code == 200


class TestAdministrators:
    def test_are_made_and_unmade(self, house: House, ada: Browser, bob: Browser) -> None:
        do(house, ada, BOB, "administrator", make="true")
        made = bob.get("/people").status_code
        do(house, ada, BOB, "administrator", make="false")

        assert (made, bob.get("/people").status_code) == (200, 403)

    def test_never_lack(self, house: House, ada: Browser) -> None:
        assert do(house, ada, ADA, "administrator", make="false") == 409
        assert ada.get("/people").status_code == 200

    def test_may_leave_once_there_is_another(self, house: House, ada: Browser) -> None:
        do(house, ada, BOB, "administrator", make="true")

        assert do(house, ada, ADA, "administrator", make="false") == 303
        assert ada.get("/people").status_code == 403

    def test_are_noted_with_who_made_them(self, house: House, ada: Browser) -> None:
        do(house, ada, BOB, "administrator", make="true")

        event = house.services.audit.events(house.services.db, None)[0]
        assert (event.action, event.actor_name, event.detail["name"]) == ("account.made_administrator", ADA, BOB)


class TestPasswordLink:
    def test_sets_it_once_and_ends_every_session(self, house: House, ada: Browser, bob: Browser) -> None:
        link = link_made(house, ada, BOB)
        somebody = house.browser()
        somebody.get(link)

        answer = somebody.post(link, {"password": NEW})

        assert answer.headers["Location"] == "/sign-in"
        assert bob.get("/t/dev/").status_code == 302
        assert house.browser().sign_in(BOB, NEW).status_code == 302
        assert house.browser().sign_in(BOB, PASSWORD).status_code == 422
        assert house.browser().get(link).status_code == 404

    def test_leaves_the_old_password_until_it_is_used(self, house: House, ada: Browser) -> None:
        link_made(house, ada, BOB)

        assert house.browser().sign_in(BOB).status_code == 302

    def test_lapses_after_two_hours(self, house: House, ada: Browser) -> None:
        link = link_made(house, ada, BOB)

        with time_machine.travel(now() + timedelta(hours=2, seconds=1)):
            assert "This link does not work" in house.browser().get(link).text

    def test_again_ends_the_one_before(self, house: House, ada: Browser) -> None:
        first, second = link_made(house, ada, BOB), link_made(house, ada, BOB)

        assert house.browser().get(first).status_code == 404
        assert house.browser().get(second).status_code == 200

    def test_ends_when_the_person_is_switched_off(self, house: House, ada: Browser) -> None:
        link = link_made(house, ada, BOB)

        do(house, ada, BOB, "switch", on="false")

        assert house.browser().get(link).status_code == 404
        assert do(house, ada, BOB, "link") == 409

    def test_refuses_a_weak_password_and_stays(self, house: House, ada: Browser) -> None:
        link = link_made(house, ada, BOB)
        somebody = house.browser()
        somebody.get(link)

        assert somebody.post(link, {"password": "bob@example.com"}).status_code == 422
        assert somebody.post(link, {"password": ""}).status_code == 422
        assert somebody.post(link, {"password": NEW}).status_code == 303

    def test_cannot_be_guessed_for_long(self, house: House) -> None:
        guesser = house.browser()
        answers = [guesser.get(f"/password/{number}").status_code for number in range(31)]

        assert answers == [404] * 30 + [429]

    def test_signs_out_whoever_opens_it_as_somebody_else(self, house: House, ada: Browser) -> None:
        link = link_made(house, ada, BOB)
        ada.get(link)

        ada.post(link, {"password": NEW})

        assert ada.get("/people").status_code == 302

    def test_is_shown_once_and_in_no_log(self, house: House, ada: Browser, capfd: pytest.CaptureFixture[str]) -> None:
        link = link_made(house, ada, BOB)
        house.browser().get(link)

        assert link.rpartition("/")[2] not in capfd.readouterr().err
        assert link not in ada.get("/people").text
        assert ada.get("/people/link").headers["Location"] == "/people"

    def test_can_be_mailed(self, open_house: Callable[..., House], postfix: PostfixServer) -> None:
        url = f"smtp://127.0.0.1:{postfix.relay_port}"
        house = open_house(builtin_smtp_url=url, builtin_from="postroom@example.test")
        directory = Directory(house.services.db, house.services.audit)
        directory.add("bob@example.test", OPERATOR)
        ada = just_signed_in(house)
        link = link_made(house, ada, "bob@example.test")

        ada.post("/people/link")

        assert "Mailed to bob@example.test" in ada.get("/people/link").text
        received = postfix.mail(link.rpartition("/")[2], to="bob@example.test")
        assert received["Subject"] == "Your account at Postroom · Acme"


class TestOperatorsLink:
    def test_signs_in_once(self, house: House) -> None:
        directory = Directory(house.services.db, house.services.audit)
        token, _ = directory.link(id_of(house, ADA), LinkKind.SIGN_IN, OPERATOR)
        browser = house.browser()
        asked = browser.get(f"/sign-in/link/{token}")

        answer = browser.post(f"/sign-in/link/{token}")

        assert asked.status_code == 200
        assert browser.get("/people").status_code == 200
        assert answer.headers["Location"] == "/"
        assert house.browser().get(f"/sign-in/link/{token}").status_code == 404

    def test_opens_no_password_page(self, house: House) -> None:
        directory = Directory(house.services.db, house.services.audit)
        token, _ = directory.link(id_of(house, ADA), LinkKind.SIGN_IN, OPERATOR)

        assert house.browser().get(f"/password/{token}").status_code == 404


def test_what_opens_or_closes_the_house_asks_anew_after_a_while(house: House) -> None:
    ada = house.signed_in(ADA)

    with time_machine.travel(now() + timedelta(minutes=11)):
        assert do(house, ada, BOB, "switch", on="false") == 403
        assert "Confirm that it is you" in ada.page
        assert ada.get("/people").status_code == 200


def test_a_second_step_can_be_reset(house: House, ada: Browser) -> None:
    assert do(house, ada, BOB, "second-factor") == 303
    event = house.services.audit.events(house.services.db, None)[0]
    assert (event.action, event.actor_name) == ("account.second_factor_reset", ADA)


class TestLog:
    def test_tells_what_happened_to_accounts_in_words(self, house: House, ada: Browser) -> None:
        do(house, ada, BOB, "administrator", make="true")
        do(house, ada, BOB, "switch", on="false")

        page = " ".join(re.sub("<[^>]+>", " ", ada.get("/people/log").text).split())

        assert f"{ADA} switched the account {BOB} off" in page
        assert f"{ADA} made {BOB} an administrator" in page
        assert f"{ADA} signed in" in page

    def test_is_read_a_page_at_a_time(self, house: House, ada: Browser) -> None:
        for _ in range(30):
            do(house, ada, BOB, "administrator", make="true")
            do(house, ada, BOB, "administrator", make="false")

        first = ada.get("/people/log").text
        older = re.search(r'href="(/people/log\?before=\d+)"', first)

        assert older
        assert "Newest" in ada.get(older[1]).text
        assert ada.get("/people/log?before=x").status_code == 200

    def test_has_words_for_every_event(self) -> None:
        recorded = {
            action
            for path in Path(webapp.__file__).parent.rglob("*.py")
            for call in re.findall(r"(?:\.record|_note|_change)\((.{0,80})", path.read_text(), re.DOTALL)
            for action in re.findall(r'"((?:account|keys)\.[a-z_]+)"', call)
        }

        assert len(recorded) > 10
        assert recorded - set(DEEDS) == set()
