"""Check and test send of a plan: inside its target, with its own secrets, before any of it is live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import API, House, smtp
from tests.api.problems import assert_problem, pointers
from tests.canary import CANARY
from tests.peers.scripted import Script, ScriptedServer
from webapp.services.transfer.planning import PLAN_LIMIT

CHECK, TEST_SEND, IMPORT = "/tenants/dev/check", "/tenants/dev/test-send", "/tenants/dev/import"
SLOT = "smtp.auth.pass"
TO = "ada@example.com"


@pytest.fixture
def server(scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return scripted(Script(offers_starttls=False))


@pytest.fixture
def connector(server: ScriptedServer) -> dict[str, Any]:
    """A connector whose password is left to the plan."""
    login = {"type": "login", "user": "ada", "pass": {"$secret": {"slot": SLOT}}}
    return smtp(host=server.host, port=server.port, security="none", auth=login)


def planned(
    api: API, connector: dict[str, Any] | None, secret: str | None = f"{CANARY}-of-the-plan", **rest: Any
) -> str:
    given = {SLOT: {"value": secret}} if secret else {}
    plan = api.post(f"{IMPORT}?dryRun", json={"document": {"connector": connector, **rest}, "secrets": given}).json
    assert plan is not None
    return str(plan["planId"])


def test_a_check_uses_the_plans_values_and_secrets(ada: API, connector: dict[str, Any], server: ScriptedServer) -> None:
    plan = planned(ada, connector)

    done = ada.post(CHECK, json={"planId": plan})

    assert done.json is not None
    assert done.json["ok"] is True
    assert server.bodies == []
    assert CANARY not in done.text


def test_what_was_accepted_is_proven_and_then_applied(house: House, server: ScriptedServer, connector: Any) -> None:
    prod = house.api("prod")
    body = {"document": {"connector": connector}, "secrets": {SLOT: {"value": f"{CANARY}-of-the-plan"}}}
    plan = prod.post("/tenants/prod/import?dryRun", json=body).json
    assert plan is not None
    assert plan["needsReason"] is True

    sent = prod.post("/tenants/prod/test-send", json={"planId": plan["planId"], "to": TO})
    done = prod.post(f"/tenants/prod/plans/{plan['planId']}/apply", json={})

    assert sent.json is not None
    assert (sent.json["ok"], sent.json["outcome"], len(server.bodies)) == (True, "sent", 1)
    assert done.status_code == 200


def test_another_secret_is_not_proven_by_it(house: House, connector: Any) -> None:
    prod = house.api("prod")
    plans = []
    for secret in (f"{CANARY}-one", f"{CANARY}-two"):
        body = {"document": {"connector": connector}, "secrets": {SLOT: {"value": secret}}}
        plan = prod.post("/tenants/prod/import?dryRun", json=body).json
        assert plan is not None
        plans.append(plan["planId"])
    prod.post("/tenants/prod/test-send", json={"planId": plans[0], "to": TO})

    assert_problem(prod.post(f"/tenants/prod/plans/{plans[1]}/apply", json={}), 409, "setup.unproven")


def test_the_plans_own_mails_and_language_are_sent(ada: API, connector: Any, server: ScriptedServer) -> None:
    cell = {"contentType": "text/plain", "subject": "Kode", "content": "{{code}}"}
    english = {**cell, "subject": "Code"}
    plan = planned(ada, connector, templates={"Generic": {"en": english, "no": cell}}, defaultLanguage="no")

    ada.post(TEST_SEND, json={"planId": plan, "to": TO})
    given = {"Generic": {"*": {**cell, "subject": "Given"}}}
    ada.post(TEST_SEND, json={"planId": plan, "to": TO, "templates": given})

    first, second = (body.decode() if isinstance(body, bytes) else str(body) for body in server.bodies)
    assert "Subject: Kode" in first
    assert "Subject: Given" in second


def test_a_connector_beside_it_is_refused(ada: API, connector: Any) -> None:
    body = {"planId": planned(ada, connector), "connector": smtp()}

    for path, more in ((CHECK, {}), (TEST_SEND, {"to": TO})):
        refused = ada.post(path, json={**body, **more})
        assert pointers(assert_problem(refused, 422, "input.invalid")) == ["/planId"]


def test_missing_secrets_are_named(ada: API, connector: Any, server: ScriptedServer) -> None:
    refused = ada.post(TEST_SEND, json={"planId": planned(ada, connector, secret=None), "to": TO})

    assert_problem(refused, 409, "setup.secrets_missing")
    assert refused.json is not None
    assert refused.json["missingSecrets"] == [SLOT]
    assert server.bodies == []


def test_a_plan_without_connector_sends_nothing(ada: API) -> None:
    assert_problem(ada.post(CHECK, json={"planId": planned(ada, None, secret=None)}), 409, "connector.not_set_up")


def test_an_unknown_plan_and_that_of_another_token_are_not_found(ada: API, house: House, connector: Any) -> None:
    other = house.api("dev")

    for plan in ("0" * 32, planned(other, connector)):
        assert_problem(ada.post(CHECK, json={"planId": plan}), 404, "resource.not_found")
        assert_problem(ada.post(TEST_SEND, json={"planId": plan, "to": TO}), 404, "resource.not_found")


def test_a_base_that_moved_is_a_412(ada: API, connector: Any) -> None:
    plan = planned(ada, connector)
    ada.put("/tenants/dev/setup", json={"connector": smtp()})

    assert_problem(ada.post(CHECK, json={"planId": plan}), 412, "setup.changed_meanwhile")


def test_a_plan_borrows_what_the_operator_lends(
    ada: API, connector: Any, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_SECRET__DEV__RELAY", f"{CANARY}-lent")
    monkeypatch.setenv("POSTROOM_SECRET__DEV__RELAY__FOR", server.host)
    body = {"document": {"connector": connector}, "secrets": {SLOT: {"env": "RELAY"}}}

    plan = ada.post(f"{IMPORT}?dryRun", json=body)
    assert plan.json is not None
    sent = ada.post(TEST_SEND, json={"planId": plan.json["planId"], "to": TO})

    assert (plan.json["missingSecrets"], CANARY in plan.text) == ([], False)
    assert sent.json is not None
    assert sent.json["ok"] is True


@pytest.mark.parametrize("name", ["RELAY", "", "no name"])
def test_what_is_not_lent_is_refused_in_one_way(ada: API, connector: Any, name: str) -> None:
    body = {"document": {"connector": connector}, "secrets": {SLOT: {"env": name}}}

    refused = assert_problem(ada.post(f"{IMPORT}?dryRun", json=body), 422, "secret.unavailable")

    assert pointers(refused) == ["/connector/config/auth/pass"]


def test_too_many_plans_are_told_when_to_come_again(ada: API, house: House, connector: Any) -> None:
    token = house.services.tokens.list(house.tenant("dev"))[0]
    key = (str(house.tenant("dev").id), "token", str(token.id))
    planned(ada, connector)
    for _ in range(PLAN_LIMIT.amount):
        house.services.limits.hit("plan", *key, amount=10**6, seconds=PLAN_LIMIT.seconds)

    refused = ada.post(f"{IMPORT}?dryRun", json={"document": {"connector": connector}})

    assert_problem(refused, 429, "limit.exceeded")
    assert 0 < int(refused.headers["Retry-After"]) <= PLAN_LIMIT.seconds
