"""The settings of an HTTP endpoint of one's own."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, SecretStr

from webapp.connectors.config import HeaderSecret, MailboxText, setting
from webapp.connectors.endpoint import EndpointConfig, WholeEndpoint
from webapp.domain.text import T

_RENDERED: Final = ("mode", ("rendered",))
_KEY_BYTES: Final = range(24, 65)
"""How long a key may be, by the specification of Standard Webhooks."""


def _value_of_the_header(value: SecretStr) -> SecretStr:
    if re.match(r"authorization\s*:", value.get_secret_value(), re.IGNORECASE):
        raise ValueError("Give only what stands after “Authorization:”, such as Bearer and your token.")
    return value


def _signing_key(value: SecretStr) -> SecretStr:
    written = value.get_secret_value().removeprefix("whsec_")
    try:
        key = base64.b64decode(written + "=" * (-len(written) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in _KEY_BYTES:
        raise ValueError("A signing secret is whsec_ and then 24 to 64 random bytes in Base64. The guide makes one.")
    return value


class HTTPEmailConfig(EndpointConfig):
    """Which endpoint gets what, and how it knows that it comes from here."""

    endpoint: WholeEndpoint = setting(title=T("Endpoint"), example="https://mail.example.com/send", destination=True)
    """The whole address that gets a POST request for each mail. A new host or path asks for the secrets again."""
    mode: Literal["reference", "rendered"] = setting(
        "reference",
        title=T("What is sent"),
        choices=(
            ("reference", T("Values: your code makes the mail")),
            ("rendered", T("Finished mail, made here")),
        ),
    )
    """Values are exactly to, type, payload and, where it is known, ip; the templates here are not used then."""
    from_email: MailboxText | None = setting(
        None,
        title=T("From"),
        example="Acme <no-reply@example.com>",
        show_if=_RENDERED,
    )
    """The address that recipients see, with a name before it if you like. Your endpoint gets it with each mail."""
    reply_to: MailboxText | None = setting(None, title=T("Reply to"), example="support@example.com", show_if=_RENDERED)
    """Where answers go. Leave it empty to receive them at the From address."""
    authorization: Annotated[HeaderSecret, AfterValidator(_value_of_the_header)] | None = setting(
        None, title=T("Authorization header"), section="authentication", secret=True
    )
    """The whole value of the header, such as Bearer and a token. Without one the header is not sent."""
    signing_secret: Annotated[HeaderSecret, AfterValidator(_signing_key)] | None = setting(
        None, title=T("Signing secret"), section="authentication", secret=True
    )
    """Signs each request as Standard Webhooks describes it, so that your endpoint knows who sent it, and when."""
    timestamp: bool = setting(False, title=T("Send the time"), section="authentication", advanced=True)
    """Adds the header webhook-timestamp, in seconds since 1970. A signed request carries it anyway."""
    idempotency_key: bool = setting(
        False, title=T("Send a key against doubles"), section="authentication", advanced=True
    )
    """Adds the header Idempotency-Key, the same for each attempt at a mail. A request that got no answer is then
    repeated once: switch it on only if your endpoint sends one mail for one key."""
