"""What the operator's settings look like when they are written: limits, networks, addresses, relays, grants."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo
from pydantic_settings import NoDecode

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_LIMIT = re.compile(r"\s*(\d{1,9})\s*(?:/|per)\s*(\d{0,6})\s*(second|minute|hour|day)s?\s*", re.IGNORECASE)
_MAILBOX = re.compile(r"([^<>@\x00-\x1f\x7f]*<)?[^\s<>@,;:\\\"]+@[^\s<>@,;]+>?")
_RELAY_HOST = re.compile(r"[\w.-]{1,253}|[0-9a-f:.]{2,45}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DATABASE = re.compile(r"(sqlite(\+pysqlite)?:///|postgresql\+psycopg://).*")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so many seconds."""

    amount: int
    seconds: int

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read ``10/10 minutes`` or ``200/day``. Raises ValueError."""
        match = _LIMIT.fullmatch(written)
        if not match or not int(match[1]) or (match[2] and not int(match[2])):
            raise ValueError("a limit looks like 10/10 minutes or 200/day")
        return cls(int(match[1]), int(match[2] or 1) * _UNITS[match[3].lower()])

    def __str__(self) -> str:
        unit, length = next((unit, length) for unit, length in reversed(_UNITS.items()) if not self.seconds % length)
        count = self.seconds // length
        return f"{self.amount}/{unit}" if count == 1 else f"{self.amount}/{count} {unit}s"


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server that the operator named for the console's own mail."""

    host: str
    port: int
    security: Literal["tls", "starttls", "opportunistic", "none"]
    user: str = ""
    password: SecretStr | None = None

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read ``smtps://user:password@host:465`` or ``smtp://host:587?starttls``. Raises ValueError."""
        # The value is not repeated in any error: it may hold a password.
        try:
            parts = urlsplit(written.strip())
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError("its port is no number from 0 to 65535") from None
        if parts.scheme not in ("smtp", "smtps") or not _RELAY_HOST.fullmatch(host) or parts.path not in ("", "/"):
            raise ValueError("write it like smtps://user:password@smtp.example.com or smtp://smtp.example.com?starttls")
        if parts.query not in ("", "starttls") or parts.fragment or port == 0:
            raise ValueError(
                "behind the server and its port only ?starttls may stand; write # and ? in a password as %23 and %3F"
            )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if bool(user) != bool(password):
            raise ValueError("user name and password go together: smtps://user:password@smtp.example.com")
        if parts.scheme == "smtps" and parts.query:
            raise ValueError("smtps:// is encrypted from the first byte; ?starttls goes with smtp://")
        if parts.scheme == "smtp" and user and not parts.query and not _is_loopback(host):
            raise ValueError("a password goes over TLS only: write smtps:// or add ?starttls")
        secret = SecretStr(password) if password else None
        if parts.scheme == "smtps":
            return cls(host, port or 465, "tls", user, secret)
        if parts.query:
            return cls(host, port or 587, "starttls", user, secret)
        return cls(host, port or 25, "none" if _is_loopback(host) else "opportunistic", user, secret)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "smtps" if self.security == "tls" else "smtp"
        return f"{scheme}://{host}:{self.port}{'?starttls' if self.security == 'starttls' else ''}"


