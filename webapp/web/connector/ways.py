"""The other ways to one provider: its regions, ports and logins, each of them settings to put over the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from webapp.connectors.base import Alternative, Preset

FEW: Final = 5
"""Regions up to this number are a button each."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What a preset offers beside the values that stand there now."""

    preset: Preset | None
    config: Mapping[str, Any]

    @property
    def alternatives(self) -> list[Alternative]:
        """The preset's other ports and regions that are not what stands there now; many regions are a choice apart."""
        others = self.preset.alternatives if self.preset else ()
        return [each for each in others if not (_stands(self.config, each.config) or each in self.regions)]

    @property
    def regions(self) -> list[Alternative]:
        """The provider's regions, where they are too many for a button each."""
        found = [each for each in self.preset.alternatives if each.region] if self.preset else []
        return found if len(found) > FEW else []

    @property
    def region(self) -> int | None:
        """The number of the region that stands there now."""
        return next((n for n, each in enumerate(self.regions) if _stands(self.config, each.config)), None)

    def settings_of(self, way: Alternative) -> dict[str, Any]:
        """What one of them changes, with that of a login which outlasts another way to log in."""
        taken = dict(way.config)
        if "auth" in taken:
            taken["auth"] = {**_still_true(self.config.get("auth") or {}, taken["auth"]["type"]), **taken["auth"]}
        return taken


def _still_true(auth: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What of a login outlasts another way to log in: all of it for the same, the mailbox for one with a mailbox."""
    if auth.get("type") == kind:
        return dict(auth)
    return {"user": auth["user"]} if "user" in auth and kind != "none" else {}


def _stands(config: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether these settings stand there already, whatever stands beside them."""
    return all(
        _stands(config.get(key) or {}, value) if isinstance(value, Mapping) else config.get(key) == value
        for key, value in wanted.items()
    )
