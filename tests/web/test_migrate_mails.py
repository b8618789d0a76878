"""Promoting many mails: folded by usage type, ticked together or one by one, with scripts or without."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.many_mails import LANGUAGES
from tests.web.conftest import Browser, House
from tests.web.test_changes import FETCH, WEIGHT_LIMIT, places, save
from tests.web.test_frame import set_up
from tests.web.test_migrate_promote import PROMOTE
from webapp.domain.roles import OPERATOR

SIGN_IN = "ahead:/templates/SignIn"


class _Form(HTMLParser):
    """What a browser would send with the form of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[tuple[str, str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._inside = "plan-form" in (given.get("class") or "")
        boxed = given.get("type") in ("checkbox", "radio")
        if tag == "input" and self._inside and given.get("name") and (not boxed or "checked" in given):
            self.values.append((given["name"] or "", given.get("value") or ""))


def form(browser: Browser) -> dict[str, list[str]]:
    """The fields of the page's form, name → values."""
    reader = _Form()
    reader.feed(browser.page)
    fields: dict[str, list[str]] = {}
    for name, value in reader.values:
        fields.setdefault(name, []).append(value)
    return fields


def promote(browser: Browser, path: str = PROMOTE, **changed: Any) -> Any:
    """Send the page's form, with some fields changed."""
    fields = form(browser) | {name.replace("_", "-"): value for name, value in changed.items()}
    fields.pop("csrf_token", None)
    return browser.post(path, {**fields, "reason": "for a test"})


def live(house: House, usage_type: str = "SignIn") -> set[str]:
    """The languages of a usage type in production."""
    return set(house.services.setups.active(house.tenant("prod")).document["templates"][usage_type]) - {"*"}


def edit(house: House, slug: str, words: str, *tags: str) -> None:
    """Write other subjects into the mails of all usage types, in some languages, as the operator."""
    access = house.services.tenants.access(OPERATOR, slug)
    document = house.services.setups.active(access.tenant).document
    for cells in document["templates"].values():
        for tag in tags:
            cells[tag]["subject"] = words
    house.services.setups.save(access, document, base=None, reason="arranged by a test")


@pytest.fixture
def many(house: House) -> House:
    """Development has 270 mails that production has not; otherwise they are alike."""
    set_up(house)
    set_up(house, "prod")
    save(house)
    return house


@pytest.fixture
def apart(many: House, ada: Browser) -> House:
    """All was promoted; since then both sides changed five languages each, one of them the same."""
    ada.get(f"{PROMOTE}?from=dev")
    promote(ada)
    edit(many, "dev", "Theirs", *LANGUAGES[:5])
    edit(many, "prod", "Ours", *LANGUAGES[4:9])
    return many


class TestFolds:
    def test_they_are_light_and_ticked(self, many: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev")

        assert len(page.data) < WEIGHT_LIMIT
        assert page.text.count("30 mails added") == 9
        assert len(form(ada)["tick-all"]) == 9

    def test_never_opened_all_of_their_mails_go(self, many: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        promote(ada)

        assert live(many) == live(many, "Register") == set(LANGUAGES)

    def test_one_without_its_tick_stays(self, many: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")

        promote(ada, tick_all=[key for key in form(ada)["tick-all"] if key != SIGN_IN])

        assert live(many) == set()
        assert live(many, "Register") == set(LANGUAGES)

    def test_opened_each_mail_has_its_own_tick_and_these_count(self, many: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev").text
        (place,) = (place for place in places(page) if place.endswith(SIGN_IN))
        fetched = ada.get(f"{place}&tick-all={SIGN_IN}", headers=FETCH).text
        ticks = [unescape(each) for each in re.findall(r'name="tick"\s+value="([^"]+)" checked', fetched)]

        ada.get(f"{PROMOTE}?from=dev")
        promote(ada, tick=[each for each in ticks if each[-3:] in ("/ja", "/de")], shown=[SIGN_IN])

        assert len(ticks) == len(LANGUAGES)
        assert live(many) == {"ja", "de"}
        assert live(many, "Register") == set(LANGUAGES)

    def test_one_that_is_not_ticked_opens_without_ticks(self, many: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev").text
        (place,) = (place for place in places(page) if place.endswith(SIGN_IN))

        assert " checked" not in ada.get(place, headers=FETCH).text

    def test_what_is_fetched_after_a_change_says_so(self, many: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev").text
        (place,) = (place for place in places(page) if place.endswith(SIGN_IN))
        edit(many, "dev", "Theirs", "ja")

        fetched = ada.get(place, headers=FETCH)

        assert fetched.status_code == 404
        assert "Load the page again" in fetched.text

    def test_the_lines_of_a_mail_are_fetched_of_the_revisions_that_were_compared(
        self, many: House, ada: Browser
    ) -> None:
        edit(many, "dev", "Later", "ja")
        place = f"{PROMOTE}/text?from=dev&revision=2&base=1&pointer=/templates/SignIn/ja"

        assert "Your code (ja)" in ada.get(place, headers=FETCH).text
        assert "Later" not in ada.get(place).text

    def test_strangers_to_the_source_get_nothing(self, many: House, mallory: Browser) -> None:
        places_of_dev = "?from=dev&revision=2&base=0&pointer=/templates&group=x"

        assert mallory.get(f"/t/elsewhere/migrate/promote/text{places_of_dev}").status_code == 404
        assert mallory.get(f"/t/elsewhere/migrate/promote/mails{places_of_dev}").status_code == 404


class TestWithoutScripts:
    def test_a_fold_is_opened_by_its_button_and_everything_else_stays(self, many: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")
        others = [key for key in form(ada)["tick-all"] if "Register" not in key]

        page = promote(ada, f"{PROMOTE}/open", open=SIGN_IN, tick_all=others, note="For autumn")

        assert page.status_code == 200
        assert len(page.data) < WEIGHT_LIMIT
        assert len(form(ada)["tick"]) == len(LANGUAGES)
        assert "ahead:/templates/Register" not in form(ada)["tick-all"]
        assert 'value="For autumn"' in page.text or ">For autumn</" in page.text

    def test_what_was_chosen_in_one_holds_when_another_is_opened(self, many: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")
        promote(ada, f"{PROMOTE}/open", open=SIGN_IN)
        promote(ada, f"{PROMOTE}/open", open="ahead:/templates/Register", tick=["/templates/SignIn/ja"])
        assert len(form(ada)["except"]) == len(LANGUAGES) - 1
        assert "1 of 30 ticked" in ada.page

        promote(ada)

        assert live(many) == {"ja"}
        assert live(many, "Register") == set(LANGUAGES)


class TestConflicts:
    def test_they_fold_by_how_they_stand(self, apart: House, ada: Browser) -> None:
        page = ada.get(f"{PROMOTE}?from=dev")

        assert len(page.data) < WEIGHT_LIMIT
        assert set(form(ada)["tick-all"]) == {f"ahead:/templates/{each}" for each in _types(apart)}
        assert page.text.count("4 mails changed") == 2 * 9
        assert page.text.count("Changed on both sides since. Choose one.") == 9

    def test_they_are_asked_about_and_decided_for_a_usage_type(self, apart: House, ada: Browser) -> None:
        ada.get(f"{PROMOTE}?from=dev")
        asked = promote(ada)
        sides: dict[str, Any] = {f"side:conflict:/templates/{each}": ["there"] for each in _types(apart)}

        done = promote(ada, **(sides | {"side:conflict:/templates/Register": ["here"]}))

        assert asked.status_code == 422
        assert asked.text.count("Choose which of the two it shall be.") == 9
        assert done.status_code == 303
        templates = apart.services.setups.active(apart.tenant("prod")).document["templates"]
        both = LANGUAGES[4]
        assert (templates["SignIn"][both]["subject"], templates["Register"][both]["subject"]) == ("Theirs", "Ours")
        assert templates["SignIn"][LANGUAGES[0]]["subject"] == "Theirs"
        assert templates["SignIn"][LANGUAGES[8]]["subject"] == "Ours"


def _types(house: House) -> list[str]:
    return list(house.services.setups.active(house.tenant("dev")).document["templates"])
