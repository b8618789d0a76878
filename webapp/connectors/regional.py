"""A provider with an address of its own in each region: which of them are one place, and what does not fit together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar
from urllib.parse import urlsplit

from webapp.connectors.api import ApiConfigT, ApiConnector
from webapp.connectors.base import Destination
from webapp.connectors.endpoint import destination_of, origin_of
from webapp.connectors.recipe import Fix, fixed
from webapp.domain.problem import Problem
from webapp.domain.text import T, Text


@dataclass(frozen=True, slots=True)
class Regions:
    """Where a provider is offered, and under which addresses."""

    setting: str
    """The setting that chooses one, as its JSON key."""
    form: re.Pattern[str]
    """How a region is written, whether it is known here or not."""
    known: tuple[tuple[str, Text], ...]
    address: Callable[[str], str]
    """Region → its public endpoint."""
    public: re.Pattern[str]
    """The hosts of the provider's own public endpoints; a group ``region`` tells whose."""
    private: re.Pattern[str]
    """The same for endpoints of the provider that lead into somebody's network."""
    mismatch: str
    """The problem of an endpoint that belongs to another region than the chosen one."""
    unknown: str
    """The problem of a region that is not offered, as far as is known here."""
    default: str = ""
    """The region of an endpoint that names none, and of a config that chooses none."""

    def chosen(self, config: Mapping[str, Any]) -> str:
        """The region that a config, complete or not, chooses."""
        return str(config.get(self.setting) or self.default).strip().lower()

    def is_public(self, endpoint: str) -> bool:
        """Whether an endpoint is one of the provider's own public ones, of whichever region."""
        parts = urlsplit(endpoint)
        usual = parts.scheme == "https" and parts.port is None
        return usual and self.public.fullmatch(parts.hostname or "") is not None

    def region_in(self, endpoint: str) -> str:
        """The region that an endpoint of the provider, public or private, belongs to; empty for all others."""
        host = urlsplit(endpoint).hostname or ""
        match = self.public.fullmatch(host) or self.private.fullmatch(host)
        return (match["region"] or self.default) if match else ""

    def nearest(self, region: str) -> str | None:
        """The known region that is written most alike; None where this one is known."""
        known = [each for each, _ in self.known]
        return None if region in known else get_close_matches(region, known, 1, 0)[0]


class RegionalConnector(ApiConnector[ApiConfigT]):
    """A provider whose endpoint follows from the region, unless the config names another. The config has a ``url``."""

    regions: ClassVar[Regions]

    @classmethod
    def destination(cls, config: Mapping[str, Any]) -> Destination:
        """The provider's public endpoints are one place, whichever the region; every other endpoint is its own."""
        endpoint = origin_of(config.get("endpoint"))
        if not endpoint:
            usual = cls.regions.address(cls.regions.chosen(config))
            return Destination(place=cls.kind, port=443, protection="tls", reaches=usual)
        official = frozenset({endpoint}) if cls.regions.is_public(endpoint) else frozenset()
        return destination_of(cls.kind, endpoint, official)

    @classmethod
    def contradictions(cls, config: Mapping[str, Any]) -> list[tuple[str, Problem]]:
        """An endpoint of the provider answers for its own region only; a region has an address where it is offered."""
        region, endpoint = cls.regions.chosen(config), origin_of(config.get("endpoint"))
        if not cls.regions.form.fullmatch(region):
            return []  # its own field says so
        if endpoint:
            other = cls.regions.region_in(endpoint)
            code, pointer = cls.regions.mismatch, "/endpoint"
        else:
            other = cls.regions.nearest(region) or region
            code, pointer = cls.regions.unknown, f"/{cls.regions.setting}"
        if other in ("", region):
            return []
        problem = cls.recipes[code].problem(code, {"region": region, "other": other})
        fix = Fix(T("Use the region %(region)s", region=other), ((cls.regions.setting, other),))
        return [(pointer, fixed(problem, fix))]

    @property
    def endpoint(self) -> str:
        return str(getattr(self.config, "url"))  # noqa: B009  every config of such a connector has one
