"""Export: the setup as a file, without secrets, or with them sealed for owners."""

from __future__ import annotations

import json

import pytest

from tests.canary import CANARY
from tests.web.conftest import Browser, House
from tests.web.test_frame import set_up
from webapp.domain.roles import Role
from webapp.services.transfer.reading import parsed
from webapp.services.transfer.sealing import unseal

EXPORT = "/t/dev/migrate/export"
PHRASE = f"{CANARY} battery staple"


@pytest.fixture
def furnished_house(house: House) -> House:
    set_up(house)
    return house


class TestTheDoors:
    def test_stand_in_the_navigation_above_the_history(self, ada: Browser) -> None:
        page = ada.get("/t/dev/").text

        assert page.index('href="/t/dev/migrate"') < page.index('href="/t/dev/history"')

    def test_a_viewer_is_offered_the_export_only(self, furnished_house: House, bob: Browser) -> None:
        furnished_house.make_bob(Role.VIEWER)

        page = bob.get("/t/dev/migrate").text

        assert 'href="/t/dev/migrate/export"' in page
        assert "/migrate/import" not in page
        assert "/migrate/pair" not in page

    def test_whoever_has_one_tenant_is_told_what_promoting_needs(self, mallory: Browser) -> None:
        assert "a second tenant" in mallory.get("/t/elsewhere/migrate").text

    def test_the_pair_begins_with_development_and_production(self, ada: Browser) -> None:
        page = ada.get("/t/prod/migrate").text

        assert '<option value="dev" selected>' in page
        assert '<option value="prod" selected>' in page


class TestWithoutSecrets:
    def test_the_page_says_what_is_in_it_and_what_is_not(self, furnished_house: House, ada: Browser) -> None:
        page = ada.get(EXPORT).text

        assert "In it" in page
        assert "secrets: Password. Each leaves a named slot." in page
        assert CANARY not in page

    @pytest.mark.parametrize("form", ["json", "yaml"])
    def test_a_viewer_takes_it_away(self, furnished_house: House, bob: Browser, form: str) -> None:
        furnished_house.make_bob(Role.VIEWER)

        answer = bob.get(f"{EXPORT}/file?format={form}")

        assert answer.headers["Content-Disposition"] == f"attachment; filename=dev.{form}"
        assert parsed(answer.text)["setup"]["connector"]["config"]["host"] == "smtp.gmail.com"
        assert CANARY not in answer.text

    def test_another_format_is_refused(self, furnished_house: House, ada: Browser) -> None:
        assert ada.get(f"{EXPORT}/file?format=xml").status_code == 422

    def test_strangers_find_nothing(self, furnished_house: House, mallory: Browser) -> None:
        assert mallory.get(f"{EXPORT}/file").status_code == 404


class TestSealed:
    def test_it_opens_with_the_passphrase(self, furnished_house: House, ada: Browser) -> None:
        ada.get(EXPORT)

        answer = ada.post(f"{EXPORT}/sealed", {"passphrase": PHRASE, "again": PHRASE, "format": "json"})

        document = json.loads(answer.text)
        assert answer.headers["Content-Disposition"] == "attachment; filename=dev-sealed.json"
        assert list(unseal(document["secrets"], document["contentHash"], PHRASE)) == ["smtp.auth.pass"]
        assert CANARY not in answer.text

    @pytest.mark.parametrize(
        ("phrase", "again", "said"),
        [("short", "short", "at least 12 characters"), (PHRASE, f"{PHRASE}.", "not the same passphrase")],
        ids=["short", "unlike"],
    )
    def test_what_is_wrong_stands_beside_the_field_and_nothing_typed_in_the_page(
        self, furnished_house: House, ada: Browser, phrase: str, again: str, said: str
    ) -> None:
        ada.get(EXPORT)

        answer = ada.post(f"{EXPORT}/sealed", {"passphrase": phrase, "again": again, "format": "yaml"})

        assert answer.status_code == 422
        assert said in answer.text
        assert PHRASE not in answer.text
        assert 'value="yaml" checked' in answer.text

    def test_is_for_owners(self, furnished_house: House, bob: Browser) -> None:
        page = bob.get(EXPORT).text

        assert 'name="passphrase"' not in page
        assert bob.post(f"{EXPORT}/sealed", {"passphrase": PHRASE, "again": PHRASE}).status_code == 403
