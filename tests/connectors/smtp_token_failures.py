"""What goes wrong with access by OAuth 2.0, in Google's and Microsoft's words, at a real authorisation server."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import RSAKey

from tests.canary import CANARY
from tests.connectors.smtp_attempt import MAIL, Attempt, attempt
from tests.peers.authorization import (
    ACCOUNT,
    CLIENT_ID,
    CLIENT_SECRET,
    ROBOT,
    Answer,
    AuthorizationServer,
    refusal,
    slow,
)
from tests.peers.authorization import (
    MAIL as SCOPE,
)
from tests.peers.authorization import (
    answer as reply,
)
from tests.peers.certificates import Certificates
from tests.peers.ports import LOOPBACK, free_port
from tests.peers.scripted import Script, ScriptedServer, Step, answer, hear
from webapp.domain.message import Mail, Outcome

HASTE = 500
OFFERING = Script(offers_starttls=False, mechanisms=("XOAUTH2", "PLAIN"))


def refresh(authority: AuthorizationServer) -> dict[str, Any]:
    """As after a consent in the browser."""
    return {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "refreshToken": authority.refresh_token()}


def credentials(authority: AuthorizationServer) -> dict[str, Any]:
    """The application by itself."""
    return {"grant": "client_credentials", "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET}


def service(authority: AuthorizationServer) -> dict[str, Any]:
    """A service account's key file, which names another token URL that must not be used."""
    document = {
        "type": "service_account",
        "private_key": authority.account_pem,
        "client_email": ACCOUNT,
        "token_uri": f"http://{LOOPBACK}:{free_port()}/collector",
    }
    return {"grant": "service_account", "privateKey": json.dumps(document)}


def ready(authority: AuthorizationServer) -> dict[str, Any]:
    """A token that somebody fetched by hand."""
    return {"grant": "access_token", "accessToken": authority.access_token(), "expires": time.time() + 600}


GRANTS = {"refresh token": refresh, "client credentials": credentials, "service account": service, "ready": ready}


def login(authority: AuthorizationServer, grant: Callable[[AuthorizationServer], dict[str, Any]]) -> dict[str, Any]:
    """A whole login in JSON."""
    return {
        "type": "oauth2",
        "user": ROBOT,
        "provider": "other",
        "accessUrl": authority.token_url,
        "scope": SCOPE,
        **grant(authority),
    }


@dataclass(frozen=True, slots=True)
class TokenCase:
    """A failure of getting or showing access, and the diagnosis expected of it."""

    code: str
    phase: str = "token"
    grant: Callable[[AuthorizationServer], dict[str, Any]] = refresh
    respond: Answer | None = None
    """What every token request is answered; by default what it deserves."""
    auth: Mapping[str, Any] | Callable[[AuthorizationServer], Mapping[str, Any]] = field(default_factory=dict)
    """What is different in the login."""
    script: Script = OFFERING
    settings: Mapping[str, Any] = field(default_factory=dict)
    temporary: bool = False
    outcome: Outcome = Outcome.NOT_SENT
    patch: Mapping[str, Any] = field(default_factory=dict)
    mail: Mail = MAIL
    certificate: str = ""
    """Which certificate the token URL has; none: it is without TLS."""

    def play(self, certificates: Certificates, *, check: bool = False) -> Attempt:
        """Send, or check, with this going wrong."""
        context = certificates.server(self.certificate) if self.certificate else None
        with (
            AuthorizationServer(context=context) as authority,
            ScriptedServer(self.script, context=certificates.server("good")) as mail,
        ):
            if self.respond:
                authority.answer_always(self.respond)
            changes = self.auth(authority) if callable(self.auth) else self.auth
            settings = {"security": "none", **self.settings}
            return attempt(
                mail.port,
                mail=None if check else self.mail,
                user=None,
                auth=login(authority, self.grant) | dict(changes),
                ca_pem=certificates.ca_pem,
                **settings,
            )


def aadsts(code: int, words: str, error: str = "invalid_grant", status: int = 400) -> Answer:
    """Refuse as Microsoft does."""
    return refusal(
        error,
        f"AADSTS{code}: {words} Trace ID: 6f0c7bd5-0000-4000-8000-6bf3bc7e1a00 "
        "Correlation ID: 1f0c7bd5-0000-4000-8000-6bf3bc7e1a01 Timestamp: 2026-11-21 14:00:00Z",
        status,
        error_codes=[code],
    )


