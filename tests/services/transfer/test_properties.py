"""What holds for any setup of any provider: it comes back from its export, and a plan is what it does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canary import CANARY
from tests.services.transfer.house import LONG, examples, found
from tests.services.transfer.setups import CONFIGS, every_place
from tests.services.transfer.setups import setups as any_setup
from webapp.connectors import CONNECTORS
from webapp.domain.roles import Environment
from webapp.domain.setup import Setup
from webapp.domain.tenant_document import TenantDocument
from webapp.services.marks import secret_pointers
from webapp.services.transfer.importing import GivenDocument
from webapp.services.transfer.planning import Confirmation
from webapp.services.transfer.promoting import Promotion
from webapp.services.transfer.reading import parsed
from webapp.services.transfer.writing import as_json, as_yaml

PHRASE = f"{CANARY} paper boats"
properties = examples(6, 200)
every_provider = pytest.mark.parametrize("kind", sorted(CONFIGS))


def test_every_provider_is_drawn():
    assert set(CONFIGS) == set(CONNECTORS.ours)


@every_provider
def test_every_place_of_a_secret_is_drawn(kind):
    assert secret_pointers(CONNECTORS[kind]) <= every_place(kind)


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
        assert as_json(house.exporting.export(access)) == as_json(exported)

    @properties
    @given(data=st.data())
    def test_an_export_reads_as_the_same_in_json_and_yaml(self, house, kind, data):
        exported = house.exporting.export(house.with_setup(data.draw(any_setup(kind))))

        assert parsed(as_json(exported)) == parsed(as_yaml(exported)) == exported.to_json()
        assert as_json(TenantDocument.of(parsed(as_yaml(exported)))) == as_json(exported)

    @properties
    @given(data=st.data())
    def test_no_export_holds_a_secret(self, house, kind, data):
        access = house.with_setup(data.draw(any_setup(kind)))

        exported = house.exporting.export(access)

        written = as_json(exported) + as_yaml(exported) + json.dumps(exported.to_json())
        assert found(house.opened(access), written) == []
        assert CANARY not in written

    @properties
    @given(data=st.data())
    def test_a_plan_shows_what_applying_does(self, house, kind, data):
        access = house.with_setup(data.draw(any_setup(kind)))
        before = house.setups.active(access.tenant)

        plan = house.importing.plan(access, GivenDocument(data.draw(any_setup(kind)))).transfer
        saved = house.planning.apply(access, plan.id, Confirmation(allow_breaking=True))

        after = house.setups.active(access.tenant)
        assert house.setups.diff(access.tenant, before.number, after.number) == plan.plan.changes
        assert (after.document, saved.changes) == (plan.plan.document, plan.plan.changes)
        assert after.number == before.number + bool(plan.plan.changes)
        assert found(house.opened(access), repr(plan)) == []

    @properties
    @given(data=st.data())
    def test_restoring_brings_back_what_was(self, house, kind, data):
        access = house.with_setup(data.draw(any_setup(kind)))
        other = data.draw(st.sampled_from(sorted(CONFIGS)))
        plan = house.importing.plan(access, GivenDocument(data.draw(any_setup(other)))).transfer
        house.planning.apply(access, plan.id, Confirmation(allow_breaking=True))
        preview = house.setups.restore(access, 1, dry_run=True)

        number = house.setups.restore(access, 1).number

        old, new = (house.setups.revision(access.tenant, each) for each in (1, number))
        assert (new.document, new.tags, new.values_tag) == (old.document, old.tags, old.values_tag)
        assert house.setups.secrets(access, number) == house.setups.secrets(access, 1)
        assert preview.document == new.document

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
        assert house.setups.active(source.tenant).number == 1


@pytest.mark.parametrize("kind", sorted(CONFIGS) if LONG else ["http-email"])
@examples(1, 5)
@given(data=st.data())
def test_sealed_it_is_the_same_in_another_tenant(house, kind, data):
    """Sealing takes a second's work on purpose, so a few examples have to do."""
    source, target = house.with_setup(data.draw(any_setup(kind))), house.tenant()
    exported = house.exporting.export(source, phrase=PHRASE)

    plan = house.importing.plan(target, GivenDocument(as_yaml(exported), phrase=PHRASE)).transfer
    house.planning.apply(target, plan.id, Confirmation(allow_breaking=True))

    assert found(house.opened(source), as_json(exported)) == []
    assert house.setups.secrets(target, 1) == house.setups.secrets(source, 1)
    assert house.exporting.shown(target).to_json() == house.exporting.shown(source).to_json()
