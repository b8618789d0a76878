"""Many who save at once, seen from outside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from werkzeug.test import TestResponse

from tests.api.conftest import API, House, smtp
from tests.api.problems import assert_problem

SETUP = "/tenants/dev/setup"


def test_of_32_that_saw_the_same_exactly_one_wins_and_the_others_get_both_changes(house: House, ada: API) -> None:
    ada.put(SETUP, json={"connector": smtp()})

    def save(port: int) -> TestResponse:
        api = API(house.app.test_client(), ada.token)
        return api.put(SETUP, json={"connector": smtp(port=port)}, headers={"If-Match": '"1"'})

    with ThreadPoolExecutor(32) as pool:
        responses = list(pool.map(save, range(3000, 3032)))

    (won,) = [response for response in responses if response.status_code == 200]
    lost = [response for response in responses if response is not won]
    live = ada.get(SETUP).json["connector"]["config"]["port"]
    assert won.headers["ETag"] == '"2"'
    assert won.json["connector"]["config"]["port"] == live
    for response in lost:
        problem = assert_problem(response, 412, "setup.changed_meanwhile")
        assert problem["theirs"] == [{"pointer": "/connector/config/port", "kind": "changed", "old": 587, "new": live}]
        assert [change["pointer"] for change in problem["yours"]] == ["/connector/config/port"]
