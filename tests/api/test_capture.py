"""Looking over the API at what would go."""

from __future__ import annotations

from tests.api.conftest import API, House, smtp
from tests.api.problems import assert_problem, pointers
from tests.canary import CANARY

ENDPOINT = {
    "provider": "http-email",
    "config": {"endpoint": "https://mail.example.com/hook", "authorization": f"Bearer {CANARY}"},
}


def looked_at(ada: API, connector: object, **body: object) -> tuple[dict[str, object], dict[str, object]]:
    """Capture a test; gives its answer, and what lies in the inbox."""
    asked = {"to": "grace@example.com", "connector": connector, "capture": True, **body}
    run = ada.post("/tenants/dev/test-send", json=asked)
    assert run.status_code == 200, run.text
    (item,) = ada.get("/tenants/dev/inbox").json or []
    return run.json or {}, ada.get(f"/tenants/dev/inbox/{item['id']}").json or {}


def test_a_mail_lies_in_the_inbox_and_nothing_is_proven(ada: API) -> None:
    run, mail = looked_at(ada, smtp())

    assert (run["ok"], run["outcome"]) == (True, "captured")
    assert run["providerMessageId"] == mail["id"]
    assert mail["code"] == "000000"
    assert "request" not in mail


def test_of_an_endpoint_its_request_can_be_read(ada: API) -> None:
    _, mail = looked_at(ada, ENDPOINT, usageType="SignIn", payload={"nothing": None})

    request = mail["request"]
    assert isinstance(request, dict)
    assert (request["method"], request["url"]) == ("POST", "https://mail.example.com/hook")
    assert list(request["body"]) == ["to", "type", "payload"]
    assert request["body"]["payload"]["code"] == "000000"
    assert request["body"]["payload"]["nothing"] is None
    assert ["authorization", "•••"] in mail["headers"]
    assert CANARY not in str(mail)


def test_production_has_no_inbox(house: House) -> None:
    answer = house.api("prod").post(
        "/tenants/prod/test-send", json={"to": "grace@example.com", "connector": smtp(), "capture": True}
    )

    assert pointers(assert_problem(answer, 422, "input.invalid")) == ["/capture"]
