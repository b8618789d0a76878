"""Access for a login with OAuth 2.0: from the keeper or from the provider, and what went wrong on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from webapp.connectors.authorization import (
    Client,
    Endpoint,
    Identity,
    Kept,
    TokenKeeper,
    TokenRefusedError,
    Tokens,
    by_credentials,
    by_key,
    by_refresh_token,
)
from webapp.connectors.http import Patience
from webapp.connectors.network import Network
from webapp.connectors.proxy import Proxy
from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.granting import CREDENTIALS, READY, REFRESH, SERVICE
from webapp.connectors.smtp.oauth import OAuth2Auth
from webapp.connectors.smtp.problems import problem
from webapp.connectors.smtp.token_rules import diagnose_refusal
from webapp.domain.message import DeliveryError
from webapp.domain.problem import Problem

_SLOW = ("http.no_answer", "http.no_tls", "http.broken_off", "network.connect_timeout", "network.dns_timeout")


class Access:
    """Gets access tokens for one login. Raises DeliveryError."""

    def __init__(
        self, auth: OAuth2Auth, config: SmtpConfig, keeper: TokenKeeper, network: Network, proxy: Proxy | None
    ) -> None:
        self._auth = auth
        self._host = config.host
        self._keeper = keeper
        self._network = network
        self._proxy = proxy
        self._patience = Patience(
            config.dns_timeout / 1000, config.connection_timeout / 1000, config.socket_timeout / 1000
        )

    @property
    def milliseconds(self) -> int:
        """How long fetching a token may take at most."""
        patience = self._patience
        return round((patience.dns + 2 * patience.connect + patience.answer) * 1000)

    def told(self, kept: Kept) -> str | None:
        """Say in a few words where a token is from and how long it is good."""
        ends = kept.tokens.expires_at
        parts = (urlsplit(self._auth.token_url).hostname, f"{ends:%Y-%m-%d %H:%M} UTC" if ends else "")
        return " · ".join(filter(None, parts)) or None

    async def token(self, *, rejected: SecretStr | None = None) -> Kept:
        """Give a token that should be good; another than the one that was ``rejected``."""
        if self._auth.grant == READY:
            return self._ready()
        try:
            return await self._keeper.obtain(identity_of(self._auth, self._host), self._fetch, rejected=rejected)
        except TokenRefusedError as exc:
            told = refused(exc, self._auth)
            # "from None": what was sent stands in the frames of the refusal.
            raise DeliveryError(told, text=exc.description or exc.error) from None
        except DeliveryError as exc:
            exc.problem = unreachable(exc.problem, self._auth)
            raise

    def _ready(self) -> Kept:
        auth = self._auth
        ends = datetime.fromisoformat(auth.expires) if auth.expires else None
        if ends and ends <= datetime.now(UTC):
            raise DeliveryError(problem("smtp.token_ended", facts_of(auth) | {"ended": auth.expires or ""}))
        if auth.access_token is None:
            raise ValueError("a config without its token was not validated")
        return Kept(Tokens(auth.access_token, datetime.now(UTC), ends), before=False)

    async def _fetch(self, refresh_token: SecretStr | None) -> Tokens:
        auth = self._auth
        endpoint = Endpoint(auth.token_url, self._network, self._patience, self._proxy)
        if auth.grant == SERVICE and auth.key_file:
            key = auth.key_file
            return await by_key(endpoint, key.private_key, key.client, auth.user, auth.asked_scope)
        client = Client(auth.client_id or "", auth.client_secret, any_method=auth.provider == "other")
        if auth.grant == CREDENTIALS:
            return await by_credentials(endpoint, client, auth.asked_scope)
        token = refresh_token or auth.refresh_token
        if token is None:
            raise ValueError("a config without its refresh token was not validated")
        # Google takes the scope of the consent, and refuses one that is written otherwise.
        return await by_refresh_token(endpoint, client, token, "" if auth.provider == "google" else auth.asked_scope)


def identity_of(auth: OAuth2Auth, host: str) -> Identity:
    """What the access of a login belongs to."""

    def plain(secret: SecretStr | None) -> str:
        return secret.get_secret_value() if secret else ""

    whose = auth.user if auth.grant == SERVICE else plain(auth.refresh_token)
    return Identity(
        (auth.token_url, host, auth.grant, auth.client_id or "", whose),
        (auth.asked_scope, auth.service_client or "", plain(auth.client_secret), plain(auth.private_key)),
        by_consent=auth.grant == REFRESH,
    )


def refused(exc: TokenRefusedError, auth: OAuth2Auth) -> Problem:
    """Explain why an endpoint gave no token."""
    facts = facts_of(auth) | {"words": exc.description or exc.error, "error": exc.error, "status": exc.status}
    return problem(diagnose_refusal(exc, auth.grant), facts)


def unreachable(cause: Problem, auth: OAuth2Auth) -> Problem:
    """Explain that there was no answer of an endpoint, by what the network says."""
    if cause.code.startswith("smtp."):
        return cause
    code = "smtp.token_unreachable"
    if cause.code in _SLOW:
        code = "smtp.token_timeout"
    elif cause.code.startswith(("network.certificate", "network.tls", "network.client_certificate")):
        code = "smtp.token_tls"
    elif cause.code == "http.answer_too_large":
        code = "smtp.token_not_understood"
    facts = facts_of(auth) | {"words": str(cause.cause), "status": "200"}
    return problem(code, facts, temporary=cause.temporary)


def facts_of(auth: OAuth2Auth) -> dict[str, Any]:
    """What the words of problems are filled with."""
    key = auth.key_file if auth.grant == SERVICE else None
    return {
        "token_host": urlsplit(auth.token_url).hostname or "",
        "user": auth.user,
        "scope": auth.asked_scope,
        "account": key.client if key else "",
    }
