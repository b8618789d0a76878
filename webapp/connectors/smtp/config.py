"""The settings of an SMTP connector."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel
from pydantic.types import StringConstraints

from webapp.connectors.config import ConnectorConfig, Host, Line, MailboxText, Secret, setting
from webapp.connectors.headers import Headers
from webapp.connectors.smtp.connection import ProxySettings, TlsSettings
from webapp.connectors.smtp.granting import OAUTH_KEYS
from webapp.connectors.smtp.oauth import OAuth2Auth
from webapp.domain.address import ascii_host
from webapp.domain.text import T

_LABELS = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_ADDRESS_LITERAL = re.compile(r"\[(IPv6:)?(?P<address>[0-9A-Fa-f:.]+)\]")


def is_loopback(host: str) -> bool:
    """Whether a host as written can only be this machine (RFC 6761 section 6.3 for the name)."""
    name = host.strip().strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _port(value: object) -> object:
    text = value.strip() if isinstance(value, str) else value
    number = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 5 else text
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 65535:
        raise ValueError("The port is a whole number from 1 to 65535, such as 587.")
    return number


def _milliseconds(value: object) -> object:
    text = value.strip() if isinstance(value, str) else value
    number = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 9 else text
    if not isinstance(number, int) or isinstance(number, bool):
        raise ValueError("Give the time as a whole number of milliseconds, such as 10000 for ten seconds.")  # noqa: TRY004
    return number


def _ehlo_name(value: str) -> str:
    literal = _ADDRESS_LITERAL.fullmatch(value)
    if literal:
        try:
            ipaddress.ip_address(literal["address"])
        except ValueError:
            literal = None
    if not literal and (len(value) > 253 or not _LABELS.fullmatch(value)):
        raise ValueError(
            "Give a host name in ASCII letters, digits, dots and hyphens, such as mail.example.com, "
            "or an address in brackets, such as [192.0.2.1]."
        )
    return value


def _ip_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ValueError("Give an IP address of this machine, such as 192.0.2.10; a name is not possible.") from None


def _certificate_name(value: str) -> str:
    """Names in other scripts stand in certificates as DNS carries them."""
    try:
        name = ascii_host(value.rstrip(".")).lower()
    except ValueError:
        name = ""
    if not _LABELS.fullmatch(name) or len(name) > 253:
        raise ValueError("Give the host name that the certificate carries, such as smtp.example.com.")
    return name


Port = Annotated[int, BeforeValidator(_port), Field(ge=1, le=65535)]
Milliseconds = Annotated[int, BeforeValidator(_milliseconds)]
Security = Literal["tls", "starttls", "opportunistic", "none"]


class LoginAuth(ConnectorConfig):
    """A user name and a password."""

    type: Literal["login"]
    user: Annotated[Line, StringConstraints(min_length=1)] = setting(
        title=T("User name"), example="no-reply@example.com", section="authentication"
    )
    """The account that hands in mail. Often the full email address, sometimes a fixed word such as “apikey”."""
    password: Secret = setting(alias="pass", title=T("Password"), section="authentication", secret=True)
    """The account's password. Where sign-in needs a second factor, providers want an application password here."""


class NoAuth(ConnectorConfig):
    """No login: the server knows us by our address."""

    type: Literal["none"]


