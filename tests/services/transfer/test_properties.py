"""What holds for any setup of any provider: it comes back from its export, and a plan is what it does."""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.canary import CANARY
from tests.services.conftest import ADA
from tests.services.transfer.setups import CONFIGS
from tests.services.transfer.setups import setups as any_setup
from webapp.connectors import CONNECTORS
from webapp.db.models import RevisionRow
from webapp.domain.roles import Access, Environment, Role
from webapp.domain.setup import Setup
from webapp.services.audit import Audit
from webapp.services.transfer.exporting import Exporting
from webapp.services.transfer.importing import GivenDocument, Importing
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.promoting import Promoting, Promotion
from webapp.services.transfer.writing import as_json, as_yaml

LONG = bool(os.environ.get("POSTROOM_TORTURE"))
properties = settings(
    max_examples=200 if LONG else 10,
    # The short round is the same each time; the long one looks for what nobody thought of.
    derandomize=not LONG,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
every_provider = pytest.mark.parametrize("kind", sorted(CONFIGS))
slugs = (f"tenant-{number}" for number in itertools.count())


@pytest.fixture
def house(db, vault, setups, tenants):
    """The services, and a fresh tenant of Ada's for each example."""
    return House(db, vault, setups, tenants)


class House:
    def __init__(self, db: Any, vault: Any, setups: Any, tenants: Any) -> None:
        self.db, self.setups, self._tenants = db, setups, tenants
        self.planning = Planning(setups, CONNECTORS, Plans(db, vault))
        self.importing = Importing(setups, self.planning)
        self.promoting = Promoting(setups, self.planning)
        self.exporting = Exporting(db, setups, Audit())

    def tenant(self, environment: Environment = Environment.DEVELOPMENT) -> Access:
        tenant = self._tenants.add(next(slugs), "Tenant", environment, ADA)
        self._tenants.add_member(tenant.id, 1, Role.OWNER)
        access: Access = self._tenants.access(ADA, tenant.slug)
        return access

    def with_setup(self, document: dict[str, Any]) -> Access:
        access = self.tenant()
        self.setups.save(access, document, base=0)
        return access

    def rows(self, access: Access) -> list[tuple[Any, ...]]:
        """Everything stored of a tenant's revisions, secrets as they are sealed."""
        with self.db.read() as session:
            query = session.query(RevisionRow).filter_by(tenant_id=access.tenant.id)
            return [(row.number, row.document, bytes(row.secrets), row.tags) for row in query]


def test_every_provider_is_drawn():
    assert set(CONFIGS) == set(CONNECTORS.ours)


@every_provider
class TestEverySetup:
    @properties
    @given(data=st.data(), form=st.sampled_from(["object", "json", "yaml"]))
    def test_importing_its_own_export_changes_nothing(self, house, kind, data, form):
        access = house.with_setup(data.draw(any_setup(kind)))
        before = house.rows(access)
        exported = house.exporting.export(access)

        text = {"object": exported.to_json(), "json": as_json(exported), "yaml": as_yaml(exported)}[form]
        plan = house.importing.plan(access, GivenDocument(text)).transfer
        house.planning.apply(access, plan.id, Confirmation())

        assert (plan.plan.changes, plan.missing, plan.breaks) == ([], (), ())
        assert house.rows(access) == before

    @properties
    @given(data=st.data())
    def test_no_export_holds_a_secret(self, house, kind, data):
        access = house.with_setup(data.draw(any_setup(kind)))

        exported = house.exporting.export(access)

        assert CANARY not in as_json(exported) + as_yaml(exported)

    @properties
    @given(data=st.data())
    def test_a_plan_shows_what_applying_does(self, house, kind, data):
        access = house.with_setup(data.draw(any_setup(kind)))
        before = house.setups.active(access.tenant)

        plan = house.importing.plan(access, GivenDocument(data.draw(any_setup(kind)))).transfer
        house.planning.apply(access, plan.id, Confirmation(allow_breaking=True))

        after = house.setups.active(access.tenant)
        assert house.setups.diff(access.tenant, before.number, after.number) == plan.plan.changes
        assert CANARY not in str(plan.plan.document)

    @properties
    @given(data=st.data())
    def test_restoring_brings_back_what_was(self, house, kind, data):
        access = house.with_setup(data.draw(any_setup(kind)))
        other = data.draw(st.sampled_from(sorted(CONFIGS)))
        plan = house.importing.plan(access, GivenDocument(data.draw(any_setup(other)))).transfer
        house.planning.apply(access, plan.id, Confirmation(allow_breaking=True))

        number = house.setups.restore(access, 1).number

        assert house.setups.diff(access.tenant, 1, number) == []
        assert house.setups.secrets(access, number) == house.setups.secrets(access, 1)

    @properties
    @given(data=st.data())
    def test_promoted_it_is_the_same_there(self, house, kind, data):
        source, target = house.with_setup(data.draw(any_setup(kind))), house.tenant(Environment.PRODUCTION)
        first = house.promoting.plan(source, target, Promotion())

        copied = Promotion(secrets=dict.fromkeys(first.missing, "copy"))
        plan = house.promoting.plan(source, target, copied)
        done = house.planning.apply(target, plan.id, Confirmation(reason="a test", allow_breaking=True))

        assert Setup.model_validate(done.stored.document)
        assert house.promoting.plan(source, target, Promotion()).plan.changes == []
        assert house.setups.secrets(target, done.number) == house.setups.secrets(source, 1)
