"""Sign in at the provider: the refresh token comes into the draft, and nobody else can bring one there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
import time_machine

from tests.canary import CANARY
from tests.peers.authorization import CLIENT_SECRET, MAIL, ROBOT, AuthorizationServer, refusal
from tests.peers.proxies import HTTP, ProxyServer
from tests.web.conftest import BOB, Browser, House
from tests.web.filling import FORM, fill, send, shown
from webapp.accounts import Accounts
from webapp.domain.roles import Role
from webapp.services.drafts import Draft

BACK = "/oauth/callback"
HERE = "http://localhost"
"""As the test client asks for pages: without a public URL people come back to where they are."""
CLIENT = "console"
LOST = "was not begun in this session"


@pytest.fixture
def server(house: House) -> Iterator[AuthorizationServer]:
    """A provider that knows the console as a client, and its people."""
    with AuthorizationServer() as server:
        server.add_client(CLIENT, CLIENT_SECRET, HERE + BACK)
        server.add_person("ada@example.test", "Ada")
        yield server


def fill_oauth(browser: Browser, server: AuthorizationServer, **changes: Any) -> None:
    fill(browser, auth__type="oauth2", host="127.0.0.1", auth__user=ROBOT, auth__pass="")
    send(
        browser,
        **{
            "auth__grant": "refresh_token",
            "auth__provider": "other",
            "auth__accessUrl": server.token_url,
            "auth__authorizeUrl": server.authorize_url,
            "auth__scope": f"{MAIL} openid email",
            "auth__clientId": CLIENT,
            "auth__clientSecret": CLIENT_SECRET,
        }
        | changes,
    )
    browser.get(FORM)


def begin(browser: Browser) -> str:
    """Press the button; answers the address at the provider."""
    answer = send(browser, to=f"{FORM}/consent")
    assert answer.status_code == 200, re.findall(r'field-error">.*?<span>(.*?)</span>', browser.page, re.DOTALL)
    found = re.search(r'class="btn btn-primary"\s+href="([^"]+)"', browser.page)
    assert found
    return unescape(found[1])


def consent(address: str) -> str:
    """Sign in there and consent; answers where the provider leads back to."""
    answer = requests.get(address, allow_redirects=False, timeout=5)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def draft(house: House) -> Draft:
    services = house.services
    access = services.tenants.access(Accounts(services.db).by_email("ada@example.com").actor, "dev")
    kept = services.drafts.load(access)
    assert kept
    return kept


def words(browser: Browser) -> str:
    browser.get(FORM)
    return unescape(browser.page)


class TestConsent:
    def test_brings_the_refresh_token_into_the_draft(
        self, house: House, ada: Browser, server: AuthorizationServer
    ) -> None:
        fill_oauth(ada, server)

        answer = ada.get(consent(begin(ada)))

        assert answer.location == f"{FORM}#consent"
        assert f"{ROBOT} consented." in words(ada) or "The consent was given." in words(ada)
        kept = draft(house)
        token = kept.secrets["/connector/config/auth/refreshToken"]
        assert token.startswith(f"{CANARY}-refresh")
        assert token not in ada.page
        assert kept.document["connector"]["config"]["auth"]["refreshToken"] == {"$secret": {"draft": True}}
        assert shown(ada)["auth.clientId"] == CLIENT

    def test_asks_with_everything_that_keeps_it_safe(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)

        asked = parse_qs(urlsplit(begin(ada)).query)

        assert asked["response_type"] == ["code"]
        assert asked["code_challenge_method"] == ["S256"]
        assert len(asked["state"][0]) > 40
        assert len(asked["nonce"][0]) > 20
        assert asked["redirect_uri"] == [HERE + BACK]
        assert asked["login_hint"] == [ROBOT]
        assert CLIENT_SECRET not in ada.page

    def test_asks_google_and_microsoft_for_a_token_that_lasts(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server, auth__provider="google")
        google = urlsplit(begin(ada))
        ada.get(FORM)
        send(ada, auth__provider="microsoft", auth__clientSecret=f"{CANARY}-other")
        ada.get(FORM)
        microsoft = urlsplit(begin(ada))

        assert google.netloc == "accounts.google.com"
        asked = parse_qs(google.query)
        assert (asked["access_type"], asked["prompt"]) == (["offline"], ["consent"])
        assert "https://mail.google.com/" in asked["scope"][0].split()
        assert microsoft.netloc == "login.microsoftonline.com"
        assert "offline_access" in parse_qs(microsoft.query)["scope"][0].split()

    def test_tells_the_redirect_address_to_register(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)

        assert HERE + BACK in words(ada)

    def test_is_written_into_the_audit_log(self, house: House, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)
        ada.get(consent(begin(ada)))

        events = house.services.audit.events(house.services.db, house.tenant("dev").id)

        assert "connector.consented" in [event.action for event in events]

    def test_warns_when_somebody_else_consented(self, ada: Browser, server: AuthorizationServer) -> None:
        server.signed_in = "ada@example.test"
        fill_oauth(ada, server)

        ada.get(consent(begin(ada)))

        assert "ada@example.test consented." in words(ada)
        assert "somebody else than the user name" in words(ada)

    def test_fetches_it_through_the_proxy_of_the_settings(self, ada: Browser, server: AuthorizationServer) -> None:
        with ProxyServer(HTTP) as proxy:
            fill_oauth(ada, server, host="localhost", proxy__url=proxy.url)

            ada.get(consent(begin(ada)))

            assert ("127.0.0.1", server.port) in proxy.targets
        assert f"{ROBOT} consented." in words(ada)

    def test_works_from_a_stored_client_secret(self, house: House, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)
        ada.get(consent(begin(ada)))
        ada.get(f"{FORM}/review")
        saved = ada.post(f"{FORM}/review", {"reviewed": ada.field("reviewed")})
        assert saved.status_code == 303

        ada.get(FORM)
        ada.get(consent(begin(ada)))

        assert draft(house).secrets["/connector/config/auth/refreshToken"].startswith(f"{CANARY}-refresh")


class TestLacking:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"auth__clientId": ""}, "set-auth-clientId"),
            ({"auth__user": ""}, "set-auth-user"),
            ({"auth__authorizeUrl": ""}, "set-auth-authorizeUrl"),
            ({"auth__accessUrl": "", "auth__provider": "other"}, "set-auth-accessUrl"),
            ({"host": ""}, "set-host"),
        ],
    )
    def test_what_is_needed_first_is_said_at_its_field(
        self, ada: Browser, server: AuthorizationServer, changes: dict[str, str], field: str
    ) -> None:
        fill_oauth(ada, server, **changes)

        answer = send(ada, to=f"{FORM}/consent")

        assert answer.status_code == 422
        assert f'href="#{field}"' in ada.page

    def test_the_client_secret_is_needed_for_google(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server, auth__provider="google", auth__clientSecret="")

        send(ada, to=f"{FORM}/consent")

        assert "Type the client secret first" in ada.page

    def test_a_secret_typed_for_one_token_url_is_not_sent_to_another(
        self, ada: Browser, server: AuthorizationServer
    ) -> None:
        fill_oauth(ada, server)

        answer = send(ada, to=f"{FORM}/consent", auth__accessUrl="https://mallory.example/token")

        assert answer.status_code == 422
        assert "Type it again" in unescape(ada.page)
        assert server.requests == []

    def test_nor_where_the_token_url_changed_while_somebody_signed_in(
        self, ada: Browser, server: AuthorizationServer
    ) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))
        ada.get(FORM)
        send(ada, auth__accessUrl="http://127.0.0.1:9/token", auth__clientSecret=CLIENT_SECRET)

        ada.get(back)

        assert "The settings changed while you were signing in" in words(ada)
        assert server.requests == []


class TestFailures:
    def test_a_refused_consent_is_said(self, ada: Browser, server: AuthorizationServer) -> None:
        server.signed_in = ""
        fill_oauth(ada, server)

        answer = ada.get(consent(begin(ada)))

        assert answer.location == f"{FORM}#consent"
        assert "The consent was refused at 127.0.0.1" in words(ada)

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (refusal("invalid_client", "Unauthorized"), "client ID or the client secret"),
            (refusal("invalid_grant", "Bad Request"), "did not accept the code"),
            (refusal("redirect_uri_mismatch"), "another redirect address"),
            (refusal("odd_error", "something odd"), "something odd"),
        ],
    )
    def test_a_refused_exchange_is_said(
        self, house: House, ada: Browser, server: AuthorizationServer, error: Any, says: str
    ) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))
        server.play(error)

        ada.get(back)

        assert says in words(ada)
        assert "/connector/config/auth/refreshToken" not in draft(house).secrets

    def test_a_provider_that_does_not_answer_is_said(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))
        server.__exit__(None, None, None)

        ada.get(back)

        assert "could not be asked for the token" in words(ada)

    def test_an_answer_without_a_refresh_token_is_said(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))
        server.play(refusal("", status=200, access_token=f"{CANARY}-only", token_type="Bearer"))

        ada.get(back)

        assert "gave no refresh token" in words(ada)

    def test_a_consent_that_leaves_the_mail_out_is_said(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))
        given = {
            "access_token": f"{CANARY}-a",
            "refresh_token": f"{CANARY}-r",
            "token_type": "Bearer",
            "scope": "email",
        }
        server.play(refusal("", status=200, **given))

        ada.get(back)

        assert f"what sending mail needs: {MAIL}" in words(ada)

    def test_the_last_failure_goes_with_the_next_try(self, ada: Browser, server: AuthorizationServer) -> None:
        server.signed_in = ""
        fill_oauth(ada, server)
        ada.get(consent(begin(ada)))
        server.signed_in = ROBOT
        ada.get(FORM)

        ada.get(consent(begin(ada)))

        assert "The consent was refused" not in words(ada)


class TestAttacks:
    def test_another_persons_answer_changes_nothing(
        self, house: House, ada: Browser, server: AuthorizationServer
    ) -> None:
        house.make_bob(Role.EDITOR)
        bob = house.signed_in(BOB)
        fill_oauth(ada, server)
        fill_oauth(bob, server)
        begin(ada)
        theirs = consent(begin(bob))

        ada.get(theirs)

        assert LOST in words(ada)
        assert "/connector/config/auth/refreshToken" not in draft(house).secrets
        assert server.requests == []

    def test_an_answer_that_was_not_asked_for_makes_no_draft(
        self, house: House, ada: Browser, server: AuthorizationServer
    ) -> None:
        ada.get(f"{BACK}?{urlencode({'state': 'dev.made-up', 'code': 'mallorys'})}")

        services = house.services
        access = services.tenants.access(Accounts(services.db).by_email("ada@example.com").actor, "dev")
        assert services.drafts.load(access) is None
        assert server.requests == []

    @pytest.mark.parametrize("change", ["state", "nothing"])
    def test_an_answer_is_good_once(self, house: House, ada: Browser, server: AuthorizationServer, change: str) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))
        if change == "state":
            ada.get(back.replace("state=dev.", "state=dev.x"))
            assert LOST in words(ada)
        ada.get(back)
        asked = len(server.requests)

        ada.get(back)

        assert LOST in words(ada)
        assert len(server.requests) == asked == 1

    def test_a_cookie_that_is_put_back_does_not_make_it_good_again(
        self, house: House, ada: Browser, server: AuthorizationServer
    ) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))
        before = ada.cookie("postroom")
        ada.get(back)
        assert before
        ada._client.set_cookie("postroom", before)

        ada.get(back)

        assert LOST in words(ada)
        assert len(server.requests) == 1

    def test_it_ends_after_ten_minutes(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))

        with time_machine.travel(_later(601), tick=True):
            ada.get(back)
            assert LOST in words(ada)

        assert server.requests == []

    def test_after_the_session_ended_nothing_is_taken(
        self, house: House, ada: Browser, server: AuthorizationServer
    ) -> None:
        fill_oauth(ada, server)
        back = consent(begin(ada))
        ada.lose_session()
        assert ada.get(back).status_code == 302
        again = house.signed_in("ada@example.com")

        again.get(back)

        assert LOST in words(again)
        assert server.requests == []

    @pytest.mark.parametrize(
        "state", ["", "//evil.example", "https://evil.example.x", "../../x.y", "prod", "elsewhere.x", "%00.x"]
    )
    def test_it_leads_nowhere_else(self, ada: Browser, mallory: Browser, state: str) -> None:
        for browser in (ada, mallory):
            answer = browser.get(f"{BACK}?{urlencode({'state': state, 'code': 'x'})}")

            assert answer.status_code == 302
            assert answer.location.startswith(("/", "/t/"))
            assert not answer.location.startswith("//")

    def test_a_stranger_learns_nothing_of_a_tenant(self, mallory: Browser) -> None:
        real = mallory.get(f"{BACK}?state=dev.x&code=x")
        made_up = mallory.get(f"{BACK}?state=nowhere.x&code=x")

        assert real.location == made_up.location

    def test_the_code_is_not_sent_without_its_verifier(self, ada: Browser, server: AuthorizationServer) -> None:
        fill_oauth(ada, server)

        ada.get(consent(begin(ada)))

        assert len(server.requests[0]["code_verifier"]) >= 43
        assert server.requests[0]["client_id"] == CLIENT


def _later(seconds: int) -> Any:
    from datetime import UTC, datetime, timedelta

    return datetime.now(UTC) + timedelta(seconds=seconds)