class SmtpConfig(ConnectorConfig):
    """How to reach a mail server, how to log in, and as whom to send."""

    host: Host = setting(title=T("Server"), example="smtp.example.com", destination=True)
    """The name of your provider's mail server, as its documentation gives it. Only the name: no smtp://, no port."""
    port: Port = setting(title=T("Port"), example="587")
    """587 goes with STARTTLS and 465 with TLS. Port 25 is for servers among themselves; most clouds block it."""
    security: Security = setting(
        "starttls",
        title=T("Security"),
        example="starttls",
        choices=(
            ("starttls", T("STARTTLS: begin in clear, then encrypt (port 587)")),
            ("tls", T("TLS: encrypted from the first byte (port 465)")),
            ("opportunistic", T("Opportunistic: encrypt if the server offers it")),
            ("none", T("None: never encrypted")),
        ),
    )
    """How the connection is protected. Use STARTTLS or TLS; the others are for servers on the same machine or in a
    closed network. A password is never sent unencrypted unless you accept that risk under Advanced."""
    auth: LoginAuth | OAuth2Auth | NoAuth = setting(
        title=T("Login"),
        example="login",
        section="authentication",
        discriminator="type",
        choices=(
            ("login", T("User name and password")),
            ("oauth2", T("OAuth 2.0 (Google, Microsoft)")),
            ("none", T("No login")),
        ),
    )
    """How Postroom proves who it is. Choose “No login” only for a server that knows this machine by its address."""
    from_email: MailboxText = setting(title=T("From"), example="Acme <no-reply@example.com>", section="sender")
    """The address that recipients see, with a name before it if you like. Your provider must let you send as it."""
    reply_to: MailboxText | None = setting(None, title=T("Reply to"), example="support@example.com", section="sender")
    """Where answers go. Leave it empty to receive them at the From address."""
    custom_headers: Headers = setting(
        default_factory=dict, title=T("Custom headers"), example="X-Entity-Ref", section="sender", advanced=True
    )
    """Headers added to every mail, for example to switch off a provider's click tracking. Headers that Postroom writes
    itself, such as From or Subject, cannot be given here."""
    name: Annotated[Line, AfterValidator(_ehlo_name)] | None = setting(
        None, title=T("EHLO name"), example="mail.example.com", advanced=True
    )
    """The name that Postroom introduces itself with. Set it when the server refuses EHLO or wants a certain name."""
    local_address: Annotated[Line, AfterValidator(_ip_address)] | None = setting(
        None, title=T("Local address"), example="192.0.2.10", advanced=True
    )
    """The address of this machine that connections start from. Set it when the provider knows you by one of several."""
    connection_timeout: Annotated[Milliseconds, Field(ge=100, le=120_000)] = setting(
        10_000, title=T("Connection time-out"), example="10000", advanced=True, unit=T("ms")
    )
    """How long connecting, and then setting up TLS, may take. Raise it for servers that are far away or busy."""
    greeting_timeout: Annotated[Milliseconds, Field(ge=100, le=300_000)] = setting(
        10_000, title=T("Greeting time-out"), example="10000", advanced=True, unit=T("ms")
    )
    """How long the server may take for its first line. Raise it for servers that make strangers wait on purpose."""
    socket_timeout: Annotated[Milliseconds, Field(ge=100, le=600_000)] = setting(
        30_000, title=T("Answer time-out"), example="30000", advanced=True, unit=T("ms")
    )
    """How long the server may take for each answer after that. Raise it if it examines mail before accepting it."""
    dns_timeout: Annotated[Milliseconds, Field(ge=100, le=60_000)] = setting(
        5_000, title=T("DNS time-out"), example="5000", advanced=True, unit=T("ms")
    )
    """How long looking up the server name may take."""
    servername: Annotated[Line, AfterValidator(_certificate_name)] | None = setting(
        None, title=T("Certificate name"), example="smtp.example.com", advanced=True, destination=True
    )
    """The name that the server's certificate must carry, if it is not the server name above. Needed when you connect by
    IP address or through a tunnel."""
    tls: TlsSettings = TlsSettings()
    """How TLS is done."""
    proxy: ProxySettings = ProxySettings()
    """The proxy that connections go through."""
    max_connections: Annotated[int, Field(ge=1, le=100)] = setting(
        5, title=T("Most connections at once"), example="5", advanced=True
    )
    """How many connections the provider lets this account have open. What is more waits for its turn."""
    max_messages: Annotated[int, Field(ge=1, le=100_000)] = setting(
        100, title=T("Most mails for each connection"), example="100", advanced=True
    )
    """After how many mails a connection has to end. For now each mail has a connection of its own, which keeps to any
    number; it is written down for when connections are kept open."""
    allow_insecure_auth: bool = setting(
        False,
        title=T("Send the password without encryption"),
        section="authentication",
        advanced=True,
    )
    """Accept that everybody on the way can read and use the password. Only for a closed network that you trust."""
    insecure_auth_reason: Annotated[Line, Field(max_length=500)] | None = setting(
        None,
        title=T("Why this is acceptable"),
        example="Relay in our own rack, reached over WireGuard",
        section="authentication",
        advanced=True,
        show_if=("allowInsecureAuth", ("true",)),
    )
    """Who trusts the way to the server, and why. It is written into the audit log."""

    @model_validator(mode="before")
    @classmethod
    def _risk_is_always_judged(cls, data: Any) -> Any:
        """Put the defaults in as if given: pydantic judges those, and names their JSON keys when it refuses them."""
        if not isinstance(data, dict):
            return data
        asked = {"allow_insecure_auth": False, "insecure_auth_reason": None}
        return {to_camel(name): value for name, value in asked.items() if name not in data} | data

    @field_validator("auth", mode="before")
    @classmethod
    def _login_unless_said_otherwise(cls, value: Any) -> Any:
        if isinstance(value, dict):
            other_systems = "pass" not in value and not OAUTH_KEYS.isdisjoint(value)
            kind = value.get("type", "oauth2" if other_systems else "login")
            return {**value, "type": kind.lower() if isinstance(kind, str) else kind}
        return value

    @field_validator("reply_to", "name", "local_address", "servername", "insecure_auth_reason", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("tls", "proxy", mode="before")
    @classmethod
    def _nothing_special(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("custom_headers", mode="before")
    @classmethod
    def _no_headers(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("allow_insecure_auth")
    @classmethod
    def _no_password_in_clear(cls, value: bool, info: ValidationInfo) -> bool:
        """Fields above that are wrong themselves are missing from ``info.data`` and reported on their own."""
        host, auth = info.data.get("host"), info.data.get("auth")
        in_clear = info.data.get("security") == "none" and isinstance(auth, LoginAuth | OAuth2Auth)
        proxy = info.data.get("proxy")
        stays_here = isinstance(host, str) and is_loopback(host) and not (proxy and proxy.url)
        if in_clear and isinstance(host, str) and not stays_here and not value:
            raise ValueError(
                "The password would cross the network readable by anyone. Choose STARTTLS or TLS as security; "
                "if that is impossible, accept the risk here and say why."
            )
        return value

    @field_validator("insecure_auth_reason")
    @classmethod
    def _reason_for_risk(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("allow_insecure_auth") and not value:
            raise ValueError("Say why sending the password without encryption is acceptable here.")
        return value
