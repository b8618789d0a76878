"""Reading and saving a setup over the API."""

from __future__ import annotations

import pytest

from tests.api.conftest import API, smtp
from tests.api.problems import assert_problem, pointers

SETUP = "/tenants/dev/setup"


class TestShow:
    def test_before_the_first_save_it_is_number_zero_without_connector(self, ada: API) -> None:
        response = ada.get(SETUP)

        assert response.status_code == 200
        assert response.headers["ETag"] == '"0"'
        assert response.json["connector"] is None
        assert set(response.json["templates"]) >= {"SignIn", "Generic"}
        assert response.headers["Cache-Control"] == "no-store"

    def test_secrets_are_marks(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})

        answer = ada.get(SETUP)

        secret = answer.json["connector"]["config"]["auth"]["pass"]["$secret"]
        assert secret["set"] is True
        assert secret["fingerprint"]

    def test_it_says_when_nothing_changed(self, ada: API) -> None:
        response = ada.get(SETUP, headers={"If-None-Match": '"0"'})

        assert response.status_code == 304


class TestSave:
    def test_the_first_save_is_created(self, ada: API) -> None:
        response = ada.put(SETUP, json={"connector": smtp()})

        assert response.status_code == 201
        assert response.headers["ETag"] == '"1"'
        assert response.json == ada.get(SETUP).json

    def test_saving_what_is_there_makes_no_revision(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})

        response = ada.put(SETUP, json=ada.get(SETUP).json)

        assert response.status_code == 200
        assert response.headers["ETag"] == '"1"'
        assert len(ada.get("/tenants/dev/revisions").json) == 1

    def test_note_and_author_are_in_the_history(self, ada: API) -> None:
        ada.put(f"{SETUP}?note=New+host", json={"connector": smtp()})

        (revision,) = ada.get("/tenants/dev/revisions").json

        assert revision["note"] == "New host"
        assert revision["authorKind"] == "token"

    @pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "1", "*"])
    def test_a_tag_of_what_is_live_lets_it_through(self, ada: API, tag: str) -> None:
        ada.put(SETUP, json={"connector": smtp()})

        response = ada.put(SETUP, json={"connector": smtp(port=2525)}, headers={"If-Match": tag})

        assert response.status_code == 200
        assert response.headers["ETag"] == '"2"'

    def test_a_lost_race_is_answered_with_both_changes(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})
        ada.put(SETUP, json={"connector": smtp(port=2525)})

        response = ada.put(SETUP, json={"connector": smtp(host="other.example.com")}, headers={"If-Match": '"1"'})

        problem = assert_problem(response, 412, "setup.changed_meanwhile")
        assert problem["current"] == 2
        assert [change["pointer"] for change in problem["theirs"]] == ["/connector/config/port"]
        assert [change["pointer"] for change in problem["yours"]] == ["/connector/config/host"]
        assert ada.get(SETUP).headers["ETag"] == '"2"'

    def test_without_a_tag_the_last_write_wins(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})
        ada.put(SETUP, json={"connector": smtp(port=2525)})

        assert ada.put(SETUP, json={"connector": smtp()}).headers["ETag"] == '"3"'

    @pytest.mark.parametrize("tag", ['"abc"', '"99999999999999999999"', '"-1"', "2147483648"])
    def test_a_tag_that_is_none_of_ours_is_refused(self, ada: API, tag: str) -> None:
        response = ada.put(SETUP, json={"connector": smtp()}, headers={"If-Match": tag})

        assert_problem(response, 412, "state.precondition_failed")

    def test_a_secret_does_not_follow_a_changed_host(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})
        moved = ada.get(SETUP).json
        moved["connector"]["config"]["host"] = "evil.example.net"

        problem = assert_problem(ada.put(SETUP, json=moved), 422, "secret.retype_required")

        assert pointers(problem) == ["/connector/config/auth/pass"]

    def test_unproven_values_need_a_reason_in_production(self, ada_in_production: API) -> None:
        path = "/tenants/prod/setup"

        refused = ada_in_production.put(path, json={"connector": smtp()})
        saved = ada_in_production.put(f"{path}?reason=Provider+is+down", json={"connector": smtp()})

        assert_problem(refused, 409, "setup.unproven")
        assert saved.status_code == 201
        assert ada_in_production.get("/tenants/prod/revisions").json[0]["reason"] == "Provider is down"


