"""Access by OAuth 2.0: asking a token endpoint. The parts of the protocol are Authlib's and joserfc's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import httpx2
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oauth2.rfc7523 import JWTBearerGrant
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from webapp.connectors.http import HTTPConnection, Patience
from webapp.connectors.network import Network
from webapp.connectors.proxy import Proxy

NOT_UNDERSTOOD: Final = "not_understood"
"""The error of an endpoint that says nothing of RFC 6749; our own word."""
RATE_LIMITED: Final = "rate_limited"
SERVER_ERROR: Final = "server_error"

_ANSWER_LIMIT: Final = 200_000
_LONGEST: Final = timedelta(days=3650)
_WORDS_LIMIT: Final = 500
_HIDDEN: Final = "•••"
_PUBLIC: Final = frozenset({"grant_type", "scope", "client_id", "redirect_uri"})


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an endpoint gave."""

    access_token: SecretStr
    obtained_at: datetime
    expires_at: datetime | None = None
    refresh_token: SecretStr | None = None
    """The one to use from now on, where the endpoint gave a new one."""
    refresh_expires_at: datetime | None = None
    scope: str | None = None
    """What was granted, where the endpoint says so."""
    id_token: SecretStr | None = None
    """Who granted it, where that was asked for."""

    def fresh_at(self, moment: datetime) -> bool:
        """Whether the access token may still be used: not in the last tenth of its time, nor the last five minutes."""
        if self.expires_at is None:
            return True
        margin = min((self.expires_at - self.obtained_at) / 10, timedelta(minutes=5))
        return moment < self.expires_at - margin


class TokenRefusedError(Exception):
    """The endpoint answered, and gave no token."""

    def __init__(self, error: str, description: str = "", status: int = 0) -> None:
        super().__init__(error)
        self.error = error
        """As RFC 6749 has it, or one of the words above."""
        self.description = description
        """The endpoint's own words, without what we sent."""
        self.status = status


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A token endpoint and the way there."""

    url: str
    network: Network
    patience: Patience = field(default_factory=Patience)
    proxy: Proxy | None = None
    local_address: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """The application that asks."""

    id: str
    secret: SecretStr | None = None
    any_method: bool = False
    """Whether to show the secret in a header where it is refused in the body: what an endpoint wants is not known."""

    def signed(self, url: str, body: str, method: str) -> tuple[str, dict[str, str]]:
        """Put the proof of who asks into the body or into a header."""
        secret = self.secret.get_secret_value() if self.secret else ""
        auth = ClientAuth(self.id, secret, method if secret else "none")
        _, headers, body = auth.prepare("POST", url, {}, body)
        return body, headers


@dataclass(frozen=True, slots=True)
class Identity:
    """What tokens belong to. With any of it changed, those that were kept are not used again."""

    grant: tuple[str, ...] = field(repr=False)
    """Whose consent it is, where it goes and for what: a refresh token that was replaced goes on with it."""
    proof: tuple[str, ...] = field(repr=False)
    """What else was shown to get access."""
    by_consent: bool = False
    """Whether access lasts as long as somebody's consent, which a provider forgets when it is not used."""


class TokenKeeper(Protocol):
    """Keeps tokens between two logins, and has each fetched once."""

    async def obtain(self, identity: Identity, fetch: Fetch, *, rejected: SecretStr | None = None) -> Kept:
        """Give the tokens that belong to ``identity``.

        ``fetch`` asks for new ones, by the given refresh token or, for None, by the one of the settings. ``rejected``
        is an access token that a server did not accept, so that another has to come. Raises what ``fetch`` raises.
        """


Fetch = Callable[[SecretStr | None], Awaitable[Tokens]]


@dataclass(frozen=True, slots=True)
class Kept:
    """Tokens, and whether they were fetched before."""

    tokens: Tokens
    before: bool


class KeepNothing:
    """A keeper for those who have no place to keep tokens."""

    async def obtain(self, identity: Identity, fetch: Fetch, *, rejected: SecretStr | None = None) -> Kept:
        return Kept(await fetch(None), before=False)


async def by_refresh_token(endpoint: Endpoint, client: Client, refresh_token: SecretStr, scope: str) -> Tokens:
    """Get access by a refresh token. Raises DeliveryError or TokenRefusedError."""
    body = prepare_token_request("refresh_token", refresh_token=refresh_token.get_secret_value(), scope=scope or None)
    return await _asked(endpoint, client, body)


