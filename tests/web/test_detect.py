"""Auto-detect in the browser: without scripts a page that waits, with them parts that are asked for again."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer, answer, silence
from tests.web.conftest import Browser, House
from tests.web.filling import FORM, SECRET, fill, send, shown
from webapp.domain.roles import Role

CHOOSE = f"{FORM}/choose"
DETECT = f"{FORM}/detect"
LIVE = {"HX-Request": "true"}


def find_out(browser: Browser, typed: str) -> str:
    """Type something into the box, and give the page's address that came of it."""
    browser.get(CHOOSE)
    done = browser.post(DETECT, {"address": typed})
    assert done.status_code == 303
    browser.get(done.location)
    return str(done.location).partition("#")[0]


class TestBox:
    def test_it_stands_above_the_cards(self, ada: Browser) -> None:
        page = ada.get(CHOOSE).text

        assert page.index("Type the address you send from") < page.index("data-cards")
        assert "at most 8 seconds" in page

    def test_what_is_no_address_is_explained_where_it_stands(self, ada: Browser) -> None:
        ada.get(CHOOSE)

        refused = ada.post(DETECT, {"address": "ada@"})

        assert refused.status_code == 422
        assert "An address looks like name@example.com." in refused.text
        assert 'value="ada@"' in refused.text

    def test_live_only_the_part_is_drawn(self, ada: Browser) -> None:
        ada.get(CHOOSE)

        refused = ada.post(DETECT, {"address": "ada@"}, headers=LIVE)

        assert refused.status_code == 422
        assert "<html" not in refused.text
        assert "An address looks like" in refused.text


class TestFinding:
    def test_a_mailbox_gives_a_card_with_evidence_and_what_is_left_to_type(self, ada: Browser) -> None:
        find_out(ada, "ada@gmail.com")

        page = unescape(ada.page)
        assert "Found for gmail.com" in page
        assert "Mailboxes in gmail.com are at Gmail." in page
        assert "smtp.gmail.com" in page
        assert "<b>App password</b>" in page
        assert "Use this" in page

    def test_what_was_typed_stands_there_again(self, ada: Browser) -> None:
        find_out(ada, "ada@gmail.com")

        assert 'value="ada@gmail.com"' in ada.page

    def test_loading_the_page_again_loses_nothing(self, ada: Browser) -> None:
        there = find_out(ada, "ada@gmail.com")

        assert "Found for gmail.com" in ada.get(there).text

    def test_nothing_found_gives_a_reason_and_a_way_on(self, ada: Browser) -> None:
        find_out(ada, f"localhost:{free_port()}")

        assert "Nothing to fill in for localhost" in ada.page
        assert "no mail server answers at port" in ada.page
        assert "Fill in any mail server by hand" in ada.page

    def test_what_is_not_safe_cannot_be_used(self, ada: Browser, scripted: Callable[..., ScriptedServer]) -> None:
        server = scripted(Script(offers_starttls=False))

        find_out(ada, f"localhost:{server.port}")

        assert "Cannot be used" in ada.page
        assert "Use this" not in ada.page

    def test_markup_in_a_greeting_is_shown_as_text(self, ada: Browser, scripted: Callable[..., ScriptedServer]) -> None:
        server = scripted(Script(greeting=answer(220, "<script>alert(1)</script>"), offers_starttls=False))

        find_out(ada, f"localhost:{server.port}")

        assert "<script>alert" not in ada.page
        assert "&lt;script&gt;alert(1)" in ada.page


class TestLive:
    def test_it_shows_how_far_it_is_and_its_time_bound(
        self, ada: Browser, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(greeting=silence))
        ada.get(CHOOSE)

        begun = ada.post(DETECT, {"address": f"localhost:{server.port}"}, headers=LIVE)

        assert "Looking around for localhost" in begun.text
        assert "at most 8 s" in begun.text
        assert "every 400ms" in begun.text
        assert begun.headers["HX-Replace-Url"].startswith(DETECT)
        ada.post(f"{begun.headers['HX-Replace-Url']}/cancel", headers=LIVE)

    def test_there_is_no_answer_while_there_is_no_news(self, ada: Browser) -> None:
        there = find_out(ada, "ada@gmail.com")

        assert ada.get(f"{there}?seen=done-1-1", headers=LIVE).status_code == 204
        assert "Found for gmail.com" in ada.get(f"{there}?seen=running-0-0", headers=LIVE).text

    def test_it_can_be_stopped(self, ada: Browser, scripted: Callable[..., ScriptedServer]) -> None:
        server = scripted(Script(greeting=silence))
        ada.get(CHOOSE)
        begun = ada.post(DETECT, {"address": f"localhost:{server.port}"}, headers=LIVE)

        stopped = ada.post(f"{begun.headers['HX-Replace-Url']}/cancel", headers=LIVE)

        assert "Stopped looking for localhost" in stopped.text
        assert "every 400ms" not in stopped.text


