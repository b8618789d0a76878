"""As whom the console asks browsers for passkeys, and where it cannot."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask_babel import gettext as _

from webapp.accounts import RelyingParty
from webapp.web.context import console_url, services

_LOCAL: Final = "localhost"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why there are no passkeys at this address."""

    sentence: str
    url: str | None = None
    """Where there are."""


def relying_party() -> RelyingParty:
    """The console by its public URL; without one, as it was asked for."""
    parts = urlsplit(console_url())
    default = {"http": 80, "https": 443}[parts.scheme]
    host = parts.hostname or ""
    # As browsers write an origin: without a port that goes without saying.
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return RelyingParty(host, f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}")


def obstacle() -> Obstacle | None:
    """What keeps passkeys from working here; browsers want a name, and https unless it is this machine."""
    party = relying_party()
    scheme, _colon, rest = party.origin.partition("://")
    if _is_address(party.id):
        port = urlsplit(party.origin).port
        local = services().settings.public_url is None and ipaddress.ip_address(party.id).is_loopback
        if local:
            url = f"{scheme}://{_LOCAL}{f':{port}' if port else ''}"
            return Obstacle(
                _("Browsers keep no passkeys for an IP address such as %(address)s.", address=party.id), url
            )
        return Obstacle(
            _("Browsers keep no passkeys for an IP address. The operator can name the console: POSTROOM_PUBLIC_URL.")
        )
    if scheme != "https" and party.id != _LOCAL and not party.id.endswith(f".{_LOCAL}"):
        return Obstacle(_("Browsers keep passkeys only for pages that come by https. %(host)s does not.", host=rest))
    return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