async def by_credentials(endpoint: Endpoint, client: Client, scope: str) -> Tokens:
    """Get access for the application itself. Raises DeliveryError or TokenRefusedError."""
    return await _asked(endpoint, client, prepare_token_request("client_credentials", scope=scope or None))


async def by_code(endpoint: Endpoint, client: Client, code: str, redirect_uri: str, verifier: str) -> Tokens:
    """Get access by the code that a consent in the browser gave. Raises DeliveryError or TokenRefusedError."""
    body = prepare_token_request("authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier)
    return await _asked(endpoint, client, body)


async def by_key(endpoint: Endpoint, key: SecretStr, account: str, subject: str, scope: str) -> Tokens:
    """Get access by a service account's signature (RFC 7523). Raises DeliveryError or TokenRefusedError."""
    assertion = JWTBearerGrant.sign(
        RSAKey.import_key(key.get_secret_value()),
        issuer=account,
        audience=endpoint.url,
        subject=subject,
        claims={"scope": scope} if scope else {},
        alg="RS256",
    )
    return await _asked(endpoint, None, prepare_token_request(JWTBearerGrant.GRANT_TYPE, assertion=assertion))


async def _asked(endpoint: Endpoint, client: Client | None, body: str) -> Tokens:
    try:
        return await _asked_once(endpoint, client, body, "client_secret_post")
    except TokenRefusedError as exc:
        # Endpoints have to take the secret in a header and may take it in the body (RFC 6749 section 2.3.1); the body
        # is what Google, Microsoft and most others document.
        if exc.error != "invalid_client" or not client or not client.secret or not client.any_method:
            raise
        return await _asked_once(endpoint, client, body, "client_secret_basic")


async def _asked_once(endpoint: Endpoint, client: Client | None, body: str, method: str) -> Tokens:
    secrets = [value for name, value in parse_qsl(body) if name not in _PUBLIC]
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if client:
        body, proof = client.signed(endpoint.url, body, method)
        headers |= proof
        secrets += [client.secret.get_secret_value()] if client.secret else []
    connection = HTTPConnection(
        endpoint.network,
        endpoint.url,
        patience=endpoint.patience,
        proxy=endpoint.proxy,
        local_address=endpoint.local_address,
    )
    async with connection:
        answer = await connection.send(
            httpx2.Request("POST", endpoint.url, headers=headers, content=body.encode()), limit=_ANSWER_LIMIT
        )
    return _tokens(answer, secrets)


def _tokens(answer: httpx2.Response, secrets: list[str]) -> Tokens:
    try:
        said = answer.json()
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        said = {}
    token, kind = said.get("access_token"), said.get("token_type", "bearer")
    if answer.status_code == 200 and isinstance(token, str) and token and str(kind).lower() == "bearer":
        return _given(said, token)
    error, words = said.get("error"), said.get("error_description")
    description = _words(words if isinstance(words, str) else "", secrets)
    if answer.status_code == 429:
        error = RATE_LIMITED
    elif not isinstance(error, str) or not error:
        error = SERVER_ERROR if answer.status_code >= 500 else NOT_UNDERSTOOD
    # "from None" and no cause: an exception on its way into a log carries nothing that was sent.
    raise TokenRefusedError(_words(error, secrets), description, answer.status_code) from None


def _given(said: Mapping[str, Any], token: str) -> Tokens:
    now = datetime.now(UTC)
    refresh, scope, identity = said.get("refresh_token"), said.get("scope"), said.get("id_token")
    return Tokens(
        SecretStr(token),
        now,
        _end(now, said.get("expires_in")),
        SecretStr(refresh) if isinstance(refresh, str) and refresh else None,
        _end(now, said.get("refresh_token_expires_in")),
        scope if isinstance(scope, str) else None,
        SecretStr(identity) if isinstance(identity, str) and identity else None,
    )


def _end(now: datetime, seconds: Any) -> datetime | None:
    """Some endpoints write numbers as text, and some write 0 for "never"."""
    text = str(seconds).strip()
    if isinstance(seconds, bool) or not text.isdecimal() or len(text) > 10 or int(text) == 0:
        return None
    return now + min(timedelta(seconds=int(text)), _LONGEST)


def _words(text: str, secrets: list[str]) -> str:
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _WORDS_LIMIT else line[: _WORDS_LIMIT - 1] + "…"
