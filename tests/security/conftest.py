"""An installation under attack. Mallory owns a tenant of her own; sometimes she is an editor of Ada's as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import API, smtp
from tests.canary import WatchedClient
from tests.web.conftest import (  # noqa: F401  fixtures
    MALLORY,
    Browser,
    House,
    empty_house,
    furnished,
    house,
    open_house,
)
from webapp.accounts import Accounts
from webapp.domain.roles import OPERATOR, Access, Role, Scope


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for secrets in whatever any page or call answers."""
    monkeypatch.setattr("flask.Flask.test_client_class", WatchedClient)


@pytest.fixture
def calls(house: House) -> Callable[..., API]:  # noqa: F811
    """Call the API as an owner of a tenant: ``calls("dev")``."""

    def start(tenant: str = "dev", scopes: tuple[Scope, ...] = tuple(Scope)) -> API:
        access = Access(OPERATOR, house.tenant(tenant), Role.OWNER)
        token = house.services.tokens.create(access, "test", scopes, OPERATOR)
        return API(house.app.test_client(), token, tenant)

    return start


@pytest.fixture
def mallory(house: House) -> Browser:  # noqa: F811
    """Mallory's browser; in Ada's tenants she is a stranger."""
    return house.signed_in(MALLORY)


@pytest.fixture
def insider(house: House) -> Browser:  # noqa: F811
    """Mallory's browser, now that Ada made her an editor of the development tenant."""
    person = Accounts(house.services.db).by_email(MALLORY)
    house.services.tenants.add_member(house.tenant("dev").id, person.id, Role.EDITOR)
    return house.signed_in(MALLORY)


@pytest.fixture
def saved(calls: Callable[..., API]) -> API:
    """Ada's API calls, with a connector and its password saved in the development tenant."""
    api = calls("dev")
    document = {**api.get("/tenants/dev/setup").json, "connector": smtp()}
    assert api.put("/tenants/dev/setup", json=document).status_code == 201
    return api


def kept(**config: Any) -> dict[str, Any]:
    """The connector as it is stored, its password kept, with other settings changed."""
    auth = {"type": "login", "user": "ada", "pass": {"$secret": {"set": True}}}
    return smtp(auth=auth, **config)
