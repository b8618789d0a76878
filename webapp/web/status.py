"""Where a tenant stands, in one line, the same on each of its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.domain.problem import Problem
from webapp.domain.roles import TenantInfo
from webapp.web.connector.cards import card_of
from webapp.web.context import services


@dataclass(frozen=True, slots=True)
class Status:
    """What the status line and the status card say."""

    state: str
    provider: str = ""
    provider_title: str = ""
    tile: str = ""
    host: str = ""
    sender: str = ""
    revision: int = 0
    saved_at: datetime | None = None
    saved_by: str = ""
    proven_at: datetime | None = None
    proven_by: str = ""
    cautions: tuple[Problem, ...] = ()
    """Risks that were accepted and last, and what ends soon or has ended."""


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
    return Status(
        state=state,
        provider=connector.provider,
        provider_title=card.title if card else connector.provider,
        tile=card.logo if card else connector.provider,
        host=_host(connector.config),
        sender=str(connector.config.get("fromEmail") or ""),
        revision=stored.number,
        saved_at=info.created_at,
        saved_by=info.author_name,
        proven_at=proof.last_at if proof else None,
        proven_by=proof.by_name if proof else "",
        cautions=services().expiries.cautions(tenant, stored),
    )


def _host(config: dict[str, Any]) -> str:
    host, port = config.get("host"), config.get("port")
    return f"{host}:{port}" if host and port else str(host or config.get("endpoint") or "")
