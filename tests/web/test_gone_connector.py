"""A connector of another package that was set up and is no longer installed: nothing else goes down with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.canary import CANARY
from tests.web.conftest import ADA, Browser, House
from webapp.accounts import Accounts
from webapp.connectors import CONNECTORS
from webapp.connectors.api import Api, ApiConnector
from webapp.connectors.config import MailboxText, Secret, setting
from webapp.connectors.endpoint import Endpoint, EndpointConfig
from webapp.domain.message import Mail, Receipt
from webapp.domain.text import T


class PigeonConfig(EndpointConfig):
    endpoint: Endpoint = setting("https://api.example.com", title=T("Endpoint"), destination=True)
    """Where it answers."""
    key: Secret = setting(title=T("Key"), section="authentication", secret=True)
    """What it knows us by."""
    from_email: MailboxText = setting(title=T("From"), section="sender")
    """Who the mail comes from."""


class PigeonConnector(ApiConnector[PigeonConfig]):
    kind = "pigeons"
    title = "Pigeons"
    summary = T("Choose this when nothing else flies.")
    config_model = PigeonConfig

    async def examine(self, api: Api) -> None:
        """Find everything in order."""

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        """Carry it."""
        return Receipt("P-1")


@pytest.fixture
def gone(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Ada set Pigeons up in dev, twice; then its package went away."""
    with monkeypatch.context() as while_installed:
        while_installed.setitem(CONNECTORS, "pigeons", PigeonConnector)
        access = house.services.tenants.access(Accounts(house.services.db).by_email(ADA).actor, "dev")
        for base, name in enumerate(("Acme", "Acme Post")):
            config: dict[str, Any] = {"key": f"{CANARY}-key", "fromEmail": f"{name} <no-reply@example.com>"}
            document = {"connector": {"provider": "pigeons", "config": config}}
            house.services.setups.save(access, document, base=base)
    assert "pigeons" not in CONNECTORS
    return house


@pytest.mark.parametrize(
    "page",
    [
        "/t/dev/",
        "/t/dev/connector/choose",
        "/t/dev/history",
        "/t/dev/history/1",
        "/t/dev/history/diff?from=1&to=2",
        "/t/dev/inbox",
        "/t/dev/connector/delete",
        "/t/prod/",
    ],
)
def test_every_page_answers(gone: House, ada: Browser, page: str) -> None:
    answer = ada.get(page, follow_redirects=True)

    assert answer.status_code == 200
    assert CANARY not in answer.text


def test_the_form_says_what_is_missing_and_offers_another_provider(gone: House, ada: Browser) -> None:
    answer = ada.get("/t/dev/connector")

    assert answer.status_code == 409
    assert "no package here knows that provider" in answer.text
    assert "/t/dev/connector/choose" in answer.text
