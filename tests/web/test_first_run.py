"""From nothing to an administrator with two tenants, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.web.conftest import ADA, PASSWORD, Browser, House
from webapp.accounts import AccountError, Accounts, Installation, first_run
from webapp.domain.roles import Environment, Role

FORM = {"organisation": "Acme", "email": ADA, "password": PASSWORD}


@pytest.fixture
def link(empty_house: House) -> str:
    return f"/setup/{Installation(empty_house.services.db).new_setup_link()}"


@pytest.fixture
def visitor(empty_house: House) -> Browser:
    return empty_house.browser()


class TestTheLink:
    def test_makes_the_administrator_and_goes_straight_to_development(self, visitor: Browser, link: str) -> None:
        visitor.get(link)

        answer = visitor.post(link, FORM)

        assert answer.headers["Location"] == "/t/dev/"
        assert "Set up email" in visitor.get("/t/dev/").text

    def test_makes_both_tenants_hers(self, empty_house: House, visitor: Browser, link: str) -> None:
        visitor.get(link)
        visitor.post(link, FORM)

        person = Accounts(empty_house.services.db).by_email(ADA)
        tenants = empty_house.services.tenants.of_person(person.id)
        assert person.administrator
        assert [(tenant.slug, tenant.name, tenant.environment, role) for tenant, role in tenants] == [
            ("dev", "Development", Environment.DEVELOPMENT, Role.OWNER),
            ("prod", "Production", Environment.PRODUCTION, Role.OWNER),
        ]

    def test_names_the_organization(self, empty_house: House, visitor: Browser, link: str) -> None:
        visitor.get(link)
        visitor.post(link, FORM)

        assert "Acme" in visitor.get("/t/dev/").text

    def test_works_once(self, empty_house: House, visitor: Browser, link: str) -> None:
        visitor.get(link)
        visitor.post(link, FORM)

        second = empty_house.browser()
        assert second.get(link).status_code == 404
        assert second.post(link, {**FORM, "email": "mallory@example.net"}).status_code in (404, 419)
        assert Accounts(empty_house.services.db).count() == 1

    def test_is_not_stored_in_clear(self, empty_house: House, link: str) -> None:
        stored = b"".join(path.read_bytes() for path in empty_house.services.settings.data_dir.glob("postroom.db*"))

        assert link.removeprefix("/setup/").encode() not in stored

    def test_is_out_of_use_once_there_is_a_newer_one(self, empty_house: House, visitor: Browser, link: str) -> None:
        newer = Installation(empty_house.services.db).new_setup_link()

        assert visitor.get(link).status_code == 404
        assert visitor.get(f"/setup/{newer}").status_code == 200

    def test_lapses(self, visitor: Browser, link: str) -> None:
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=25)):
            assert visitor.get(link).status_code == 404

    def test_made_up_leads_nowhere(self, visitor: Browser) -> None:
        assert visitor.get("/setup/made-up").status_code == 404

    def test_stays_usable_after_a_mistake(self, visitor: Browser, link: str) -> None:
        visitor.get(link)
        visitor.post(link, {**FORM, "password": "short"})

        assert visitor.post(link, FORM).status_code == 302

    def test_does_not_take_over_an_installation_that_has_an_administrator(self, house: House) -> None:
        link = Installation(house.services.db).new_setup_link()

        assert house.browser().get(f"/setup/{link}").status_code == 404


class TestTheForm:
    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("organisation", "", "required"),
            ("organisation", "x" * 121, "120"),
            ("email", "ada", "not an email address"),
            ("email", "ada@example.com, bob@example.com", "not an email address"),
            ("email", "ada@exa mple.com", "not an email address"),
            ("password", "short", "at least 10 characters"),
            ("password", "x" * 201, "at most 200"),
            ("password", "aaaaaaaaaaaa", "repeats the same"),
            ("password", "1234567890", "row of keys"),
            ("password", "Password123!", "first passwords"),
            ("password", "P@ssw0rd2026", "first passwords"),
            ("password", "ada.example.com1", "little more than your address"),
        ],
    )
    def test_says_what_is_wrong_at_the_field_and_makes_nobody(
        self, empty_house: House, visitor: Browser, link: str, field: str, value: str, words: str
    ) -> None:
        visitor.get(link)

        answer = visitor.post(link, {**FORM, field: value})

        assert answer.status_code == 422
        error = answer.text.split(f'id="{field}-error"')[1].split('data-field="')[0]
        assert words in error
        assert Accounts(empty_house.services.db).count() == 0

    def test_keeps_what_was_typed(self, visitor: Browser, link: str) -> None:
        visitor.get(link)

        answer = visitor.post(link, {**FORM, "email": "ada"})

        assert 'value="Acme"' in answer.text
        assert 'value="ada"' in answer.text

    def test_tells_everything_at_once(self, visitor: Browser, link: str) -> None:
        visitor.get(link)

        answer = visitor.post(link, {**FORM, "email": "ada", "password": "short"})

        assert "not an email address" in answer.text
        assert "at least 10 characters" in answer.text

    @pytest.mark.parametrize(
        "password", ["wandering teapot 41", "correct-donkey-battery", "Ünïcödé wörds here", "🦆🦆🐢🐢🦉🦉🐸🐸🦊🐻🐼"]
    )
    def test_takes_any_characters(self, visitor: Browser, link: str, password: str) -> None:
        visitor.get(link)

        assert visitor.post(link, {**FORM, "password": password}).status_code == 302


class TestTheSameAtTheShell:
    def test_is_safe_to_repeat(self, empty_house: House) -> None:
        first = first_run(empty_house.services, ADA, PASSWORD, "Acme")

        again = first_run(empty_house.services, ADA.upper(), "another password 77")

        assert again == first
        assert Accounts(empty_house.services.db).authenticate(ADA, PASSWORD)
        assert [tenant.slug for tenant in empty_house.services.tenants.all()] == ["dev", "prod"]

    def test_refuses_a_weak_password(self, empty_house: House) -> None:
        with pytest.raises(AccountError) as refused:
            first_run(empty_house.services, ADA, "short")

        assert refused.value.errors[0].pointer == "/password"
