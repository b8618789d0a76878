"""Who grants access with OAuth 2.0, by which way, and at which address."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from webapp.domain.address import parse_host

REFRESH: Final = "refresh_token"
CREDENTIALS: Final = "client_credentials"
SERVICE: Final = "service_account"
READY: Final = "access_token"
GRANTS: Final = (REFRESH, CREDENTIALS, SERVICE, READY)

OAUTH_KEYS: Final = frozenset(
    {"clientId", "clientSecret", "refreshToken", "privateKey", "serviceClient", "accessToken"}
)
"""By these a login that does not say what it is, as other systems write it, is one with OAuth 2.0."""

GOOGLE_TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
_MICROSOFT_HOST: Final = "login.microsoftonline.com"
SHARED_TENANTS: Final = ("common", "organizations", "consumers")


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider gives out access, and what to ask it for."""

    token_url: str
    authorize_url: str
    scopes: Mapping[str, str]
    """Grant → scope for sending by SMTP."""


def provider_of(name: str, tenant: str = "") -> Provider | None:
    """A provider whose addresses are known; ``tenant`` is the directory at Microsoft."""
    if name == "google":
        scope = "https://mail.google.com/"
        return Provider(
            GOOGLE_TOKEN_URL, "https://accounts.google.com/o/oauth2/v2/auth", {REFRESH: scope, SERVICE: scope}
        )
    if name == "microsoft":
        base = f"https://{_MICROSOFT_HOST}/{tenant or 'organizations'}/oauth2/v2.0"
        sending = "https://outlook.office.com/SMTP.Send offline_access"
        return Provider(
            f"{base}/token",
            f"{base}/authorize",
            {REFRESH: sending, CREDENTIALS: "https://outlook.office365.com/.default"},
        )
    return None


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def normal_url(value: str) -> str:
    """Write the URL of an endpoint in one way. Raises ValueError with words for an admin."""
    form = "Give the whole address, such as https://login.example.com/oauth2/token."
    try:
        parts = urlsplit(value)
        port = parts.port
        host = parts.hostname or ""
        name = str(ipaddress.IPv6Address(host)) if ":" in host else parse_host(host)
    except ValueError:
        raise ValueError(form) from None
    if parts.scheme not in ("https", "http") or port == 0 or parts.fragment or not value.isascii():
        raise ValueError(form)
    if "@" in parts.netloc:
        raise ValueError("User name and password have no place in this address.")
    if parts.scheme == "http" and not _loopback(name):
        raise ValueError("The address has to begin with https://, because the client's secret is sent there.")
    shown = f"[{name}]" if ":" in name else name
    usual = 443 if parts.scheme == "https" else 80
    return urlunsplit(
        (parts.scheme, f"{shown}:{port}" if port and port != usual else shown, parts.path or "/", parts.query, "")
    )


def token_url_of(auth: Any) -> str:
    """Tell where the secrets of an ``auth`` in JSON, complete or not, are sent to get access; empty if nowhere."""
    if not isinstance(auth, Mapping) or str(auth.get("type", "")).lower() != "oauth2":
        return ""
    try:
        auth = inferred(auth)
    except ValueError:  # its own field says so
        return ""
    grant, name = auth.get("grant", REFRESH), str(auth.get("provider", "google"))
    if grant == READY:
        return ""
    if name != "other":
        tenant = str(auth.get("tenantId") or "").strip().lower()
        known = provider_of(name, tenant)
        return known.token_url if known else name
    url = str(auth.get("accessUrl") or "").strip()
    try:
        return normal_url(url)
    except ValueError:  # not an address yet; its own field says so
        return url


def inferred(data: Any) -> Any:
    """Say what other systems leave unsaid: which way, and whose."""
    if not isinstance(data, Mapping):
        return data
    said = dict(data)
    key = said.get("privateKey")
    if isinstance(key, Mapping) and set(key) <= {"key", "passphrase"} and "key" in key:
        if key.get("passphrase"):
            raise ValueError("This key is locked with a passphrase. Unlock it and paste it without.")
        said["privateKey"] = key["key"]
    if said.get("grant") is None:
        said["grant"] = next(
            (grant for name, grant in _TELLING if said.get(name)), CREDENTIALS if said.get("clientSecret") else REFRESH
        )
    if said.get("provider") is None:
        said |= _provider_by_url(said.get("accessUrl"), said)
    return said


_TELLING: Final = (("privateKey", SERVICE), ("refreshToken", REFRESH), ("accessToken", READY))


def _provider_by_url(url: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(url, str) or not url.strip():
        microsoft = said.get("tenantId") or said["grant"] == CREDENTIALS
        return {"provider": "microsoft" if microsoft else "google"}
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return {"provider": "other"}
    if parts.hostname in ("oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"):
        return {"provider": "google", "accessUrl": None}
    steps = parts.path.split("/")
    if parts.hostname == _MICROSOFT_HOST and len(steps) > 2 and steps[2] == "oauth2":
        return {"provider": "microsoft", "tenantId": said.get("tenantId") or steps[1], "accessUrl": None}
    return {"provider": "other"}
