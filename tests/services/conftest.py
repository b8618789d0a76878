"""Services over a migrated SQLite file of each test's own, with Ada, Bob and Mallory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

import webapp.accounts  # noqa: F401  its tables belong to the metadata
from tests.canary import CANARY
from webapp.connectors import CONNECTORS
from webapp.db import migrate
from webapp.db.session import Database
from webapp.db.vault import Vault, vault_of
from webapp.domain.roles import Access, Actor, Environment, Role, TenantInfo
from webapp.services.audit import Audit
from webapp.services.drafts import Drafts
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants

ADA = Actor("person", 1, "ada@example.com")
BOB = Actor("person", 2, "bob@example.com")
MALLORY = Actor("person", 3, "mallory@example.org")
PASSWORD = f"{CANARY}-of-ada"


def smtp(**config: Any) -> dict[str, Any]:
    """A connector as Ada would submit it."""
    return {
        "provider": "smtp",
        "config": {
            "host": "smtp.example.com",
            "port": 587,
            "security": "starttls",
            "auth": {"type": "login", "user": "ada", "pass": PASSWORD},
            "fromEmail": "Acme <no-reply@example.com>",
            **config,
        },
    }


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows; tests copy it, which is quicker than migrating."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.dispose()
    return path


@pytest.fixture
def database_file(empty_database: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty_database, tmp_path / "postroom.db"))


@pytest.fixture
def keys() -> list[str]:
    return [Fernet.generate_key().decode()]


@pytest.fixture
def db(database_file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{database_file}")
    yield database
    database.dispose()


@pytest.fixture
def vault(db: Database, keys: list[str]) -> Vault:
    return vault_of(db, keys)


@pytest.fixture
def tenants(db: Database, vault: Vault) -> Tenants:
    return Tenants(db, vault)


@pytest.fixture
def environ() -> dict[str, str]:
    """The operator's variables; empty unless a test fills them."""
    return {}


@pytest.fixture
def setups(db: Database, vault: Vault, environ: dict[str, str]) -> Setups:
    return Setups(db, vault, CONNECTORS, Audit(), environ=environ)


@pytest.fixture
def drafts(db: Database, vault: Vault) -> Drafts:
    return Drafts(db, vault, CONNECTORS)


@pytest.fixture
def dev(tenants: Tenants) -> TenantInfo:
    """Ada's development tenant, of which Bob is an editor."""
    tenant = tenants.add("dev", "Development", Environment.DEVELOPMENT, ADA)
    tenants.add_member(tenant.id, 1, Role.OWNER)
    tenants.add_member(tenant.id, 2, Role.EDITOR)
    return tenant


@pytest.fixture
def prod(tenants: Tenants) -> TenantInfo:
    """Ada's production tenant, of which Bob is an editor."""
    tenant = tenants.add("prod", "Production", Environment.PRODUCTION, ADA)
    tenants.add_member(tenant.id, 1, Role.OWNER)
    tenants.add_member(tenant.id, 2, Role.EDITOR)
    return tenant


@pytest.fixture
def others(tenants: Tenants) -> TenantInfo:
    """Mallory's tenant."""
    tenant = tenants.add("others", "Others", Environment.DEVELOPMENT, MALLORY)
    tenants.add_member(tenant.id, 3, Role.OWNER)
    return tenant


@pytest.fixture
def ada(tenants: Tenants, dev: TenantInfo) -> Access:
    return tenants.access(ADA, "dev")


@pytest.fixture
def bob(tenants: Tenants, dev: TenantInfo) -> Access:
    return tenants.access(BOB, "dev")


@pytest.fixture
def mallory(tenants: Tenants, others: TenantInfo) -> Access:
    return tenants.access(MALLORY, "others")


@pytest.fixture
def ada_in_prod(tenants: Tenants, prod: TenantInfo) -> Access:
    return tenants.access(ADA, "prod")


@pytest.fixture
def document(setups: Setups, dev: TenantInfo) -> Callable[..., dict[str, Any]]:
    """A whole setup to save: ``document(host="…")`` changes the connector's config."""
    start = setups.active(dev).document

    def make(**config: Any) -> dict[str, Any]:
        return deepcopy(start) | {"connector": smtp(**config)}

    return make