class TestUsing:
    def test_the_form_is_filled_in(self, ada: Browser) -> None:
        there = find_out(ada, "ada@gmail.com")

        done = ada.post(f"{there}/use", {"candidate": "0"})

        assert (done.status_code, done.location) == (303, FORM)
        ada.get(FORM)
        form = shown(ada)
        assert (form["host"], form["port"]) == ("smtp.gmail.com", "587")
        assert (form["auth.user"], form["auth.pass"]) == ("ada@gmail.com", "")
        assert form["fromEmail"] == "ada@gmail.com"
        assert "Set up Gmail" in ada.page

    def test_a_name_before_the_same_address_stays(self, ada: Browser) -> None:
        fill(ada, fromEmail="Acme <ada@gmail.com>")
        there = find_out(ada, "ada@gmail.com")

        ada.post(f"{there}/use", {"candidate": "0"})

        ada.get(FORM)
        assert shown(ada)["fromEmail"] == "Acme <ada@gmail.com>"

    def test_a_secret_that_was_typed_for_another_place_does_not_come_along(self, ada: Browser) -> None:
        fill(ada)
        there = find_out(ada, "ada@gmail.com")

        ada.post(f"{there}/use", {"candidate": "0"})

        ada.get(FORM)
        assert shown(ada)["auth.pass"] == ""
        assert "New, not saved yet" not in ada.page
        assert SECRET not in ada.page

    def test_what_lowered_security_before_does_not_come_along(self, ada: Browser) -> None:
        fill(ada)
        send(ada, "draft", tls__verify="", tls__verifyOffReason="In our own rack")
        there = find_out(ada, "ada@gmail.com")

        ada.post(f"{there}/use", {"candidate": "0"})

        ada.get(FORM)
        assert "In our own rack" not in ada.page

    @pytest.mark.parametrize("number", ["1", "-1", "x", "", "99999999999"])
    def test_a_candidate_that_is_not_there_cannot_be_used(self, ada: Browser, number: str) -> None:
        there = find_out(ada, "ada@gmail.com")

        assert ada.post(f"{there}/use", {"candidate": number}).status_code == 404

    def test_one_that_cannot_be_used_is_not_there(self, ada: Browser, scripted: Callable[..., ScriptedServer]) -> None:
        there = find_out(ada, f"localhost:{scripted(Script(offers_starttls=False)).port}")

        assert ada.post(f"{there}/use", {"candidate": "0"}).status_code == 404


class TestAccess:
    def test_it_belongs_to_its_tenant(self, ada: Browser) -> None:
        there = find_out(ada, "ada@gmail.com")

        assert ada.get(there.replace("/t/dev/", "/t/prod/")).status_code == 404

    def test_it_is_nothing_to_strangers(self, ada: Browser, mallory: Browser) -> None:
        there = find_out(ada, "ada@gmail.com")

        assert mallory.get(there).status_code == 404

    def test_a_viewer_may_not_look(self, house: House, bob: Browser) -> None:
        house.make_bob(Role.VIEWER)

        assert bob.post(DETECT, {"address": "ada@gmail.com"}).status_code == 403

    def test_no_more_than_the_limit(self, ada: Browser) -> None:
        ada.get(CHOOSE)
        for _ in range(30):
            ada.post(DETECT, {"address": "ada@gmail.com"}, headers=LIVE)

        refused = ada.post(DETECT, {"address": "ada@gmail.com"}, headers=LIVE)

        assert refused.status_code == 429
        assert re.search(r"At most 30 in 600 seconds", refused.text)


def test_pages_stay_light(ada: Browser) -> None:
    assert len(ada.get(CHOOSE).data) < 60_000
    find_out(ada, "ada@gmail.com")
    assert len(ada.page.encode()) < 60_000
