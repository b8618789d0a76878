"""Where a tenant stands, in one line, the same on each of its pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from webapp.connectors.config import settings_of
from webapp.domain.address import Mailbox
from webapp.domain.problem import Problem
from webapp.domain.roles import TenantInfo
from webapp.domain.text import NOTHING, T, Text
from webapp.services.delivery import House
from webapp.web.connector.cards import Card, card_of
from webapp.web.context import services

_REGIONS: Final = ("region", "regionId")
"""Settings that say more about the place than the address that follows from them."""


@dataclass(frozen=True, slots=True)
class Status:
    """What the status line and the status card say."""

    state: str
    provider: str = ""
    provider_title: str = ""
    tile: str = ""
    host: str = ""
    """Where mail is handed in."""
    host_title: Text = NOTHING
    """What that is called."""
    sender: str = ""
    revision: int = 0
    saved_at: datetime | None = None
    saved_by: str = ""
    proven_at: datetime | None = None
    proven_by: str = ""
    cautions: tuple[Problem, ...] = ()
    """Risks that were accepted and last, and what ends soon or has ended."""
    house: House | None = None
    """What the operator has behind the connector, where it sends at the operator's expense."""


def status_of(tenant: TenantInfo) -> Status:
    """Put together where a tenant stands now."""
    setups = services().setups
    state = setups.state(tenant).name.lower()
    stored = setups.active(tenant)
    connector = stored.setup.connector
    if connector is None:
        return Status(state, revision=stored.number)
    info = setups.history(tenant, limit=1)[0]
    proof = setups.proven(tenant, stored.values_tag) if stored.values_tag else None
    card = card_of(services(), connector.model_dump())
    place = place_of(card, connector.config) if card else ("", NOTHING)
    house = services().delivery.house(tenant, card.connector) if card else None
    return Status(
        state=state,
        provider=connector.provider,
        provider_title=card.title if card else connector.provider,
        tile=card.logo if card else connector.provider,
        host=place[0],
        host_title=place[1],
        sender=_sender(connector.config, house),
        revision=stored.number,
        saved_at=info.created_at,
        saved_by=info.author_name,
        proven_at=proof.last_at if proof else None,
        proven_by=proof.by_name if proof else "",
        cautions=(*services().expiries.cautions(tenant, stored), *(house.problems if house else ())),
        house=house,
    )


def _sender(config: Mapping[str, Any], house: House | None) -> str:
    """Who mail comes from, as far as it is settled."""
    name = str(config.get("senderName") or "")
    if house and house.address:
        return str(Mailbox(house.address, name))
    return str(config.get("fromEmail") or name)


def place_of(card: Card, config: Mapping[str, Any]) -> tuple[str, Text]:
    """Where mail is handed in, and what that is: a server with its port, a region, or the host of an interface."""
    host, port = config.get("host"), config.get("port")
    if host:
        return f"{host}:{port}" if port else str(host), T("Server")
    known = {each.name: each for each in settings_of(card.connector.config_model)}
    endpoint = known.get("endpoint")
    own = config.get("endpoint") or None
    for name in _REGIONS:
        if name in known and own in (None, endpoint and endpoint.default):
            return str(config.get(name) or known[name].default or ""), known[name].about.title
    return urlsplit(str(own or (endpoint and endpoint.default) or "")).netloc, T("Endpoint")
