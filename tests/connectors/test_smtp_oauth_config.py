"""The settings of a login with OAuth 2.0: what is accepted, from whom access comes, and where the secrets go."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import ValidationError

from tests.canary import CANARY
from webapp.connectors.contract import Declaration
from webapp.connectors.smtp import SmtpConnector
from webapp.connectors.smtp.config import SmtpConfig

USER = "robot@example.com"
PEM = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
KEY = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(*PEM, serialization.NoEncryption())
    .decode()
)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1()).private_bytes(*PEM, serialization.NoEncryption()).decode()
ACCOUNT = "mailer@project.iam.gserviceaccount.com"
KEY_FILE = json.dumps(
    {
        "type": "service_account",
        "private_key": KEY,
        "client_email": ACCOUNT,
        "token_uri": "https://collector.example.net/token",
    }
)
CLIENT = {"clientId": "client-1", "clientSecret": f"{CANARY}-client"}
REFRESH = {"type": "oauth2", "user": USER, "grant": "refresh_token", **CLIENT, "refreshToken": f"{CANARY}-refresh"}
CREDENTIALS = {
    "type": "oauth2",
    "user": USER,
    "grant": "client_credentials",
    "provider": "microsoft",
    "tenantId": "Contoso.onmicrosoft.com",
    **CLIENT,
}
SERVICE = {"type": "oauth2", "user": USER, "grant": "service_account", "privateKey": KEY_FILE}
READY = {"type": "oauth2", "user": USER, "grant": "access_token", "accessToken": f"{CANARY}-ready"}
OTHER = {**REFRESH, "provider": "other", "accessUrl": "https://login.example.com/token"}


def settings(auth: Any) -> dict[str, Any]:
    return {"host": "smtp.example.com", "port": 587, "auth": auth, "fromEmail": "no-reply@example.com"}


def accepted(auth: Any) -> Any:
    return SmtpConfig.model_validate_json(json.dumps(settings(auth)), strict=True, by_alias=True, by_name=False).auth


def refusal(auth: Any) -> tuple[str, str]:
    """The place and the words of the one error that this login leads to."""
    with pytest.raises(ValidationError) as caught:
        SmtpConfig.model_validate(settings(auth))
    (error,) = caught.value.errors(include_input=False, include_url=False)
    return str(error["loc"][-1]), error["msg"]


class SmtpDeclaration(Declaration):
    connector = SmtpConnector
    elsewhere = {"host": "smtp.example.net"}
    in_clear = {"security": "none"}


class TestWithRefreshToken(SmtpDeclaration):
    settings = settings(REFRESH)


class TestWithClientCredentials(SmtpDeclaration):
    settings = settings(CREDENTIALS)


class TestWithServiceAccount(SmtpDeclaration):
    settings = settings(SERVICE)


class TestWithReadyToken(SmtpDeclaration):
    settings = settings({**READY, "expires": "2027-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    ("auth", "url", "scope"),
    [
        (REFRESH, "https://oauth2.googleapis.com/token", "https://mail.google.com/"),
        (
            {**REFRESH, "provider": "microsoft"},
            "https://login.microsoftonline.com/organizations/oauth2/v2.0/token",
            "https://outlook.office.com/SMTP.Send offline_access",
        ),
        (
            CREDENTIALS,
            "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token",
            "https://outlook.office365.com/.default",
        ),
        (SERVICE, "https://oauth2.googleapis.com/token", "https://mail.google.com/"),
        (READY, "", ""),
        (OTHER, "https://login.example.com/token", ""),
        ({**OTHER, "scope": "mail.send  offline"}, "https://login.example.com/token", "mail.send offline"),
    ],
)
def test_the_provider_fills_in_token_url_and_scope(auth, url, scope):
    login = accepted(auth)

    assert (login.token_url, login.asked_scope if login.grant != "access_token" else "") == (url, scope)
    assert SmtpConnector.destination(settings(auth)).token_url == url


class TestOtherSystems:
    """Configs of the reference system are read: its names, and what it leaves unsaid."""

    @pytest.mark.parametrize(
        ("auth", "grant", "provider"),
        [
            ({**CLIENT, "user": USER, "refreshToken": "r"}, "refresh_token", "google"),
            (
                {"type": "OAuth2", "user": USER, **CLIENT, "refreshToken": "r", "accessToken": "a", "expires": 1},
                "refresh_token",
                "google",
            ),
            ({"user": USER, "privateKey": KEY, "serviceClient": ACCOUNT}, "service_account", "google"),
            ({"user": USER, "privateKey": {"key": KEY}, "serviceClient": ACCOUNT}, "service_account", "google"),
            ({"user": USER, "accessToken": "a", "expires": 1_900_000_000_000}, "access_token", "google"),
            (
                {
                    "user": USER,
                    **CLIENT,
                    "refreshToken": "r",
                    "accessUrl": "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
                },
                "refresh_token",
                "microsoft",
            ),
            (
                {"user": USER, **CLIENT, "refreshToken": "r", "accessUrl": "https://a.example/t"},
                "refresh_token",
                "other",
            ),
        ],
    )
    def test_what_they_leave_unsaid_is_inferred(self, auth, grant, provider):
        login = accepted(auth)

        assert (login.type, login.grant, login.provider) == ("oauth2", grant, provider)

    def test_microsofts_directory_is_read_from_the_address(self):
        address = "https://login.microsoftonline.com/Contoso.com/oauth2/v2.0/token"

        assert accepted({"user": USER, **CLIENT, "refreshToken": "r", "accessUrl": address}).tenant_id == "contoso.com"

    @pytest.mark.parametrize(
        "moment", [1_900_000_000_000, 1_900_000_000, "1900000000", "2030-03-17T17:46:40Z", "2030-03-17T18:46:40+01:00"]
    )
    def test_moments_are_read_in_every_way_of_writing(self, moment):
        assert accepted({**READY, "expires": moment}).expires == "2030-03-17T17:46:40Z"


REFUSED = [
    ({**REFRESH, "user": ""}, "user", "at least 1"),
    ({**REFRESH, "clientId": None}, "clientId", "needed"),
    ({**REFRESH, "refreshToken": ""}, "refreshToken", "needed"),
    ({**CREDENTIALS, "clientSecret": None}, "clientSecret", "needed"),
    ({**CREDENTIALS, "tenantId": None}, "tenantId", "directory"),
    ({**CREDENTIALS, "tenantId": "common"}, "tenantId", "one directory"),
    ({**CREDENTIALS, "tenantId": "../evil"}, "tenantId", "directory"),
    ({**CREDENTIALS, "tenantId": "a/b"}, "tenantId", "directory"),
    ({**CREDENTIALS, "provider": "google", "tenantId": None}, "provider", "service account key"),
    ({**SERVICE, "provider": "microsoft"}, "provider", "client credentials"),
    ({**SERVICE, "privateKey": None, "serviceClient": "a"}, "privateKey", "needed"),
    ({**SERVICE, "privateKey": "nonsense", "serviceClient": "a"}, "privateKey", "no key here"),
    ({**SERVICE, "privateKey": '{"installed": {}}'}, "privateKey", "not the key of a service account"),
    ({**SERVICE, "privateKey": "{", "serviceClient": "a"}, "privateKey", "no key here"),
    ({**SERVICE, "privateKey": KEY}, "serviceClient", "address beside it"),
    ({**SERVICE, "privateKey": ELLIPTIC, "serviceClient": "a"}, "privateKey", "RSA"),
    ({**READY, "accessToken": None}, "accessToken", "needed"),
    ({**READY, "expires": "tomorrow"}, "expires", "moment"),
    ({**READY, "expires": "9" * 15}, "expires", "moment"),
    ({**REFRESH, "clientSecretExpires": "soon"}, "clientSecretExpires", "day"),
    ({**OTHER, "accessUrl": None}, "accessUrl", "address"),
    ({**OTHER, "accessUrl": "http://login.example.com/token"}, "accessUrl", "https://"),
    ({**OTHER, "accessUrl": "https://ada:secret@login.example.com/token"}, "accessUrl", "no place"),
    ({**OTHER, "accessUrl": "login.example.com/token"}, "accessUrl", "whole address"),
    ({**OTHER, "accessUrl": "https://login.example.com/token#a"}, "accessUrl", "whole address"),
    ({**OTHER, "accessUrl": "ftp://login.example.com/token"}, "accessUrl", "whole address"),
    ({**OTHER, "scope": 'a"b'}, "scope", "scopes"),
    ({**REFRESH, "grant": "password"}, "grant", "refresh_token"),
    ({**REFRESH, "color": "blue"}, "color", "Extra"),
]


@pytest.mark.parametrize(("auth", "place", "words"), REFUSED)
def test_what_does_not_fit_is_said_at_its_field(auth, place, words):
    where, what = refusal(auth)

    assert (where, words.lower() in what.lower()) == (place, True), what
    assert CANARY not in what


def test_a_locked_key_is_told_how_to_unlock():
    locked = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        *PEM, serialization.BestAvailableEncryption(b"passphrase")
    )

    assert "openssl pkey" in refusal({**SERVICE, "privateKey": locked.decode(), "serviceClient": "a"})[1]


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:9000"])
def test_a_token_url_on_this_machine_may_be_without_tls(host):
    assert accepted({**OTHER, "accessUrl": f"http://{host}/token"}).access_url == f"http://{host}/token"


def test_what_a_key_file_says_of_itself_is_used_and_its_token_url_is_not():
    login = accepted(SERVICE)

    assert login.key_file.client == ACCOUNT
    assert "collector.example.net" not in login.token_url
    assert CANARY not in repr(login)
    assert "PRIVATE KEY" not in repr(login.key_file)


class TestPhases:
    @pytest.mark.parametrize(("auth", "planned"), [(REFRESH, True), (READY, True), ({"type": "none"}, False)])
    def test_fetching_a_token_is_one_of_them(self, auth, planned):
        connector = SmtpConnector(SmtpConfig.model_validate(settings(auth)), network=None)

        assert ("token" in connector.planned_phases(sending=True)) is planned


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ({"provider": "microsoft"}, False),
        ({"provider": "other", "accessUrl": "https://login.example.com/token"}, False),
        ({"scope": "another"}, True),
        ({"user": "other@example.com"}, True),
        ({"clientId": "client-2"}, True),
    ],
)
def test_secrets_stay_only_with_the_same_token_url(change, stays):
    before, after = (SmtpConnector.destination(settings(auth)) for auth in (REFRESH, {**REFRESH, **change}))

    assert after.keeps_secrets_of(before) is stays


def test_two_ways_of_writing_one_address_are_one_place():
    one, two = (
        SmtpConnector.destination(settings({**OTHER, "accessUrl": url}))
        for url in ("https://login.example.com/token", "https://LOGIN.example.com:443/token")
    )

    assert one.keeps_secrets_of(two)


class TestProviderOfAccess:
    @pytest.mark.parametrize(
        ("host", "auth", "mended"),
        [
            ("smtp.office365.com", REFRESH, "microsoft"),
            ("smtp.gmail.com", {**REFRESH, "provider": "microsoft"}, "google"),
            ("SMTP-mail.Outlook.com", REFRESH, "microsoft"),
            ("smtp.gmail.com", REFRESH, None),
            ("smtp.office365.com", CREDENTIALS, None),
            ("smtp.office365.com", OTHER, None),
            ("smtp.office365.com", READY, None),
            ("smtp.example.com", REFRESH, None),
        ],
    )
    def test_access_that_another_server_takes_is_told_and_mended(self, host, auth, mended):
        found = SmtpConnector.contradictions({**settings(auth), "host": host})

        assert [(pointer, problem.patch[0].value) for pointer, problem in found] == (
            [("/auth/provider", mended)] if mended else []
        )


class TestExpiry:
    """What ends on a known day is told two weeks ahead, and once it is over."""

    NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("auth", "code"),
        [
            ({**CREDENTIALS, "clientSecretExpires": "2026-12-06"}, None),
            ({**CREDENTIALS, "clientSecretExpires": "2026-12-04"}, "smtp.client_secret_ends_soon"),
            ({**REFRESH, "clientSecretExpires": "2026-11-21"}, "smtp.client_secret_ends_soon"),
            ({**REFRESH, "clientSecretExpires": "2026-11-20"}, "smtp.client_secret_ended"),
            ({**SERVICE, "clientSecretExpires": "2026-11-20"}, None),
            ({**READY, "expires": "2027-01-01T00:00:00Z"}, None),
            ({**READY, "expires": "2026-11-21T13:00:00Z"}, "smtp.access_token_ends_soon"),
            ({**READY, "expires": "2026-11-21T11:00:00Z"}, "smtp.access_token_ended"),
            ({**READY, "expires": "sometime"}, None),
            ({**REFRESH, "expires": "2026-11-21T11:00:00Z"}, None),
            ({"type": "login", "user": "ada", "pass": f"{CANARY}"}, None),
            ("nonsense", None),
        ],
    )
    def test_it_is_told_in_time(self, auth, code):
        with time_machine.travel(self.NOW):
            told = SmtpConnector.cautions(settings(auth))

        assert [each.code for each in told] == ([code] if code else [])
        assert all(each.steps and "%(" not in f"{each.title} {each.cause}" for each in told)
