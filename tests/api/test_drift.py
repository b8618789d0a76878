"""Drift over the API: what changed on which side since the last promotion, and merging both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import API, House, smtp
from tests.canary import CANARY
from webapp.domain.roles import Scope

REPLY_TO, SECRET = "/connector/config/replyTo", "/connector/config/auth/pass"


def patch(api: API, tenant: str, **places: Any) -> None:
    operations = [{"op": "replace", "path": pointer, "value": value} for pointer, value in places.items()]
    done = api.patch(f"/tenants/{tenant}/setup?reason=a%20test", json=operations)
    assert done.status_code in (200, 201), done.json


def promote(api: API, **body: Any) -> Any:
    given = {"from": "dev", "secrets": {"smtp.auth.pass": {"value": f"{CANARY}-prod"}}, "reason": "a test"}
    return api.post("/tenants/prod/promote", json=given | body)


@pytest.fixture
def dev(house: House) -> API:
    return house.api("dev")


@pytest.fixture
def pipeline(house: House, dev: API) -> API:
    """A token of production that may read development, which was promoted once."""
    dev.put("/tenants/dev/setup", json={"connector": smtp()})
    pipeline = house.api("prod", read_from="dev")
    assert promote(pipeline).status_code == 200
    return pipeline


def drift(api: API) -> Any:
    answered = api.get("/tenants/prod/drift?from=dev")
    assert answered.status_code == 200, answered.json
    return answered.json


def test_before_the_first_promotion_everything_is_ahead(house: House, dev: API) -> None:
    patch(dev, "dev", **{"/defaultLanguage": "ja"})

    found = drift(house.api("prod", read_from="dev"))

    assert found["lastPromotion"] is None
    assert found["ahead"] == [{"pointer": "/defaultLanguage", "kind": "changed", "old": "en", "new": "ja"}]


def test_it_tells_the_last_promotion_and_each_side(dev: API, pipeline: API) -> None:
    patch(dev, "dev", **{REPLY_TO: "new@example.com", "/templates/SignIn/*/subject": "Newer"})
    patch(pipeline, "prod", **{REPLY_TO: "own@example.com", "/defaultLanguage": "ja", SECRET: f"{CANARY}-own"})

    found = drift(pipeline)

    last = found["lastPromotion"]
    assert (last["revision"], last["from"], last["sourceRevision"]) == (1, "dev", 1)
    assert {"at", "by"} <= set(last)
    assert [each["pointer"] for each in found["ahead"]] == ["/templates/SignIn/*/subject"]
    assert found["edited"] == [
        {"pointer": "/defaultLanguage", "kind": "changed", "old": "en", "new": "ja"},
        {"pointer": SECRET, "kind": "changed", "secret": "different"},
    ]
    conflict = {"pointer": REPLY_TO, "kind": "changed", "old": "own@example.com", "new": "new@example.com"}
    assert (found["conflicts"], found["left"]) == ([conflict], [])


def test_a_plan_warns_of_edits_that_it_would_overwrite(pipeline: API) -> None:
    patch(pipeline, "prod", **{"/defaultLanguage": "ja"})

    plan = pipeline.post("/tenants/prod/promote?dryRun", json={"from": "dev"}).json

    assert plan is not None
    assert [each["code"] for each in plan["warnings"]] == ["promote.overwrites_edit"]
    assert "/defaultLanguage" in plan["warnings"][0]["cause"]


def test_merged_what_was_edited_stays(dev: API, pipeline: API) -> None:
    patch(dev, "dev", **{"/templates/SignIn/*/subject": "Newer"})
    patch(pipeline, "prod", **{"/defaultLanguage": "ja"})

    done = promote(pipeline, merge=True, secrets=None)

    assert done.json is not None
    assert [each["pointer"] for each in done.json["changes"]] == ["/templates/SignIn/*/subject"]
    assert [each["pointer"] for each in drift(pipeline)["left"]] == ["/defaultLanguage"]


def test_conflicts_are_a_409_that_names_them(dev: API, pipeline: API) -> None:
    patch(dev, "dev", **{REPLY_TO: "new@example.com"})
    patch(pipeline, "prod", **{REPLY_TO: "own@example.com"})

    refused = promote(pipeline, merge=True, secrets=None)

    assert (refused.status_code, refused.json["code"]) == (409, "promote.conflicts")
    assert [each["pointer"] for each in refused.json["errors"]] == [REPLY_TO]
    assert promote(pipeline, merge=True, secrets=None, **{"except": [REPLY_TO]}).json["changes"] == []
    taken = promote(pipeline, merge=True, secrets=None, only=[REPLY_TO])
    assert [each["new"] for each in taken.json["changes"]] == ["new@example.com"]


def test_without_merge_the_source_wins_as_ever(dev: API, pipeline: API) -> None:
    patch(dev, "dev", **{REPLY_TO: "new@example.com"})
    patch(pipeline, "prod", **{REPLY_TO: "own@example.com"})

    done = promote(pipeline, secrets=None)

    assert [each["new"] for each in done.json["changes"]] == ["new@example.com"]


class TestWhoMayAsk:
    def test_a_token_that_may_not_read_the_source_learns_nothing(self, house: House, pipeline: API) -> None:
        for source in ("dev", "nowhere"):
            assert house.api("prod").get(f"/tenants/prod/drift?from={source}").status_code == 404

    def test_reading_is_enough(self, house: House, pipeline: API) -> None:
        reader = house.api("prod", scopes=(Scope.CONFIG_READ,), read_from="dev")

        assert drift(reader)["ahead"] == []

    @pytest.mark.parametrize("query", ["", "?from=prod"])
    def test_the_source_is_another_tenant(self, pipeline: API, query: str) -> None:
        assert pipeline.get(f"/tenants/prod/drift{query}").status_code == 422
