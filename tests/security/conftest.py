"""An installation under attack. Mallory owns a tenant of her own; sometimes she is an editor of Ada's as well."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import API, smtp
from tests.canary import WatchedClient
from tests.security.walk import Answer, every_get, every_other, stored
from tests.web.conftest import (  # noqa: F401  fixtures
    ADA,
    MALLORY,
    Browser,
    House,
    empty_house,
    furnished,
    house,
    open_house,
    settings_in,
)
from webapp.accounts import Accounts
from webapp.app import create_app
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


MAIL = b"""From: Acme <no-reply@example.com>\r
To: ada@example.com\r
Subject: Your code\r
MIME-Version: 1.0\r
Content-Type: text/html; charset=utf-8\r
\r
<p onclick="alert(1)">Your code is <b>493817</b>.</p><script>alert(1)</script>\r
"""


@dataclass(frozen=True)
class Walk:
    """Everything that a walk over the URL map was answered."""

    house: House
    answers: tuple[Answer, ...]
    before: dict[str, str]
    """What was stored, by table, before anything was asked for."""
    after_reading: dict[str, str]
    """And after Ada had opened every page."""
    after: dict[str, str]
    """And after everything was tried without a form token."""

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.answers)


@pytest.fixture(scope="session")
def walk(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:  # noqa: F811
    """An installation with something in each corner, every address of it asked for by Ada, a stranger and nobody."""
    folder = tmp_path_factory.mktemp("walk") / "instance"
    shutil.copytree(furnished, folder)
    app = create_app(settings_in(folder))
    app.test_client_class = WatchedClient
    app.add_url_rule("/crash", view_func=_crash)
    home = House(app, app.extensions["postroom"])
    known = {"mail_id": _furnish(home)}
    before = stored(home)
    answers = list(every_get(home, "Ada", home.signed_in(ADA), **known))
    after_reading = stored(home)
    for who, browser in (("Ada", home.signed_in(ADA)), ("a stranger", home.signed_in(MALLORY))):
        answers += every_other(home, who, browser, **known)
    for who, browser in (("a stranger", home.signed_in(MALLORY)), ("nobody", home.browser())):
        answers += every_get(home, who, browser, **known)
    answers += every_other(home, "nobody", home.browser(), **known)
    after = stored(home)
    answers += [Answer("Ada", "GET", path, "error", answer) for path, answer in _errors(home)]
    yield Walk(home, tuple(answers), before, after_reading, after)
    home.services.close()


def _crash() -> str:
    raise RuntimeError("what somebody typed")


def _furnish(home: House) -> str:
    """Put a connector, two revisions, a mail, a token and an invitation into the development tenant."""
    services, tenant = home.services, home.tenant("dev")
    access = Access(OPERATOR, tenant, Role.OWNER)
    for host in ("smtp.example.com", "smtp.example.net"):
        services.setups.save(
            access, {**services.setups.active(tenant).document, "connector": smtp(host=host)}, base=None
        )
    services.tokens.create(access, "CI", [Scope.SEND], OPERATOR)
    services.invitations.invite(access, "carol@example.com", Role.VIEWER)
    services.inbox.add(tenant.id, ["ada@example.com"], MAIL)
    return str(services.inbox.mails(tenant)[0].id)


def _errors(home: House) -> Iterator[tuple[str, TestResponse]]:
    """Every way to be refused or to fail."""
    ada = home.signed_in(ADA)
    for path in ("/nowhere", "/t/nowhere/", "/t/dev/nowhere", "/static/nowhere.css", "/crash", "/t/dev/history/999"):
        yield path, ada._client.get(path)
    for path in ("/api/v1/nowhere", "/api/nowhere", "/%00", "/t/dev/connector/runs/1", "/invitation/" + "a" * 3000):
        yield path, ada._client.get(path)
    yield "/sign-in", ada._client.get("/sign-in", headers={"Host": "mallory.example"})
    yield "/sign-in", ada._client.post("/sign-in", data=b"x" * 6_000_000)
    yield "/sign-in", home.browser().sign_in(ADA, "wrong")
    yield "/t/dev/connector", ada.post("/t/dev/connector/check", headers={"HX-Request": "true"})
