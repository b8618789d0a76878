"""What cannot be read, or has no connector any more, is said in words, and harms nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text, update

from tests.web.conftest import Browser, House
from tests.web.filling import FORM
from tests.web.test_frame import set_up
from webapp.db.models import RevisionRow
from webapp.domain.roles import OPERATOR

DAMAGES = {
    "of a version to come": {"connector": {"provider": "smtp", "config": {}, "pool": 3}},
    "another shape": {"templates": ["nothing"]},
    "no object": [],
    "marks without secrets": {"connector": {"provider": "smtp", "config": {}}},
}
OF_A_TENANT = ("", "connector", "connector/choose", "connector/review", "history/2", "connector/delete")


def damage(house: House, slug: str, document: Any = DAMAGES["another shape"]) -> None:
    """Save twice, then overwrite the second revision behind the services' back."""
    set_up(house, slug, host="smtp.example.com")
    set_up(house, slug, host="smtp.example.net")
    tenant = house.tenant(slug)
    with house.services.db.write() as session:
        row = (RevisionRow.tenant_id == tenant.id, RevisionRow.number == tenant.active_revision)
        session.execute(update(RevisionRow).where(*row).values(document=document))
    house.services.setups._revisions._decoded.clear()


class TestASetupThatCannotBeRead:
    @pytest.mark.parametrize("document", DAMAGES.values(), ids=DAMAGES)
    def test_leaves_the_overview_of_other_tenants_whole(self, house: House, ada: Browser, document: Any) -> None:
        damage(house, "prod", document)

        assert ada.get("/t/dev/").status_code == 200
        assert "Production" in ada.page

    def test_is_left_alone_by_text_that_is_no_json_too(self, house: House, ada: Browser) -> None:
        damage(house, "prod")
        with house.services.db.write() as session:
            session.execute(text("UPDATE revisions SET document = '{\"connector\": ' WHERE number = 2"))

        assert ada.get("/t/dev/").status_code == 200
        assert ada.get("/t/prod/").status_code == 500
        assert "cannot be read" in ada.page

    @pytest.mark.parametrize("page", OF_A_TENANT)
    def test_is_told_on_its_own_pages_with_the_way_back(self, house: House, ada: Browser, page: str) -> None:
        damage(house, "dev")

        assert ada.get(f"/t/dev/{page}").status_code == 500
        assert "Revision 2 of this tenant cannot be read" in ada.page
        assert "Restore an earlier revision" in ada.page
        assert 'href="/t/dev/history">Open History</a>' in ada.page

    @pytest.mark.parametrize("page", ["history", "inbox", "settings", "settings/danger", "history/1"])
    def test_leaves_what_does_not_need_it_usable(self, house: House, ada: Browser, page: str) -> None:
        damage(house, "dev")

        assert ada.get(f"/t/dev/{page}").status_code == 200

    def test_is_replaced_by_restoring_an_earlier_one(self, house: House, ada: Browser) -> None:
        damage(house, "dev")
        ada.get("/t/dev/history/1/restore")

        answer = ada.post("/t/dev/history/1/restore", {"base": "2"})

        assert answer.status_code == 303
        assert ada.get("/t/dev/").status_code == 200
        assert "smtp.example.com" in ada.page
        assert house.tenant("dev").active_revision == 3

    def test_is_a_problem_with_a_code_of_its_own_to_the_api(self, house: House) -> None:
        damage(house, "dev")
        services = house.services
        token = services.tokens.create(house.tenant("dev"), "test", ["config:read"], by=OPERATOR)

        answer = house.app.test_client().get("/api/v1/tenants/dev/setup", headers={"Authorization": f"Bearer {token}"})

        assert (answer.status_code, answer.get_json()["code"]) == (500, "setup.unreadable")


class TestAProviderThatIsNotInstalledAnyMore:
    @pytest.fixture
    def abandoned(self, house: House, ada: Browser) -> Browser:
        set_up(house)
        with house.services.db.write() as session:
            document = house.services.setups.active(house.tenant("dev")).document
            document["connector"] = {"provider": "acme-mail", "config": {"key": "value"}}
            session.execute(update(RevisionRow).values(document=document, tags={}))
        house.services.setups._revisions._decoded.clear()
        return ada

    @pytest.mark.parametrize("page", ["", "history", "history/1", "settings/danger", "connector/choose", "inbox"])
    def test_is_named_where_it_does_not_matter(self, abandoned: Browser, page: str) -> None:
        assert abandoned.get(f"/t/dev/{page}").status_code == 200

    def test_is_told_on_the_form_with_what_can_be_done(self, abandoned: Browser) -> None:
        assert abandoned.get(FORM).status_code == 409
        assert "provider is not installed" in abandoned.page
        assert "acme-mail" in abandoned.page
        assert 'href="/t/dev/connector/choose">Choose a provider</a>' in abandoned.page

    @pytest.mark.parametrize("path", ["", "/draft", "/check", "/test"])
    def test_does_nothing_with_a_form_that_was_still_open(self, abandoned: Browser, path: str) -> None:
        abandoned.get("/t/dev/connector/choose")

        assert abandoned.post(FORM + path, {"to": "ada@example.com"}).status_code == 409

    def test_gives_way_to_another_provider(self, abandoned: Browser) -> None:
        abandoned.get("/t/dev/connector/choose")

        assert abandoned.post("/t/dev/connector/choose", {"provider": "smtp:gmail"}).status_code == 303
        assert abandoned.get(FORM).status_code == 200

    def test_can_be_deleted(self, abandoned: Browser) -> None:
        assert abandoned.get("/t/dev/connector/delete").status_code == 200

        answer = abandoned.post("/t/dev/connector/delete", {"name": "Development", "base": "1"})

        assert answer.status_code == 303