def no_token(said: Mapping[str, str], *last: str) -> Step:
    """Refuse an access token as the protocol has it: words in JSON first, then the refusal."""
    return answer(334, base64.b64encode(json.dumps(said).encode()).decode()) + hear + answer(535, *last)


REFUSED_AT_THE_URL = {
    "nobody listens at the token URL": TokenCase(
        "smtp.token_unreachable", auth=lambda _: {"accessUrl": f"http://{LOOPBACK}:{free_port()}/token"}, temporary=True
    ),
    "the token URL's address is not permitted": TokenCase(
        "smtp.token_unreachable", auth={"accessUrl": "https://10.0.0.1/token"}
    ),
    "the token URL's certificate has expired": TokenCase("smtp.token_tls", certificate="expired", temporary=True),
    "the token URL's certificate is for another name": TokenCase("smtp.token_tls", certificate="wrong_name"),
    "the token URL is slow": TokenCase(
        "smtp.token_timeout", respond=slow(2 * HASTE / 1000), settings={"socketTimeout": HASTE}, temporary=True
    ),
    "the token URL is a page": TokenCase(
        "smtp.token_not_understood", respond=reply(200, "<!doctype html><title>Sign in</title>", "text/html")
    ),
    "the token URL redirects": TokenCase(
        "smtp.token_not_understood", respond=reply(302, "", Location="https://collector.example.test/")
    ),
    "the token URL answers without a token": TokenCase("smtp.token_not_understood", respond=reply(200, {"hello": 1})),
    "the token URL answers without end": TokenCase("smtp.token_not_understood", respond=reply(200, b"x" * 300_000)),
    "the token URL is asked too often": TokenCase(
        "smtp.token_rate_limited", respond=reply(429, "Too many", Retry_After="60"), temporary=True
    ),
    "the token URL has a passing trouble": TokenCase(
        "smtp.token_server_trouble", respond=refusal("temporarily_unavailable", status=503), temporary=True
    ),
    "the token URL crashes": TokenCase(
        "smtp.token_server_trouble", respond=reply(500, "<h1>Error</h1>", "text/html"), temporary=True
    ),
    "the client's secret is wrong": TokenCase(
        "smtp.token_client_refused", auth={"clientSecret": f"{CANARY}-of-another"}, grant=credentials
    ),
    "the client is unknown, says Google": TokenCase(
        "smtp.token_application_unknown",
        respond=refusal("invalid_client", "The OAuth client was not found.", 401),
    ),
    "the client's secret has expired, says Microsoft": TokenCase(
        "smtp.token_client_secret_expired",
        grant=credentials,
        respond=aadsts(7000222, "The provided client secret keys for app '4711' are expired.", "invalid_client", 401),
    ),
    "the secret's ID was pasted, says Microsoft": TokenCase(
        "smtp.token_client_secret_wrong",
        grant=credentials,
        respond=aadsts(
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            "not the client secret ID.",
            "invalid_client",
            401,
        ),
    ),
    "the application is unknown, says Microsoft": TokenCase(
        "smtp.token_application_unknown",
        grant=credentials,
        respond=aadsts(
            700016, "Application with identifier '4711' was not found in the directory.", "unauthorized_client"
        ),
    ),
    "the directory is unknown, says Microsoft": TokenCase(
        "smtp.token_tenant_unknown",
        grant=credentials,
        respond=aadsts(90002, "Tenant 'contoso' not found.", "invalid_request"),
    ),
    "the application may not ask like this": TokenCase(
        "smtp.token_grant_refused", respond=refusal("unsupported_grant_type", "Unsupported grant.")
    ),
    "access is refused for a reason of its own": TokenCase(
        "smtp.token_refused", respond=refusal("moon_phase", "Not while the moon is full.")
    ),
    "the refresh token is unknown": TokenCase(
        "smtp.token_refresh_ended", auth={"refreshToken": f"{CANARY}-never-given"}
    ),
    "the consent was withdrawn, says Google": TokenCase(
        "smtp.token_refresh_ended", respond=refusal("invalid_grant", "Token has been expired or revoked.")
    ),
    "the password was changed, says Microsoft": TokenCase(
        "smtp.token_refresh_ended",
        respond=aadsts(50173, "The provided grant has expired due to it being revoked."),
    ),
    "the refresh token was not used for long, says Microsoft": TokenCase(
        "smtp.token_refresh_ended",
        respond=aadsts(700082, "The refresh token has expired due to inactivity."),
    ),
    "nobody consented, says Microsoft": TokenCase(
        "smtp.token_consent_missing",
        respond=aadsts(65001, "The user or administrator has not consented to use the application."),
    ),
    "a second factor is asked for, says Microsoft": TokenCase(
        "smtp.token_sign_in_needed",
        respond=aadsts(50076, "You must use multi-factor authentication to access this.", "interaction_required"),
    ),
    "a new sign-in is asked for, says Google": TokenCase(
        "smtp.token_sign_in_needed", respond=refusal("invalid_grant", "reauth related error (invalid_rapt)")
    ),
    "the scope is unknown": TokenCase("smtp.token_scope_refused", auth={"scope": "mail.everything"}, grant=credentials),
    "the scope is refused, says Microsoft": TokenCase(
        "smtp.token_scope_refused",
        grant=credentials,
        respond=aadsts(1002012, "The provided value for scope is not valid.", "invalid_scope"),
    ),
    "the service account has no delegation, says Google": TokenCase(
        "smtp.token_delegation_missing",
        grant=service,
        respond=refusal(
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of "
            "the scopes requested.",
            401,
        ),
    ),
    "the mailbox is unknown to the service account": TokenCase(
        "smtp.token_user_unknown", grant=service, auth={"user": "nobody@example.test"}
    ),
    "the mailbox is unknown, says Google": TokenCase(
        "smtp.token_user_unknown", grant=service, respond=refusal("invalid_grant", "Invalid email or User ID")
    ),
    "the key is of somebody else": TokenCase(
        "smtp.token_key_refused",
        grant=service,
        auth=lambda _: {
            "privateKey": RSAKey.generate_key(2048).as_pem(private=True).decode(),
            "serviceClient": ACCOUNT,
        },
    ),
    "the key is not accepted, says Google": TokenCase(
        "smtp.token_key_refused", grant=service, respond=refusal("invalid_grant", "Invalid JWT Signature.")
    ),
    "the clock is wrong, says Google": TokenCase(
        "smtp.token_clock_wrong",
        grant=service,
        respond=refusal(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
            "iat and exp values in the JWT claim.",
        ),
        temporary=True,
    ),
    "the ready token has ended": TokenCase("smtp.token_ended", grant=ready, auth={"expires": "2026-01-01T00:00:00Z"}),
}

