"""What was saved before, over the API."""

from __future__ import annotations

import pytest

from tests.api.conftest import API, smtp
from tests.api.problems import assert_problem

SETUP = "/tenants/dev/setup"
REVISIONS = "/tenants/dev/revisions"


@pytest.fixture
def three(ada: API) -> API:
    """Ada after three saves: port 587, 2525, 2526."""
    for port in (587, 2525, 2526):
        ada.put(f"{SETUP}?note=Port+{port}", json={"connector": smtp(port=port)})
    return ada


class TestList:
    def test_the_newest_comes_first_and_one_is_active(self, three: API) -> None:
        found = three.get(REVISIONS).json

        assert [each["number"] for each in found] == [3, 2, 1]
        assert [each["active"] for each in found] == [True, False, False]
        assert found[0]["changed"] == [{"pointer": "/connector/config/port", "kind": "changed"}]
        assert "setup" not in found[0]

    def test_pages_follow_each_other(self, three: API) -> None:
        first = three.get(f"{REVISIONS}?limit=2").json
        second = three.get(f"{REVISIONS}?limit=2&before={first[-1]['number']}").json

        assert [each["number"] for each in (*first, *second)] == [3, 2, 1]

    def test_before_the_first_save_there_is_none(self, ada: API) -> None:
        assert ada.get(REVISIONS).json == []


class TestOne:
    def test_it_shows_the_whole_setup(self, three: API) -> None:
        revision = three.get(f"{REVISIONS}/2").json

        assert revision["note"] == "Port 2525"
        assert revision["setup"]["connector"]["config"]["port"] == 2525
        assert revision["setup"]["fallback"] is None

    def test_it_compares_with_the_one_before(self, three: API) -> None:
        diff = three.get(f"{REVISIONS}/2/diff").json

        assert diff == {
            "old": 1,
            "new": 2,
            "changes": [{"pointer": "/connector/config/port", "kind": "changed", "old": 587, "new": 2525}],
        }

    def test_it_compares_with_any_other(self, three: API) -> None:
        diff = three.get(f"{REVISIONS}/1/diff?against=3").json

        assert [(each["old"], each["new"]) for each in diff["changes"]] == [(2526, 587)]

    def test_a_changed_secret_is_only_said_to_differ(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp(auth={"user": "ada", "pass": "5ecret-canary-one"})})
        ada.put(SETUP, json={"connector": smtp(auth={"user": "ada", "pass": "5ecret-canary-two"})})

        (change,) = ada.get(f"{REVISIONS}/2/diff").json["changes"]

        assert change == {"pointer": "/connector/config/auth/pass", "kind": "changed", "secret": "different"}

    def test_another_to_compare_with_has_to_be_there(self, three: API) -> None:
        assert_problem(three.get(f"{REVISIONS}/1/diff?against=9"), 404, "resource.not_found")


class TestRestore:
    def test_it_makes_a_new_revision_with_the_old_secrets(self, three: API) -> None:
        response = three.post(f"{REVISIONS}/1/restore?note=Back")

        assert response.status_code == 200
        assert response.headers["ETag"] == '"4"'
        assert response.json["revision"] == 4
        assert three.get(SETUP).json == three.get(f"{REVISIONS}/1").json["setup"]
        assert three.get(REVISIONS).json[0]["origin"] == "restore"

    def test_a_dry_run_only_tells(self, three: API) -> None:
        response = three.post(f"{REVISIONS}/1/restore?dryRun=true")

        assert [change["new"] for change in response.json["changes"]] == [587]
        assert three.get(SETUP).headers["ETag"] == '"3"'

    def test_what_is_live_is_left_alone(self, three: API) -> None:
        response = three.post(f"{REVISIONS}/3/restore")

        assert response.status_code == 200
        assert response.json["created"] is False
        assert response.headers["ETag"] == '"3"'

    def test_it_asks_for_what_was_seen(self, three: API) -> None:
        response = three.post(f"{REVISIONS}/1/restore", headers={"If-Match": '"2"'})

        assert_problem(response, 412, "setup.changed_meanwhile")

    def test_production_never_asks_for_proof_of_what_was_live(self, ada_in_production: API) -> None:
        path = "/tenants/prod/setup"
        for port in (587, 2525):
            ada_in_production.put(f"{path}?reason=First", json={"connector": smtp(port=port)})

        assert ada_in_production.post("/tenants/prod/revisions/1/restore").status_code == 200

    @pytest.mark.parametrize("number", [0, 9])
    def test_what_was_never_saved_cannot_come_back(self, three: API, number: int) -> None:
        assert_problem(three.post(f"{REVISIONS}/{number}/restore"), 404, "resource.not_found")
