"""A name that somebody else gives the console never comes back: not in pages, addresses, cookies or links."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.conftest import ADA, House
from webapp.domain.roles import OPERATOR, Access, Role

FOREIGN = [
    "evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example",
    "evil.example#localhost", "evil.example/localhost", "localhost\tevil.example", "[evil.example]", "", "0x7f.1",
    "2130706433", "mail.example.com", "localhost, evil.example", "..", "localhost:abc", "[::1",
    "127.0.0.1:99999", "." * 300, "a" * 70 + ".example", "localhost:8420:8420", "\u00fc.example",
]  # fmt: skip
SAID_BY_PROXIES = [
    "X-Forwarded-Host",
    "X-Host",
    "X-Forwarded-Server",
    "X-HTTP-Host-Override",
    "Forwarded",
    "X-Original-Host",
]


class TestForeignNames:
    @pytest.mark.parametrize("host", FOREIGN)
    @pytest.mark.parametrize("path", ["/sign-in", "/", "/t/dev/", "/api/v1/tenants", "/nowhere"])
    def test_are_refused_and_not_repeated(self, house: House, host: str, path: str) -> None:
        answer = house.app.test_client().get(path, headers={"Host": host})

        assert answer.status_code in (400, 401) if path.startswith("/api") else answer.status_code == 400
        assert "evil.example" not in answer.get_data(as_text=True) + str(answer.headers)

    @pytest.mark.parametrize("header", SAID_BY_PROXIES)
    def test_are_not_believed_of_a_proxy_that_is_not_trusted(self, house: House, header: str) -> None:
        said = "host=evil.example;proto=https" if header == "Forwarded" else "evil.example"

        for path in ("/sign-in", "/", "/t/dev", "/nowhere"):
            answer = house.app.test_client().get(path, headers={header: said})
            assert "evil.example" not in answer.get_data(as_text=True) + str(answer.headers), path

    def test_make_no_link_of_an_invitation(self, open_house: Callable[..., House]) -> None:
        """Whoever is invited goes where the operator says that the console is."""
        house = open_house(public_url="https://mail.example.com")
        ada = house.signed_in(ADA)
        client, headers = ada._client, {"X-Forwarded-Host": "evil.example"}
        page = client.get("/t/dev/settings/members/invite", base_url="https://mail.example.com", headers=headers)

        assert "evil.example" not in page.text

    def test_make_no_example_of_a_token(self, house: House) -> None:
        access = Access(OPERATOR, house.tenant("dev"), Role.OWNER)
        house.services.tokens.create(access, "CI", ["send"], OPERATOR)

        page = house.signed_in(ADA).get("/api/docs", headers={"X-Forwarded-Host": "evil.example"})

        assert "evil.example" not in page.text


class TestTwoNames:
    def test_at_once_are_not_told_apart_by_guessing(self, house: House) -> None:
        """The address of the request says one name, the header another."""
        answer = house.app.test_client().get(
            "/sign-in", base_url="http://localhost", headers={"Host": "evil.example", "X-Forwarded-Host": "localhost"}
        )

        assert answer.status_code == 400


class TestATrustedProxy:
    @pytest.mark.parametrize("host", ["evil.example", "mail.example.com.evil.example", "127.0.0.1", "localhost"])
    def test_passes_on_no_foreign_name_either(self, open_house: Callable[..., House], host: str) -> None:
        house = open_house(public_url="https://mail.example.com", trusted_proxies=1)

        answer = house.app.test_client().get("/sign-in", headers={"Host": "10.0.0.7", "X-Forwarded-Host": host})

        assert answer.status_code == 400

    def test_is_asked_for_the_last_name_only(self, open_house: Callable[..., House]) -> None:
        """What stands before it, the browser wrote."""
        house = open_house(public_url="https://mail.example.com", trusted_proxies=1)
        said = {"X-Forwarded-Host": "mail.example.com, evil.example"}

        assert house.app.test_client().get("/sign-in", headers={"Host": "10.0.0.7", **said}).status_code == 400