REFUSED_AT_THE_SERVER = {
    "the server takes no access tokens": TokenCase(
        "smtp.xoauth2_not_offered", "auth", script=Script(offers_starttls=False, mechanisms=("PLAIN", "LOGIN"))
    ),
    "the server offers no login before STARTTLS": TokenCase(
        "smtp.xoauth2_not_offered", "auth", script=Script(), patch={"security": "starttls"}
    ),
    "the access token is not accepted, says Gmail": TokenCase(
        "smtp.token_not_accepted",
        "auth",
        script=Script(
            offers_starttls=False,
            mechanisms=("XOAUTH2",),
            auth_prompt=no_token(
                {"status": "400", "schemes": "Bearer", "scope": SCOPE},
                "5.7.8 Username and Password not accepted. For more information, go to",
                "5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1 - gsmtp",
            ),
        ),
    ),
    "the access token is for another mailbox, says Microsoft": TokenCase(
        "smtp.token_not_accepted",
        "auth",
        grant=credentials,
        script=Script(
            offers_starttls=False,
            mechanisms=("XOAUTH2",),
            auth=answer(535, "5.7.3 Authentication unsuccessful [AM0PR01CA0001.eurprd01.prod.exchangelabs.com]"),
        ),
    ),
    "SMTP is switched off for the mailbox, says Microsoft": TokenCase(
        "smtp.auth_disabled",
        "auth",
        grant=credentials,
        script=Script(
            offers_starttls=False,
            mechanisms=("XOAUTH2",),
            auth=answer(
                535,
                "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. "
                "Visit https://aka.ms/smtp_auth_disabled for more information.",
            ),
        ),
    ),
    "the server cannot check the access token now": TokenCase(
        "smtp.auth_temporary",
        "auth",
        script=Script(
            offers_starttls=False,
            mechanisms=("XOAUTH2",),
            auth=answer(454, "4.7.0 Temporary authentication failure"),
        ),
        temporary=True,
    ),
}

TOKENS = REFUSED_AT_THE_URL | REFUSED_AT_THE_SERVER
