"""Postmark and an endpoint of one's own, from the setup document to the request that arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.api.conftest import API
from tests.api.problems import assert_problem, pointers
from tests.canary import CANARY
from tests.connectors.test_http_email import SIGNING_SECRET, TAKEN, TOKEN
from tests.connectors.test_postmark import WELL
from webapp.connectors.contract import Reply, StandIn

CHECK = "/tenants/dev/check"
TEST_SEND = "/tenants/dev/test-send"
SETUP = "/tenants/dev/setup"


@pytest.fixture
def peer() -> Iterator[StandIn]:
    with StandIn({**WELL, "POST /send": TAKEN}) as peer:
        yield peer


def endpoint(peer: StandIn, **changes: Any) -> dict[str, Any]:
    config = {"endpoint": f"{peer.url}/send", "authorization": TOKEN, "signingSecret": SIGNING_SECRET}
    return {"provider": "http-email", "config": {**config, **changes}}


def postmark(peer: StandIn) -> dict[str, Any]:
    config = {"serverToken": f"{CANARY}-postmark", "fromEmail": "Acme <no-reply@example.com>", "endpoint": peer.url}
    return {"provider": "postmark", "config": config}


class TestEndpoint:
    def test_it_gets_the_values_of_a_test(self, ada: API, peer: StandIn) -> None:
        answer = ada.post(
            TEST_SEND,
            json={
                "to": "eve@example.com",
                "connector": endpoint(peer),
                "usageType": "OrganizationInvitation",
                "payload": {"link": "https://example.com/join"},
            },
        )

        assert answer.json["ok"] is True, answer.json
        assert answer.json["providerMessageId"] == "m-1"
        (asked,) = peer.asked
        assert set(asked.json) == {"to", "type", "payload"}
        assert (asked.json["to"], asked.json["type"]) == ("eve@example.com", "OrganizationInvitation")
        assert asked.json["payload"]["link"] == "https://example.com/join"
        Webhook(SIGNING_SECRET).verify(asked.body, dict(asked.headers))

    def test_it_gets_the_finished_mail_of_the_templates(self, ada: API, peer: StandIn) -> None:
        connector = endpoint(peer, mode="rendered", fromEmail="Acme <no-reply@example.com>")
        template = {"subject": "{{application.name}}: {{code}}", "content": "<p>{{code}}</p>"}

        answer = ada.post(
            TEST_SEND,
            json={
                "to": "eve@example.com",
                "connector": connector,
                "templates": {"Generic": {"*": template}},
                "payload": {"application": {"name": "<Acme>"}},
            },
        )

        assert answer.json["ok"] is True, answer.json
        (asked,) = peer.asked
        assert asked.json["subject"] == "<Acme>: 000000"
        assert "<p>000000</p>" in asked.json["html"]
        assert asked.json["text"].strip() == "000000"
        assert asked.json["from"] == "Acme <no-reply@example.com>"

    def test_a_finished_mail_without_a_sender_is_refused_at_its_place(self, ada: API, peer: StandIn) -> None:
        answer = ada.put(SETUP, json={"connector": endpoint(peer, mode="rendered")})

        assert answer.status_code == 422
        assert "/connector/config/fromEmail" in pointers(answer.json)

    def test_a_check_asks_nothing_and_says_so(self, ada: API, peer: StandIn) -> None:
        answer = ada.post(CHECK, json={"connector": endpoint(peer)})

        assert [phase["phase"] for phase in answer.json["phases"]] == ["resolve", "connect"]
        assert [warning["code"] for warning in answer.json["warnings"]] == ["http-email.only_reached"]
        assert peer.asked == []

    def test_its_secrets_stay_when_only_the_query_changes(self, ada: API, peer: StandIn) -> None:
        ada.put(SETUP, json={"connector": endpoint(peer)})
        kept = {"authorization": {"$secret": {"set": True}}, "signingSecret": {"$secret": {"set": True}}}

        same = ada.put(SETUP, json={"connector": endpoint(peer, **kept, endpoint=f"{peer.url}/send?a=1")})
        other = ada.put(SETUP, json={"connector": endpoint(peer, **kept, endpoint=f"{peer.url}/of/mallory")})

        assert same.status_code == 200, same.json
        assert_problem(other, 422, "secret.retype_required")
        assert CANARY not in json.dumps(ada.get(SETUP).json)

    def test_another_endpoint_is_reached_only_where_the_policy_lets_it(self, ada: API) -> None:
        connector = {"provider": "http-email", "config": {"endpoint": "https://169.254.169.254/latest/meta-data"}}

        answer = ada.post(CHECK, json={"connector": connector})

        assert answer.json["ok"] is False
        assert answer.json["phases"][-1]["phase"] == "resolve"


class TestPostmark:
    def test_a_template_that_is_stored_there_is_filled_there(self, ada: API, peer: StandIn) -> None:
        template = {"subject": "-", "providerTemplate": {"id": "sign-in", "variables": {"product": "Acme"}}}

        answer = ada.post(
            TEST_SEND,
            json={
                "to": "eve@example.com",
                "connector": postmark(peer),
                "templates": {"Generic": {"*": template}},
                "payload": {"product": "From the application"},
            },
        )

        assert answer.json["ok"] is True, answer.json
        (asked,) = peer.asked
        assert str(asked) == "POST /email/withTemplate"
        assert asked.json["TemplateAlias"] == "sign-in"
        assert asked.json["TemplateModel"]["code"] == "000000"
        assert asked.json["TemplateModel"]["product"] == "From the application"

    def test_a_stream_is_mended_by_the_patch_of_its_problem(self, ada: API, peer: StandIn) -> None:
        connector = postmark(peer)
        connector["config"]["messageStream"] = "Outbound"
        ada.put(SETUP, json={"connector": connector})
        peer.answers |= {
            "GET /message-streams/Outbound": Reply(422, {"ErrorCode": 1226, "Message": "not found"}),
            "GET /message-streams/outbound": WELL["GET /message-streams/*"],
            "GET /message-streams": Reply(
                200, {"MessageStreams": [{"ID": "outbound", "MessageStreamType": "Transactional", "ArchivedAt": None}]}
            ),
        }
        del peer.answers["GET /message-streams/*"]

        broken = ada.post(CHECK)
        patch = broken.json["phases"][-1]["problem"]["patch"]
        mended = ada.patch(SETUP, json=patch)

        assert broken.json["phases"][-1]["problem"]["code"] == "postmark.stream_not_found"
        assert mended.status_code == 200, mended.json
        assert ada.post(CHECK).json["ok"] is True


class TestInbox:
    def test_what_would_have_gone_lies_in_the_inbox_without_its_secrets(self, ada: API, peer: StandIn) -> None:
        body = {"to": "eve@example.com", "connector": endpoint(peer), "capture": True}

        answer = ada.post(TEST_SEND, json=body)
        (item,) = ada.get("/tenants/dev/inbox").json
        mail = ada.get(f"/tenants/dev/inbox/{item['id']}").json

        assert answer.json["outcome"] == "captured"
        assert peer.asked == []
        assert "webhook-signature" in json.dumps(mail)
        assert CANARY not in json.dumps(mail)
