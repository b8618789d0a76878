"""The operator's settings: one declaration, read from the environment, listed by ``postroom doctor`` and the README."""

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

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_LIMIT = re.compile(r"\s*(\d{1,9})\s*(?:/|per)\s*(\d{0,6})\s*(second|minute|hour|day)s?\s*", re.IGNORECASE)
_MAILBOX = re.compile(r"([^<>@\x00-\x1f\x7f]*<)?[^\s<>@,;:\\\"]+@[^\s<>@,;]+>?")
_RELAY_HOST = re.compile(r"[\w.-]{1,253}|[0-9a-f:.]{2,45}")
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


def _folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise ValueError("this is a file, and must be a folder")
    return path


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
Networks = Annotated[tuple[IPNetwork, ...], NoDecode, BeforeValidator(_networks)]
RelayURL = Annotated[Relay | None, NoDecode, BeforeValidator(_relay)]
Grants = Annotated[tuple[Grant, ...], NoDecode, BeforeValidator(_grants)]
LimitPair = Annotated[tuple[Limit, Limit], NoDecode, BeforeValidator(_limits)]


class SecondFactorRequired(StrEnum):
    """Of whom the console demands a second factor."""

    NONE = "none"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


class Settings(BaseSettings):
    """What the operator decides. Values come from the environment only."""

    model_config = SettingsConfigDict(
        env_prefix="POSTROOM_", frozen=True, use_attribute_docstrings=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Annotated[Path, AfterValidator(_folder)] = Path("instance")
    """Folder for the database, the key file and the sandbox's certificate."""
    host: str = Field(default="127.0.0.1", min_length=1)
    """Address to listen on."""
    port: int = Field(default=8420, ge=1, le=65535)
    """Port to listen on."""
    threads: int = Field(default=16, ge=4, le=256)
    """Requests that each server process works on at once; waiting ones hold at most a quarter of them."""
    public_url: Annotated[str | None, AfterValidator(_public_url)] = None
    """Address of the console as browsers see it, such as https://mail.example.com; used in links and to check Host."""
    database_url: Annotated[str | None, AfterValidator(_database_url)] = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url"), repr=False
    )
    """Database, such as postgresql+psycopg://…; by default an SQLite file in the data directory."""
    secret_keys: Annotated[Listed, AfterValidator(_keys)] = Field(default=(), repr=False)
    """Keys that encrypt secrets, newest first, comma separated; by default a key file in the data directory."""
    sandbox_smtp_port: int = Field(default=8425, ge=0, le=65535)
    """Port of the sandbox mail server on 127.0.0.1; 0 switches it off."""
    allowed_networks: Networks = ()
    """Networks (CIDR) that connectors may reach besides public addresses, such as 10.0.0.0/8."""
    builtin_smtp_url: RelayURL = Field(default=None, repr=False)
    """Mail server for the console's own mail, such as smtps://user:password@smtp.example.com or smtp://localhost:25;
    smtp://…?starttls demands encryption."""
    builtin_from: Annotated[str | None, AfterValidator(_sender)] = Field(default=None, validate_default=True)
    """Address that the console's own mail comes from, such as postroom@example.com; a name may stand before it."""
    test_send_limits: LimitPair = (Limit(10, 600), Limit(200, 86400))
    """Test sends allowed for each recipient, then for each tenant."""
    oidc_issuer: Annotated[str | None, AfterValidator(_issuer)] = None
    """Issuer of an OpenID Connect provider that people may sign in with, such as https://id.example.com/realms/acme."""
    oidc_client_id: Annotated[str | None, AfterValidator(_client_id)] = Field(default=None, validate_default=True)
    """Id that the provider gave this console; its redirect address is the public one with /sign-in/openid/done."""
    oidc_client_secret: SecretStr | None = Field(default=None, repr=False)
    """Secret that goes with the client's id; none for a public client, which PKCE protects."""
    oidc_name: str = Field(default="single sign-on", min_length=1, max_length=40)
    """What the provider is called on the button that signs in with it."""
    oidc_scopes: Annotated[str, AfterValidator(_scopes)] = "openid email profile"
    """Scopes to ask the provider for, with spaces between."""
    oidc_groups_claim: str = Field(default="groups", min_length=1)
    """Claim that lists a person's groups; dots lead into objects, such as realm_access.roles."""
    oidc_roles: Grants = ()
    """What groups give: group=tenant:role or group=administrator, comma separated, such as
    mail-admins=administrator,mail-team=dev:editor."""
    oidc_trust_emails: bool = False
    """Whether addresses count as verified where the provider says nothing of it (no claim email_verified)."""
    oidc_only: Annotated[bool, AfterValidator(_only)] = False
    """Whether signing in with passwords and passkeys is off; `postroom user sign-in-link` lets the operator in."""
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    """How many reverse proxies stand in front and set X-Forwarded-For and X-Forwarded-Proto."""
    require_second_factor: SecondFactorRequired = SecondFactorRequired.NONE
    """Who must sign in with a second factor: none, administrators (of the installation, and owners) or everybody."""
    retention_days: int = Field(default=90, ge=1, le=36500)
    """Days that audit events are kept."""

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'postroom.db').resolve()}"

    @property
    def base_url(self) -> str:
        """Where browsers find the console, without a final slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def documented_settings() -> list[tuple[str, str, str]]:
    """List (variable, default, meaning) of every setting, for ``doctor`` and the README."""
    rows = []
    for name, info in Settings.model_fields.items():
        alias = info.validation_alias
        variable = str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"POSTROOM_{name.upper()}"
        default = info.default
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else "" if default is None else str(default)
        rows.append((variable, shown, info.description or ""))
    return rows


def settings_table() -> str:
    """The settings as the README's Markdown table."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for variable, default, meaning in documented_settings():
        shown = f"`{default}`" if default else ""
        rows.append(f"| `{variable}` | {shown} | {' '.join(meaning.split())} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(settings_table())  # noqa: T201  the table is the output
