"""OAuth 2.0 from end to end: a real authorisation server, and a real mail server that asks it about each token."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from dataclasses import replace
from urllib.parse import quote

import pytest

from tests.canary import CANARY
from tests.connectors.smtp_attempt import LOOPBACK_ONLY, MAIL, assert_failed, attempt
from tests.connectors.smtp_token_failures import GRANTS, OFFERING, TOKENS, login, no_token, ready, refresh, service
from tests.peers.authorization import (
    RESOURCE_ID,
    RESOURCE_SECRET,
    ROBOT,
    AuthorizationServer,
    Client,
    refusal,
)
from tests.peers.authorization import (
    answer as reply,
)
from tests.peers.postfix import running_postfix
from tests.peers.proxies import HTTP, ProxyServer
from tests.peers.scripted import Script, Step, answer, hear
from webapp.connectors.authorization import Kept
from webapp.connectors.base import Means
from webapp.connectors.network import Network
from webapp.connectors.smtp import SmtpConnector
from webapp.domain.message import DeliveryError, Trace

LOGGED_IN = ["resolve", "connect", "greeting", "ehlo", "starttls", "token", "auth"]


@pytest.fixture(scope="module")
def authority():
    with AuthorizationServer() as authority:
        yield authority


@pytest.fixture(scope="module")
def postfix(certificates, authority):
    url = authority.introspection_url.replace("://", f"://{RESOURCE_ID}:{quote(RESOURCE_SECRET)}@")
    with running_postfix(certificates, url) as postfix:
        yield postfix


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        yield server


class OneToken:
    """A keeper that holds one token, good or not."""

    def __init__(self) -> None:
        self.kept = None
        self.fetched = 0

    async def obtain(self, identity, fetch, *, rejected=None):
        before = self.kept is not None and self.kept.access_token != rejected
        if not before:
            self.kept, self.fetched = await fetch(None), self.fetched + 1
        return Kept(self.kept, before=before)


def walk(port, auth, keeper, *, send=False, **settings):
    """Check, or send, with a keeper of tokens."""
    config = {
        "host": "localhost",
        "port": port,
        "security": "none",
        "auth": auth,
        "fromEmail": "no-reply@example.test",
        **settings,
    }
    connector = SmtpConnector(SmtpConnector.config_model.model_validate(config), Network(LOOPBACK_ONLY), Means(keeper))
    trace = Trace()
    asyncio.run(connector.send(MAIL, trace) if send else connector.check(trace))
    return trace


@pytest.mark.peers
@pytest.mark.xdist_group("peers")
class TestRealMailServer:
    """Postfix, with Dovecot that asks the authorisation server whose token it is (RFC 7662)."""

    def submit(self, postfix, auth, **settings):
        return attempt(
            postfix.submission_port,
            host=postfix.host,
            ca_pem=postfix.ca_pem,
            security="starttls",
            user=None,
            auth=auth,
            **settings,
        )

    @pytest.mark.parametrize("grant", GRANTS.values(), ids=GRANTS)
    def test_a_check_logs_in(self, postfix, authority, grant):
        tried = self.submit(postfix, login(authority, grant), mail=None)

        assert tried.error is None, f"{tried.trace.transcript}\n{tried.error and tried.error.problem}\n{postfix.log()}"
        assert tried.phases == LOGGED_IN

    def test_a_mail_arrives(self, postfix, authority):
        mail = replace(MAIL, message_id="<0auth@example.test>")

        tried = self.submit(postfix, login(authority, refresh), mail=mail)

        assert tried.error is None, tried.trace.transcript
        assert postfix.mail(mail.message_id)["Subject"] == "Your code"

    def test_a_token_of_somebody_else_is_not_accepted(self, postfix, authority):
        tried = self.submit(postfix, login(authority, refresh) | {"user": "ceo@example.test"})

        assert_failed(tried, "smtp.token_not_accepted", "auth")

    def test_a_token_that_ended_is_not_accepted(self, postfix, authority):
        auth = login(authority, ready) | {"accessToken": authority.access_token(expires_in=0), "expires": None}

        tried = self.submit(postfix, auth)

        assert_failed(tried, "smtp.token_not_accepted", "auth")
        assert "invalid_token" in str(tried.error.problem.cause) or "401" in str(tried.error.problem.cause)

    def test_a_kept_token_that_was_revoked_is_fetched_anew(self, postfix, authority):
        keeper = OneToken()
        auth, settings = login(authority, refresh), {"security": "starttls", "tls": {"ca": postfix.ca_pem}}
        walk(postfix.submission_port, auth, keeper, **settings)
        authority.revoke_access()

        trace = walk(postfix.submission_port, auth, keeper, **settings)

        assert keeper.fetched == 2
        assert trace.phases[-1].ok


class TestLogin:
    def test_what_is_shown_is_user_and_token(self, server, scripted):
        mail = scripted(OFFERING)

        tried = attempt(mail.port, mail=None, security="none", user=None, auth=login(server, refresh))

        assert tried.error is None, tried.trace.transcript
        proof = next(command for command in mail.commands if command.startswith("AUTH XOAUTH2 ")).split(" ")[2]
        assert base64.b64decode(proof).decode() == f"user={ROBOT}\1auth=Bearer {server.tokens[-1].access_token}\1\1"

    def test_a_token_is_not_sent_in_clear(self, server, scripted):
        mail = scripted(OFFERING)

        tried = attempt(
            mail.port, mail=None, security="opportunistic", user=None, far_away=True, auth=login(server, refresh)
        )

        assert_failed(tried, "smtp.credentials_in_clear", "auth")
        assert not [command for command in mail.commands if command.startswith("AUTH")]

    def test_a_rejected_token_is_fetched_anew_once(self, server, scripted):
        verdicts = iter([235, 535, 535])
        mail = scripted(replace(OFFERING, auth=Step((lambda talk: answer(next(verdicts), "5.7.8 Verdict")(talk),))))
        keeper, auth = OneToken(), login(server, refresh)
        walk(mail.port, auth, keeper)

        with pytest.raises(DeliveryError) as caught:
            walk(mail.port, auth, keeper)

        assert caught.value.problem.code == "smtp.token_not_accepted"
        assert keeper.fetched == 2

    def test_a_new_token_that_is_rejected_is_not_fetched_again(self, server, scripted):
        mail = scripted(replace(OFFERING, auth=answer(535, "5.7.8 No")))
        keeper = OneToken()

        with pytest.raises(DeliveryError):
            walk(mail.port, login(server, refresh), keeper)

        assert keeper.fetched == 1

    def test_a_server_in_trouble_costs_no_new_token(self, server, scripted):
        verdicts = iter([235, 454])
        mail = scripted(replace(OFFERING, auth=Step((lambda talk: answer(next(verdicts), "4.7.0 Verdict")(talk),))))
        keeper, auth = OneToken(), login(server, refresh)
        walk(mail.port, auth, keeper)

        with pytest.raises(DeliveryError):
            walk(mail.port, auth, keeper)

        assert keeper.fetched == 1

    def test_what_a_server_says_in_json_is_kept(self, server, scripted):
        said = {"status": "401", "schemes": "bearer", "scope": "mail.send"}
        script = Script(offers_starttls=False, mechanisms=("XOAUTH2",), auth_prompt=no_token(said, "5.7.8 No"))

        tried = attempt(scripted(script).port, mail=None, security="none", user=None, auth=login(server, refresh))

        assert "status 401, scope mail.send" in str(tried.error.problem.cause)

    @pytest.mark.parametrize("said", ["not base64", base64.b64encode(b"[1]").decode(), "AAAA" * 500, ""])
    def test_what_is_no_json_does_no_harm(self, server, scripted, said):
        prompt = answer(334, said) + hear + answer(535, "5.7.8 No")
        script = Script(offers_starttls=False, mechanisms=("XOAUTH2",), auth_prompt=prompt)

        tried = attempt(scripted(script).port, mail=None, security="none", user=None, auth=login(server, refresh))

        assert_failed(tried, "smtp.token_not_accepted", "auth")


class TestFetching:
    def test_a_key_file_s_own_token_url_is_not_used(self, server, scripted):
        # ``service`` names a port where nobody listens.
        tried = attempt(scripted(OFFERING).port, mail=None, security="none", user=None, auth=login(server, service))

        assert tried.error is None, tried.trace.transcript

    def test_a_redirect_gets_no_secret(self, server, scripted):
        with AuthorizationServer() as collector:
            server.answer_always(reply(307, "", Location=collector.token_url))
            tried = attempt(scripted(OFFERING).port, mail=None, security="none", user=None, auth=login(server, refresh))

        assert_failed(tried, "smtp.token_not_understood", "token")
        assert collector.requests == []

    def test_the_way_leads_through_the_proxy_of_the_settings(self, server, scripted):
        with ProxyServer(HTTP) as proxy:
            tried = attempt(
                scripted(OFFERING).port,
                mail=None,
                security="none",
                user=None,
                auth=login(server, refresh),
                proxy={"url": proxy.url},
                allowInsecureAuth=True,
                insecureAuthReason="A test",
            )

        assert tried.error is None, tried.trace.transcript

    def test_an_endpoint_that_wants_the_secret_in_a_header_gets_it_there(self, server, scripted, monkeypatch):
        monkeypatch.setattr(Client, "check_endpoint_auth_method", lambda self, method, _: method.endswith("_basic"))

        tried = attempt(scripted(OFFERING).port, mail=None, security="none", user=None, auth=login(server, refresh))

        assert tried.error is None, tried.error and tried.error.problem
        assert "client_secret" not in server.requests[-1]

    def test_a_public_client_needs_no_secret(self, server, scripted):
        server.play(reply(200, {"access_token": f"{CANARY}-public", "token_type": "Bearer", "expires_in": "60"}))

        tried = attempt(
            scripted(OFFERING).port,
            mail=None,
            security="none",
            user=None,
            auth=login(server, refresh) | {"clientSecret": None},
        )

        assert tried.error is None, tried.trace.transcript
        assert server.requests[-1]["client_id"]

    @pytest.mark.parametrize("seconds", [None, "soon", -1, True, 10**12, "3600", 1.5])
    def test_odd_lifetimes_are_understood_or_ignored(self, server, scripted, seconds):
        server.play(reply(200, {"access_token": f"{CANARY}-odd", "expires_in": seconds}))

        tried = attempt(scripted(OFFERING).port, mail=None, security="none", user=None, auth=login(server, refresh))

        assert tried.error is None, tried.trace.transcript


class TestSecrecy:
    """Neither tokens, secrets nor what was signed with a key are in anything that is shown, kept or logged."""

    @pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in TOKENS.items()])
    def test_no_failure_shows_a_secret(self, case, certificates, caplog):
        # The authorisation server is in this process too; what it logs is not ours.
        with caplog.at_level(logging.DEBUG), caplog.at_level(logging.WARNING, logger="authlib"):
            tried = case.play(certificates, check=True)

        shown = tried.everything + caplog.text
        assert CANARY not in shown
        assert base64.b64encode(CANARY.encode()).decode()[:12] not in shown
        assert "PRIVATE KEY" not in shown

    def test_an_endpoint_that_repeats_what_it_was_sent_is_not_quoted(self, server, scripted):
        auth = login(server, refresh)
        words = f"Wrong: {auth['clientSecret']} and {auth['refreshToken']}"
        server.answer_always(refusal("invalid_grant", words))

        tried = attempt(scripted(OFFERING).port, mail=None, security="none", user=None, auth=auth)

        assert CANARY not in tried.everything
        assert "Wrong: ••• and •••" in tried.everything

    def test_an_endpoint_that_repeats_an_assertion_is_not_quoted(self, server, scripted):
        server.answer_always(lambda: refusal("invalid_grant", f"Bad: {server.requests[-1]['assertion']}")())

        tried = attempt(scripted(OFFERING).port, mail=None, security="none", user=None, auth=login(server, service))

        assert server.requests[-1]["assertion"].split(".")[1] not in tried.everything

    def test_a_mail_server_that_repeats_the_token_is_not_quoted(self, server, scripted):
        def repeat(talk):
            proof = talk.commands[-1].split(" ")[-1]
            answer(535, f"5.7.8 No: {proof} {base64.b64decode(proof).decode().split(chr(1))[1]}")(talk)

        mail = scripted(Script(offers_starttls=False, mechanisms=("XOAUTH2",), auth=Step((repeat,))))

        tried = attempt(mail.port, mail=None, security="none", user=None, auth=login(server, refresh))

        assert CANARY not in tried.everything
        assert server.tokens[-1].access_token not in tried.everything

    def test_a_challenge_that_repeats_the_token_is_not_quoted(self, server, scripted):
        def repeat(talk):
            token = base64.b64decode(talk.commands[-1].split(" ")[-1]).decode().split("Bearer ")[1].strip("\1")
            no_token({"status": "400", "scope": token}, "5.7.8 No")(talk)

        mail = scripted(Script(offers_starttls=False, mechanisms=("XOAUTH2",), auth_prompt=Step((repeat,))))

        tried = attempt(mail.port, mail=None, security="none", user=None, auth=login(server, refresh))

        assert CANARY not in tried.everything
        assert json.dumps(CANARY) not in tried.everything
