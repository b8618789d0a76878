"""Tenants in the console: made, duplicated, archived and brought back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.canary import CANARY
from tests.web.conftest import ADA, BOB, MALLORY, Browser, House
from webapp.accounts import Accounts
from webapp.domain.roles import OPERATOR, Environment, Role

WISH = {"name": "Acme staging", "slug": "stage", "environment": "development", "copy": ""}
CONNECTOR = {
    "provider": "smtp",
    "config": {
        "host": "smtp.example.com",
        "port": 587,
        "security": "starttls",
        "auth": {"type": "login", "user": "ada", "pass": f"{CANARY}-of-dev"},
        "fromEmail": "no-reply@example.com",
    },
}


@pytest.fixture
def ada(house: House) -> Browser:
    return house.signed_in(ADA)


@pytest.fixture
def set_up(house: House) -> None:
    """Development has a connector with a password."""
    access = house.services.tenants.access(OPERATOR, "dev")
    document = house.services.setups.active(access.tenant).document
    house.services.setups.save(access, document | {"connector": CONNECTOR, "defaultLanguage": "ja"}, base=None)


class TestMaking:
    def test_leads_to_the_overview_of_a_tenant_of_ones_own(self, house: House, ada: Browser) -> None:
        ada.get("/tenants/new")

        answer = ada.post("/tenants/new", WISH)

        assert answer.headers["Location"] == "/t/stage/"
        assert "Acme staging is made, and you are its owner" in ada.get("/t/stage/").text
        tenant = house.tenant("stage")
        assert (tenant.name, tenant.environment) == ("Acme staging", Environment.DEVELOPMENT)
        person = Accounts(house.services.db).by_email(ADA)
        assert [(each.person_id, each.role) for each in house.services.tenants.members(tenant.id)] == [
            (person.id, Role.OWNER)
        ]

    def test_a_short_name_is_made_where_none_was_given(self, house: House, ada: Browser) -> None:
        ada.post("/tenants/new", WISH | {"slug": ""})

        assert house.tenant("acme-staging")

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"slug": "dev"}, "There is already a tenant “dev”"),
            ({"slug": "Acme_1"}, "lower-case letters and digits"),
            ({"slug": "", "name": "日本"}, "lower-case letters and digits"),
            ({"name": ""}, "A name has 1 to 120 characters"),
            ({"environment": ""}, "development or production"),
            ({"environment": "staging"}, "development or production"),
            ({"copy": "nowhere"}, "Not found"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_lost(
        self, house: House, ada: Browser, wrong: dict[str, str], said: str
    ) -> None:
        before = len(house.services.tenants.all())
        wish = WISH | wrong

        answer = ada.post("/tenants/new", wish)

        assert answer.status_code in (404, 409, 422)
        assert said in answer.text
        assert f'value="{wish["name"]}"' in answer.text
        assert f'value="{wish["slug"]}"' in answer.text
        assert len(house.services.tenants.all()) == before

    def test_an_archived_tenant_keeps_its_short_name(self, house: House, ada: Browser) -> None:
        house.services.tenants.archive("prod", OPERATOR)

        answer = ada.post("/tenants/new", WISH | {"slug": "prod"})

        assert answer.status_code == 409
        assert "An archived tenant has the short name" in answer.text

    @pytest.mark.parametrize("email", [BOB, MALLORY])
    def test_is_for_administrators(self, house: House, email: str) -> None:
        browser = house.signed_in(email)

        assert browser.get("/tenants/new").status_code == 403
        assert browser.post("/tenants/new", WISH).status_code == 403
        assert "New tenant" not in browser.get("/tenants").text


@pytest.mark.usefixtures("set_up")
class TestDuplicating:
    def test_the_list_leads_to_it(self, ada: Browser) -> None:
        assert 'href="/tenants/new?copy=dev"' in ada.get("/tenants").text
        assert '<option value="dev" selected>' in ada.get("/tenants/new?copy=dev").text

    def test_what_stayed_behind_is_listed_and_asked_for(self, house: House, ada: Browser) -> None:
        answer = ada.post("/tenants/new", WISH | {"copy": "dev"})
        page = ada.get(answer.headers["Location"]).text

        assert "smtp.auth.pass" in page
        plan = re.search(r'href="(/t/stage/migrate/plans/[0-9a-f]+)"', page)
        assert plan
        assert 'name="secret:smtp.auth.pass"' in ada.get(plan[1]).text
        assert house.services.setups.active(house.tenant("stage")).setup.default_language == "ja"

    def test_typing_the_secret_makes_the_connector_live(self, house: House, ada: Browser) -> None:
        page = ada.get(ada.post("/tenants/new", WISH | {"copy": "dev"}).headers["Location"]).text
        plan = re.search(r'href="(/t/stage/migrate/plans/[0-9a-f]+)"', page)
        assert plan
        ada.get(plan[1])

        answer = ada.post(plan[1], {"way:smtp.auth.pass": "type", "secret:smtp.auth.pass": f"{CANARY}-of-stage"})

        assert answer.status_code == 303
        assert ada.get(plan[1].replace("migrate/plans", "begun")).headers["Location"] == "/t/stage/"
        access = house.services.tenants.access(OPERATOR, "stage")
        assert house.services.setups.secrets(access, 2) == {"/connector/config/auth/pass": f"{CANARY}-of-stage"}

    def test_the_history_says_where_it_began(self, ada: Browser) -> None:
        ada.post("/tenants/new", WISH | {"copy": "dev"})

        assert "Begun as a copy of dev" in ada.get("/t/stage/history").text
        assert "began this tenant with a copy of the setup of dev" in ada.get("/t/stage/settings/audit").text

    def test_of_a_tenant_that_one_may_only_read(self, house: House, ada: Browser) -> None:
        answer = ada.post("/tenants/new", WISH | {"copy": "elsewhere"})

        assert answer.status_code == 303
        assert house.tenant("stage")


class TestArchive:
    def test_what_is_archived_can_be_brought_back(self, house: House, ada: Browser) -> None:
        house.services.tenants.archive("prod", OPERATOR)
        assert "One archived tenant" in ada.get("/tenants").text

        answer = ada.post("/tenants/prod/bring-back")

        assert answer.headers["Location"] == "/t/prod/"
        assert "Production is back" in ada.get("/t/prod/").text
        assert "brought this tenant back" in ada.get("/t/prod/settings/audit").text

    def test_only_administrators_see_and_do_it(self, house: House) -> None:
        house.services.tenants.archive("prod", OPERATOR)
        bob = house.signed_in(BOB)

        assert "archived tenant" not in bob.get("/tenants").text
        assert bob.post("/tenants/prod/bring-back").status_code == 403

    @pytest.mark.parametrize("slug", ["dev", "nowhere"])
    def test_what_is_not_archived_is_not_found(self, ada: Browser, slug: str) -> None:
        ada.get("/tenants")

        assert ada.post(f"/tenants/{slug}/bring-back").status_code == 404


class TestMany:
    @pytest.fixture
    def crowd(self, house: House) -> Callable[[int], None]:
        def make(count: int) -> None:
            for number in range(count):
                environment = Environment.PRODUCTION if number % 2 else Environment.DEVELOPMENT
                house.services.tenants.add(f"team-{number:03}", f"Team {number:03}", environment, OPERATOR)

        return make

    def test_few_are_not_searched(self, ada: Browser) -> None:
        assert 'type="search"' not in ada.get("/tenants").text

    def test_many_are(self, ada: Browser, crowd: Callable[[int], None]) -> None:
        crowd(40)

        page = ada.get("/tenants?q=TEAM-007").text

        assert "Team 007" in page
        assert page.count("/tenants/new?copy=") == 1
        assert "No tenant is called so" in ada.get("/tenants?q=nobody").text

    def test_a_thousand_make_no_heavy_page(self, ada: Browser, crowd: Callable[[int], None]) -> None:
        crowd(300)

        page = ada.get("/tenants")

        assert len(page.data) < 60_000
        assert "And 203 more" in page.text

    def test_an_overview_compares_only_with_those_that_belong_together(
        self, house: House, ada: Browser, set_up: None, crowd: Callable[[int], None]
    ) -> None:
        crowd(40)
        person = Accounts(house.services.db).by_email(ADA)
        for tenant in house.services.tenants.all():
            house.services.tenants.add_member(tenant.id, person.id, Role.OWNER)

        page = ada.get("/t/dev/").text

        assert "Production is not set up yet" in page
        assert "Team 003" not in page.partition("<main")[2]
        assert "Choose among 41 more tenants" in page

    def test_the_doors_of_migrate_tell_environments_apart(
        self, house: House, ada: Browser, crowd: Callable[[int], None]
    ) -> None:
        crowd(4)
        person = Accounts(house.services.db).by_email(ADA)
        for number in range(4):
            tenant = house.tenant(f"team-{number:03}")
            house.services.tenants.add_member(tenant.id, person.id, Role.VIEWER if number == 0 else Role.OWNER)

        page = ada.get("/t/dev/migrate").text

        assert page.count('<optgroup label="Production">') == 2
        assert page.count('<option value="team-000">') == 1
