"""Tenants that change only in some ways: the settings that close them, and what their pages say then."""

from __future__ import annotations

import re

import pytest

from tests.canary import CANARY
from tests.web.conftest import BOB, Browser, House
from tests.web.filling import VALUES, fill
from tests.web.test_frame import set_up
from webapp.domain.roles import OPERATOR, ChangesBy, Role

SETTINGS, FORM, REVIEW = "/t/prod/settings", "/t/prod/connector", "/t/prod/connector/review"
CLOSED = {
    "promotion": "This tenant changes only by promotion",
    "approval": "This tenant changes only with the approval of a second person",
}
ALONE = "Only one person may save here, so nobody can approve"


def close(house: House, way: str = "approval") -> None:
    """Close production as the operator does."""
    house.services.tenants.change(
        "prod", OPERATOR, name="Production", editors_may_save_production=False, changes_by=ChangesBy(way)
    )


def hidden_of(page: str) -> dict[str, str]:
    """What the form of the settings takes along unseen."""
    return dict(re.findall(r'name="(\w+_seen)"\s+value="(\w*)"', page))


class TestSettings:
    @pytest.mark.parametrize("way", list(ChangesBy))
    def test_an_owner_of_production_chooses(self, house: House, ada: Browser, way: str) -> None:
        ada.get(SETTINGS)

        ada.post(SETTINGS, {"name": "Production", "editors": "false", "changes": way})

        assert house.tenant("prod").changes_by is ChangesBy(way)
        assert f'value="{way}" checked' in ada.get(SETTINGS).text

    def test_a_development_tenant_has_no_choice(self, house: House, ada: Browser) -> None:
        assert "How this tenant changes" not in ada.get("/t/dev/settings").text

        answer = ada.post("/t/dev/settings", {"name": "Dev", "editors": "false", "changes": "promotion"})

        assert answer.status_code == 422
        assert house.tenant("dev").changes_by is ChangesBy.ALL

    def test_nobody_chooses_what_there_is_not(self, house: House, ada: Browser) -> None:
        ada.get(SETTINGS)

        answer = ada.post(SETTINGS, {"name": "Shop", "editors": "false", "changes": "never"})

        assert answer.status_code == 422
        assert "Choose one of these." in answer.text
        assert house.tenant("prod").name != "Shop"

    def test_who_renames_it_on_a_page_from_before_does_not_open_it_again(self, house: House, ada: Browser) -> None:
        house.services.tenants.change("prod", OPERATOR, name="Production", editors_may_save_production=True)
        drawn = hidden_of(ada.get(SETTINGS).text)
        close(house)

        ada.post(SETTINGS, {**drawn, "name": "Shop", "editors": ["false", "true"], "changes": "all"})

        tenant = house.tenant("prod")
        assert (tenant.name, tenant.changes_by) == ("Shop", ChangesBy.APPROVAL)
        assert not tenant.editors_may_save_production

    def test_who_opens_it_does(self, house: House, ada: Browser) -> None:
        close(house)
        drawn = hidden_of(ada.get(SETTINGS).text)

        ada.post(SETTINGS, {**drawn, "name": "Production", "editors": ["false", "true"], "changes": "all"})

        tenant = house.tenant("prod")
        assert (tenant.changes_by, tenant.editors_may_save_production) == (ChangesBy.ALL, True)

    def test_where_nobody_could_approve_it_is_said(self, house: House, ada: Browser) -> None:
        close(house)
        assert ALONE in ada.get(SETTINGS).text

        house.make_bob(Role.OWNER)

        assert ALONE not in ada.get(SETTINGS).text

    def test_others_read_it(self, house: House) -> None:
        close(house, "promotion")

        page = house.signed_in(BOB).get(SETTINGS).text

        assert "Only by promotion" in page
        assert "<form method" not in page.partition("<main")[2]


@pytest.mark.parametrize("way", CLOSED)
class TestPages:
    @pytest.mark.parametrize("path", ["", "/json", "/choose", "/delete", "/review"])
    def test_each_says_how_the_tenant_changes_and_leads_there(
        self, house: House, ada: Browser, way: str, path: str
    ) -> None:
        set_up(house, "prod")
        ada.get(FORM)
        ada.post(FORM, VALUES | {"press": ada.field("press"), "base": "1", "action": "draft"})
        close(house, way)

        page = ada.get(f"{FORM}{path}").text

        assert CLOSED[way] in page
        assert 'href="/t/prod/migrate/promote"' in page
        assert 'value="review"' not in page
        assert "Save to production" not in page
        assert "btn-danger" not in page

    def test_checks_and_tests_are_there_still(self, house: House, ada: Browser, way: str) -> None:
        set_up(house, "prod")
        close(house, way)

        page = ada.get(FORM).text

        assert "Check connection" in page
        assert "Send test" in page

    def test_what_is_saved_all_the_same_is_refused_with_the_reason_and_kept(
        self, house: House, ada: Browser, way: str
    ) -> None:
        fill(ada, "prod")
        ada.get(REVIEW)
        reviewed = ada.field("reviewed")
        close(house, way)

        answer = ada.post(REVIEW, {"reviewed": reviewed, "reason": "Now"})

        assert answer.status_code == 409
        assert CLOSED[way] in answer.text
        assert house.tenant("prod").active_revision == 0
        assert VALUES["host"] in ada.get(FORM).text
        assert CANARY not in ada.page

    def test_nor_is_the_connector_deleted(self, house: House, ada: Browser, way: str) -> None:
        set_up(house, "prod")
        close(house, way)
        ada.get(FORM)

        answer = ada.post(f"{FORM}/delete", {"name": "Production", "base": "1"})

        assert answer.status_code == 409
        assert CLOSED[way] in answer.text
        assert house.tenant("prod").active_revision == 1
