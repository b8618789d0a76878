"""A real authorisation server (Authlib's) on loopback: OAuth 2.0 for mailboxes, OpenID Connect for people.

::

    with AuthorizationServer() as server:
        server.token_url, server.authorize_url, server.introspection_url, server.issuer
        server.refresh_token()                              # as after a consent of ROBOT to CLIENT
        server.refuse("invalid_grant", "Token has been revoked.")        # every token request from now on
        server.play(answer(200, b"<html>", "text/html"))    # only the next one; several calls queue up
"""

from __future__ import annotations

import itertools
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from types import TracebackType
from typing import Any

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer as Authority
from authlib.oauth2.rfc6749 import OAuth2Error
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.canary import CANARY
from tests.peers.authorization_grants import (
    ACCOUNT,
    CLIENT_ID,
    CLIENT_SECRET,
    JWT_BEARER,
    MAIL,
    RESOURCE_ID,
    RESOURCE_SECRET,
    ROBOT,
    SCOPES,
    Client,
    Code,
    Person,
    Token,
    claims_of,
    registered,
)
from tests.peers.ports import LOOPBACK

__all__ = [
    "ACCOUNT",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "JWT_BEARER",
    "MAIL",
    "RESOURCE_ID",
    "RESOURCE_SECRET",
    "ROBOT",
    "AuthorizationServer",
    "answer",
    "refusal",
    "slow",
]

Answer = Callable[[], flask.Response | None]
"""What a token request is answered; None judges it after all."""


def answer(status: int, body: bytes | str | Mapping[str, Any], kind: str = "", **headers: str) -> Answer:
    """Answer a token request with this instead of what it deserves."""

    def respond() -> flask.Response:
        response = flask.jsonify(body) if isinstance(body, Mapping) else flask.Response(body)
        response.status_code = status
        if kind:
            response.content_type = kind
        response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return response

    return respond


def refusal(error: str, description: str = "", status: int = 400, **extra: Any) -> Answer:
    """Refuse a token request in the form of RFC 6749."""
    return answer(status, {"error": error} | ({"error_description": description} if description else {}) | extra)


def slow(seconds: float, then: Answer | None = None) -> Answer:
    """Answer late, and then like this or as the request deserves."""

    def respond() -> flask.Response | None:
        time.sleep(seconds)
        return then() if then else None

    return respond


