"""The address of an HTTP interface: how it is written, and which of them are the same place."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, model_validator

from webapp.connectors.base import Destination
from webapp.connectors.config import ConnectorConfig, Line
from webapp.domain.address import parse_host

_FORM = "Give the whole address, such as https://api.example.com."


def normal_endpoint(value: str, *, whole: bool = False) -> str:
    """Write an endpoint in one way, without a final slash. Raises ValueError with words for an admin.

    A ``whole`` one is asked exactly as it is: its query and its final slash stay.
    """
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname or ""
        name = str(ipaddress.IPv6Address(host)) if ":" in host else parse_host(host)
    except ValueError:
        raise ValueError(_FORM) from None
    if name.rpartition(".")[2].isdecimal() and not _is_ip(name):
        raise ValueError(_FORM)
    if parts.scheme not in ("https", "http") or port == 0 or not value.isascii() or "\\" in value or " " in value:
        raise ValueError(_FORM)
    if "@" in parts.netloc:
        raise ValueError("User name and password have no place in this address.")
    if parts.fragment or (parts.query and not whole):
        raise ValueError(
            "The address ends before any #." if parts.fragment else "The address ends before any question mark."
        )
    if parts.scheme == "http" and not is_loopback(name):
        raise ValueError("The address has to begin with https://, because a secret and your mail are sent there.")
    shown = f"[{name}]" if ":" in name else name
    usual = 443 if parts.scheme == "https" else 80
    netloc = f"{shown}:{port}" if port and port != usual else shown
    path = parts.path if whole else parts.path.rstrip("/")
    return urlunsplit((parts.scheme, netloc, path, parts.query, ""))


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def origin_of(url: Any) -> str:
    """Scheme, host and port of a URL as typed; what is no URL yet stands for itself."""
    text = str(url or "").strip()
    try:
        parts = urlsplit(normal_endpoint(text, whole=True))
    except ValueError:  # its own field says so
        return text
    return f"{parts.scheme}://{parts.netloc}"


def destination_of(kind: str, url: Any, official: Mapping[str, Any] | frozenset[str] = frozenset()) -> Destination:
    """Tell where the secrets of a config with this endpoint go.

    A provider's own public endpoints are one place: changing the region sends a secret to nobody new.
    """
    origin = origin_of(url)
    if origin in official:
        return Destination(place=kind, port=443, protection="tls", reaches=origin)
    parts = urlsplit(origin) if "://" in origin else None
    port = (parts.port or (443 if parts.scheme == "https" else 80)) if parts else None
    return Destination(place=origin, port=port, protection="tls" if origin.startswith("https://") else "none")


def _whole(value: str) -> str:
    return normal_endpoint(value, whole=True)


Endpoint = Annotated[Line, AfterValidator(normal_endpoint)]
"""The address of a provider's HTTP interface: https, or http on this machine."""
WholeEndpoint = Annotated[Line, AfterValidator(_whole)]
"""The one address that is asked, with its query; https, or http on this machine."""


class EndpointConfig(ConnectorConfig):
    """Settings of a provider with an endpoint: what is left empty is as if it had not been given."""

    @model_validator(mode="before")
    @classmethod
    def _empty_is_the_default(cls, data: Any) -> Any:
        return cls.given(data) if isinstance(data, Mapping) else data

    @classmethod
    def given(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        """What of these settings is judged."""
        optional = {
            key for name, info in cls.model_fields.items() if not info.is_required() for key in (name, info.alias)
        }
        return {key: value for key, value in data.items() if key not in optional or not _empty(value)}


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
