"""The services that move setups, and a fresh tenant of Ada's for each example of a property."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, settings

from tests.canary import encodings
from tests.services.conftest import ADA
from webapp.connectors import CONNECTORS
from webapp.db.models import RevisionRow
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.roles import Access, Environment, Role
from webapp.services.audit import Audit
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.exporting import Exporting
from webapp.services.transfer.importing import Importing
from webapp.services.transfer.planning import Planning
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.promoting import Promoting

LONG = bool(os.environ.get("POSTROOM_TORTURE"))
_numbers = itertools.count(1)


def examples(few: int, many: int) -> settings:
    """How many examples a property is tried with: few, the same each time; or many, in the long round."""
    return settings(
        max_examples=many if LONG else few,
        # The long round looks for what nobody thought of.
        derandomize=not LONG,
        # Making a failing example smaller takes minutes here; the long round has them.
        phases=tuple(Phase) if LONG else (Phase.explicit, Phase.generate),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class House:
    """An installation without entry points."""

    def __init__(self, db: Database, vault: Vault, setups: Setups, tenants: Tenants) -> None:
        self.db, self.vault, self.setups, self.tenants = db, vault, setups, tenants
        self.planning = Planning(setups, CONNECTORS, Plans(db, vault))
        self.importing = Importing(setups, self.planning)
        self.promoting = Promoting(setups, self.planning)
        self.exporting = Exporting(db, setups, Audit())

    def tenant(self, environment: Environment = Environment.DEVELOPMENT) -> Access:
        """Another tenant of Ada's."""
        tenant = self.tenants.add(f"tenant-{next(_numbers)}", "Tenant", environment, ADA)
        self.tenants.add_member(tenant.id, 1, Role.OWNER)
        return self.tenants.access(ADA, tenant.slug)

    def with_setup(self, document: dict[str, Any]) -> Access:
        """Another tenant of Ada's, with this setup as its first revision."""
        access = self.tenant()
        self.setups.save(access, document, base=0)
        return access

    def rows(self, access: Access) -> list[tuple[Any, ...]]:
        """Everything stored of a tenant's revisions, secrets as they are sealed."""
        columns = [column for column in RevisionRow.__table__.columns if column.name != "created_at"]
        with self.db.read() as session:
            query = session.query(*columns).filter_by(tenant_id=access.tenant.id).order_by(RevisionRow.number)
            return [tuple(row) for row in query]

    def opened(self, access: Access) -> set[str]:
        """Every secret that the tenant ever stored, in clear."""
        last = self.setups.active(access.tenant).number
        return {value for n in range(1, last + 1) for value in self.setups.secrets(access, n).values()}


def found(secrets: set[str], text: str) -> list[str]:
    """Which of these secrets stand in a text: in clear, escaped or encoded in any of the usual ways."""
    raw = text.encode()
    return [secret for secret in secrets if any(form in raw for form in _forms(secret))]


def _forms(secret: str) -> Iterator[bytes]:
    yield from encodings(secret)
    yield json.dumps(secret)[1:-1].encode()
    yield json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    yield quote(secret, safe="").encode()
    # A key has lines; whichever way they are broken, the longest of them gives it away.
    yield max(secret.splitlines(), key=len).encode()
