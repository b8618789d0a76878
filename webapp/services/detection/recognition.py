"""Who a domain's mail is with: read from its MX and SPF records, the domain itself, and how a server greets.

The patterns are data, in ``recognition.toml`` beside this module.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from webapp.connectors.base import Preset
from webapp.connectors.smtp import SmtpConnector

SMTP: Final = SmtpConnector.kind


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider is recognised, and what is offered then."""

    preset: str
    name: str = ""
    """What it is called, where its preset is called by the way to it."""
    connector: str | None = None
    """The kind of its connector by API."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What that connector's form begins with."""
    from_host: Mapping[str, str] = field(default_factory=dict)
    """Setting of that connector → expression over the name of the SMTP server, with one group."""
    for_host: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """SMTP server → settings of that connector, where the name does not hold them."""
    domains: tuple[str, ...] = ()
    servers: Mapping[str, str] = field(default_factory=dict)
    """Domain → server, where the name does not tell the region."""
    mx: tuple[str, ...] = ()
    spf: tuple[str, ...] = ()
    banner: tuple[str, ...] = ()
    samples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.name or self.entry.title

    @property
    def entry(self) -> Preset:
        """What is known of it."""
        return _presets()[self.preset]

    def hosts(self) -> list[str]:
        """Its SMTP servers, the usual one first."""
        preset = self.entry
        found = [str(preset.config["host"]), *(each.config.get("host") for each in preset.alternatives)]
        return list(dict.fromkeys(str(host) for host in found if host))

    def config_for(self, name: str) -> dict[str, Any]:
        """The preset's settings, of the region that a name found in DNS or in a greeting belongs to."""
        name = self.servers.get(name, name)
        config = dict(self.entry.config)
        usual, labels = _labels(str(config["host"])), _labels(name)
        for other in self.entry.alternatives:
            host = str(other.config.get("host", ""))
            distinct = _labels(host) - usual
            if host == name or (set(other.config) == {"host"} and distinct and distinct <= labels):
                return {**config, **other.config}
        return config

    def tells_region(self, name: str) -> bool:
        """Whether a name says which of the provider's regions is meant, where there are several."""
        usual = str(self.entry.config["host"])
        others = {str(each.config.get("host", usual)) for each in self.entry.alternatives if each.region} - {usual}
        if not others or name in (*self.hosts(), *self.domains) or self.config_for(name)["host"] != usual:
            return True
        return _labels(usual).difference(*map(_labels, others)) <= _labels(name)

    def api_config(self, host: str) -> dict[str, Any]:
        """What the form of its connector by API begins with."""
        config = {**self.settings, **self.for_host.get(host, {})}
        for setting, expression in self.from_host.items():
            if found := re.fullmatch(expression, host):
                config[setting] = found[1]
        return config


@dataclass(frozen=True, slots=True)
class Filter:
    """Who takes mail for others, and tells nothing of where they hand in theirs."""

    title: str
    mx: tuple[str, ...]
    samples: tuple[str, ...]


def of_domain(domain: str) -> Provider | None:
    """The provider of the mailboxes in a domain, where that is known without asking."""
    return next((each for each in providers() if domain in each.domains), None)


def of_host(host: str) -> Provider | None:
    """The provider whose server this is."""
    return _by_host().get(host)


def by_mx(host: str) -> list[Provider]:
    """The providers whose customers have this MX."""
    return [each for each in providers() if _fits(host, each.mx)]


def by_spf(domain: str) -> list[Provider]:
    """The providers whose customers include this in their SPF record."""
    return [each for each in providers() if _fits(domain, each.spf)]


def by_banner(banner: str) -> Provider | None:
    """The provider whose servers greet like this."""
    first = banner.lower().split(" ")[0]
    return of_host(first) or next((each for each in providers() if _fits(banner, each.banner)), None)


def filter_of(host: str) -> Filter | None:
    """The filter that an MX belongs to."""
    return next((each for each in filters() if _fits(host, each.mx)), None)


@cache
def providers() -> tuple[Provider, ...]:
    """Every provider that can be recognised, in the order of the file."""
    return tuple(Provider(**_frozen(entry)) for entry in _data()["provider"])


@cache
def filters() -> tuple[Filter, ...]:
    """Every filter that can be recognised."""
    return tuple(Filter(**_frozen(entry)) for entry in _data()["filter"])


def _data() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("recognition.toml").read_text(encoding="utf-8"))


def _frozen(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


@cache
def _presets() -> Mapping[str, Preset]:
    return {preset.id: preset for preset in SmtpConnector.presets()}


@cache
def _by_host() -> Mapping[str, Provider]:
    found: dict[str, Provider] = {}
    for provider in providers():
        for host in provider.hosts():
            found.setdefault(host, provider)
    return found


def _fits(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text.lower(), pattern) for pattern in patterns)


def _labels(host: str) -> set[str]:
    return set(host.split("."))
