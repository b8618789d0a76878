"""Signing in by another system: nothing is believed that is not proven."""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc.jwk import RSAKey

from tests.canary import CANARY
from tests.peers.authorization import AuthorizationServer, answer
from tests.web.conftest import ADA, MALLORY, House
from tests.web.openid.steps import (
    CAROL,
    CLIENT,
    OpenHouse,
    come_in,
    forged,
    know,
    sent_back,
    with_provider,
)


def tried(console: House, provider: AuthorizationServer, **changes: Any) -> Any:
    """Come back with a forged ID token."""
    know(provider, CAROL, "mail-team")
    browser = console.browser()
    begun = browser.get("/sign-in/openid").headers["Location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun).query).items()}
    provider.play(forged(provider, changes.pop("nonce", asked["nonce"]), **changes))
    return browser.get(f"/sign-in/openid/done?{urlencode({'code': 'x', 'state': asked['state']})}")


class TestProof:
    @pytest.fixture(autouse=True)
    def no_userinfo(self, provider: AuthorizationServer) -> None:
        provider.described["userinfo_endpoint"] = None

    def test_is_a_token_that_is_all_right(self, console: House, provider: AuthorizationServer) -> None:
        assert tried(console, provider).status_code == 302

    @pytest.mark.parametrize(
        "changes",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"aud": "another-client"},
            {"aud": [CLIENT, "another-client"]},
            {"azp": "another-client"},
            {"iss": "https://evil.example"},
            {"exp": 1_700_000_000},
            {"exp": None},
            {"iat": 4_000_000_000},
            {"sub": None},
            {"sub": ""},
        ],
        ids=str,
    )
    def test_is_no_token_that_is_not(
        self, console: House, provider: AuthorizationServer, changes: dict[str, Any]
    ) -> None:
        page = tried(console, provider, **changes)

        assert page.status_code == 403
        assert "proves nothing" in page.text

    def test_bears_a_clock_that_is_a_minute_wrong(self, console: House, provider: AuthorizationServer) -> None:
        assert tried(console, provider, exp=int(time.time()) - 60, iat=int(time.time()) - 400).status_code == 302
        assert tried(console, provider, iat=int(time.time()) + 60).status_code == 302

    def test_is_signed_by_the_provider(self, console: House, provider: AuthorizationServer) -> None:
        stranger = RSAKey.generate_key(2048, parameters={"kid": "signing", "use": "sig", "alg": "RS256"})

        page = tried(console, provider, key=stranger)

        assert page.status_code == 403
        assert "not signed with one of its keys" in page.text

    @pytest.mark.parametrize("header", ["none", "HS256"])
    def test_is_not_signed_with_what_everybody_knows(
        self, console: House, provider: AuthorizationServer, header: str
    ) -> None:
        provider.described["id_token_signing_alg_values_supported"] = ["none", "HS256", "RS256"]
        know(provider, CAROL, "mail-team")
        browser = console.browser()
        begun = browser.get("/sign-in/openid").headers["Location"]
        asked = {name: values[0] for name, values in parse_qs(urlsplit(begun).query).items()}
        good = forged(provider, asked["nonce"])
        with console.app.app_context():
            body = good().get_json()["id_token"].split(".")[1]

        head = base64.urlsafe_b64encode(f'{{"alg":"{header}"}}'.encode()).decode().rstrip("=")
        provider.play(answer(200, {"access_token": "x", "token_type": "Bearer", "id_token": f"{head}.{body}."}))

        page = browser.get(f"/sign-in/openid/done?{urlencode({'code': 'x', 'state': asked['state']})}")

        assert page.status_code == 403

    def test_goes_on_when_the_provider_changes_its_keys(self, console: House, provider: AuthorizationServer) -> None:
        first = tried(console, provider)
        provider.signing_key = RSAKey.generate_key(2048, parameters={"kid": "new", "use": "sig", "alg": "RS256"})

        assert (first.status_code, tried(console, provider).status_code) == (302, 302)


class TestTheWayBack:
    def test_is_for_whoever_began_it(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, MALLORY)
        hers = sent_back(console.browser())
        ada = console.browser()
        ada.get("/sign-in/openid")

        page = ada.get(hers)

        assert page.status_code == 400
        assert "not begun in this browser" in page.text

    def test_works_once(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        carol = console.browser()
        back = sent_back(carol)
        carol.get(back)

        assert carol.get(back).status_code == 400

    def test_without_a_beginning_is_none(self, console: House) -> None:
        assert console.browser().get("/sign-in/openid/done?code=x&state=y").status_code == 400

    def test_from_another_provider_is_none(self, console: House, provider: AuthorizationServer) -> None:
        know(provider, CAROL, "mail-team")
        carol = console.browser()

        page = carol.get(f"{sent_back(carol)}&iss=https://evil.example")

        assert "came from another provider" in page.text

    def test_says_that_somebody_cancelled(self, console: House, provider: AuthorizationServer) -> None:
        provider.signed_in = ""

        page = come_in(console.browser())

        assert page.status_code == 403
        assert "You were not signed in" in page.text

    def test_escapes_what_stands_in_the_address(self, console: House) -> None:
        browser = console.browser()
        begun = parse_qs(urlsplit(browser.get("/sign-in/openid").headers["Location"]).query)
        asked = {"state": begun["state"][0], "error": "<script>x</script>", "error_description": "y" * 5000}

        page = browser.get(f"/sign-in/openid/done?{urlencode(asked)}").text

        assert "<script>x" not in page
        assert "y" * 200 not in page

    def test_tells_a_wrong_secret(self, open_house: OpenHouse, provider: AuthorizationServer) -> None:
        console = with_provider(open_house, provider, oidc_client_secret=f"{CANARY}-wrong")
        know(provider, CAROL, "mail-team")

        page = come_in(console.browser())

        assert "The sign-in provider refused" in page.text
        assert "invalid_client" in page.text


class TestTrouble:
    def test_of_the_provider_leaves_passwords_usable(self, open_house: OpenHouse) -> None:
        with AuthorizationServer() as gone:
            console = with_provider(open_house, gone)
        browser = console.browser()

        page = browser.get("/sign-in/openid?next=/account")

        assert page.status_code == 503
        assert "does not answer" in page.text
        assert "Sign in another way" in page.text
        assert browser.sign_in(ADA).status_code == 302

    @pytest.mark.parametrize(
        ("described", "says"),
        [
            ({"issuer": "https://evil.example"}, "another name"),
            ({"authorization_endpoint": "javascript:alert(1)"}, "no usable authorization_endpoint"),
            ({"authorization_endpoint": None}, "no usable authorization_endpoint"),
        ],
        ids=["issuer", "script", "nothing"],
    )
    def test_of_its_description_is_told(
        self, console: House, provider: AuthorizationServer, described: dict[str, Any], says: str
    ) -> None:
        provider.described.update(described)

        page = console.browser().get("/sign-in/openid")

        assert page.status_code == 502
        assert says in page.text

    @pytest.mark.parametrize(
        "reply",
        [answer(200, b"<html>", "text/html"), answer(200, b"[1]", "application/json"), answer(503, b"", "text/plain")],
        ids=["html", "list", "503"],
    )
    def test_of_its_answers_is_told(self, console: House, provider: AuthorizationServer, reply: Any) -> None:
        know(provider, CAROL, "mail-team")
        provider.play(reply)

        assert come_in(console.browser()).status_code in (502, 503)

    def test_of_too_many_tries_is_limited(self, console: House) -> None:
        for _ in range(60):
            console.browser().get("/sign-in/openid/done")

        assert console.browser().get("/sign-in/openid").status_code == 429
