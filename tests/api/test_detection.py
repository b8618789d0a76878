"""Auto-detect over the API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.conftest import API, House
from tests.api.problems import assert_problem, pointers
from tests.peers.aiosmtpd_server import ReceivingServer
from tests.peers.certificates import Certificates
from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer
from webapp.domain.roles import Role, Scope

DETECT = "/detect"


@pytest.fixture
def trusting(certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the console trust the tests' authority, as operators do it."""
    authority = tmp_path / "ca.pem"
    authority.write_text(certificates.ca_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))


class TestDetect:
    def test_an_address_gives_candidates_with_evidence(self, ada: API) -> None:
        response = ada.post(DETECT, json={"address": "ada@gmail.com"})

        assert response.status_code == 200
        assert response.json["found"] is True
        best = response.json["candidates"][0]
        assert (best["provider"], best["preset"], best["usable"]) == ("smtp", "gmail", True)
        assert best["config"]["fromEmail"] == "ada@gmail.com"
        assert best["needed"] == [{"path": "auth.pass", "title": "App password"}]
        assert best["evidence"] == ["Mailboxes in gmail.com are at Gmail."]

    def test_a_candidate_is_a_connector_that_is_lacking_only_what_it_says(self, ada: API) -> None:
        best = ada.post(DETECT, json={"address": "ada@gmail.com"}).json["candidates"][0]
        connector = {"provider": best["provider"], "config": best["config"]}

        response = ada.put("/tenants/dev/setup?dryRun=true", json={"connector": connector})

        problem = assert_problem(response, 422, "config.invalid")
        assert pointers(problem) == ["/connector/config/auth/pass"]

    def test_a_server_is_looked_at(self, ada: API, trusting: None, receiving: Callable[..., ReceivingServer]) -> None:
        server = receiving()

        response = ada.post(DETECT, json={"host": f"localhost:{server.port}"})

        best = response.json["candidates"][0]
        assert best["config"] == {
            "host": "localhost",
            "port": server.port,
            "security": "starttls",
            "auth": {"type": "login"},
        }

    def test_nothing_found_is_an_answer_with_a_way_on(self, ada: API) -> None:
        response = ada.post(DETECT, json={"host": f"localhost:{free_port()}"})

        assert response.status_code == 200
        assert response.json["found"] is False
        assert response.json["problem"]["code"] == "detection.no_answer"
        assert response.json["problem"]["steps"]

    def test_what_is_not_safe_has_no_config(self, ada: API, scripted: Callable[..., ScriptedServer]) -> None:
        server = scripted(Script(offers_starttls=False))

        (only,) = ada.post(DETECT, json={"host": f"localhost:{server.port}"}).json["candidates"]

        assert (only["usable"], only["config"]) == (False, {})
        assert only["problem"]["code"] == "detection.not_encrypted"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, ""),
            ({"address": "ada@gmail.com", "host": "smtp.gmail.com"}, ""),
            ({"address": "ada@"}, "/address"),
            ({"host": "two words"}, "/host"),
            ({"host": ""}, "/host"),
        ],
    )
    def test_what_cannot_be_looked_for_is_named(self, ada: API, body: dict[str, str], pointer: str) -> None:
        problem = assert_problem(ada.post(DETECT, json=body), 422, "input.invalid")

        assert pointers(problem) == [pointer]


class TestAccess:
    def test_it_needs_the_right_to_write(self, house: House) -> None:
        reader = house.api("dev", scopes=(Scope.CONFIG_READ, Scope.SEND))

        assert_problem(reader.post(DETECT, json={"address": "ada@gmail.com"}), 403, "access.forbidden")

    def test_a_viewers_token_may_not(self, house: House) -> None:
        viewer = house.api("dev", role=Role.VIEWER)

        assert_problem(viewer.post(DETECT, json={"address": "ada@gmail.com"}), 403, "access.forbidden")

    def test_a_tenant_is_limited_apart_from_others(self, ada: API, mallory: API) -> None:
        for _ in range(30):
            ada.post(DETECT, json={"address": "ada@gmail.com"})

        response = ada.post(DETECT, json={"address": "ada@gmail.com"})

        assert_problem(response, 429, "limit.exceeded")
        assert int(response.headers["Retry-After"]) > 0
        assert mallory.post(DETECT, json={"address": "ada@gmail.com"}).status_code == 200

    def test_it_is_audited_as_the_token(self, house: House, ada: API) -> None:
        ada.post(DETECT, json={"address": "ada@gmail.com"})

        events = house.services.audit.events(house.services.db, house.tenant("dev").id)

        (event,) = [each for each in events if each.action == "provider.detected"]
        assert event.actor_kind == "token"
        assert "ada@" not in str(event.detail)