class TestDryRun:
    def test_it_says_what_would_change_and_changes_nothing(self, ada: API) -> None:
        response = ada.put(f"{SETUP}?dryRun=true", json={"connector": smtp()})

        assert response.status_code == 200
        assert response.json["applied"] is False
        assert response.json["proven"] is False
        assert any(change["pointer"].startswith("/connector") for change in response.json["changes"])
        assert ada.get(SETUP).headers["ETag"] == '"0"'

    def test_the_bare_name_means_yes(self, ada: API) -> None:
        ada.put(f"{SETUP}?dryRun", json={"connector": smtp()})

        assert ada.get(SETUP).headers["ETag"] == '"0"'

    def test_a_misspelt_dry_run_saves_nothing(self, ada: API) -> None:
        response = ada.put(f"{SETUP}?dryrun=true", json={"connector": smtp()})

        assert pointers(assert_problem(response, 422, "input.invalid")) == ["/dryrun"]
        assert ada.get(SETUP).headers["ETag"] == '"0"'

    def test_given_twice_it_is_refused(self, ada: API) -> None:
        response = ada.put(f"{SETUP}?dryRun=true&dryRun=false", json={"connector": smtp()})

        assert pointers(assert_problem(response, 422, "input.invalid")) == ["/dryRun"]

    def test_it_names_the_flows_that_would_have_no_connector(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})
        without = ada.get(SETUP).json | {"connector": None}

        plan = ada.put(f"{SETUP}?dryRun=true", json=without).json

        assert "signIn" in plan["breaks"]


class TestPatch:
    def test_one_value_changes(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})

        response = ada.patch(SETUP, json=[{"op": "replace", "path": "/connector/config/port", "value": 2525}])

        assert response.status_code == 200
        assert response.headers["ETag"] == '"2"'
        assert response.json["connector"]["config"]["port"] == 2525

    def test_the_patch_type_is_taken_too(self, ada: API) -> None:
        response = ada.patch(
            SETUP,
            data='[{"op": "replace", "path": "/defaultLanguage", "value": "ja"}]',
            content_type="application/json-patch+json",
        )

        assert response.json["defaultLanguage"] == "ja"

    @pytest.mark.parametrize(
        "operations",
        [
            [{"op": "replace", "path": "/nowhere/at/all", "value": 1}],
            [{"op": "launch", "path": "/defaultLanguage"}],
            [{"op": "replace", "path": "/defaultLanguage"}],
            ["replace"],
            [{}],
        ],
    )
    def test_operations_that_cannot_be_done_are_pointed_at(self, ada: API, operations: list[object]) -> None:
        response = ada.patch(SETUP, json=operations)

        assert response.status_code == 422
        assert all(pointer.startswith("/0") for pointer in pointers(response.get_json(force=True)))

    def test_a_test_that_does_not_hold_changes_nothing(self, ada: API) -> None:
        operations = [
            {"op": "test", "path": "/defaultLanguage", "value": "xx"},
            {"op": "replace", "path": "/defaultLanguage", "value": "ja"},
        ]

        response = ada.patch(SETUP, json=operations)

        assert_problem(response, 409, "state.conflict")
        assert ada.get(SETUP).headers["ETag"] == '"0"'

    def test_a_patch_is_a_list(self, ada: API) -> None:
        assert_problem(ada.patch(SETUP, json={"op": "replace"}), 422, "input.invalid")


class TestDeleteConnector:
    def test_flows_that_are_on_hold_it(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})

        problem = assert_problem(ada.delete(f"{SETUP}/connector"), 409, "flows.depend_on_connector")

        assert "signIn" in problem["flows"]

    def test_force_deletes_it_and_keeps_the_rest(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp(), "defaultLanguage": "ja"})

        response = ada.delete(f"{SETUP}/connector?force=true")

        assert response.status_code == 204
        assert response.get_data() == b""
        left = ada.get(SETUP)
        assert left.headers["ETag"] == response.headers["ETag"] == '"2"'
        assert left.json["connector"] is None
        assert left.json["defaultLanguage"] == "ja"

    def test_it_asks_for_what_was_seen(self, ada: API) -> None:
        ada.put(SETUP, json={"connector": smtp()})
        ada.put(SETUP, json={"connector": smtp(port=2525)})

        response = ada.delete(f"{SETUP}/connector?force=true", headers={"If-Match": '"1"'})

        assert_problem(response, 412, "setup.changed_meanwhile")
