"""The providers to choose from: every connector, and every preset of a connector, as a card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from webapp.connectors.api import ApiConnector
from webapp.connectors.base import Connector, Preset
from webapp.connectors.config import settings_of
from webapp.connectors.smtp import SmtpConnector
from webapp.connectors.smtp.presets import SANDBOX
from webapp.domain.problem import JSON
from webapp.domain.roles import TenantInfo
from webapp.domain.text import T, Text
from webapp.services.carrying import Provider, carried
from webapp.services.switching import Switch, switched
from webapp.services.wiring import Services

API: Final = T("API")
WAYS: Final = (API, T("SMTP"), T("HTTP"))
"""The badges that tell how mail goes."""
PLAIN = ""
"""Stands in a draft for "none of the presets", where nothing at all means "find out"."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Card:
    """A provider as the page of choices shows it."""

    connector: type[Connector[Any]]
    preset: Preset | None = None
    current: bool = False

    @property
    def provider(self) -> Provider:
        return Provider(self.connector, self.preset)

    @property
    def key(self) -> str:
        return f"{self.connector.kind}:{self.preset.id}" if self.preset else self.connector.kind

    @property
    def title(self) -> str:
        return self.preset.title if self.preset else self.connector.title

    @property
    def summary(self) -> Text:
        return self.preset.summary if self.preset else self.connector.summary

    @property
    def badges(self) -> tuple[Text, ...]:
        """What it takes, the way that mail goes first where that is known."""
        found = self.preset.badges if self.preset else self.connector.badges
        unsaid = issubclass(self.connector, ApiConnector) and not (found and found[0] in WAYS)
        return (API, *found) if unsaid else found

    @property
    def logo(self) -> str:
        return self.preset.id if self.preset else self.connector.kind

    @property
    def group(self) -> str:
        """Where it stands among the cards: own, service, mailbox, or other."""
        return self.preset.kind if self.preset else self.connector.group

    @property
    def sandbox(self) -> bool:
        return self.preset is not None and self.preset.id == SANDBOX

    @property
    def anything(self) -> bool:
        """Whether it is the way for whatever has no card of its own."""
        return self.preset is None and self.connector.kind == SmtpConnector.kind

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in its group: by name, so that a provider's API comes right before its SMTP."""
        return (0 if self.sandbox else 2 if self.anything else 1), self.title.lower()


def cards(
    services: Services, tenant: TenantInfo, connector: Mapping[str, Any] | None, preset: str | None
) -> list[Card]:
    """The cards of a tenant, in the order of the page."""
    current = current_key(services, connector, preset)
    found = [Card(kind, each) for kind in services.connectors.values() for each in (None, *kind.presets())]
    usable = [card for card in found if not card.sandbox or sandbox_usable(services, tenant)]
    return [replace(card, current=card.key == current) for card in sorted(usable, key=lambda card: card.place)]


def current_key(services: Services, connector: Mapping[str, Any] | None, preset: str | None) -> str | None:
    """The card that a connector came from."""
    if not connector or connector["provider"] not in services.connectors:
        return None
    kind = services.connectors[connector["provider"]]
    found = preset_of(services, connector, preset)
    return f"{kind.kind}:{found.id}" if found else kind.kind


def card_of(services: Services, connector: Mapping[str, Any]) -> Card | None:
    """The card that a stored connector came from, whatever cards are offered now; None for an unknown provider."""
    if connector["provider"] not in services.connectors:
        return None
    return Card(services.connectors[connector["provider"]], preset_of(services, connector), current=True)


def preset_of(services: Services, connector: Mapping[str, Any], chosen: str | None = None) -> Preset | None:
    """The preset that was chosen, or the one that leads to where a stored connector leads."""
    if chosen == PLAIN or connector["provider"] not in services.connectors:
        return None
    kind, config = services.connectors[connector["provider"]], connector["config"]
    places = {each.path[0] for each in settings_of(kind.config_model) if each.about.destination and len(each.path) == 1}
    near: Preset | None = None
    for preset in kind.presets():
        if preset.id == chosen:
            return preset
        for settings in _variants(services, preset):
            known = {key: settings[key] for key in places if key in settings}
            if not known or any(config.get(key) != value for key, value in known.items()):
                continue
            if settings.get("port") == config.get("port"):
                return preset
            # On this machine only the port tells one server from another.
            near = near or (None if config.get("host") in _LOOPBACK else preset)
    return near


def provider_of(services: Services, connector: Mapping[str, Any], chosen: str | None = None) -> Provider | None:
    """What a connector in a document is a connector to; None for one that is not installed."""
    kind = services.connectors.get(connector["provider"])
    return Provider(kind, preset_of(services, connector, chosen)) if kind else None


def switch_of(services: Services, live: Mapping[str, Any], document: Mapping[str, Any], new: Provider) -> Switch | None:
    """What it means that a document has another provider than what is live; None where it has not."""
    old = provider_of(services, live["connector"]) if live.get("connector") else None
    return switched(old, live, new, document) if old else None


def _variants(services: Services, preset: Preset) -> Iterator[Mapping[str, Any]]:
    given = {"port": services.sandbox.port} if preset.id == SANDBOX else {}
    yield {**preset.config, **given}
    for each in preset.alternatives:
        yield {**preset.config, **each.config, **given}


def start(
    services: Services,
    tenant: TenantInfo,
    card: Card,
    old: Mapping[str, Any] | None,
    earlier: Mapping[str, JSON] | None = None,
) -> tuple[dict[str, Any], dict[str, str], dict[str, JSON]]:
    """The connector that a card begins with, the secrets that are known by their pointers, and values that wait.

    What can be is carried over from what was set up before; credentials never are.
    """
    before = provider_of(services, old) if old else None
    begins = carried(before, old["config"], card.provider, earlier) if before and old else None
    config = begins.config if begins else dict(card.provider.begins)
    secrets: dict[str, str] = {}
    if card.sandbox:
        config |= {"port": services.sandbox.port, "auth": {"type": "login", "user": tenant.slug}}
        config["auth"]["pass"] = {"$secret": {"draft": True}}
        config.setdefault("fromEmail", f"{tenant.name} <no-reply@example.com>")
        secrets["/connector/config/auth/pass"] = services.tenants.sandbox_password(tenant).get_secret_value()
    return {"provider": card.connector.kind, "config": config}, secrets, begins.aside if begins else {}


def sandbox_usable(services: Services, tenant: TenantInfo) -> bool:
    return not tenant.production and services.sandbox.port > 0
