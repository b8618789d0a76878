"""The whole application over a migrated database, and tokens of everybody in the cast."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.canary import CANARY, WatchedClient
from webapp.accounts import first_run
from webapp.app import create_app
from webapp.db import migrate
from webapp.domain.roles import OPERATOR, Access, Actor, Environment, Role, Scope, TenantInfo
from webapp.services.wiring import Services, build
from webapp.settings import Settings

EVERYTHING = tuple(Scope)


def settings_in(folder: Path) -> Settings:
    return Settings(data_dir=folder, sandbox_smtp_port=0, allowed_networks=("127.0.0.0/8", "::1/128"))


@dataclass(frozen=True)
class API:
    """Calls as one token."""

    client: FlaskClient
    token: str | None = None
    tenant: str = "dev"
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        given = {**self.headers, **headers, **options.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=given, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def put(self, path: str, **options: Any) -> TestResponse:
        return self.call("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> TestResponse:
        return self.call("PATCH", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.call("POST", path, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)


@dataclass(frozen=True)
class House:
    """An installation: Ada owns dev and prod, Mallory a tenant of her own."""

    app: Flask
    services: Services

    def tenant(self, slug: str) -> TenantInfo:
        return self.services.tenants.by_slug(slug)

    def token(
        self,
        tenant: str = "dev",
        scopes: tuple[Scope, ...] = EVERYTHING,
        role: Role = Role.OWNER,
        read_from: str | None = None,
    ) -> str:
        access = Access(OPERATOR, self.tenant(tenant), Role.OWNER)
        source = self.tenant(read_from) if read_from else None
        if role is Role.OWNER:
            return self.services.tokens.create(access, "test", scopes, OPERATOR, read_from=source)
        # Owners make tokens; one of a lesser role is what is left when its maker's role was lowered.
        person = self.services.tenants.members(self.tenant(tenant).id)[0].person_id
        plain = self.services.tokens.create(access, role, scopes, Actor("person", person, "ada@example.com"))
        self.services.tenants.add_member(self.tenant(tenant).id, person, role)
        return plain

    def api(self, tenant: str = "dev", **options: Any) -> API:
        return API(self.app.test_client(), self.token(tenant, **options), tenant)

    def anonymous(self) -> API:
        return API(self.app.test_client())


@pytest.fixture(scope="session")
def fresh_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated database, to be copied."""
    folder = tmp_path_factory.mktemp("house")
    settings = settings_in(folder)
    services = build(settings)
    migrate.upgrade(services.db)
    first_run(services, "ada@example.com", "a violet stamp pad")
    services.tenants.add("elsewhere", "Elsewhere", Environment.DEVELOPMENT, OPERATOR)
    services.close()
    return folder


@contextmanager
def opened_house(fresh_house: Path, folder: Path) -> Iterator[House]:
    """Copy the migrated folder and make the application over the copy."""
    shutil.copytree(fresh_house, folder)
    app = create_app(settings_in(folder))
    app.testing = True
    app.test_client_class = WatchedClient
    services: Services = app.extensions["postroom"]
    yield House(app, services)
    services.close()


@pytest.fixture
def house(fresh_house: Path, tmp_path: Path) -> Iterator[House]:
    with opened_house(fresh_house, tmp_path / "instance") as house:
        yield house


@pytest.fixture
def ada(house: House) -> API:
    """Ada's token for the development tenant, with every scope."""
    return house.api("dev")


@pytest.fixture
def ada_in_production(house: House) -> API:
    return house.api("prod")


@pytest.fixture
def mallory(house: House) -> API:
    """Mallory's token for her own tenant."""
    return house.api("elsewhere")


@pytest.fixture
def anonymous(house: House) -> API:
    return house.anonymous()


def smtp(**config: Any) -> dict[str, Any]:
    """A connector that is complete; what is given replaces its settings."""
    complete = {
        "host": "smtp.example.com",
        "port": 587,
        "security": "starttls",
        "auth": {"type": "login", "user": "ada", "pass": f"{CANARY}-€"},
        "fromEmail": "Acme <no-reply@example.com>",
    }
    return {"provider": "smtp", "config": {**complete, **config}}