@dataclass(frozen=True, slots=True)
class Grant:
    """What belonging to a group of the sign-in provider gives."""

    group: str
    tenant: str | None
    """None: everywhere, as an installation administrator."""
    role: str

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read ``mail-team=dev:editor`` or ``mail-admins=administrator``. Raises ValueError."""
        group, _, gives = (part.strip() for part in written.rpartition("="))
        tenant, _, role = gives.partition(":")
        if group and gives == "administrator":
            return cls(group, None, gives)
        if not group or not tenant or role not in ("viewer", "editor", "owner"):
            raise ValueError(
                f"“{written}” is not understood; write group=tenant:role, the role viewer, editor or owner, "
                "or group=administrator"
            )
        return cls(group, tenant, role)

    def __str__(self) -> str:
        return f"{self.group}={self.tenant}:{self.role}" if self.tenant else f"{self.group}={self.role}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _relay(value: object) -> object:
    return (Relay.parse(value) if value.strip() else None) if isinstance(value, str) else value


def _sender(value: str | None, info: ValidationInfo) -> str | None:
    value = (value or "").strip()
    if value and (not _MAILBOX.fullmatch(value) or ("<" in value) != value.endswith(">")):
        raise ValueError("write one address, such as Postroom <postroom@example.com>")
    if not value and info.data.get("builtin_smtp_url"):
        raise ValueError("POSTROOM_BUILTIN_SMTP_URL needs it: the address that the console's own mail comes from")
    return value or None


def _grants(value: object) -> object:
    parts = _comma_separated(value)
    return (
        tuple(Grant.parse(each) if isinstance(each, str) else each for each in parts)
        if isinstance(parts, tuple)
        else parts
    )


def _issuer(value: str | None) -> str | None:
    if not value:
        return None
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        good = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))
    except ValueError:
        good, host = False, ""
    if not good or not host or parts.query or parts.fragment or "@" in parts.netloc or len(value) > 255:
        raise ValueError("write the provider's issuer, such as https://id.example.com/realms/acme")
    return value


def _client_id(value: str | None, info: ValidationInfo) -> str | None:
    if not value and info.data.get("oidc_issuer"):
        raise ValueError("POSTROOM_OIDC_ISSUER needs it: the id that the provider gave this console")
    return value or None


def _only(value: bool, info: ValidationInfo) -> bool:
    if value and not info.data.get("oidc_issuer"):
        raise ValueError("without POSTROOM_OIDC_ISSUER nobody could sign in")
    return value


def _scopes(value: str) -> str:
    scopes = value.replace(",", " ").split()
    return " ".join(scopes if "openid" in scopes else ["openid", *scopes])


def _comma_separated(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _limits(value: object) -> object:
    parts = _comma_separated(value)
    if not isinstance(parts, tuple) or len(parts) != 2:
        raise ValueError("give two limits, for each recipient and for each tenant, such as 10/10 minutes,200/day")
    return tuple(Limit.parse(part) if isinstance(part, str) else part for part in parts)


def _slugs(value: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [slug for slug in value if not _SLUG.fullmatch(slug)]
    if unknown:
        raise ValueError(f"“{unknown[0]}” is not the short name of a tenant; list them like dev,prod")
    return value


def _networks(value: object) -> object:
    parts = _comma_separated(value)
    if not isinstance(parts, tuple):
        return parts
    try:
        return tuple(ipaddress.ip_network(part) if isinstance(part, str) else part for part in parts)
    except ValueError as exc:
        raise ValueError(f"{exc}; a network looks like 10.0.0.0/8") from None


def _public_url(value: str | None) -> str | None:
    if not value:
        return None
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("write it like https://mail.example.com: scheme, host and perhaps a port, nothing behind it")
    return value


def _database_url(value: str | None) -> str | None:
    # The value is not repeated: it may hold a password.
    if not value:
        return None
    try:
        urlsplit(value).port  # noqa: B018  looked at because that judges it
    except ValueError:
        raise ValueError("its port is no number from 0 to 65535") from None
    if not _DATABASE.fullmatch(value):
        raise ValueError("write it like postgresql+psycopg://user:password@host/database or sqlite:////path/to/file")
    return value


def _keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    for key in keys:
        try:
            size = len(base64.b64decode(key, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if size != 32:
            # The value is not repeated: it is nearly a key.
            raise ValueError("a key is 32 random bytes in URL-safe base64, 44 characters that end in =")
    return keys


def _or_none(value: Path | str | None) -> Path | str | None:
    return value or None


def _folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise ValueError("this is a file, and must be a folder")
    return path


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
Slugs = Annotated[Listed, AfterValidator(_slugs)]
Networks = Annotated[tuple[IPNetwork, ...], NoDecode, BeforeValidator(_networks)]
RelayURL = Annotated[Relay | None, NoDecode, BeforeValidator(_relay)]
Grants = Annotated[tuple[Grant, ...], NoDecode, BeforeValidator(_grants)]
LimitPair = Annotated[tuple[Limit, Limit], NoDecode, BeforeValidator(_limits)]
Folder = Annotated[Path, AfterValidator(_folder)]
NoFolder = Annotated[Path | None, BeforeValidator(_or_none)]
"""A folder, or none where the variable is empty."""
PublicURL = Annotated[str | None, AfterValidator(_public_url)]
DatabaseURL = Annotated[str | None, AfterValidator(_database_url)]
Keys = Annotated[Listed, AfterValidator(_keys)]
Sender = Annotated[str | None, AfterValidator(_sender)]
Issuer = Annotated[str | None, AfterValidator(_issuer)]
ClientId = Annotated[str | None, AfterValidator(_client_id)]
Scopes = Annotated[str, AfterValidator(_scopes)]
OnlyWay = Annotated[bool, AfterValidator(_only)]


class SecondFactorRequired(StrEnum):
    """Of whom the console demands a second factor."""

    NONE = "none"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"
