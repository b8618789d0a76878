"""Check and test send over the API, against real mail servers on loopback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import API, House, smtp
from tests.api.problems import assert_problem, pointers
from tests.peers.aiosmtpd_server import PASSWORD, USER, ReceivingServer
from tests.peers.certificates import Certificates
from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer, answer

CHECK = "/tenants/dev/check"
TEST_SEND = "/tenants/dev/test-send"
SETUP = "/tenants/dev/setup"


@pytest.fixture
def server(
    receiving: Callable[..., ReceivingServer],
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> ReceivingServer:
    """A server whose certificate this machine trusts."""
    trusted = tmp_path / "ca.pem"
    trusted.write_text(certificates.ca_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return receiving()


@pytest.fixture
def connector(server: ReceivingServer) -> dict[str, Any]:
    """A connector that the receiving server likes."""
    return smtp(
        host=server.host,
        port=server.port,
        auth={"type": "login", "user": USER, "pass": PASSWORD},
    )


def plain(server: ScriptedServer) -> dict[str, Any]:
    """A connector without TLS and login, for servers that misbehave."""
    return smtp(host=server.host, port=server.port, security="none", auth={"type": "none"})


class TestCheck:
    def test_the_phases_come_in_order_with_their_times(self, ada: API, connector: dict[str, Any]) -> None:
        response = ada.post(CHECK, json={"connector": connector})

        assert response.status_code == 200
        assert response.json["ok"] is True
        names = [phase["phase"] for phase in response.json["phases"]]
        assert names == ["resolve", "connect", "greeting", "ehlo", "starttls", "ehlo", "auth"] or names == [
            "resolve", "connect", "greeting", "ehlo", "starttls", "auth",
        ]  # fmt: skip
        assert all(phase["ok"] is True and phase["ms"] >= 0 for phase in response.json["phases"])

    def test_without_a_body_the_active_connector_is_checked(self, ada: API, connector: dict[str, Any]) -> None:
        ada.put(SETUP, json={"connector": connector})

        assert ada.post(CHECK).json["ok"] is True

    def test_without_a_connector_there_is_nothing_to_check(self, ada: API) -> None:
        assert_problem(ada.post(CHECK, json={}), 409, "connector.not_set_up")

    def test_a_failure_names_phase_cause_and_steps(self, ada: API) -> None:
        response = ada.post(CHECK, json={"connector": smtp(host="127.0.0.1", port=free_port(), auth={"type": "none"})})

        assert response.status_code == 200
        assert response.json["ok"] is False
        last = response.json["phases"][-1]
        assert last["phase"] == "connect"
        problem = response.json["problem"]
        assert problem["code"]
        assert problem["title"]
        assert problem["cause"]
        assert problem["steps"]
        assert isinstance(problem["temporary"], bool)

    def test_a_kept_secret_is_used(self, ada: API, connector: dict[str, Any]) -> None:
        ada.put(SETUP, json={"connector": connector})
        shown = ada.get(SETUP).json["connector"]

        assert ada.post(CHECK, json={"connector": shown}).json["ok"] is True

    def test_a_kept_secret_does_not_go_to_another_host(self, ada: API, connector: dict[str, Any]) -> None:
        ada.put(SETUP, json={"connector": connector})
        shown = ada.get(SETUP).json["connector"]
        shown["config"]["host"] = "127.0.0.1"

        problem = assert_problem(ada.post(CHECK, json={"connector": shown}), 422, "secret.retype_required")

        assert pointers(problem) == ["/connector/config/auth/pass"]

    def test_a_patch_of_a_problem_can_be_sent_as_it_is(
        self, ada: API, connector: dict[str, Any], receiving: Callable[..., ReceivingServer]
    ) -> None:
        connector["config"] |= {"security": "tls"}
        ada.put(SETUP, json={"connector": connector})
        problem = ada.post(CHECK).json["problem"]

        response = ada.patch(SETUP, json=problem["patch"])

        assert response.status_code == 200
        assert ada.post(CHECK).json["ok"] is True


class TestTestSend:
    def test_a_mail_arrives(self, ada: API, connector: dict[str, Any], server: ReceivingServer) -> None:
        ada.put(SETUP, json={"connector": connector, "templates": ada.get(SETUP).json["templates"]})

        response = ada.post(TEST_SEND, json={"to": "ada@example.com", "usageType": "SignIn"})

        assert response.status_code == 200
        assert response.json["ok"] is True
        assert response.json["outcome"] == "sent"
        assert response.json["messageId"].encode() in server.mails[0].content
        assert server.mails[0].rcpt_tos == ["ada@example.com"]

    def test_templates_of_the_body_and_payload_are_used(
        self, ada: API, connector: dict[str, Any], server: ReceivingServer
    ) -> None:
        templates = {
            "Generic": {"*": {"contentType": "text/plain", "subject": "For {{who}}", "content": "{{code}} it is"}}
        }

        response = ada.post(
            TEST_SEND,
            json={"to": "ada@example.com", "connector": connector, "templates": templates, "payload": {"who": "Ada"}},
        )

        assert response.json["ok"] is True
        assert b"Subject: For Ada" in server.mails[0].content
        assert b"000000 it is" in server.mails[0].content

    def test_it_proves_the_values_for_production(self, ada_in_production: API, connector: dict[str, Any]) -> None:
        ada_in_production.post(
            "/tenants/prod/test-send",
            json={"to": "ada@example.com", "connector": connector, "templates": _generic()},
        )

        response = ada_in_production.put("/tenants/prod/setup", json={"connector": connector})

        assert response.status_code == 201

    def test_a_refusal_of_the_provider_is_an_answer(self, ada: API, scripted: Callable[..., ScriptedServer]) -> None:
        server = scripted(Script(rcpt=answer(550, "5.1.1 no such user"), offers_starttls=False))

        response = ada.post(
            TEST_SEND, json={"to": "ada@example.com", "connector": plain(server), "templates": _generic()}
        )

        assert response.status_code == 200
        assert response.json["ok"] is False
        assert response.json["outcome"] == "not_sent"
        last = response.json["phases"][-1]
        assert (last["phase"], last["code"], last["enhancedCode"]) == ("rcpt_to", 550, "5.1.1")

    def test_no_template_means_nothing_is_sent(
        self, ada: API, connector: dict[str, Any], server: ReceivingServer
    ) -> None:
        response = ada.post(TEST_SEND, json={"to": "ada@example.com", "connector": connector, "templates": {}})

        assert_problem(response, 422, "template.not_found")
        assert server.mails == []

    def test_too_many_to_one_person_are_stopped(self, ada: API, connector: dict[str, Any]) -> None:
        body = {"to": "ada@example.com", "connector": connector, "templates": _generic()}
        for _ in range(10):
            ada.post(TEST_SEND, json=body)

        response = ada.post(TEST_SEND, json=body)

        assert_problem(response, 429, "limit.exceeded")
        assert 0 < int(response.headers["Retry-After"]) <= 600

    def test_it_is_audited_without_the_recipient(self, house: House, ada: API, connector: dict[str, Any]) -> None:
        ada.post(TEST_SEND, json={"to": "ada@example.com", "connector": connector, "templates": _generic()})

        events = house.services.audit.events(house.services.db, house.tenant("dev").id)

        (event,) = [each for each in events if each.action == "connector.test_sent"]
        assert event.actor_kind == "token"
        assert "ada@example.com" not in str(event.detail)


def _generic() -> dict[str, Any]:
    return {"Generic": {"*": {"contentType": "text/plain", "subject": "Code", "content": "{{code}}"}}}
