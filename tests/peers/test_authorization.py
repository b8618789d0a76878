"""The authorisation server of the tests does what it says, asked by another library's client."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.peers.authorization import (
    ACCOUNT,
    CLIENT_ID,
    CLIENT_SECRET,
    JWT_BEARER,
    MAIL,
    RESOURCE_ID,
    RESOURCE_SECRET,
    ROBOT,
    AuthorizationServer,
    refusal,
)

BACK = "http://127.0.0.1/back"


@pytest.fixture
def server():
    with AuthorizationServer() as server:
        yield server


def asked(server, **form):
    return requests.post(server.token_url, form, auth=(CLIENT_ID, CLIENT_SECRET), timeout=5)


def introspected(server, token):
    answer = requests.post(server.introspection_url, {"token": token}, auth=(RESOURCE_ID, RESOURCE_SECRET), timeout=5)
    return answer.json()


def test_a_code_becomes_tokens_and_an_identity(server):
    server.add_client("console", CLIENT_SECRET, BACK)
    server.add_person("ada@example.test", "Ada", ("admins", "staff"))
    server.signed_in = "ada@example.test"
    session = OAuth2Session(
        "console", CLIENT_SECRET, redirect_uri=BACK, scope="openid email groups", code_challenge_method="S256"
    )
    url, _ = session.create_authorization_url(server.authorize_url, code_verifier="v" * 43, nonce="n1")
    back = requests.get(url, allow_redirects=False, timeout=5).headers["Location"]

    token = session.fetch_token(server.token_url, authorization_response=back, code_verifier="v" * 43)

    keys = KeySet.import_key_set(requests.get(f"{server.issuer}/jwks", timeout=5).json())
    claims = jwt.decode(token["id_token"], keys).claims
    assert (claims["email"], claims["groups"], claims["nonce"]) == ("ada@example.test", ["admins", "staff"], "n1")
    assert (claims["iss"], claims["aud"]) == (server.issuer, ["console"])
    assert (
        requests.get(f"{server.issuer}/.well-known/openid-configuration", timeout=5).json()["issuer"] == server.issuer
    )
    session.close()


def test_a_code_needs_its_verifier(server):
    session = OAuth2Session(CLIENT_ID, CLIENT_SECRET, redirect_uri=BACK, scope=MAIL, code_challenge_method="S256")
    url, _ = session.create_authorization_url(server.authorize_url, code_verifier="v" * 43)
    code = parse_qs(urlsplit(requests.get(url, allow_redirects=False, timeout=5).headers["Location"]).query)["code"][0]

    answer = asked(server, grant_type="authorization_code", code=code, redirect_uri=BACK, code_verifier="w" * 43)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    session.close()


def test_a_denied_consent_comes_back_as_an_error(server):
    server.signed_in = ""
    answer = requests.get(
        server.authorize_url,
        {"client_id": CLIENT_ID, "response_type": "code", "redirect_uri": BACK, "state": "s"},
        allow_redirects=False,
        timeout=5,
    )

    assert "error=access_denied" in answer.headers["Location"]


@pytest.mark.parametrize("rotating", [True, False])
def test_refresh_tokens_rotate_where_that_is_wanted(server, rotating):
    server.rotating = rotating
    first = server.refresh_token()

    answer = asked(server, grant_type="refresh_token", refresh_token=first).json()
    again = asked(server, grant_type="refresh_token", refresh_token=first)

    assert ("refresh_token" in answer) is rotating
    assert again.status_code == (400 if rotating else 200)
    assert introspected(server, answer["access_token"])["username"] == ROBOT


def test_an_assertion_of_the_service_account_is_accepted(server):
    assertion = jwt.encode(
        {"alg": "RS256"},
        {"iss": ACCOUNT, "sub": ROBOT, "aud": server.token_url, "scope": MAIL, "iat": 1, "exp": 2**32},
        server.account_key,
    )

    answer = asked(server, grant_type=JWT_BEARER, assertion=assertion, scope=MAIL)

    assert introspected(server, answer.json()["access_token"])["username"] == ROBOT


def test_tokens_end(server):
    token = server.access_token(expires_in=0)

    assert introspected(server, token) == {"active": False}
    assert server.person_of(token) is None


def test_refusals_are_played(server):
    server.play(refusal("temporarily_unavailable", status=503))

    first, second = (asked(server, grant_type="client_credentials", scope=MAIL) for _ in range(2))

    assert (first.status_code, second.status_code) == (503, 200)
    assert [each["grant_type"] for each in server.requests] == ["client_credentials"] * 2
