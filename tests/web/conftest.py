"""The console over a migrated database, and browsers of everybody in the cast."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from tests.canary import CANARY, WatchedClient
from webapp.accounts import Accounts, first_run
from webapp.app import create_app
from webapp.db import migrate
from webapp.domain.roles import OPERATOR, Environment, Role, TenantInfo
from webapp.services.wiring import Services, build
from webapp.settings import Settings
from webapp.web.resume import form_secret

ADA, BOB, MALLORY = "ada@example.com", "bob@example.com", "mallory@example.net"
PASSWORD = f"{CANARY} of everybody"


def settings_in(folder: Path, **given: Any) -> Settings:
    return Settings(
        **{"data_dir": folder, "sandbox_smtp_port": 0, "allowed_networks": ("127.0.0.0/8", "::1/128")} | given
    )


class Browser:
    """A browser without scripts: keeps cookies, sends the form token of the page it saw last."""

    def __init__(self, app: Flask) -> None:
        app.test_client_class = WatchedClient
        self._client = app.test_client()
        self.token = ""
        self.page = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._seen(self._client.get(path, **options))

    def post(self, path: str, data: Mapping[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form from a page of the console."""
        headers = {"Sec-Fetch-Site": "same-origin", **options.pop("headers", {})}
        fields = {"csrf_token": self.token, **(data or {})}
        return self._seen(self._client.post(path, data=fields, headers=headers, **options))

    def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        self.get("/sign-in")
        answer = self.post("/sign-in", {"email": email, "password": password, **fields})
        if answer.status_code == 302:
            self.get("/account")
        return answer

    def come_in(self, session_id: str, person_id: int) -> None:
        """Have a session, just begun, without the work of the password."""
        with self._client.session_transaction() as session:
            session.update({"_user_id": session_id, "_fresh": True, "_permanent": True, "fs_paa": time.time()})
            session["csrf_token"] = form_secret(person_id)
        self.get("/account")

    def lose_session(self) -> None:
        self._client.delete_cookie("postroom")

    def cookie(self, name: str) -> str | None:
        cookie = self._client.get_cookie(name)
        return cookie.value if cookie else None

    def field(self, name: str) -> str:
        """The value of a hidden field of the page seen last."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.page)
        assert found, f"the page has no field {name}"
        return unescape(found[1])

    def _seen(self, answer: TestResponse) -> TestResponse:
        if answer.mimetype == "text/html":
            self.page = answer.text
            found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
            self.token = found[1] if found else self.token
        return answer


@dataclass(frozen=True)
class House:
    """An installation: Ada owns dev and prod, Bob is a member of both, Mallory owns a tenant of her own."""

    app: Flask
    services: Services

    def tenant(self, slug: str) -> TenantInfo:
        return self.services.tenants.by_slug(slug)

    def browser(self) -> Browser:
        return Browser(self.app)

    def signed_in(self, email: str) -> Browser:
        accounts = Accounts(self.services.db)
        browser = self.browser()
        person = accounts.by_email(email)
        browser.come_in(accounts.user(person.id).fs_uniquifier, person.id)
        return browser

    def make_bob(self, role: Role) -> None:
        person = Accounts(self.services.db).by_email(BOB)
        for slug in ("dev", "prod"):
            self.services.tenants.add_member(self.tenant(slug).id, person.id, role)


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated database and the cast in it, to be copied."""
    folder = tmp_path_factory.mktemp("console")
    services = build(settings_in(folder))
    migrate.upgrade(services.db)
    first_run(services, ADA, PASSWORD, "Acme")
    accounts = Accounts(services.db)
    bob, mallory = accounts.add_person(BOB, PASSWORD), accounts.add_person(MALLORY, PASSWORD)
    for tenant in services.tenants.all():
        services.tenants.add_member(tenant.id, bob.id, Role.EDITOR)
    elsewhere = services.tenants.add("elsewhere", "Elsewhere", Environment.DEVELOPMENT, OPERATOR)
    services.tenants.add_member(elsewhere.id, mallory.id, Role.OWNER)
    services.close()
    return folder


@pytest.fixture
def open_house(furnished: Path, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Start the console with other settings: ``open_house(public_url="https://mail.example.com")``."""
    opened: list[House] = []

    def start(**given: Any) -> House:
        folder = tmp_path / f"instance{len(opened)}"
        shutil.copytree(furnished, folder)
        app = create_app(settings_in(folder, **given))
        # Each test has an app of its own; the templates are compiled once for all of them.
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(furnished.parent))
        house = House(app, app.extensions["postroom"])
        opened.append(house)
        return house

    yield start
    for house in opened:
        house.services.close()


@pytest.fixture
def house(open_house: Callable[..., House]) -> House:
    return open_house()


@pytest.fixture
def ada(house: House) -> Browser:
    """Ada's browser, signed in."""
    return house.signed_in(ADA)


@pytest.fixture
def bob(house: House) -> Browser:
    """Bob's browser, signed in; he is an editor."""
    return house.signed_in(BOB)


@pytest.fixture
def mallory(house: House) -> Browser:
    """Mallory's browser, signed in; she is a stranger to dev and prod."""
    return house.signed_in(MALLORY)


@pytest.fixture
def anonymous(house: House) -> Browser:
    return house.browser()


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[House]:
    """An installation before its first run."""
    folder = tmp_path / "empty"
    app = create_app(settings_in(folder))
    services: Services = app.extensions["postroom"]
    migrate.upgrade(services.db)
    yield House(app, services)
    services.close()
