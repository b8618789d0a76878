"""Pages of changes stay light however many mails there are, and all of it can still be read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from tests.many_mails import LANGUAGES, with_many_mails
from tests.web.conftest import ADA, Browser, House
from tests.web.filling import FORM, send
from tests.web.test_frame import set_up
from tests.web.test_history import HISTORY
from tests.web.test_review import REVIEW
from webapp.accounts import Accounts
from webapp.domain.roles import OPERATOR, Role

WEIGHT_LIMIT = 60_000
FETCH = {"HX-Request": "true"}
TEXT = f"{HISTORY}/text?from=1&to=2&pointer="


def save(house: House, words: str = "Your code", slug: str = "dev") -> None:
    """Save a mail of each usage type in thirty languages, as the operator."""
    access = house.services.tenants.access(OPERATOR, slug)
    document = with_many_mails(house.services.setups.active(access.tenant).document, words)
    house.services.setups.save(access, document, base=None, reason="arranged by a test")


def places(page: str) -> list[str]:
    """What the folds of a page fetch."""
    return [unescape(address) for address in re.findall(r'hx-get="([^"]+)"', page)]


@pytest.fixture
def many(house: House) -> House:
    """Revision 1 has the mails that are there by default, revision 2 has 270 more."""
    set_up(house)
    save(house)
    return house


class TestHistory:
    @pytest.mark.parametrize("path", ["", "/1", "/2", "/3", "/diff?from=1&to=3", "/diff?from=3&to=1", "/1/restore"])
    def test_its_pages_are_light(self, many: House, ada: Browser, path: str) -> None:
        save(many, "Another code")

        assert len(ada.get(f"{HISTORY}{path}").data) < WEIGHT_LIMIT

    def test_mails_fold_by_usage_type_and_say_how_many_they_are(self, many: House, ada: Browser) -> None:
        page = ada.get(f"{HISTORY}/2").text

        assert page.count("30 mails added") == 9
        assert f"{HISTORY}/text?from=1&to=2&pointer=/templates/SignIn" in places(page)

    def test_what_came_what_changed_and_what_went_is_counted_apart(self, many: House, ada: Browser) -> None:
        access = many.services.tenants.access(OPERATOR, "dev")
        document = with_many_mails(many.services.setups.active(access.tenant).document, "Another code")
        cells = document["templates"]["SignIn"]
        del cells["ja"], cells["de"]
        cells["tr"] = cells["fr"]
        many.services.setups.save(access, document, base=None)

        assert "1 mail added, 28 mails changed, 2 mails removed" in ada.get(f"{HISTORY}/3").text

    def test_a_few_lines_stand_on_the_page_with_their_texts(self, many: House, ada: Browser) -> None:
        access = many.services.tenants.access(OPERATOR, "dev")
        document = many.services.setups.active(access.tenant).document
        document["templates"]["SignIn"]["ja"]["content"] = "<p>{{code}}</p>\n<p>Short</p>"
        many.services.setups.save(access, document, base=None)

        page = ada.get(f"{HISTORY}/3").text

        assert "&lt;p&gt;Short&lt;/p&gt;" in page
        assert not any("pointer" in place for place in places(page))

    def test_long_texts_of_a_few_mails_are_fetched_one_by_one(self, many: House, ada: Browser) -> None:
        access = many.services.tenants.access(OPERATOR, "dev")
        before = many.services.setups.active(access.tenant).document
        after = with_many_mails(before, "Another code")
        for number, (usage_type, cells) in enumerate(before["templates"].items()):
            changed = {"ja": after["templates"][usage_type]["ja"]} if number < 3 else {}
            after["templates"][usage_type] = {**cells, **changed}
        many.services.setups.save(access, after, base=None)

        page = ada.get(f"{HISTORY}/3").text

        assert "Another code, line" not in page
        assert f"{HISTORY}/text?from=2&to=3&pointer=/templates/SignIn/ja/content" in places(page)


class TestPart:
    def test_a_fold_fetches_folds_and_these_their_lines(self, many: House, ada: Browser) -> None:
        of_type = ada.get(f"{TEXT}/templates/SignIn", headers=FETCH).text
        of_mail = ada.get(f"{TEXT}/templates/SignIn/ja", headers=FETCH).text

        assert "<html" not in of_type
        assert len([place for place in places(of_type) if "/templates/SignIn/" in place]) == len(LANGUAGES)
        assert "Your code (ja)" in of_mail
        assert "&lt;p&gt;{{code}} {{link}}&lt;/p&gt;" in of_mail

    def test_a_text_is_compared_by_itself(self, many: House, ada: Browser) -> None:
        text = ada.get(f"{TEXT}/templates/SignIn/ja/content", headers=FETCH).text

        assert "line 39 of SignIn in ja" in text
        assert "<html" not in text

    def test_a_very_long_text_comes_in_pieces(self, many: House, ada: Browser) -> None:
        access = many.services.tenants.access(OPERATOR, "dev")
        document = many.services.setups.active(access.tenant).document
        numbered = "\n".join(f"<p>Number {number} of many lines of one mail</p>" for number in range(1500))
        document["templates"]["SignIn"]["ja"]["content"] = f"<p>{{{{code}}}}</p>\n{numbered}"
        many.services.setups.save(access, document, base=None)
        place, seen = f"{HISTORY}/text?from=2&to=3&pointer=/templates/SignIn/ja/content", ""

        while place:
            page = ada.get(place)
            assert len(page.data) < WEIGHT_LIMIT
            seen += page.text
            place = next(iter(places(page.text)), "")

        assert [int(number) for number in re.findall(r"Number (\d+) of", seen)] == list(range(1500))

    def test_without_scripts_it_is_a_page_that_leads_back(self, many: House, ada: Browser) -> None:
        page = ada.get(f"{TEXT}/templates/SignIn/ja/content").text

        assert "<h1>Content · Sign in · ja</h1>" in page
        assert f'href="{HISTORY}/diff?from=1&amp;to=2"' in page

    def test_the_page_of_as_many_languages_as_there_may_be_is_light(self, house: House, ada: Browser) -> None:
        set_up(house)
        access = house.services.tenants.access(OPERATOR, "dev")
        document = house.services.setups.active(access.tenant).document
        mail = {"subject": "Code", "content": "{{code}}"}
        document["templates"]["SignIn"] |= {f"zh-Hant-x-m{number:02}": mail for number in range(99)}
        house.services.setups.save(access, document, base=None)

        assert len(ada.get(f"{TEXT}/templates/SignIn").data) < WEIGHT_LIMIT

    @pytest.mark.parametrize("pointer", ["/templates/SignIn/xx/content", "/templates/Sign", "/connector", "x"])
    def test_what_is_not_there_says_so(self, many: House, ada: Browser, pointer: str) -> None:
        fetched, page = ada.get(TEXT + pointer, headers=FETCH), ada.get(TEXT + pointer)

        assert (fetched.status_code, page.status_code) == (404, 404)
        assert "not there any more" in fetched.text
        assert "<html" not in fetched.text

    def test_other_revisions_are_not_found(self, many: House, ada: Browser) -> None:
        assert ada.get(f"{HISTORY}/text?from=1&to=9&pointer=/connector").status_code == 404
        assert ada.get(f"{HISTORY}/text?pointer=/connector").status_code == 404

    def test_it_is_read_by_viewers_and_not_by_strangers(
        self, many: House, ada: Browser, bob: Browser, mallory: Browser
    ) -> None:
        many.make_bob(Role.VIEWER)

        assert bob.get(f"{TEXT}/templates/SignIn").status_code == 200
        assert mallory.get(f"{TEXT}/templates/SignIn").status_code == 404

    def test_the_whole_setup_comes_where_it_was_unfolded_or_as_text(self, many: House, ada: Browser) -> None:
        fetched, text = ada.get(f"{HISTORY}/2/setup.yaml", headers=FETCH), ada.get(f"{HISTORY}/2/setup.yaml")

        assert f"{HISTORY}/2/setup.yaml" in places(ada.get(f"{HISTORY}/2").text)
        assert fetched.text.lstrip().startswith("<p")
        assert (text.mimetype, text.text.startswith("connector:")) == ("text/plain", True)


class TestReview:
    @pytest.fixture
    def draft(self, many: House, ada: Browser) -> Browser:
        """Ada's draft, in which all 270 mails are other ones."""
        ada.get(FORM)
        send(ada, port="2525")
        access = many.services.tenants.access(Accounts(many.services.db).by_email(ADA).actor, "dev")
        draft = many.services.drafts.load(access)
        assert draft
        document = with_many_mails(draft.document, "Another code")
        many.services.drafts.save(access, replace(draft, document=document))
        return ada

    def test_it_is_light_and_its_parts_are_fetched(self, draft: Browser) -> None:
        page = draft.get(REVIEW)

        assert len(page.data) < WEIGHT_LIMIT
        assert page.text.count("30 mails changed") == 9
        assert f"{REVIEW}/text?pointer=/templates/SignIn" in places(page.text)
        part = draft.get(f"{REVIEW}/text?pointer=/templates/SignIn/ja", headers=FETCH).text
        assert "Another code (ja)" in part

    def test_the_page_of_a_conflict_shows_both_sides_lightly(self, many: House, draft: Browser) -> None:
        save(many, "A third code")

        page = draft.get(REVIEW)

        assert page.status_code == 412
        assert len(page.data) < WEIGHT_LIMIT
        theirs, yours = (
            next(place for place in places(page.text) if place.startswith(way)) for way in (HISTORY, REVIEW)
        )
        assert "A third code" in draft.get(f"{theirs}/ja", headers=FETCH).text
        assert "Another code" in draft.get(f"{yours}/ja", headers=FETCH).text


class TestPlan:
    @pytest.fixture
    def plan(self, many: House, ada: Browser) -> str:
        """Where the plan of an import stands that brings other mails everywhere."""
        document = with_many_mails(many.services.setups.active(many.tenant("dev")).document, "Another code")
        ada.get("/t/dev/migrate/import")
        return ada.post("/t/dev/migrate/import", {"text": json.dumps(document)}).location

    def test_it_is_light_and_its_parts_are_fetched(self, plan: str, ada: Browser) -> None:
        page = ada.get(plan)

        assert len(page.data) < WEIGHT_LIMIT
        assert page.text.count("30 mails changed") == 9
        part = ada.get(f"{plan}/text?pointer=/templates/SignIn/ja", headers=FETCH).text
        assert "Another code (ja)" in part

    def test_it_is_read_by_whoever_made_it(self, plan: str, bob: Browser) -> None:
        assert bob.get(f"{plan}/text?pointer=/templates/SignIn").status_code == 404
