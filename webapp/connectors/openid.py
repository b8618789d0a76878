"""OpenID Connect, the side that relies on it: discovery, the way there and back, and what an ID token has to prove.

The parts of the protocol are Authlib's and joserfc's; here they are put together on our HTTP client.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import SecretStr

from webapp.connectors import openid_problems as problems
from webapp.connectors.http import HTTPConnection, Patience
from webapp.connectors.network import Network
from webapp.domain.message import DeliveryError
from webapp.domain.problem import JSON, Problem
from webapp.domain.text import T

SKEW: Final = 120
"""Seconds that the provider's clock may be wrong."""
DISCOVERY_KEPT: Final = 3600
"""Seconds that the provider's description of itself is believed."""
_OF_ADDRESS: Final = ("email", "email_verified", "xms_edov")
_SIGNED_BY: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures with a key that only the provider has."""
PATIENCE: Final = Patience(dns=5.0, connect=8.0, answer=8.0)
"""Somebody waits in front of the page."""

Send = Callable[[httpx2.Request], httpx2.Response]
"""What carries a request to the provider and brings the answer. Raises DeliveryError or TimeoutError."""


async def carried(network: Network, request: httpx2.Request) -> httpx2.Response:
    """Send one request to the provider through the network, and read the answer."""
    async with HTTPConnection(network, str(request.url), patience=PATIENCE) as connection:
        await connection.open()
        return await connection.send(request)


def _merged(signed: Mapping[str, JSON], asked: Mapping[str, JSON]) -> dict[str, JSON]:
    """Add what was asked for to the signed claims; an address and whether it is verified come from one source."""
    other = signed if "email" not in signed else asked
    left_out = {name for name in _OF_ADDRESS if name in other}
    kept = {name: value for name, value in other.items() if name not in left_out}
    return {**asked, **kept} if other is signed else {**kept, **signed}


class OpenIDError(Exception):
    """Signing in by another system did not work. Carries the diagnosis."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Request:
    """A sign-in that was begun: what has to come back, and what proves that it was ours."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Request:
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


class OpenIDProvider:
    """The system that knows who somebody is. Keeps its description and its keys for a while."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: SecretStr | None,
        scopes: str,
        redirect_uri: str,
        *,
        send: Send,
    ) -> None:
        self.issuer = issuer
        self._send = send
        self._client_id, self._secret = client_id, client_secret
        self._scopes, self._redirect_uri = scopes, redirect_uri
        self._described: tuple[float, dict[str, Any]] | None = None
        self._keys: KeySet | None = None

    def begin(self, request: Request, *, again: bool = False) -> str:
        """Give the address at which somebody signs in there, ``again`` even if they are. Raises OpenIDError."""
        return str(
            prepare_grant_uri(
                self._endpoint("authorization_endpoint"),
                client_id=self._client_id,
                response_type="code",
                redirect_uri=self._redirect_uri,
                scope=self._scopes,
                state=request.state,
                nonce=request.nonce,
                code_challenge=create_s256_code_challenge(request.verifier),
                code_challenge_method="S256",
                **({"prompt": "login"} if again else {}),
            )
        )

    def finish(self, request: Request, answer: Mapping[str, str]) -> dict[str, JSON]:
        """Read what the provider says of the person who came back. Raises OpenIDError."""
        if not hmac.compare_digest(answer.get("state", "").encode(), request.state.encode()):
            raise OpenIDError(problems.not_begun_here())
        if answer.get("iss", self.issuer) != self.issuer:
            raise OpenIDError(problems.distrusted(self.issuer, T("the answer came from another provider")))
        if "code" not in answer:
            raise OpenIDError(
                problems.refused(self.issuer, answer.get("error", ""), answer.get("error_description", ""))
            )
        tokens = self._exchange(request, answer["code"])
        claims = self._proven(request, tokens)
        access = tokens.get("access_token")
        described = self._metadata()
        if isinstance(access, str) and described.get("userinfo_endpoint"):
            more = self._ask("GET", self._endpoint("userinfo_endpoint"), headers={"Authorization": f"Bearer {access}"})
            # Only what is said of the same person counts (OpenID Connect Core 5.3.2); the signed token goes first.
            if more.get("sub") == claims["sub"]:
                claims = _merged(claims, more)
        return claims

    def way_out(self, back: str) -> str | None:
        """Give the address at which one signs out there, where the provider has one. Asks nobody."""
        endpoint = self._described[1].get("end_session_endpoint") if self._described else None
        if not isinstance(endpoint, str) or not self._may_ask(endpoint):
            return None
        query = urlencode({"client_id": self._client_id, "post_logout_redirect_uri": back})
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"

    def look(self) -> None:
        """Ask the provider for its description and keys. Raises OpenIDError."""
        self._described = None
        self._metadata()
        self._key_set(anew=True)

    def _exchange(self, request: Request, code: str) -> dict[str, Any]:
        secret = self._secret.get_secret_value() if self._secret else ""
        offered = self._metadata().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = next(
            (each for each in ("client_secret_basic", "client_secret_post") if each in offered), "client_secret_post"
        )
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._redirect_uri, code_verifier=request.verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
        url, headers, body = ClientAuth(self._client_id, secret, method if secret else "none").prepare(
            "POST", self._endpoint("token_endpoint"), headers, body
        )
        return self._ask("POST", url, headers=headers, content=body)

    def _proven(self, request: Request, tokens: Mapping[str, Any]) -> dict[str, JSON]:
        """Check the ID token: signature, issuer, audience, times, nonce."""
        written = tokens.get("id_token")
        if not isinstance(written, str):
            raise OpenIDError(
                problems.distrusted(self.issuer, T("it gave no ID token; does the scope contain openid?"))
            )
        try:
            try:
                token = self._decoded(written, anew=False)
            except (InvalidKeyIdError, BadSignatureError):
                # The provider may sign with a new key since we looked.
                token = self._decoded(written, anew=True)
            options: Any = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self._client_id},
            }
            params = {"nonce": request.nonce, "client_id": self._client_id, "access_token": tokens.get("access_token")}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(leeway=SKEW)
        except JoseError as exc:
            raise OpenIDError(problems.distrusted(self.issuer, problems.fault(exc))) from exc
        except (ValueError, TypeError, KeyError) as exc:
            raise OpenIDError(problems.distrusted(self.issuer, T("its ID token cannot be read"))) from exc
        if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
            raise OpenIDError(problems.distrusted(self.issuer, T("its ID token does not say who signed in")))
        return dict(claims)

    def _decoded(self, written: str, *, anew: bool) -> jwt.Token:
        said = self._metadata().get("id_token_signing_alg_values_supported") or ["RS256"]
        allowed = [each for each in said if each in _SIGNED_BY] or ["RS256"]
        registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
        return jwt.decode(written, self._key_set(anew=anew), registry=registry)

    def _key_set(self, *, anew: bool) -> KeySet:
        if self._keys is None or anew:
            found = self._ask("GET", self._endpoint("jwks_uri"))
            try:
                keys = [each for each in found["keys"] if each.get("use", "sig") == "sig" and each.get("kty") != "oct"]
                self._keys = KeySet.import_key_set({"keys": keys})
            except (JoseError, ValueError, TypeError, KeyError, AttributeError) as exc:
                raise OpenIDError(problems.odd(self.issuer, T("its keys cannot be read"))) from exc
        return self._keys

    def _metadata(self) -> dict[str, Any]:
        known = self._described
        if known and known[0] > time.monotonic() - DISCOVERY_KEPT:
            return known[1]
        found = self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise OpenIDError(problems.other_issuer(self.issuer, str(found.get("issuer"))[:200]))
        self._described = (time.monotonic(), found)
        return found

    def _endpoint(self, name: str) -> str:
        url = self._metadata().get(name)
        if not isinstance(url, str) or not self._may_ask(url):
            raise OpenIDError(problems.odd(self.issuer, T("its description has no usable %(name)s", name=name)))
        return url

    def _may_ask(self, url: str) -> bool:
        """Encrypted, unless the operator named an issuer that is not: that is for this machine only."""
        try:
            scheme = urlsplit(url).scheme
        except ValueError:
            return False
        return scheme == "https" or (scheme == "http" and urlsplit(self.issuer).scheme == "http")

    def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        """Send one request and read a JSON object."""
        headers = {"Accept": "application/json", **options.pop("headers", {})}
        try:
            answer = self._send(httpx2.Request(method, url, headers=headers, **options))
            found = json.loads(answer.content)
        except DeliveryError as exc:
            raise OpenIDError(problems.unreachable(self.issuer, exc.problem.title, exc.problem.cause)) from exc
        except TimeoutError as exc:
            raise OpenIDError(
                problems.unreachable(self.issuer, T("It takes too long"), T("There was no answer."))
            ) from exc
        except httpx2.InvalidURL as exc:
            raise OpenIDError(problems.odd(self.issuer, T("its description names an address that is none"))) from exc
        except (ValueError, RecursionError):
            found = None
        if answer.status_code >= 400:
            error = found if isinstance(found, dict) else {}
            if answer.status_code >= 500 or not error.get("error"):
                status = T("It answered with status %(code)s.", code=answer.status_code)
                raise OpenIDError(problems.unreachable(self.issuer, T("It has trouble of its own"), status))
            raise OpenIDError(
                problems.refused(self.issuer, str(error["error"]), str(error.get("error_description", "")))
            )
        if not isinstance(found, dict):
            raise OpenIDError(problems.odd(self.issuer, T("it did not answer with a JSON object")))
        return found
