"""Secrets that the operator lends to one tenant for one destination, through the environment."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from webapp.connectors.base import Destination
from webapp.domain.roles import TenantInfo

_NAME: Final = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)*")
"""No two underscores: ``X__FOR`` is the destination of X and never a secret itself."""


class LentSecrets:
    """Reads ``POSTROOM_SECRET__<TENANT>__<NAME>``, which goes only to ``…__FOR=host[:port]``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def value(self, tenant: TenantInfo, name: str) -> str | None:
        """The secret of that name that is lent to the tenant, wherever it may go."""
        variable = _variable(tenant, name)
        return self._environ.get(variable) or None if variable else None

    def names(self, tenant: TenantInfo) -> list[str]:
        """What is lent to the tenant, wherever it may go. For services alone: a page names only what may go there."""
        first = _first(tenant)
        names = (variable.removeprefix(first) for variable in self._environ if variable.startswith(first))
        return sorted(name for name in names if self.value(tenant, name))

    def allows(self, tenant: TenantInfo, name: str, destination: Destination, usual: Destination) -> bool:
        """Whether the secret may go there: to the host it is lent for, encrypted and vouched for as usual.

        Where it is exchanged for access first, only a provider that we know may do that.
        """
        variable = _variable(tenant, name)
        lent_for = self._environ.get(f"{variable}__FOR", "").strip() if variable else ""
        if not lent_for or _way(destination) != _way(usual):
            return False
        host, port = _host_and_port(lent_for)
        there, its_port = _host_and_port(destination.reaches or destination.place)
        if host != there or (port is not None and port != (destination.port or its_port)):
            return False
        return destination.protection in ("tls", "starttls") or _loopback(there)


def _way(destination: Destination) -> tuple[object, ...]:
    return destination.verified, destination.via, destination.token_url


def _variable(tenant: TenantInfo, name: str) -> str | None:
    return f"{_first(tenant)}{name}" if _NAME.fullmatch(name) else None


def _first(tenant: TenantInfo) -> str:
    return f"POSTROOM_SECRET__{tenant.slug.upper().replace('-', '_')}__"


def _host_and_port(place: str) -> tuple[str, int | None]:
    if place.count(":") > 1 and not place.startswith("[") and "//" not in place:
        return place.lower(), None  # a bare IPv6 address
    try:
        parts = urlsplit(place if "//" in place else f"//{place}")
        return (parts.hostname or "").rstrip("."), parts.port or (443 if parts.scheme == "https" else None)
    except ValueError:
        return "", None


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
