"""API tokens in the console: made, shown once, used, revoked."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import ADA, Browser, House
from webapp.domain.roles import OPERATOR

TOKENS = "/t/dev/settings/tokens"


def make(browser: Browser, **fields: object) -> str:
    """Make a token and read it off the page."""
    browser.get(f"{TOKENS}/new")
    answer = browser.post(f"{TOKENS}/new", {"name": "Checkout", "scopes": ["config:read"], "read_from": "", **fields})
    assert answer.headers["Location"] == f"{TOKENS}/made", answer.text
    browser.get(f"{TOKENS}/made")
    found = re.search(r'<code id="token">(prt_[^<]+)</code>', browser.page)
    assert found
    return found[1]


class TestMaking:
    def test_shows_a_token_that_works(self, house: House, ada: Browser) -> None:
        token = make(ada, scopes=["config:read", "send"])

        access = house.services.tokens.authenticate(token)
        assert access
        assert (access.tenant.slug, access.scopes) == ("dev", {"config:read", "send"})

    def test_shows_it_again_on_reload_and_never_after_going_on(self, ada: Browser) -> None:
        token = make(ada)

        reloaded = ada.get(f"{TOKENS}/made").text
        listed = ada.get(TOKENS).text
        afterwards = ada.get(f"{TOKENS}/made")

        assert token in reloaded
        assert token not in listed
        assert afterwards.headers["Location"] == TOKENS

    def test_keeps_it_sealed_in_the_cookie(self, ada: Browser) -> None:
        token = make(ada)

        assert token not in (ada.cookie("postroom") or "")

    def test_shows_it_in_its_own_tenant_only(self, ada: Browser) -> None:
        make(ada)

        assert ada.get("/t/prod/settings/tokens/made").status_code == 302

    def test_is_written_down_without_the_token(self, house: House, ada: Browser) -> None:
        token = make(ada, read_from="prod")

        event = house.services.audit.events(house.services.db, house.tenant("dev").id)[0]
        assert (event.action, event.actor_name) == ("token.created", ADA)
        assert event.detail == {"name": "Checkout", "scopes": ["config:read"], "read_from": "prod"}
        assert event.request_id
        assert token not in str(event)

    def test_lets_it_read_from_a_tenant_of_ones_own(self, house: House, ada: Browser) -> None:
        access = house.services.tokens.authenticate(make(ada, read_from="prod"))

        assert access
        assert access.read_from == house.tenant("prod").id
        assert "Also reads from Production" in ada.get(TOKENS).text

    def test_does_not_lead_into_a_strangers_tenant(self, house: House, ada: Browser) -> None:
        page = ada.get(f"{TOKENS}/new").text

        answer = ada.post(f"{TOKENS}/new", {"name": "Spy", "scopes": ["config:read"], "read_from": "elsewhere"})

        assert 'value="elsewhere"' not in page
        assert answer.status_code == 422
        assert house.services.tokens.list(house.tenant("dev")) == []

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "   "}, "name"),
            ({"name": "x" * 121}, "name"),
            ({"name": "two\nlines"}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["everything"]}, "scopes"),
        ],
    )
    def test_is_refused_at_the_field(self, house: House, ada: Browser, fields: dict[str, object], field: str) -> None:
        ada.get(f"{TOKENS}/new")

        answer = ada.post(f"{TOKENS}/new", {"name": "CI", "scopes": ["send"], "read_from": "", **fields})

        errors = answer.text.split(f'id="{field}-error"')[1].split('class="field ')[0]
        assert answer.status_code == 422
        assert "field-error" in errors
        assert house.services.tokens.list(house.tenant("dev")) == []


class TestList:
    def test_of_nothing_says_what_it_is_for(self, ada: Browser) -> None:
        page = ada.get(TOKENS).text

        assert "No token is in use" in page
        assert page.count("btn-primary") == 1

    def test_says_scopes_in_words_maker_and_use(self, house: House, ada: Browser) -> None:
        token = make(ada, scopes=["config:write"])
        before = ada.get(TOKENS).text
        house.services.tokens.authenticate(token)

        after = ada.get(TOKENS).text

        assert "Change the setup" in before
        assert ADA in before
        assert "never" in before.split("<tbody>")[1]
        assert "never" not in after.split("<tbody>")[1]


class TestRevoking:
    def test_asks_and_ends_it(self, house: House, ada: Browser) -> None:
        token = make(ada)
        (info,) = house.services.tokens.list(house.tenant("dev"))
        asked = ada.get(f"{TOKENS}/{info.id}/revoke").text

        answer = ada.post(f"{TOKENS}/{info.id}/revoke")

        assert "Revoke “Checkout”?" in asked
        assert answer.headers["Location"] == TOKENS
        assert house.services.tokens.authenticate(token) is None
        assert "One revoked token" in ada.get(TOKENS).text
        assert ada.get(f"{TOKENS}/{info.id}/revoke").status_code == 404

    def test_reaches_no_token_of_another_tenant(self, house: House, ada: Browser) -> None:
        token = house.services.tokens.create(house.tenant("elsewhere"), "theirs", ["send"], OPERATOR)
        (info,) = house.services.tokens.list(house.tenant("elsewhere"))

        assert ada.get(f"{TOKENS}/{info.id}/revoke").status_code == 404
        assert ada.post(f"{TOKENS}/{info.id}/revoke").status_code == 404
        assert house.services.tokens.authenticate(token)
