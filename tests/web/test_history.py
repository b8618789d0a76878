"""History: every revision, what it changed, any two compared, and the way back."""

from __future__ import annotations

import pytest

from tests.web.conftest import Browser, House
from tests.web.filling import FORM, SECRET, fill, send
from tests.web.test_review import save
from webapp.domain.roles import Role

HISTORY = "/t/dev/history"


@pytest.fixture
def three(ada: Browser) -> Browser:
    """Three revisions: set up, another port, a note on the sender."""
    fill(ada)
    save(ada, note="First set-up")
    for change in ({"port": "2525"}, {"fromEmail": "Acme <hello@example.com>"}):
        ada.get(FORM)
        send(ada, **change)
        save(ada)
    return ada


class TestList:
    def test_before_the_first_save_it_says_what_to_do(self, ada: Browser) -> None:
        assert "Nothing saved yet" in ada.get(HISTORY).text

    def test_a_line_tells_who_and_what_in_words(self, three: Browser) -> None:
        page = three.get(HISTORY).text

        assert page.index("/history/3") < page.index("/history/2") < page.index("/history/1")
        assert "First set-up" in page
        assert "ada@example.com" in page
        assert "Port" in page
        assert page.count("Live</span>") == 1

    def test_it_is_read_by_viewers_and_not_by_strangers(
        self, house: House, three: Browser, bob: Browser, mallory: Browser
    ) -> None:
        house.make_bob(Role.VIEWER)

        assert bob.get(HISTORY).status_code == 200
        assert mallory.get(HISTORY).status_code == 404

    def test_older_revisions_are_a_page_away(self, house: House, three: Browser) -> None:
        page = three.get(f"{HISTORY}?before=2").text

        assert "/history/1" in page
        assert 'href="/t/dev/history/3"' not in page


class TestRevision:
    def test_it_is_compared_with_the_one_before(self, three: Browser) -> None:
        page = three.get(f"{HISTORY}/2").text

        assert "587" in page
        assert "2525" in page

    def test_the_document_holds_no_secret(self, three: Browser) -> None:
        page = three.get(f"{HISTORY}/1/setup.yaml").text

        assert "host: smtp.example.com" in page
        assert "pass: (secret" in page
        assert SECRET not in page

    @pytest.mark.parametrize("path", ["/4", "/0", "/99999", "/diff?from=1&to=9", "/diff?from=x", "/diff", "/9/restore"])
    def test_what_is_not_there_is_not_found(self, three: Browser, path: str) -> None:
        assert three.get(f"{HISTORY}{path}").status_code == 404


class TestCompare:
    def test_any_two_have_an_address(self, three: Browser) -> None:
        page = three.get(f"{HISTORY}/diff?from=1&to=3").text

        assert "2525" in page
        assert "hello@example.com" in page

    def test_a_revision_is_the_same_as_itself(self, three: Browser) -> None:
        assert "No difference" in three.get(f"{HISTORY}/diff?from=2&to=2").text


class TestRestore:
    def test_the_diff_comes_first_and_then_it_is_live_again(self, house: House, three: Browser) -> None:
        page = three.get(f"{HISTORY}/1/restore").text
        assert "2525" in page

        answer = three.post(f"{HISTORY}/1/restore", {"base": three.field("base"), "note": "The port was wrong"})

        active = house.services.setups.active(house.tenant("dev"))
        assert active.document["connector"]["config"]["port"] == 587
        assert answer.location == f"{FORM}/saved/4"
        assert "Restored from revision 1" in three.get(HISTORY).text

    def test_restoring_what_is_live_changes_nothing(self, three: Browser) -> None:
        assert "Nothing would change" in three.get(f"{HISTORY}/3/restore").text

    def test_a_save_in_between_is_shown_before_anything_is_restored(
        self, house: House, three: Browser, bob: Browser
    ) -> None:
        three.get(f"{HISTORY}/1/restore")
        base = three.field("base")
        bob.get(FORM)
        send(bob, replyTo="help@example.com")
        save(bob)

        answer = three.post(f"{HISTORY}/1/restore", {"base": base, "note": "mine"})

        assert answer.status_code == 412
        assert "Revision 4 was saved meanwhile" in answer.text
        assert "help@example.com" in answer.text
        assert 'value="mine"' in answer.text

    def test_an_editor_may_look_and_not_restore(self, three: Browser, bob: Browser) -> None:
        assert "/1/restore" not in bob.get(f"{HISTORY}/1").text
        assert bob.post(f"{HISTORY}/1/restore").status_code == 403
