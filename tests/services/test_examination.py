"""What ``postroom doctor`` says of the operator's relay and sign-in provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canary import CANARY
from tests.peers.authorization import AuthorizationServer
from tests.peers.ports import free_port
from tests.peers.postfix import PostfixServer
from webapp.services.examination import Finding, examine
from webapp.settings import Settings


@pytest.fixture
def provider() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as server:
        yield server


def found(database_file: Path, what: str, **given: Any) -> list[Finding]:
    named = {"data_dir": database_file.parent, "sandbox_smtp_port": 0, "oidc_client_id": "console"}
    return [each for each in examine(Settings(**named | given)) if each.what == what]


class TestRelay:
    def test_that_answers_is_well(self, database_file: Path, postfix: PostfixServer) -> None:
        url = f"smtp://127.0.0.1:{postfix.relay_port}"

        (finding,) = found(database_file, "console's mail", builtin_smtp_url=url, builtin_from="p@example.test")

        assert finding.state == "ok"

    def test_that_does_not_is_told_without_its_password(self, database_file: Path) -> None:
        url = f"smtp://ada:{CANARY}@127.0.0.1:{free_port()}"

        (finding,) = found(database_file, "console's mail", builtin_smtp_url=url, builtin_from="p@example.test")

        assert finding.state == "warning"
        assert "no connection" in finding.says
        assert CANARY not in finding.says


class TestProvider:
    def test_that_answers_is_well(self, database_file: Path, provider: AuthorizationServer) -> None:
        (finding,) = found(database_file, "sign-in provider", oidc_issuer=provider.issuer)

        assert finding.state == "ok"
        assert finding.says.endswith("http://127.0.0.1:8420/sign-in/openid/done")

    def test_that_does_not_is_told(self, database_file: Path) -> None:
        (finding,) = found(database_file, "sign-in provider", oidc_issuer=f"http://127.0.0.1:{free_port()}")

        assert finding.state == "failed"
        assert "does not answer" in finding.says

    def test_that_answers_with_something_else_is_told(self, database_file: Path, provider: AuthorizationServer) -> None:
        provider.described["jwks_uri"] = f"{provider.issuer}/nowhere"

        (finding,) = found(database_file, "sign-in provider", oidc_issuer=provider.issuer)

        assert finding.state == "failed"

    def test_roles_in_tenants_that_are_not_there_are_told(
        self, database_file: Path, provider: AuthorizationServer
    ) -> None:
        given = {"oidc_issuer": provider.issuer, "oidc_roles": "a=nowhere:owner"}

        first, _ = found(database_file, "sign-in provider", **given)

        assert (first.state, "nowhere" in first.says) == ("warning", True)

    def test_at_a_metadata_address_is_not_asked(self, database_file: Path) -> None:
        (finding,) = found(database_file, "sign-in provider", oidc_issuer="https://169.254.169.254")

        assert "not permitted" in finding.says
