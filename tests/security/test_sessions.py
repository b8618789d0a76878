"""Mallory wants to be somebody else: with a copied cookie, a form on another site, a link, or patience."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql

from tests.canary import CANARY
from tests.web.conftest import ADA, MALLORY, PASSWORD, Browser, House
from tests.web.filling import FORM, SECRET, VALUES, choose
from webapp.accounts import Accounts, Installation
from webapp.accounts.installation import _open_link
from webapp.db.models import LinkRow, SessionRow
from webapp.web.security import safe_next

WRONG = f"{CANARY} guessed"


def posts(house: House) -> Iterator[str]:
    """Every page that takes a form, with something in its path."""
    for rule in house.app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api"):
            path = rule.rule.replace("<tenant>", "dev").replace("<usage_type>", "SignIn")
            yield re.sub(r"<int:\w+>", "1", path) if "<int:" in path else re.sub(r"<\w+>", "x", path)


class TestMallorysCopyOfACookie:
    def test_opens_nothing_once_ada_signed_out(self, house: House) -> None:
        ada, mallory = house.browser(), house.browser()
        ada.sign_in(ADA)
        mallory._client.set_cookie("postroom", ada.cookie("postroom") or "")
        assert mallory.get("/account").status_code == 200

        ada.post("/sign-out")

        assert mallory.get("/account").location.startswith("/sign-in")
        assert mallory.get("/t/dev/").status_code == 302

    def test_leaves_adas_other_browser_signed_in(self, house: House) -> None:
        laptop, phone = house.browser(), house.browser()
        laptop.sign_in(ADA)
        phone.sign_in(ADA)

        laptop.post("/sign-out")

        assert phone.get("/account").status_code == 200

    def test_opens_nothing_once_the_password_changed(self, house: House) -> None:
        ada, mallory = house.browser(), house.browser()
        ada.sign_in(ADA)
        mallory._client.set_cookie("postroom", ada.cookie("postroom") or "")

        ada.post("/account/password", {"current": PASSWORD, "new": f"{CANARY} another violet"})

        assert ada.get("/account").status_code == 200
        assert mallory.get("/account").status_code == 302

    def test_planted_before_the_sign_in_is_another_one_after_it(self, house: House) -> None:
        ada, mallory = house.browser(), house.browser()
        mallory.get("/sign-in")
        ada._client.set_cookie("postroom", mallory.cookie("postroom") or "")

        ada.sign_in(ADA)

        assert ada.get("/account").status_code == 200
        assert mallory.get("/account").status_code == 302

    @pytest.mark.parametrize("token", ["x.y.z", "YWJj.ZZZZ." + "A" * 27])
    def test_is_not_to_be_had_from_the_sign_in_librarys_own_tokens(self, house: House, token: str) -> None:
        client = house.app.test_client()

        answers = [
            client.get("/account", headers={"Authentication-Token": token}),
            client.get("/account", query_string={"auth_token": token}),
            client.get("/account", headers={"Cookie": f"remember_token={token}"}),
        ]

        assert {each.status_code for each in answers} == {302}


class TestMallorysPage:
    @pytest.mark.parametrize(
        "headers", [{}, {"HX-Request": "true"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
    )
    def test_cannot_send_a_form_in_adas_name(self, house: House, headers: dict[str, str]) -> None:
        ada = house.signed_in(ADA)
        answered = {path: ada._client.post(path, data={}, headers=headers).status_code for path in posts(house)}

        assert len(answered) > 15
        assert set(answered.values()) == {419}, answered

    def test_cannot_have_what_it_sent_kept_for_after_the_sign_in(self, house: House) -> None:
        ada = house.signed_in(ADA)

        answer = ada._client.post(
            "/t/dev/connector/choose", data={"provider": "smtp"}, headers={"Sec-Fetch-Site": "cross-site"}
        )

        assert 'name="sealed"' not in answer.text

    @pytest.mark.parametrize("path", ["/sign-in", "/account", "/t/dev/", "/t/dev/connector", "/nothing", "/api/docs"])
    def test_cannot_frame_ours(self, house: House, path: str) -> None:
        headers = house.signed_in(ADA).get(path).headers

        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]

    def test_is_no_way_back_from_an_error_page(self, house: House) -> None:
        answer = house.signed_in(ADA).get("/nothing", headers={"Referer": "http://localhost//evil.example/x"})

        assert "evil.example" not in answer.text

    @pytest.mark.parametrize(
        "target",
        [
            "//evil",
            "///evil",
            "/\\evil",
            "\\\\evil",
            "/\t/evil",
            "/\n/evil",
            "javascript:alert(1)",
            "https://evil",
            "/%5c/evil\\",
            " //evil",
            "\x00//evil",
            "data:text/html,x",
            "evil",
            "",
            None,
        ],
    )
    def test_is_not_where_the_sign_in_leads_to(self, target: str | None) -> None:
        assert safe_next(target) is None


class TestAPageLeftOpen:
    """Pages that ask for news by themselves do not keep a session alive: nobody may be there any more."""

    @pytest.mark.parametrize("poll", ["/t/dev/inbox/news", "/t/dev/connector/runs/x"])
    def test_lets_the_session_end(self, house: House, poll: str) -> None:
        ada = house.browser()
        began = datetime.now(UTC)
        with time_machine.travel(began, tick=False) as clock:
            ada.sign_in(ADA)
            for _ in range(13):
                clock.shift(timedelta(hours=1) - timedelta(seconds=1))
                answer = ada.get(poll, headers={"HX-Request": "true"})
                assert "Set-Cookie" not in answer.headers or answer.status_code == 419

        assert answer.status_code == 419

    def test_is_not_seen_on_the_list_of_sessions(self, house: House) -> None:
        ada = house.browser()
        began = datetime.now(UTC)
        with time_machine.travel(began, tick=False) as clock:
            ada.sign_in(ADA)
            clock.shift(timedelta(hours=3))
            ada.get("/t/dev/inbox/news", headers={"HX-Request": "true"})
            person = Accounts(house.services.db).by_email(ADA)
            (seen,) = house.services.sessions.of_person(person.id, "")

        assert abs(seen.seen_at - began) < timedelta(minutes=6)

    def test_that_is_worked_on_lives_on(self, house: House) -> None:
        ada = house.browser()
        with time_machine.travel(datetime.now(UTC), tick=False) as clock:
            ada.sign_in(ADA)
            for _ in range(4):
                clock.shift(timedelta(hours=11))
                assert ada.get("/t/dev/inbox").status_code == 200

    def test_that_is_worked_on_without_a_pause_ends_all_the_same(self, house: House) -> None:
        ada = house.browser()
        with time_machine.travel(datetime.now(UTC), tick=False) as clock:
            ada.sign_in(ADA)
            answers = []
            for _ in range(16):
                clock.shift(timedelta(hours=11))
                answers.append(ada.get("/t/dev/inbox").status_code)

        assert answers == [200] * 15 + [302]

    def test_that_the_list_of_sessions_does_not_know_is_over(self, house: House) -> None:
        """What cannot be seen there could not be ended there."""
        ada = house.browser()
        ada.sign_in(ADA)
        with house.services.db.write() as session:
            session.execute(delete(SessionRow))

        assert ada.get("/account").status_code == 302


class TestMallorysGuesses:
    def test_are_counted_however_the_address_is_spelled(self, house: House) -> None:
        mallory = house.browser()
        mallory.get("/sign-in")
        spellings = [ADA, ADA.upper(), f" {ADA}", f"{ADA}\t", ADA.title(), ADA.replace("a", "A", 1)]

        tries = [{"email": spelling, "password": WRONG} for spelling in spellings * 2]
        answers = [mallory.post("/sign-in", each).status_code for each in tries]

        assert answers[-1] == 429

    def test_are_counted_whatever_proxy_headers_say(self, house: House) -> None:
        mallory = house.browser()
        mallory.get("/sign-in")

        answers = []
        for n in range(12):
            forged = {"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"}
            answers.append(mallory.post("/sign-in", {"email": ADA, "password": WRONG}, headers=forged).status_code)

        assert answers[-1] == 429


class TestMallorysSetUpLink:
    def test_makes_one_administrator_however_many_ask_at_once(self, empty_house: House) -> None:
        link = Installation(empty_house.services.db).new_setup_link()
        answers, together = [], threading.Barrier(4)

        def ask(number: int) -> None:
            browser = empty_house.browser()
            browser.get(f"/setup/{link}")
            fields = {"organisation": "Acme", "email": f"person{number}@example.com", "password": PASSWORD}
            together.wait()
            answers.append(browser.post(f"/setup/{link}", fields).status_code)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answers) == [302, 404, 404, 404]
        assert Accounts(empty_house.services.db).count() == 1

    def test_is_judged_anew_by_whoever_had_to_wait(self) -> None:
        """PostgreSQL judges the conditions of an update again after a wait, but not those of a query inside it."""
        statement = update(LinkRow).where(*_open_link("x")).values(used_at=None)

        assert "SELECT" not in str(statement.compile(dialect=postgresql.dialect()))

    @pytest.mark.parametrize("path", ["/setup/%00", "/setup/x", "/setup/" + "a" * 3000, "/setup/..%2f"])
    def test_cannot_be_made_up(self, house: House, path: str) -> None:
        assert house.browser().get(path).status_code in (404, 308)


class TestAStashThatMalloryFinds:
    """Ada's session ended while she typed: the page that keeps her form stays open, and Mallory sits down at it."""

    @pytest.fixture
    def sealed(self, house: House) -> str:
        ada = house.signed_in(ADA)
        choose(ada)
        ada.lose_session()
        page = ada.post(FORM, {**VALUES, "action": "draft"})
        assert page.status_code == 419
        return ada.field("sealed")

    def test_says_nothing_of_what_ada_typed(self, sealed: str) -> None:
        assert SECRET not in sealed
        assert "smtp.example.com" not in sealed

    def test_is_worth_nothing_to_a_stranger(self, house: House, sealed: str) -> None:
        mallory = house.signed_in(MALLORY)

        assert mallory.post("/resume", {"sealed": sealed}).status_code == 404

    def test_is_not_sent_as_an_insiders_own(self, house: House, insider: Browser, sealed: str) -> None:
        """Mallory may edit there too, and would put what Ada typed into a draft of her own."""
        access = house.services.tenants.access(Accounts(house.services.db).by_email(MALLORY).actor, "dev")

        assert insider.post("/resume", {"sealed": sealed}).status_code == 404
        assert house.services.drafts.load(access) is None

    def test_is_thrown_away_when_mallory_signs_in_at_the_page(
        self, house: House, insider: Browser, sealed: str
    ) -> None:
        mallory = house.browser()
        mallory.get("/sign-in")

        answer = mallory.post("/sign-in", {"email": MALLORY, "password": PASSWORD, "sealed": sealed})

        assert (answer.status_code, answer.location) == (302, "/")
        assert "typed by somebody else" in mallory.get("/t/dev/").text

    def test_is_not_even_made_for_mallory_who_signed_in_meanwhile_in_another_tab(self, house: House) -> None:
        ada = house.signed_in(ADA)
        choose(ada)
        page_of_ada = ada.token
        ada.lose_session()
        ada.sign_in(MALLORY)

        answer = ada.post(FORM, {**VALUES, "action": "draft", "csrf_token": page_of_ada})

        assert answer.status_code == 419
        assert 'name="sealed"' not in answer.text

    def test_comes_to_life_for_ada(self, house: House, sealed: str) -> None:
        ada = house.signed_in(ADA)

        assert ada.post("/resume", {"sealed": sealed}).status_code == 303

    def test_needs_mallorys_own_form_token(self, house: House, sealed: str) -> None:
        mallory: Browser = house.signed_in(MALLORY)

        assert mallory._client.post("/resume", data={"sealed": sealed}).status_code == 419
