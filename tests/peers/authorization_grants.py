"""What the authorisation server of the tests knows and grants, in Authlib's classes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.models import ClientMixin, TokenMixin
from authlib.oauth2.rfc7523 import JWTBearerGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oidc.core import OpenIDCode
from authlib.oidc.core.models import AuthorizationCodeMixin
from joserfc.jwk import RSAKey

from tests.canary import CANARY

if TYPE_CHECKING:
    from tests.peers.authorization import AuthorizationServer

CLIENT_ID: Final = "postroom-client"
CLIENT_SECRET: Final = f"{CANARY}-client-secret"
ROBOT: Final = "robot@example.test"
"""The mailbox that everything is granted for unless a test says otherwise."""
ACCOUNT: Final = "mailer@project.iam.example.test"
"""The service account; its key is ``AuthorizationServer.account_key``."""
RESOURCE_ID, RESOURCE_SECRET = "mail-server", f"{CANARY}-mail-server"
"""The mail server as it asks whether a token is good."""
MAIL: Final = "https://mail.example.test/"
SCOPES: Final = f"{MAIL} openid profile email groups offline_access"
JWT_BEARER: Final = JWTBearerGrant.GRANT_TYPE

METHODS: Final = ["client_secret_basic", "client_secret_post"]


@dataclass(slots=True)
class Person:
    """Somebody whom the server knows. ``claims`` go into the id_token as they are."""

    email: str
    name: str = "Robot"
    groups: tuple[str, ...] = ()
    claims: dict[str, Any] = field(default_factory=dict)

    def get_user_id(self) -> str:
        return self.email


@dataclass(slots=True)
class Client(ClientMixin):
    client_id: str
    secret: str
    redirect_uris: tuple[str, ...] = ()
    grants: tuple[str, ...] = ("authorization_code", "refresh_token", "client_credentials")
    scopes: str = SCOPES

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        return self.redirect_uris[0] if self.redirect_uris else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        wanted = (scope or MAIL).split()
        return " ".join(wanted) if set(wanted) <= set(self.scopes.split()) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return not self.redirect_uris or redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grants


@dataclass(slots=True)
class Token(TokenMixin):
    access_token: str
    refresh_token: str
    scope: str
    person: Person
    client: Client
    expires_in: int
    issued_at: float = field(default_factory=time.time)
    revoked: bool = False
    spent: bool = False
    """Whether its refresh token was replaced by another."""

    def check_client(self, client: Client) -> bool:
        return self.client is client

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return self.expires_in

    def is_expired(self) -> bool:
        return self.issued_at + self.expires_in <= time.time()

    def is_revoked(self) -> bool:
        return self.revoked

    def get_user(self) -> Person:
        return self.person

    def get_client(self) -> Client:
        return self.client


@dataclass(slots=True)
class Code(AuthorizationCodeMixin):
    code: str
    client_id: str
    redirect_uri: str
    scope: str
    person: Person
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


def claims_of(person: Person) -> dict[str, Any]:
    """What the server says of a person."""
    return {
        "sub": f"subject-of-{person.email}",
        "email": person.email,
        "email_verified": True,
        "name": person.name,
        "groups": list(person.groups),
        **person.claims,
    }


class CodeGrant(grants.AuthorizationCodeGrant):
    peer: AuthorizationServer

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        asked = request.payload.data
        self.peer.codes.append(
            Code(
                code,
                request.client.client_id,
                request.payload.redirect_uri,
                request.payload.scope or "",
                request.user,
                asked.get("nonce"),
                asked.get("code_challenge"),
                asked.get("code_challenge_method"),
            )
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        return next((each for each in self.peer.codes if (each.code, each.client_id) == (code, client.client_id)), None)

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.peer.codes.remove(authorization_code)

    def authenticate_user(self, authorization_code: Code) -> Person:
        return authorization_code.person


class RefreshGrant(grants.RefreshTokenGrant):
    peer: AuthorizationServer

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    @property
    def INCLUDE_NEW_REFRESH_TOKEN(self) -> bool:  # noqa: N802  Authlib's name
        return self.peer.rotating

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        found = next((each for each in self.peer.tokens if each.refresh_token == refresh_token), None)
        return found if found and not found.spent else None

    def authenticate_user(self, refresh_token: Token) -> Person:
        return refresh_token.person

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.spent = self.peer.rotating


class CredentialsGrant(grants.ClientCredentialsGrant):
    peer: AuthorizationServer

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class AssertionGrant(JWTBearerGrant):
    peer: AuthorizationServer

    def resolve_issuer_client(self, issuer: str) -> Client | None:
        return self.peer.clients.get(issuer)

    def resolve_client_public_key(self, client: Client) -> RSAKey:
        return self.peer.account_key

    def authenticate_user(self, subject: str) -> Person | None:
        return self.peer.people.get(subject)

    def has_granted_permission(self, client: Client, user: Person) -> bool:
        return True

    def get_audiences(self) -> list[str]:
        return [self.peer.token_url]


class OpenID(OpenIDCode):
    peer: AuthorizationServer

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return any(each.nonce == nonce for each in self.peer.codes)

    def generate_user_info(self, user: Person, scope: str) -> dict[str, Any]:
        return claims_of(user)

    def resolve_client_private_key(self, client: Client) -> RSAKey:
        return self.peer.signing_key

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": self.peer.issuer, "aud": [client.client_id]}

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": "RS256", "kid": "signing"}


class Introspection(IntrospectionEndpoint):
    peer: AuthorizationServer

    CLIENT_AUTH_METHODS = METHODS

    def check_permission(self, token: Token, client: Client, request: Any) -> bool:
        return client.client_id == RESOURCE_ID

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        return next((each for each in self.peer.tokens if each.access_token == token_string), None)

    def introspect_token(self, token: Token) -> dict[str, Any]:
        return {
            "active": True,
            "username": token.person.email,
            "email": token.person.email,
            "scope": token.scope,
            "client_id": token.client.client_id,
            "exp": int(token.issued_at + token.expires_in),
        }


def registered(peer: AuthorizationServer, authority: Any) -> None:
    """Let an authority grant what the server grants."""

    def of(kind: type) -> type:
        return type(kind.__name__, (kind,), {"peer": peer})

    authority.register_grant(of(CodeGrant), [CodeChallenge(required=False), of(OpenID)()])
    for grant in (RefreshGrant, CredentialsGrant, AssertionGrant):
        authority.register_grant(of(grant))
    authority.register_endpoint(of(Introspection))
