"""What differs between two tenants' setups, in the parts that can be promoted alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from webapp.domain.diff import Change, changes
from webapp.domain.tenant_document import SECTIONS

LEFT_ALONE: Final = ("flows", "verificationCode", "addressPolicy")
"""Parts that stay the target's unless they are named: they say what its end users may do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A part that differs: a setting, a mail, a flow; and what promoting it would change in the target."""

    pointer: str
    changes: tuple[Change, ...]

    @property
    def left_alone(self) -> bool:
        """Whether it stays the target's unless somebody asks for it."""
        return self.pointer.split("/")[1] in LEFT_ALONE


def differences(target: Mapping[str, Any], source: Mapping[str, Any]) -> list[Difference]:
    """List what differs, in the target's order; both with slots in the place of secrets."""
    parts: dict[str, list[Change]] = {}
    for change in changes(target, source):
        parts.setdefault(_part(change.pointer, target, source), []).append(change)
    return [Difference(pointer, tuple(found)) for pointer, found in parts.items()]


def _part(pointer: str, target: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    """What has to go as a whole: settings of one provider, a way of logging in, a mail, a flow."""
    area, *steps = pointer.split("/")[1:]
    if area in SECTIONS:
        old, new = target.get(area) or {}, source.get(area) or {}
        if old.get("provider") != new.get("provider"):
            return f"/{area}"
        if steps[:2] == ["config", "auth"] and _kind_of_login(old) != _kind_of_login(new):
            return f"/{area}/config/auth"
        return pointer
    if area == "templates":
        return "/".join(["", area, *steps[:2]])
    if area == "flows":
        return "/".join(["", area, *steps[:1]])
    return pointer


def _kind_of_login(section: Mapping[str, Any]) -> Any:
    login = section["config"].get("auth")
    return login.get("type") if isinstance(login, Mapping) else None
