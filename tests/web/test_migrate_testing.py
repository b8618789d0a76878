"""A test send of what would be promoted or imported, in the target, before it is live."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import ClassVar

import pytest

from tests.canary import CANARY
from tests.peers.scripted import Script, ScriptedServer
from tests.peers.scripted import answer as refusal
from tests.web.conftest import Browser, House
from tests.web.test_frame import set_up
from tests.web.test_migrate_import import PROD, SLOT, TYPED, apply, exported, give, password, revision
from tests.web.test_migrate_promote import PROMOTE, promote
from webapp.domain.roles import Role

TEST = f"{PROMOTE}/test"
TO = "ada@example.com"


@pytest.fixture
def server(scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return scripted(Script(offers_starttls=False))


@pytest.fixture
def home(house: House, server: ScriptedServer) -> House:
    """The development tenant sends through a server of this test."""
    set_up(house, host=server.host, port=server.port, security="none")
    return house


class TestPromotion:
    def test_what_was_accepted_needs_no_reason(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        tried = promote(ada, TEST, to=TO, note="mine", **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert "These values are proven now." in tried.text
        assert "is-proven" in tried.text
        assert "Proven" in tried.text
        assert 'value="mine"' in tried.text
        assert TYPED not in tried.text
        assert len(server.bodies) == 1
        assert revision(home, "prod") == 0
        assert promote(ada, **{f"way__{SLOT}": "type"}).status_code == 303
        assert password(home, "prod") == TYPED

    def test_a_missing_secret_is_asked_for_first(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, TEST, to=TO, **{f"way__{SLOT}": "type"})

        assert answer.status_code == 422
        assert "This secret is needed." in answer.text
        assert server.bodies == []

    def test_an_address_that_is_none_is_said(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, TEST, to="nobody", **{f"way__{SLOT}": "copy"})

        assert answer.status_code == 422
        assert "Give one address to send to" in answer.text
        assert 'value="nobody"' in answer.text

    def test_a_failure_is_told_with_its_fix(
        self, house: House, ada: Browser, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(offers_starttls=False, auth=refusal(535, "5.7.8 Credentials refused")))
        set_up(house, host=server.host, port=server.port, security="none")
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, TEST, to=TO, **{f"way__{SLOT}": "copy"})

        assert answer.status_code == 200
        assert "What to do" in answer.text
        assert "Copy for support" in answer.text
        assert "Step by step" in answer.text
        assert CANARY not in answer.text

    def test_an_editor_may_test_where_only_owners_save(self, home: House, bob: Browser) -> None:
        bob.get(f"{PROMOTE}?from=dev")

        answer = promote(bob, TEST, to=TO, **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert "These values are proven now." in answer.text

    def test_a_viewer_does_not(self, home: House, bob: Browser) -> None:
        home.make_bob(Role.VIEWER)

        assert bob.post(TEST, {"from": "dev"}).status_code == 403


class TestImport:
    def test_what_was_accepted_needs_no_reason(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        give(ada, exported(home), PROD)

        tried = apply(ada, to=TO, end="/test", **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert "These values are proven now." in tried.text
        assert "is-proven" in tried.text
        assert TYPED not in tried.text
        assert len(server.bodies) == 1
        assert revision(home, "prod") == 0
        assert apply(ada, **{f"way__{SLOT}": "type"}).status_code == 303
        assert password(home, "prod") == TYPED

    def test_a_missing_secret_is_asked_for_first(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        give(ada, exported(home), PROD)

        answer = apply(ada, to=TO, end="/test", **{f"way__{SLOT}": "type"})

        assert answer.status_code == 422
        assert server.bodies == []

    def test_a_check_sends_nothing(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        give(ada, exported(home), PROD)

        answer = apply(ada, end="/check", **{f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED})

        assert "Connected and logged in" in answer.text
        assert "is-proven" not in answer.text
        assert server.bodies == []

    def test_a_button_that_is_pressed_twice_sends_once(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        give(ada, exported(home), PROD)
        fields = {f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED, "press": ada.field("press")}

        first, again = (apply(ada, to=TO, end="/test", **fields) for _ in range(2))

        assert len(server.bodies) == 1
        for page in (first, again):
            assert "These values are proven now." in page.text

    def test_the_next_press_sends_again(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        give(ada, exported(home), PROD)
        for _ in range(2):
            fields = {f"way__{SLOT}": "type", f"secret__{SLOT}": TYPED, "press": ada.field("press")}
            apply(ada, to=TO, end="/test", **fields)

        assert len(server.bodies) == 2


class TestLive:
    HTMX: ClassVar = {"HX-Request": "true"}

    def begun(self, house: House, browser: Browser, end: str = "test") -> str:
        """Begin a run as a page with scripts does; the answer is a part of the page."""
        plan = give(browser, exported(house), PROD)
        address = re.search(r'action="(/t/prod/migrate/plans/[0-9a-f]{32})"', plan.text)
        assert address
        fields = {f"way:{SLOT}": "type", f"secret:{SLOT}": TYPED, "to": TO}
        return str(browser.post(f"{address[1]}/{end}", fields, headers=self.HTMX).text)

    def ended(self, browser: Browser, part: str) -> str:
        """Ask how it stands until it has ended."""
        while found := re.search(r'hx-get="([^"]+)"', part):
            part = browser.get(unescape(found[1]), headers=self.HTMX).text or part
        return part

    def test_the_answer_is_the_run_and_what_it_proved(self, home: House, ada: Browser) -> None:
        part = self.ended(ada, self.begun(home, ada))

        assert "<html" not in part
        assert "These values are proven now." in part
        assert re.search(r'is-proven"\s+id="plan-proof" hx-swap-oob="true"', part)
        assert TYPED not in part

    def test_a_check_proves_nothing(self, home: House, ada: Browser, server: ScriptedServer) -> None:
        part = self.ended(ada, self.begun(home, ada, "check"))

        assert "Connected and logged in" in part
        assert "plan-proof" not in part
        assert server.bodies == []

    def test_a_run_is_not_shown_to_who_did_not_make_the_plan(self, home: House, ada: Browser, bob: Browser) -> None:
        part = self.begun(home, ada)
        address = re.search(r"/t/prod/migrate/plans/[0-9a-f]{32}/runs/[0-9a-f]{32}", part)
        assert address
        self.ended(ada, part)

        assert bob.get(address[0], headers=self.HTMX).status_code == 404
        assert bob.get(address[0]).status_code == 404

    def test_without_scripts_its_address_leads_back_to_the_plan(self, home: House, ada: Browser) -> None:
        part = self.begun(home, ada)
        address = re.search(r"/t/prod/migrate/plans/[0-9a-f]{32}/runs/[0-9a-f]{32}", part)
        assert address
        self.ended(ada, part)

        page = ada.get(ada.get(address[0]).location)

        assert "These values are proven now." in page.text
