"""All services of one process, put together once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from webapp.connectors import CONNECTORS
from webapp.connectors.base import Connector
from webapp.db import migrate
from webapp.db.session import Database
from webapp.db.vault import Vault, load_keys, vault_of
from webapp.domain.text import T, Text
from webapp.services.audit import Audit
from webapp.services.drafts import Drafts
from webapp.services.limits import Limits
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.tokens import Tokens
from webapp.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What the entry points call. Tables need not exist before the first use: ``trouble`` says so if they don't."""

    settings: Settings
    connectors: Mapping[str, type[Connector[Any]]]
    db: Database
    vault: Vault
    audit: Audit
    tenants: Tenants
    tokens: Tokens
    limits: Limits
    setups: Setups
    drafts: Drafts

    def trouble(self) -> Text | None:
        """Why this process cannot serve now; None when it can."""
        try:
            current = migrate.current(self.db)
        except SQLAlchemyError:
            return T("The database does not answer.")
        if current != migrate.head():
            return T(
                "The database is not at this version's tables. Start with make run or postroom serve to migrate it."
            )
        return None

    def close(self) -> None:
        """Let go of the database's connections."""
        self.db.dispose()


def build(settings: Settings) -> Services:
    """Make the services over the operator's settings. Opens nothing yet."""
    db = Database(settings.resolved_database_url)
    vault = vault_of(db, load_keys(settings.secret_keys, settings.data_dir))
    audit = Audit()
    return Services(
        settings=settings,
        connectors=CONNECTORS,
        db=db,
        vault=vault,
        audit=audit,
        tenants=Tenants(db, vault, audit),
        tokens=Tokens(db, audit),
        limits=Limits(db, vault),
        setups=Setups(db, vault, CONNECTORS, audit),
        drafts=Drafts(db, vault, CONNECTORS),
    )
