"""The schema of the tenant document, as editors use it: exports are valid, mistakes are found where they stand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from tests.cli.conftest import Run, Save
from tests.services.transfer.setups import CONFIGS, setups
from webapp.cli.catalogue import tenant_document_schema
from webapp.domain.tenant_document import TenantDocument

VALIDATOR = Draft202012Validator(tenant_document_schema())
CONNECTOR = {"host": "smtp.example.com", "port": 587, "fromEmail": "a@example.com"}


def document(**setup: Any) -> dict[str, Any]:
    return {"format": "postroom/setup", "version": 1, "setup": setup}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(VALIDATOR.schema)


@pytest.mark.parametrize("kind", sorted(CONFIGS))
@settings(max_examples=5, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_a_tenant_may_have_is_valid(kind: str, data: st.DataObject) -> None:
    VALIDATOR.validate(TenantDocument(data.draw(setups(kind))).to_json())


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_exports_of_every_provider_are_valid(run: Run, save: Save, kind: str) -> None:
    drawn: list[dict[str, Any]] = []

    @settings(max_examples=1, derandomize=True, database=None, deadline=None)
    @given(setups(kind))
    def draw(setup: dict[str, Any]) -> None:
        drawn.append(setup)

    draw()
    save(drawn[0])

    exported = json.loads(run("export", "dev").out)

    assert exported["setup"]["connector"]["provider"] == kind
    VALIDATOR.validate(exported)


@pytest.mark.parametrize(
    ("setup", "place"),
    [
        ({"connector": {"provider": "smtp", "config": {**CONNECTOR, "port": "many"}}}, "$.setup.connector.config.port"),
        ({"connector": {"provider": "smpt", "config": CONNECTOR}}, "$.setup.connector.provider"),
        ({"templates": {"SignUp": {}}}, "$.setup.templates"),
        ({"flows": {"signUp": {"email": "yes"}}}, "$.setup.flows.signUp.email"),
        ({"nonsense": 1}, "$.setup"),
    ],
    ids=["type", "provider", "usage-type", "switch", "unknown"],
)
def test_a_mistake_is_found_where_it_stands(setup: dict[str, Any], place: str) -> None:
    found = best_match(VALIDATOR.iter_errors(document(**setup)))

    assert found is not None
    assert found.json_path == place


@pytest.mark.parametrize("mark", [{"slot": "smtp.auth.pass"}, {"set": True}, {"env": "RELAY"}])
def test_a_secret_may_be_a_mark(mark: dict[str, Any]) -> None:
    login = {"type": "login", "user": "ada", "pass": {"$secret": mark}}

    VALIDATOR.validate(document(connector={"provider": "smtp", "config": {**CONNECTOR, "auth": login}}))