class AuthorizationServer:
    """The server, in a thread. Everything that a test wants different is an attribute, to be changed at any time."""

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None = None,
        host: str = LOOPBACK,
        rotating: bool = False,
        expires_in: int = 3600,
        refresh_expires_in: int | None = None,
    ) -> None:
        self.rotating = rotating
        """Whether each refresh gives a new refresh token and ends the old one."""
        self.expires_in = expires_in
        self.refresh_expires_in = refresh_expires_in
        self.people = {ROBOT: Person(ROBOT)}
        self.signed_in = ROBOT
        """Who is at the browser, and consents to everything; empty: the consent is denied."""
        self.clients = {
            CLIENT_ID: Client(CLIENT_ID, CLIENT_SECRET),
            RESOURCE_ID: Client(RESOURCE_ID, RESOURCE_SECRET, grants=()),
            ACCOUNT: Client(ACCOUNT, f"{CANARY}-unused", grants=(JWT_BEARER,)),
        }
        self.described: dict[str, Any] = {}
        """What the discovery document says otherwise; None takes something out of it."""
        self.requests: list[dict[str, str]] = []
        """The forms of all token requests, in order."""
        self.tokens: list[Token] = []
        self.codes: list[Code] = []
        self.account_key = _key("account")
        self.signing_key = _key("signing")
        self.account_pem = self.account_key.as_pem(private=True).decode()
        self._numbers = itertools.count(1)
        self._queue: deque[Answer] = deque()
        self._always: Answer | None = None
        self._lock = threading.Lock()
        self._server = make_server(
            host, 0, self._app(), threaded=True, ssl_context=context, request_handler=_SilentHandler
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        scheme = "https" if context else "http"
        self.port: int = self._server.server_port
        self.issuer = f"{scheme}://{'localhost' if context else host}:{self.port}"
        self.token_url = f"{self.issuer}/token"
        self.authorize_url = f"{self.issuer}/authorize"
        self.introspection_url = f"{self.issuer}/introspect"

    def __enter__(self) -> AuthorizationServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def add_client(self, client_id: str, secret: str, *redirect_uris: str, **changes: Any) -> Client:
        """Register an application."""
        client = self.clients[client_id] = Client(client_id, secret, redirect_uris, **changes)
        return client

    def add_person(self, email: str, name: str = "", groups: tuple[str, ...] = (), **claims: Any) -> Person:
        """Let the server know somebody; ``signed_in`` says who is at the browser."""
        person = self.people[email] = Person(email, name or email.partition("@")[0].title(), groups, claims)
        return person

    def refresh_token(self, person: str = ROBOT, client_id: str = CLIENT_ID, scope: str = MAIL) -> str:
        """Give out a refresh token, as after a consent."""
        return self._minted(self.people[person], self.clients[client_id], scope).refresh_token

    def access_token(self, person: str = ROBOT, *, expires_in: int = 3600) -> str:
        """Give out an access token as if by hand."""
        token = self._minted(self.people[person], self.clients[CLIENT_ID], MAIL)
        token.expires_in = expires_in
        return token.access_token

    def person_of(self, access_token: str) -> str | None:
        """Whose mailbox a good access token opens."""
        found = next((each for each in self.tokens if each.access_token == access_token), None)
        return found.person.email if found and not found.is_expired() and not found.revoked else None

    def revoke_access(self) -> None:
        """End all access tokens that were given out; refresh tokens stay good."""
        for each in self.tokens:
            each.revoked = True

    def revoke_consent(self) -> None:
        """End everything that was given out, as when somebody takes the consent back."""
        for each in self.tokens:
            each.revoked = each.spent = True

    def play(self, *answers: Answer) -> None:
        """Answer the next token requests like this, one after the other."""
        self._queue.extend(answers)

    def refuse(self, error: str, description: str = "", status: int = 400, **extra: Any) -> None:
        """Refuse every token request from now on; ``accept`` ends it."""
        self._always = refusal(error, description, status, **extra)

    def answer_always(self, respond: Answer) -> None:
        """Answer every token request like this from now on; ``accept`` ends it."""
        self._always = respond

    def accept(self) -> None:
        """Judge token requests again."""
        self._always = None

    def _minted(self, person: Person, client: Client, scope: str) -> Token:
        number = next(self._numbers)
        token = Token(f"{CANARY}-access-{number}", f"{CANARY}-refresh-{number}", scope, person, client, self.expires_in)
        self.tokens.append(token)
        return token

    def _app(self) -> flask.Flask:
        app = flask.Flask(__name__)
        app.config["OAUTH2_ACCESS_TOKEN_GENERATOR"] = lambda *_, **__: f"{CANARY}-access-{next(self._numbers)}"
        app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = lambda *_, **__: f"{CANARY}-refresh-{next(self._numbers)}"
        authority = Authority()
        authority.init_app(app, self.clients.get, self._save)
        registered(self, authority)

        @app.post("/token")
        def token() -> flask.Response:
            with self._lock:
                self.requests.append(flask.request.form.to_dict())
                play = self._queue.popleft() if self._queue else self._always
            if play and (played := play()):
                return played
            with self._lock:
                return authority.create_token_response()

        @app.get("/authorize")
        def authorize() -> Any:
            person = self.people.get(self.signed_in)
            try:
                grant = authority.get_consent_grant(end_user=person)
            except OAuth2Error as error:
                return flask.Response(f"{error.error}: {error.description}", status=400)
            return authority.create_authorization_response(grant=grant, grant_user=person)

        @app.post("/introspect")
        def introspect() -> Any:
            return authority.create_endpoint_response("introspection")

        @app.get("/.well-known/openid-configuration")
        def discovery() -> dict[str, Any]:
            described = {
                "issuer": self.issuer,
                "authorization_endpoint": self.authorize_url,
                "token_endpoint": self.token_url,
                "introspection_endpoint": self.introspection_url,
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": SCOPES.split(),
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            }
            return {name: value for name, value in (described | self.described).items() if value is not None}

        @app.get("/jwks")
        def jwks() -> Any:
            return KeySet([self.signing_key]).as_dict(private=False)

        @app.get("/userinfo")
        def userinfo() -> Any:
            bearer = flask.request.headers.get("Authorization", "").removeprefix("Bearer ")
            person = self.people.get(self.person_of(bearer) or "")
            return claims_of(person) if person else ({"error": "invalid_token"}, 401)

        return app

    def _save(self, token: dict[str, Any], request: Any) -> None:
        token["expires_in"] = self.expires_in
        if self.refresh_expires_in is not None and "refresh_token" in token:
            token["refresh_token_expires_in"] = self.refresh_expires_in
        person = request.user or Person(request.form.get("username", ROBOT))
        kept = Token(
            token["access_token"],
            token.get("refresh_token", ""),
            token.get("scope", ""),
            person,
            request.client,
            self.expires_in,
        )
        self.tokens.append(kept)


@cache
def _key(name: str) -> RSAKey:
    """Make a key once for all servers: it takes a while."""
    return RSAKey.generate_key(2048, parameters={"kid": name, "use": "sig", "alg": "RS256"})


class _SilentHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name
        """Say nothing: what is asked for holds secrets."""
