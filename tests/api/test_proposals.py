"""Proposals over the API: what one token proposes, somebody else approves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import API, EVERYTHING, House, smtp
from tests.api.problems import assert_problem
from tests.canary import CANARY
from webapp.accounts import Accounts
from webapp.domain.roles import OPERATOR, Access, Actor, ChangesBy, Role

SAID = {"note": "New relay", "reason": "The old one is down"}


@pytest.fixture
def closed(house: House) -> None:
    """A second person approves what changes production."""
    house.services.tenants.change(
        "prod", OPERATOR, name="Production", editors_may_save_production=False, changes_by=ChangesBy.APPROVAL
    )


@pytest.fixture
def bob(house: House) -> API:
    """The token of Bob, who owns production as well."""
    person = Accounts(house.services.db).add_person("bob@example.com", f"{CANARY} of everybody")
    house.services.tenants.add_member(house.tenant("prod").id, person.id, Role.OWNER)
    access = Access(person.actor, house.tenant("prod"), Role.OWNER)
    return API(house.app.test_client(), house.services.tokens.create(access, "bob", EVERYTHING, person.actor), "prod")


@pytest.fixture
def ada(house: House) -> API:
    """A token that Ada made for production."""
    person = Actor("person", house.services.tenants.members(house.tenant("prod").id)[0].person_id, "ada@example.com")
    access = Access(person, house.tenant("prod"), Role.OWNER)
    return API(house.app.test_client(), house.services.tokens.create(access, "ci", EVERYTHING, person), "prod")


def planned(api: API, **config: Any) -> str:
    answer = api.post("/tenants/prod/import?dryRun", json={"document": {"connector": smtp(**config)}})
    assert answer.json is not None
    return str(answer.json["planId"])


def proposed(api: API, **config: Any) -> str:
    plan_id = planned(api, **config)
    assert api.post(f"/tenants/prod/plans/{plan_id}/propose", json=SAID).status_code == 202
    return plan_id


def test_without_a_second_person_nothing_is_applied_and_the_way_is_named(ada: API, closed: None) -> None:
    refused = ada.post("/tenants/prod/import", json={"document": {"connector": smtp()}, "reason": "now"})

    problem = assert_problem(refused, 409, "plan.approval_required")
    assert "/api/v1/tenants/prod/plans/" in problem["detail"]
    assert "/propose" in problem["detail"]


def test_a_proposal_says_where_it_waits(ada: API, closed: None) -> None:
    plan_id = planned(ada)

    answer = ada.post(f"/tenants/prod/plans/{plan_id}/propose", json=SAID)

    assert answer.status_code == 202
    assert answer.json is not None
    assert (answer.json["planId"], answer.json["state"]) == (plan_id, "waiting")
    assert answer.json["url"].endswith(f"/t/prod/migrate/proposals/{plan_id}")
    assert ada.post(f"/tenants/prod/plans/{plan_id}/apply", json=SAID).json["code"] == "plan.proposed"  # type: ignore[index]


def test_what_is_missing_is_asked_for_before(ada: API, closed: None) -> None:
    refused = ada.post(f"/tenants/prod/plans/{planned(ada)}/propose", json={})

    assert_problem(refused, 409, "setup.unproven")


def test_the_list_shows_what_would_change_and_no_secret(ada: API, bob: API, closed: None) -> None:
    plan_id = proposed(ada)

    answer = bob.get("/tenants/prod/proposals")

    assert answer.json is not None
    (found,) = answer.json
    assert (found["planId"], found["proposedBy"], found["mine"], found["outdated"]) == (plan_id, "ci", False, False)
    assert "/connector" in [change["pointer"][:10] for change in found["changes"]]
    assert CANARY not in answer.text


def test_somebody_else_approves_and_it_is_live(ada: API, bob: API, closed: None) -> None:
    plan_id = proposed(ada)

    done = bob.post(f"/tenants/prod/proposals/{plan_id}/approve")

    assert done.json is not None
    assert (done.status_code, done.json["revision"], done.json["created"]) == (200, 1, True)
    assert bob.get("/tenants/prod/proposals").json == []
    assert bob.post(f"/tenants/prod/proposals/{plan_id}/approve").status_code == 404


def test_nobody_approves_their_own(ada: API, closed: None) -> None:
    plan_id = proposed(ada)

    assert_problem(ada.post(f"/tenants/prod/proposals/{plan_id}/approve"), 403, "plan.own_proposal")


def test_one_that_is_outdated_says_what_changed(ada: API, bob: API, closed: None) -> None:
    first, second = proposed(ada), proposed(ada, port=2525)
    bob.post(f"/tenants/prod/proposals/{first}/approve")

    refused = bob.post(f"/tenants/prod/proposals/{second}/approve")

    assert_problem(refused, 412, "setup.changed_meanwhile")
    (waits,) = bob.get("/tenants/prod/proposals").json or []
    assert (waits["planId"], waits["outdated"]) == (second, True)


def test_it_can_be_declined_by_others_and_withdrawn_by_oneself(ada: API, bob: API, closed: None) -> None:
    first, second = proposed(ada), proposed(ada, port=2525)

    assert bob.post(f"/tenants/prod/proposals/{first}/decline", json={"note": "Not on a Friday"}).status_code == 204
    assert ada.post(f"/tenants/prod/proposals/{second}/withdraw").status_code == 204
    assert ada.post(f"/tenants/prod/proposals/{second}/withdraw").status_code == 404
    assert bob.get("/tenants/prod/proposals").json == []


class TestAClosedTenant:
    def test_it_says_how_it_changes(self, ada: API, closed: None) -> None:
        answer = ada.get("/tenants/prod")

        assert answer.json is not None
        assert answer.json["changesBy"] == "approval"

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PUT", "", {"connector": smtp()}),
            ("PATCH", "", [{"op": "replace", "path": "/defaultLanguage", "value": "ja"}]),
            ("DELETE", "/connector", None),
        ],
    )
    def test_it_is_not_changed_otherwise(self, ada: API, closed: None, method: str, path: str, body: Any) -> None:
        refused = ada.call(method, f"/tenants/prod/setup{path}?reason=now"[: None if body else -11], json=body)

        assert_problem(refused, 409, "tenant.closed_to_changes")

    def test_a_dry_run_plans_all_the_same_and_warns(self, ada: API, closed: None) -> None:
        plan = ada.put("/tenants/prod/setup?dryRun", json={"connector": smtp()})

        assert plan.json is not None
        assert plan.json["changes"]
        assert [each["code"] for each in plan.json["warnings"]] == ["tenant.closed_to_changes"]
