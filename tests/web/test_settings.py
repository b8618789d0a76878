"""General settings and the danger zone."""

from __future__ import annotations

import pytest

from tests.web.conftest import BOB, Browser, House
from tests.web.test_frame import set_up
from webapp.domain.roles import OPERATOR, Role

GENERAL, DANGER = "/t/dev/settings", "/t/dev/settings/danger"


class TestNavigation:
    def test_offers_an_owner_all_of_the_settings(self, ada: Browser) -> None:
        page = ada.get(GENERAL).text

        for name in ("", "/members", "/tokens", "/audit", "/danger"):
            assert f'href="{GENERAL}{name}"' in page

    def test_offers_an_editor_only_what_opens(self, bob: Browser) -> None:
        page = bob.get(GENERAL).text

        assert f'href="{GENERAL}"' in page
        assert f'href="{GENERAL}/' not in page

    def test_leads_to_the_overview_of_a_tenant_whose_settings_are_closed(self, house: House, ada: Browser) -> None:
        page = ada.get(DANGER).text

        assert 'href="/t/prod/settings/danger"' in page
        assert 'href="/t/elsewhere/"' in page
        assert "/t/elsewhere/settings/danger" not in page


class TestGeneral:
    def test_of_an_owner_can_be_changed(self, house: House, ada: Browser) -> None:
        ada.get(GENERAL)

        answer = ada.post(GENERAL, {"name": " Workshop ", "editors": ["false", "true"]})

        assert answer.headers["Location"] == GENERAL
        tenant = house.tenant("dev")
        assert (tenant.name, tenant.editors_may_save_production) == ("Workshop", True)
        assert "The settings are saved" in ada.get(GENERAL).text

    def test_of_others_can_be_read(self, house: House) -> None:
        house.make_bob(Role.VIEWER)

        page = house.signed_in(BOB).get(GENERAL).text

        assert "ada@example.com" in page
        assert "Save settings" not in page

    def test_change_is_written_down_once(self, house: House, ada: Browser) -> None:
        ada.get(GENERAL)
        for _ in range(2):
            ada.post(GENERAL, {"name": "Workshop", "editors": ["false", "true"]})

        events = house.services.audit.events(house.services.db, house.tenant("dev").id)
        changes = [event for event in events if event.actor_name == "ada@example.com"]
        assert [event.action for event in changes] == ["tenant.editors_trusted", "tenant.renamed"]
        assert changes[1].detail == {"old": "Development", "new": "Workshop"}
        assert all(event.request_id for event in changes)

    def test_switched_on_lets_editors_save_in_production(self, house: House, ada: Browser, bob: Browser) -> None:
        set_up(house, "prod")
        before = bob.get("/t/prod/history/1/restore").status_code
        ada.get("/t/prod/settings")
        ada.post("/t/prod/settings", {"name": "Production", "editors": ["false", "true"]})

        assert (before, bob.get("/t/prod/history/1/restore").status_code) == (403, 200)

    @pytest.mark.parametrize("name", ["", "   ", "x" * 121, "two\nlines"])
    def test_name_that_is_none_is_refused_at_the_field(self, house: House, ada: Browser, name: str) -> None:
        ada.get(GENERAL)

        answer = ada.post(GENERAL, {"name": name, "editors": "false"})

        assert answer.status_code == 422
        assert 'id="name-error" hidden' not in answer.text.replace("\n", " ")
        assert house.tenant("dev").name == "Development"


class TestArchiving:
    def test_asks_for_the_name(self, house: House, ada: Browser) -> None:
        ada.get(DANGER)

        answer = ada.post("/t/dev/settings/archive", {"name": "Production"})

        assert answer.status_code == 422
        assert "This is not the name" in answer.text
        assert house.tenant("dev").name == "Development"

    def test_hides_the_tenant_and_leads_on(self, house: House, ada: Browser) -> None:
        ada.get("/t/dev/")
        ada.get(DANGER)

        answer = ada.post("/t/dev/settings/archive", {"name": "development "})

        assert answer.headers["Location"] == "/"
        assert ada.get("/").headers["Location"] == "/t/prod/"
        assert "Development is archived" in ada.get("/t/prod/").text
        assert ada.get("/t/dev/").status_code == 404

    def test_says_what_it_breaks(self, house: House, ada: Browser) -> None:
        house.services.tokens.create(house.tenant("dev"), "CI", ["send"], OPERATOR)

        page = ada.get(DANGER).text

        assert "one API token stops working" in page
        assert "2 members can no longer open it" in page
        assert "There is no connector in this tenant" in page

    def test_leads_to_the_page_that_deletes_the_connector(self, house: House, ada: Browser) -> None:
        set_up(house)

        assert 'href="/t/dev/connector/delete"' in ada.get(DANGER).text
