"""Export and import over the API: the document, the plan, and applying exactly what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import API, House, smtp
from tests.canary import CANARY


def test_an_export_comes_back_without_a_change(ada: API) -> None:
    ada.put("/tenants/dev/setup", json={"connector": smtp()})

    exported = ada.get("/tenants/dev/export")
    plan = ada.post("/tenants/dev/import?dryRun", json={"document": exported.json})

    assert exported.status_code == 200
    assert CANARY not in exported.text
    assert plan.json is not None
    assert (plan.json["changes"], plan.json["missingSecrets"], plan.json["applied"]) == ([], [], False)


def test_as_yaml_it_is_text_that_imports_as_well(ada: API) -> None:
    exported = ada.get("/tenants/dev/export?format=yaml")

    assert exported.content_type.startswith("application/yaml")
    assert ada.post("/tenants/dev/import?dryRun", json={"document": exported.text}).status_code == 200


def test_a_plan_is_applied_by_its_id(ada: API) -> None:
    plan = ada.post("/tenants/dev/import?dryRun", json={"document": {"connector": smtp()}}).json
    assert plan is not None
    assert plan["changes"]
    assert CANARY not in str(plan)

    done = ada.post(f"/tenants/dev/plans/{plan['planId']}/apply", json={"note": "from the repository"})

    assert done.json is not None
    assert (done.status_code, done.json["revision"], done.json["created"]) == (200, 1, True)
    assert ada.post(f"/tenants/dev/plans/{'0' * 32}/apply", json={}).status_code == 404


def test_without_dry_run_it_is_applied_at_once(ada: API) -> None:
    done = ada.post("/tenants/dev/import", json={"document": {"connector": smtp()}})

    assert done.json is not None
    assert (done.status_code, done.json["applied"], done.json["revision"]) == (200, True, 1)


def test_missing_secrets_are_named(ada: API) -> None:
    slot = {"type": "login", "user": "ada", "pass": {"$secret": {"slot": "smtp.auth.pass"}}}
    document = {"document": {"connector": smtp(auth=slot)}}

    plan, refused = (
        ada.post("/tenants/dev/import?dryRun", json=document),
        ada.post("/tenants/dev/import", json=document),
    )

    assert plan.json is not None
    assert refused.json is not None
    assert plan.json["missingSecrets"] == ["smtp.auth.pass"]
    assert (refused.status_code, refused.json["code"]) == (409, "setup.secrets_missing")
    given = {**document, "secrets": {"smtp.auth.pass": {"value": f"{CANARY}-new"}}}
    assert ada.post("/tenants/dev/import", json=given).status_code == 200


def test_a_base_that_moved_is_a_412(ada: API) -> None:
    ada.put("/tenants/dev/setup", json={"connector": smtp()})
    plan = ada.post("/tenants/dev/import?dryRun", json={"document": {"connector": smtp(port=2525)}}).json
    assert plan is not None
    ada.put("/tenants/dev/setup", json={"connector": smtp(replyTo="help@example.com")})

    done = ada.post(f"/tenants/dev/plans/{plan['planId']}/apply", json={})

    assert done.json is not None
    assert (done.status_code, done.json["code"]) == (412, "setup.changed_meanwhile")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "input.invalid"),
        ({"document": "a: ["}, "document.invalid"),
        ({"document": {"format": "postroom/setup", "version": 2}}, "document.invalid"),
        ({"document": {"connector": smtp(port=0)}}, "config.invalid"),
    ],
    ids=["nothing", "broken text", "a later version", "a bad setting"],
)
def test_what_cannot_be_imported_is_a_422(ada: API, body: dict[str, Any], code: str) -> None:
    refused = ada.post("/tenants/dev/import", json=body)

    assert refused.json is not None
    assert (refused.status_code, refused.json["code"]) == (422, code)


class TestPromote:
    def test_a_token_that_may_read_the_source_promotes(self, house: House) -> None:
        house.api("dev").put("/tenants/dev/setup", json={"connector": smtp()})
        pipeline = house.api("prod", read_from="dev")
        body = {"from": "dev", "secrets": {"smtp.auth.pass": {"value": f"{CANARY}-prod"}}, "reason": "first"}

        plan = pipeline.post("/tenants/prod/promote?dryRun", json=body)
        done = pipeline.post("/tenants/prod/promote", json=body)

        assert plan.json is not None
        assert done.json is not None
        assert (plan.json["applied"], plan.json["needsReason"]) == (False, True)
        assert (done.status_code, done.json["applied"], done.json["revision"]) == (200, True, 1)

    def test_the_revision_says_where_it_came_from(self, house: House) -> None:
        house.api("dev").put("/tenants/dev/setup", json={"connector": smtp()})
        pipeline = house.api("prod", read_from="dev")
        body = {"from": "dev", "secrets": {"smtp.auth.pass": {"value": f"{CANARY}-prod"}}, "reason": "first"}
        pipeline.post("/tenants/prod/promote", json=body | {"only": ["/connector"]})

        (revision,) = pipeline.get("/tenants/prod/revisions").json or []

        came = {name: revision.get(name) for name in ("origin", "from", "sourceRevision", "only", "approvedBy")}
        assert came == {
            "origin": "promote",
            "from": "dev",
            "sourceRevision": 1,
            "only": ["/connector"],
            "approvedBy": None,
        }

    def test_any_other_tenant_does_not_exist(self, house: House) -> None:
        refused = house.api("prod").post("/tenants/prod/promote?dryRun", json={"from": "dev"})

        assert refused.status_code == 404

    def test_a_token_copies_no_secret(self, house: House) -> None:
        house.api("dev").put("/tenants/dev/setup", json={"connector": smtp()})
        body = {"from": "dev", "secrets": {"smtp.auth.pass": "copy"}}

        refused = house.api("prod", read_from="dev").post("/tenants/prod/promote?dryRun", json=body)

        assert refused.status_code == 403

    def test_a_pointer_begins_with_a_slash(self, house: House) -> None:
        body = {"from": "dev", "only": ["templates"]}

        refused = house.api("prod", read_from="dev").post("/tenants/prod/promote?dryRun", json=body)

        assert refused.json is not None
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/only/0")
