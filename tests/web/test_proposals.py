"""Proposals: Bob plans and proposes, Ada looks at it and decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.canary import CANARY
from tests.web.conftest import BOB, Browser, House
from tests.web.test_closed_tenants import close
from tests.web.test_frame import set_up
from tests.web.test_migrate_import import SLOT
from tests.web.test_migrate_promote import PROMOTE, promote
from webapp.domain.roles import Role

PROPOSALS = "/t/prod/migrate/proposals"
PASSWORD = f"{CANARY}-of-production"
SAID: dict[str, Any] = {
    "note": "New relay",
    "reason": "The old one is down",
    f"way__{SLOT}": "type",
    f"secret__{SLOT}": PASSWORD,
}


@pytest.fixture
def home(house: House) -> House:
    """The development tenant is set up; production wants a second person's approval."""
    set_up(house)
    close(house)
    return house


def proposed(browser: Browser, **fields: Any) -> str:
    """Propose the promotion; answers where it waits."""
    browser.get(f"{PROMOTE}?from=dev")
    answer = promote(browser, f"{PROMOTE}/propose", **SAID | fields)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


class TestProposing:
    @pytest.mark.parametrize("who", ["ada", "bob"])
    def test_the_page_offers_to_propose_and_not_to_promote(
        self, home: House, ada: Browser, bob: Browser, who: str
    ) -> None:
        page = {"ada": ada, "bob": bob}[who].get(f"{PROMOTE}?from=dev").text

        assert f'formaction="{PROMOTE}/propose"' in page
        assert "Promote into production" not in page

    def test_an_editor_can_propose_where_nobody_has_to_approve_and_an_owner_just_promotes(
        self, house: House, ada: Browser, bob: Browser
    ) -> None:
        set_up(house)

        assert "/propose" in bob.get(f"{PROMOTE}?from=dev").text
        assert "/propose" not in ada.get(f"{PROMOTE}?from=dev").text

    def test_it_waits_and_nothing_is_live(self, home: House, bob: Browser) -> None:
        page = bob.get(proposed(bob)).text

        assert "It is proposed." in page
        assert "Somebody else decides about your proposal: ada@example.com." in page
        assert "Withdraw" in page
        assert home.tenant("prod").active_revision == 0

    def test_pressed_twice_it_waits_once(self, home: House, bob: Browser) -> None:
        bob.get(f"{PROMOTE}?from=dev")
        page = bob.page

        first = promote(bob, f"{PROMOTE}/propose", **SAID)
        bob.page = page
        again = promote(bob, f"{PROMOTE}/propose", **SAID)

        assert first.location == again.location

    def test_without_a_reason_the_page_asks_for_it_and_keeps_what_was_typed(self, home: House, bob: Browser) -> None:
        bob.get(f"{PROMOTE}?from=dev")

        answer = promote(bob, f"{PROMOTE}/propose", **SAID | {"reason": ""})

        assert answer.status_code == 409
        assert 'id="reason"' in answer.text
        assert "New relay" in answer.text
        assert "The one that you typed is kept" in answer.text
        assert CANARY not in answer.text

    def test_promoted_all_the_same_it_is_refused_with_the_way_to_go(self, home: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        answer = promote(ada, **SAID)

        assert answer.status_code == 409
        assert "Nothing was changed. Propose it" in answer.text
        assert "New relay" in answer.text
        assert home.tenant("prod").active_revision == 0

    def test_an_import_is_proposed_too(self, home: House, bob: Browser) -> None:
        document = '{"connector": {"provider": "smtp", "config": {"host": "smtp.example.com", "port": 587, '
        document += f'"security": "starttls", "auth": {{"type": "login", "user": "a", "pass": "{PASSWORD}"}}, '
        document += '"fromEmail": "no-reply@example.com"}}}'
        bob.get("/t/prod/migrate/import")
        plan = bob.post("/t/prod/migrate/import", {"text": document}).location
        bob.get(plan)

        answer = bob.post(f"{plan}/propose", {"note": "From the file", "reason": "Tried by hand"})

        assert answer.status_code == 303
        page = bob.get(answer.location).text
        assert "Import a document" in page
        assert CANARY not in page


class TestWaiting:
    def test_overview_and_migrate_say_so_to_who_may_see_it(self, home: House, ada: Browser, bob: Browser) -> None:
        proposed(bob)

        for page in ("/t/prod/", "/t/prod/migrate"):
            assert "One proposal waits for a second person" in ada.get(page).text

        home.make_bob(Role.VIEWER)
        assert "One proposal waits" not in bob.get("/t/prod/").text
        assert bob.get(PROPOSALS).status_code == 403

    def test_the_list_says_who_wants_what(self, home: House, ada: Browser, bob: Browser) -> None:
        assert "Nothing waits for a second person" in ada.get(PROPOSALS).text
        path = proposed(bob)

        page = ada.get(PROPOSALS).text

        assert f'href="{path}"' in page
        assert "Promote from dev, revision 1" in page
        assert BOB in page
        assert "New relay" in page

    def test_its_page_shows_everything_but_secrets(self, home: House, ada: Browser, bob: Browser) -> None:
        page = ada.get(proposed(bob)).text

        for words in ("smtp.gmail.com", "New relay", "The old one is down", BOB, "a new one, given with the proposal"):
            assert words in page
        assert "Approve for production" in page
        assert CANARY not in page
        assert len(page.encode()) < 60 * 1024

    def test_strangers_do_not_find_it(self, home: House, mallory: Browser, bob: Browser) -> None:
        assert mallory.get(proposed(bob)).status_code == 404

    def test_a_note_is_shown_as_text(self, home: House, ada: Browser, bob: Browser) -> None:
        page = ada.get(proposed(bob, note="<script>alert(1)</script>")).text

        assert "<script>alert(1)" not in page


class TestDeciding:
    def test_approved_it_is_live_and_can_be_undone(self, home: House, ada: Browser, bob: Browser) -> None:
        set_up_open(home)
        first = home.tenant("prod").active_revision
        path = proposed(bob)
        ada.get(path)

        page = ada.get(ada.post(f"{path}/approve").location).text

        assert "Live since" in page
        assert f"/t/prod/history/{first}/restore" in page
        history = ada.get("/t/prod/history").text
        assert BOB in history
        assert "approved by ada@example.com" in history

    def test_nobody_approves_their_own(self, home: House, ada: Browser) -> None:
        path = proposed(ada)
        page = ada.get(path).text
        assert "Approve for production" not in page
        assert "Nobody else may save here" in page

        answer = ada.post(f"{path}/approve")

        assert answer.status_code == 403
        assert "A proposal is decided by somebody else" in answer.text
        assert home.tenant("prod").active_revision == 0

    def test_an_editor_decides_nothing(self, home: House, ada: Browser, bob: Browser) -> None:
        path = proposed(ada)

        assert "Approve for production" not in bob.get(path).text
        assert bob.post(f"{path}/approve").status_code == 403

    def test_moved_it_can_only_be_made_anew(self, home: House, ada: Browser, bob: Browser) -> None:
        path = proposed(bob)
        set_up_open(home)
        ada.get(PROPOSALS)

        answer = ada.post(f"{path}/approve")

        assert answer.status_code == 412
        assert "Revision 1 was saved meanwhile" in answer.text
        assert "smtp.example.com" in answer.text
        assert f"{PROMOTE}?from=dev" in answer.text
        assert "Approve for production" not in answer.text
        assert ada.get(path).status_code == 200

    def test_declined_its_proposer_reads_why(self, home: House, ada: Browser, bob: Browser) -> None:
        path = proposed(bob)
        ada.get(path)

        ada.post(f"{path}/decline", {"note": "Not on a Friday"})

        page = bob.get(path).text
        assert "ada@example.com declined it" in page
        assert "Not on a Friday" in page
        assert "Your proposal was declined" in bob.get("/t/prod/").text
        assert "Your proposal was declined" not in ada.get("/t/prod/").text
        listed = bob.get(PROPOSALS).text
        assert "Not on a Friday" in listed
        assert path in listed
        assert "One proposal waits" not in ada.get("/t/prod/").text

    def test_withdrawn_it_waits_no_more(self, home: House, ada: Browser, bob: Browser) -> None:
        path = proposed(bob)
        bob.get(path)

        assert bob.post(f"{path}/withdraw").location == PROPOSALS
        assert ada.get(path).location == PROPOSALS
        assert "does not wait any more" in ada.get(PROPOSALS).text

    def test_who_left_meanwhile_gets_nothing_live(self, home: House, ada: Browser, bob: Browser) -> None:
        path = proposed(bob)
        home.make_bob(Role.VIEWER)
        ada.get(path)

        answer = ada.post(f"{path}/approve")

        assert answer.status_code == 409
        assert "may not change this tenant any more" in answer.text
        assert "Decline" in answer.text


def set_up_open(house: House) -> None:
    """Save another setup in production, which is open for that moment."""
    close(house, "all")
    set_up(house, "prod", host="smtp.example.com")
    close(house)
