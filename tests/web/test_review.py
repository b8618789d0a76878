"""Review and save: the diff before, one transaction, and nothing lost when somebody else was faster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Browser, House
from tests.web.filling import FORM, SECRET, VALUES, fill, send, shown
from webapp.domain.roles import Role

REVIEW = f"{FORM}/review"


def save(browser: Browser, tenant: str = "dev", **fields: Any) -> str:
    """Review and save; answers where it leads."""
    browser.get(f"/t/{tenant}/connector/review")
    answer = browser.post(f"/t/{tenant}/connector/review", {"reviewed": browser.field("reviewed"), **fields})
    return answer.location or str(answer.status_code)


def test_the_whole_way_without_scripts(house: House, ada: Browser) -> None:
    fill(ada)

    assert send(ada, "review").location == REVIEW
    ada.get(REVIEW)
    saved = ada.post(REVIEW, {"reviewed": ada.field("reviewed"), "note": "First set-up"})
    ada.get(saved.location)

    assert "Live since" in ada.page
    assert "as revision 1" in ada.page
    active = house.services.setups.active(house.tenant("dev"))
    assert active.number == 1
    assert active.document["connector"]["config"]["host"] == "smtp.example.com"


class TestDiff:
    def test_it_is_in_words_and_shows_no_secret(self, ada: Browser) -> None:
        fill(ada)

        page = ada.get(REVIEW).text

        assert "Server" in page
        assert "smtp.example.com" in page
        assert SECRET not in page

    def test_old_and_new_stand_side_by_side_and_a_kept_secret_is_said_to_be_kept(self, ada: Browser) -> None:
        fill(ada)
        save(ada)
        ada.get(FORM)
        send(ada, fromEmail="Acme <hello@example.com>")

        page = ada.get(REVIEW).text

        assert "no-reply@example.com" in page
        assert "hello@example.com" in page
        assert "kept" in page.partition("Password")[2].partition("</div>")[0]

    def test_a_long_text_is_compared_line_by_line(self, ada: Browser) -> None:
        fill(ada)
        send(ada, "open:SignIn")
        ada.get(FORM)
        text = shown(ada)["templates.SignIn.content"].replace("</body>", "<p>New line</p>\r\n</body>")
        send(ada, templates__SignIn__content=text)

        page = ada.get(REVIEW).text

        assert "&lt;p&gt;New line&lt;/p&gt;" in page
        assert page.count("<ins>") < 30

    def test_nothing_changed_is_said(self, ada: Browser) -> None:
        fill(ada)
        save(ada)

        assert "Nothing has changed" in ada.get(REVIEW).text

    def test_what_cannot_be_saved_leads_back_to_its_field(self, ada: Browser) -> None:
        fill(ada, port="ninety")

        answer = ada.get(REVIEW)

        assert answer.status_code == 422
        assert 'href="#set-port"' in answer.text


class TestSaving:
    def test_what_is_saved_is_what_was_reviewed(self, house: House, ada: Browser) -> None:
        fill(ada)
        ada.get(REVIEW)
        reviewed = ada.field("reviewed")
        ada.get(FORM)
        send(ada, fromEmail="Acme <other@example.com>")

        answer = ada.post(REVIEW, {"reviewed": reviewed, "note": "mine"})

        assert answer.status_code == 409
        assert "The draft has changed" in answer.text
        assert 'value="mine"' in answer.text
        assert house.services.setups.active(house.tenant("dev")).number == 0

    def test_the_draft_is_gone_and_the_secret_stored(self, ada: Browser) -> None:
        fill(ada)
        save(ada)

        ada.get(FORM)

        assert "Stored" in ada.page
        assert "Draft kept" not in ada.page

    def test_saving_twice_makes_one_revision(self, house: House, ada: Browser) -> None:
        fill(ada)
        ada.get(REVIEW)
        fields = {"reviewed": ada.field("reviewed")}

        ada.post(REVIEW, fields)
        again = ada.post(REVIEW, fields)

        assert again.status_code == 303
        assert house.services.setups.active(house.tenant("dev")).number == 1

    def test_undo_leads_to_the_diff_of_the_way_back(self, ada: Browser) -> None:
        fill(ada)
        save(ada)
        ada.get(FORM)
        send(ada, port="2525")

        page = ada.get(save(ada)).text

        assert "/t/dev/history/1/restore" in page

    def test_a_draft_can_be_thrown_away(self, ada: Browser) -> None:
        fill(ada)
        save(ada)
        ada.get(FORM)
        send(ada, port="2525")

        ada.post(f"{FORM}/discard")
        ada.get(FORM)

        assert shown(ada)["port"] == VALUES["port"]


class TestProduction:
    def test_unproven_values_need_a_reason(self, house: House, ada: Browser) -> None:
        fill(ada, "prod")

        assert save(ada, "prod", note="from the runbook") == "422"
        assert "Production wants a proof or a reason" in ada.page
        assert 'value="from the runbook"' in ada.page
        assert house.services.setups.active(house.tenant("prod")).number == 0

    def test_with_a_reason_they_go_live_and_the_reason_is_kept(self, house: House, ada: Browser) -> None:
        fill(ada, "prod")

        save(ada, "prod", reason="The provider blocks tests")

        assert "The provider blocks tests" in ada.get("/t/prod/history").text

    def test_the_button_names_production(self, ada: Browser) -> None:
        fill(ada, "prod")

        assert "Save to production" in ada.get("/t/prod/connector/review").text

    def test_an_editor_prepares_and_an_owner_saves(self, house: House, bob: Browser) -> None:
        fill(bob, "prod")

        page = bob.get("/t/prod/connector/review").text

        assert "Only owners save" in page
        assert bob.post("/t/prod/connector/review", {"reason": "x"}).status_code == 403
        assert house.services.setups.active(house.tenant("prod")).number == 0


class TestLostRace:
    @pytest.fixture
    def raced(self, ada: Browser, bob: Browser) -> Browser:
        """Both edit revision 1; Bob changes port and From and saves first."""
        fill(ada)
        save(ada)
        ada.get(FORM)
        send(ada, fromEmail="Acme <ada@example.com>", replyTo="help@example.com")
        bob.get(FORM)
        send(bob, fromEmail="Acme <bob@example.com>", port="2525")
        save(bob)
        return ada

    def test_the_form_says_that_somebody_saved(self, raced: Browser) -> None:
        page = raced.get(FORM).text

        assert "Revision 2 was saved since you began" in page
        assert shown(raced)["fromEmail"] == "Acme <ada@example.com>"

    def test_both_changes_are_shown(self, raced: Browser) -> None:
        answer = raced.get(REVIEW)

        assert answer.status_code == 412
        theirs, _, yours = answer.text.partition('id="yours"')
        assert "2525" in theirs
        assert "bob@example.com" in theirs
        assert "help@example.com" in yours
        assert "One value was changed by both of you" in theirs

    def test_taking_theirs_as_the_base_keeps_ones_own_values(self, house: House, raced: Browser) -> None:
        raced.get(REVIEW)

        assert raced.post(f"{FORM}/rebase").location == REVIEW
        save(raced)

        config = house.services.setups.active(house.tenant("dev")).document["connector"]["config"]
        assert (config["port"], config["fromEmail"]) == (2525, "Acme <ada@example.com>")
        assert config["replyTo"] == "help@example.com"
        assert config["auth"]["pass"]["$secret"]["set"]

    def test_a_save_that_comes_too_late_saves_nothing(self, house: House, ada: Browser, bob: Browser) -> None:
        fill(ada)
        save(ada)
        ada.get(FORM)
        send(ada, replyTo="help@example.com")
        ada.get(REVIEW)
        reviewed = ada.field("reviewed")
        bob.get(FORM)
        send(bob, port="2525")
        save(bob)

        answer = ada.post(REVIEW, {"reviewed": reviewed})

        assert answer.status_code == 412
        assert house.services.setups.active(house.tenant("dev")).number == 2
        ada.get(FORM)
        assert shown(ada)["replyTo"] == "help@example.com"


class TestRoles:
    def test_an_editor_saves_in_development(self, bob: Browser) -> None:
        fill(bob)

        assert save(bob) == f"{FORM}/saved/1"

    def test_a_viewer_sees_no_review(self, house: House, bob: Browser) -> None:
        house.make_bob(Role.VIEWER)

        assert bob.get(REVIEW).status_code == 403

    def test_a_stranger_finds_nothing(self, mallory: Browser) -> None:
        assert mallory.get(REVIEW).status_code == 404
