"""Setups of every provider, drawn at random: what a tenant may have saved."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from typing import Any

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.canary import CANARY
from webapp.domain.setup import Flows
from webapp.domain.usage import UsageType

LINE = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30).filter(str.strip)
NAME = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=30)
"""Without what could be taken for a mask or a placeholder."""
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=60)
SENDER = st.sampled_from(
    [
        "no-reply@example.com",
        "Acme <no-reply@example.com>",
        '"Acme, Inc." <no-reply@example.com>',
        "Ünal <a@bücher.example>",
    ]
)
REPLY_TO = st.sampled_from([None, "help@example.com", "Hilfe <help@example.com>"])
HEADERS = st.sampled_from([{}, {"X-Team": "mail"}])
SECRET = st.one_of(
    st.integers(0, 10**9).map(lambda number: f"{CANARY}-{number}"),
    # What somebody escapes or encodes on the way, and what is longer than a block of a cipher.
    st.sampled_from([f'{CANARY}-"\\/&<>', f"{CANARY}-%2F+ü€😀", f"{CANARY}-" + "x" * 500]),
)

TOKEN = SECRET.filter(lambda secret: secret.isascii() and len(secret) < 100)
SIGNING_SECRET = st.integers(0, 10**9).map(
    lambda number: "whsec_" + b64encode(f"{CANARY}-{number:012}".encode()).decode()
)


@cache
def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    as_pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*as_pem).decode()


@cache
def _client_certificate() -> dict[str, str]:
    issued = trustme.CA().issue_cert("postroom.example.test")
    return {
        "cert": issued.cert_chain_pems[0].bytes().decode(),
        "key": issued.private_key_pem.bytes().decode(),
    }


def _config(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(values)


CONFIGS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "smtp": _config(
        host=st.sampled_from(["smtp.example.com", "192.0.2.1"]),
        port=st.sampled_from([465, 587, 2525]),
        security=st.sampled_from(["tls", "starttls"]),
        auth=st.one_of(
            st.just({"type": "none"}),
            _config(type=st.just("login"), user=NAME, **{"pass": SECRET}),
            _config(
                type=st.just("oauth2"),
                user=st.just("ada@example.com"),
                clientId=NAME,
                clientSecret=SECRET,
                refreshToken=SECRET,
            ),
            _config(type=st.just("oauth2"), user=NAME, grant=st.just("access_token"), accessToken=TOKEN),
            st.builds(
                lambda: {
                    "type": "oauth2",
                    "user": "ada@example.com",
                    "grant": "service_account",
                    "privateKey": _private_key(),
                    "serviceClient": "mailer@project.iam.gserviceaccount.com",
                }
            ),
        ),
        tls=st.one_of(st.just({}), st.builds(lambda: dict(_client_certificate()))),
        proxy=st.one_of(
            st.just({}), _config(url=st.just("socks5://proxy.example.com:1080"), user=st.just("ada"), password=TOKEN)
        ),
        fromEmail=SENDER,
        replyTo=REPLY_TO,
        customHeaders=HEADERS,
    ),
    "aws-ses": _config(
        accessKeyId=st.just("AKIAIOSFODNN7EXAMPLE"),
        accessKeySecret=SECRET,
        region=st.sampled_from(["eu-central-1", "us-east-1"]),
        fromEmail=SENDER,
        replyTo=REPLY_TO,
    ),
    "mailgun": _config(apiKey=SECRET, domain=st.just("mg.example.com"), fromEmail=SENDER, replyTo=REPLY_TO),
    "sendgrid": _config(apiKey=TOKEN, fromEmail=SENDER, replyTo=REPLY_TO),
    "aliyun-dm": _config(
        accessKeyId=st.just("LTAIexample"),
        accessKeySecret=SECRET,
        regionId=st.sampled_from(["cn-hangzhou", "ap-southeast-1"]),
        fromEmail=st.just("Acme <no-reply@example.com>"),
    ),
    "postmark": _config(serverToken=TOKEN, fromEmail=SENDER, replyTo=REPLY_TO, messageStream=st.just("outbound")),
    "http-email": _config(
        endpoint=st.just("https://mail.example.com/send"),
        authorization=TOKEN.map(lambda secret: f"Bearer {secret}"),
        signingSecret=st.none() | SIGNING_SECRET,
    ),
    "built-in": _config(senderName=st.sampled_from([None, "Acme"]), companyInformation=st.just("Company p.s.a.")),
}
"""Kind → complete settings, secrets typed."""


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Some cells of some usage types, each with what its mail needs."""
    found: dict[str, Any] = {}
    for usage_type in draw(st.lists(st.sampled_from(list(UsageType)), unique=True, max_size=3)):
        variable = "{{" + usage_type.required_variable + "}}"
        tags = draw(
            st.lists(st.sampled_from(["*", "en", "ja", "pt-BR", "zh-Hant"]), unique=True, min_size=1, max_size=2)
        )
        found[usage_type.value] = {
            tag: {
                "contentType": draw(st.sampled_from(["text/html", "text/plain"])),
                "subject": draw(LINE),
                "content": draw(TEXT) + variable + draw(TEXT),
                "preheader": draw(st.none() | LINE),
                "sendFrom": draw(st.sampled_from([None, "{{organization.name}}", "Team <team@example.com>"])),
            }
            for tag in tags
        }
    return found


@st.composite
def setups(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """A whole setup with a connector of this kind, at times with one to fall back on."""
    flows: dict[str, Any] = Flows().model_dump(by_alias=True)
    flows["mfa"]["emailCode"] = draw(st.booleans())
    document: dict[str, Any] = {
        "connector": {"provider": kind, "config": draw(CONFIGS[kind])},
        "flows": flows,
        "verificationCode": {"length": draw(st.integers(4, 10))},
        "addressPolicy": {"block": draw(st.sampled_from([[], ["example.org"]]))},
        "defaultLanguage": draw(st.sampled_from(["en", "ja", "no"])),
    }
    if draw(st.booleans()):
        other = draw(st.sampled_from(sorted(CONFIGS)))
        document["fallback"] = {"provider": other, "config": draw(CONFIGS[other])}
    cells = draw(templates())
    return document | ({"templates": cells} if cells else {})


def every_place(kind: str) -> set[str]:
    """The pointers of all settings that ever are in a config of this kind."""
    seen: set[str] = set()

    @settings(max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(CONFIGS[kind])
    def look(config: dict[str, Any]) -> None:
        seen.update(_pointers(config))

    look()
    return seen


def _pointers(value: Any, at: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _pointers(part, f"{at}/{key}")
    elif value is not None:
        yield at
