"""The settings of the connection itself: how TLS is done, and through which proxy."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic.alias_generators import to_camel

from webapp.connectors.config import ConnectorConfig, Line, Lines, Secret, SecretLines, setting
from webapp.connectors.tls import Trust, checked_certificates, checked_key
from webapp.domain.address import parse_host
from webapp.domain.text import T

ENCRYPTING: Final = ("security", ("starttls", "tls", "opportunistic"))
"""When settings of TLS have a meaning."""

_PROXY_PORTS: Final = {"socks5": 1080, "http": 8080}


def _version(value: object) -> object:
    """Other systems write TLSv1.2."""
    return value.strip().removeprefix("TLS").removeprefix("v").strip() if isinstance(value, str) else value


def with_defaults(data: Any, model: type[ConnectorConfig]) -> Any:
    """Put defaults in as if given: pydantic judges those, and names their JSON keys when it refuses them."""
    if not isinstance(data, dict):
        return data
    fields = model.model_fields.items()
    return {info.alias or to_camel(name): info.default for name, info in fields if not info.is_required()} | data


Certificates = Annotated[Lines, AfterValidator(checked_certificates)]


class TlsSettings(ConnectorConfig):
    """How TLS is done: with whom, from which version on, and what we show of ourselves."""

    min_version: Annotated[Literal["1.2", "1.3"], BeforeValidator(_version)] = setting(
        "1.2",
        title=T("Oldest TLS version"),
        example="1.2",
        advanced=True,
        show_if=ENCRYPTING,
        choices=(("1.2", T("TLS 1.2")), ("1.3", T("TLS 1.3"))),
    )
    """What is older is refused. Nearly every server speaks TLS 1.2; choose 1.3 where a rule of yours asks for it."""
    ca: Certificates | None = setting(
        None,
        title=T("Own certificate authority"),
        example="-----BEGIN CERTIFICATE-----",
        advanced=True,
        destination=True,
        show_if=ENCRYPTING,
        multiline=True,
    )
    """The authority that vouches for the server, in PEM, in place of the ones that this system knows. For a server
    with a private or self-signed certificate; several certificates may stand one below the other."""
    cert: Certificates | None = setting(
        None,
        title=T("Client certificate"),
        example="-----BEGIN CERTIFICATE-----",
        advanced=True,
        show_if=ENCRYPTING,
        multiline=True,
    )
    """What Postroom shows to a server that asks who is calling, in PEM, followed by its intermediate certificates."""
    key: SecretLines | None = setting(
        None,
        title=T("Key of the client certificate"),
        example="-----BEGIN PRIVATE KEY-----",
        advanced=True,
        secret=True,
        show_if=ENCRYPTING,
        multiline=True,
    )
    """The private key that belongs to the client certificate, in PEM, without a passphrase. It is stored encrypted and
    never written to the disk."""
    verify: bool = setting(
        True, title=T("Verify the server's certificate"), advanced=True, destination=True, show_if=ENCRYPTING
    )
    """Leave this on. Without it anybody on the way can pose as the server, take the password and read the mails."""
    verify_off_reason: Annotated[Line, Field(max_length=500)] | None = setting(
        None,
        title=T("Why it is not verified"),
        example="Appliance with a fixed certificate, in our own rack; replaced in March",
        advanced=True,
        show_if=("tls.verify", ("false",)),
    )
    """Who trusts the way to the server, and why. It stays in the history, and a warning stays on the pages."""

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, data: Any) -> Any:
        return with_defaults(data, cls)

    @field_validator("ca", "cert", "key", "verify_off_reason", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("key")
    @classmethod
    def _belongs_to_certificate(cls, value: SecretLines | None, info: ValidationInfo) -> SecretLines | None:
        """A certificate that is wrong itself is missing from ``info.data`` and reported on its own."""
        if "cert" not in info.data:
            return value
        certificate = info.data["cert"]
        if value is None and certificate:
            raise ValueError("The client certificate needs its private key.")
        if value is not None and not certificate:
            raise ValueError("Give the client certificate that this key belongs to.")
        if value is not None:
            checked_key(value.get_secret_value(), certificate)
        return value

    @field_validator("verify_off_reason")
    @classmethod
    def _reason_for_risk(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("verify") is False and not value:
            raise ValueError("Say why the server's certificate is not verified.")
        return value

    def trust(self) -> Trust:
        """What these settings ask of TLS."""
        return Trust(self.min_version, self.verify, self.ca, self.cert, self.key)


def _proxy_url(value: str) -> str:
    form = "Give the proxy as socks5://proxy.example.com:1080 or http://proxy.example.com:8080."
    try:
        parts = urlsplit(value if "//" in value else f"//{value}")
        port = parts.port
    except ValueError:
        raise ValueError(form) from None
    if "@" in value:
        raise ValueError("User name and password have fields of their own; leave them out of the address.")
    if parts.scheme not in _PROXY_PORTS or not parts.hostname or parts.path not in ("", "/") or port == 0:
        raise ValueError(form)
    if parts.query or parts.fragment:
        raise ValueError(form)
    try:
        host = f"[{IPv6Address(parts.hostname)}]" if ":" in parts.hostname else parse_host(parts.hostname)
    except ValueError:
        raise ValueError(form) from None
    return f"{parts.scheme}://{host}:{port or _PROXY_PORTS[parts.scheme]}"


def _for_proxies(value: str) -> str:
    if not value.isascii() or len(value) > 255:
        raise ValueError("Proxies take at most 255 ASCII characters here.")
    return value


def _proxy_user(value: str) -> str:
    if ":" in value:
        raise ValueError("A colon is not possible in the user name.")
    return _for_proxies(value)


def _proxy_password(value: Any) -> Any:
    _for_proxies(value.get_secret_value())
    return value


class ProxySettings(ConnectorConfig):
    """A proxy that connections go through."""

    url: Annotated[Line, AfterValidator(_proxy_url)] | None = setting(
        None, title=T("Proxy"), example="socks5://proxy.example.com:1080", advanced=True, destination=True
    )
    """Where connections to the server go through: socks5:// for SOCKS5, http:// for an HTTP proxy that permits CONNECT.
    The server's name is looked up here, and TLS goes through to the server itself."""
    user: Annotated[Line, AfterValidator(_proxy_user)] | None = setting(
        None, title=T("Proxy user name"), example="postroom", advanced=True
    )
    """Leave it empty if the proxy asks for none."""
    password: Annotated[Secret, AfterValidator(_proxy_password)] | None = setting(
        None, title=T("Proxy password"), advanced=True, secret=True
    )
    """It goes to the proxy unencrypted, as these protocols have it."""

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, data: Any) -> Any:
        return with_defaults(data, cls)

    @field_validator("url", "user", "password", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("user")
    @classmethod
    def _of_a_proxy(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and "url" in info.data and not info.data["url"]:
            raise ValueError("Give the proxy's address too, or leave the user name empty.")
        return value

    @field_validator("password")
    @classmethod
    def _goes_with_user(cls, value: Any, info: ValidationInfo) -> Any:
        if "user" not in info.data:
            return value
        if value is None and info.data["user"]:
            raise ValueError("The proxy's user name needs a password.")
        if value is not None and not info.data["user"]:
            raise ValueError("Give the proxy's user name too, or leave the password empty.")
        return value

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, if there is a proxy."""
        parts = urlsplit(self.url) if self.url else None
        return (parts.hostname, parts.port) if parts and parts.hostname and parts.port else None


def proxy_of(config: Mapping[str, Any]) -> str:
    """Tell the proxy of a config as JSON, complete or not; empty if there is none."""
    proxy = config.get("proxy")
    url = proxy.get("url") if isinstance(proxy, Mapping) else None
    if not isinstance(url, str) or not url.strip():
        return ""
    try:
        return _proxy_url(url.strip())
    except ValueError:  # not an address yet; its own field says so
        return url.strip()


def vouchers_of(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Tell what vouches for the server, whose certificate carries ``name``, by a config as JSON; empty if nobody."""
    tls = config.get("tls")
    settings = tls if isinstance(tls, Mapping) else {}
    if settings.get("verify") is False:
        return ()
    ca = settings.get("ca")
    return (name, "".join(ca.split())) if isinstance(ca, str) and ca.strip() else (name,)
