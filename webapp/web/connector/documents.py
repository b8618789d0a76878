"""Setup documents while they are edited: reading by pointer, and laying one person's changes over another's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from webapp.domain.diff import SECRET, changes, is_secret


def value_at(document: Mapping[str, Any], pointer: str) -> Any:
    """Read the value that a JSON pointer means; None where there is none."""
    value: Any = document
    for key in _keys(pointer):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def unmarked(value: Any) -> Any:
    """A copy whose secrets are kept without naming which they are at the moment."""
    if is_secret(value):
        return {SECRET: {key: part for key, part in value[SECRET].items() if key != "fingerprint"}}
    return {key: unmarked(part) for key, part in value.items()} if isinstance(value, dict) else value


def rebased(seen: dict[str, Any], live: dict[str, Any], mine: dict[str, Any]) -> dict[str, Any]:
    """What is live, with that put on top which ``mine`` changed against ``seen``. Where both changed, mine stands."""
    seen, live = json.loads(json.dumps([seen, live]))
    if _providers(seen, live, mine) > 1:
        # Settings of two providers cannot be mixed: the whole connector is one value then.
        if seen["connector"] != mine["connector"]:
            live["connector"] = mine["connector"]
        seen["connector"] = mine["connector"]
    for change in changes(seen, mine):
        _graft(live, change.pointer, value_at(mine, change.pointer))
    return live


def _graft(document: dict[str, Any], pointer: str, value: Any) -> None:
    """Put a value where a pointer leads, making the way there; None below the top takes away what stands there."""
    *way, last = _keys(pointer)
    at = document
    for key in way:
        at = at.setdefault(key, {})
    if value is None and way:
        at.pop(last, None)
    else:
        at[last] = value


def _keys(pointer: str) -> list[str]:
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]


def _providers(*documents: Mapping[str, Any]) -> int:
    """How many different providers some documents have; none counts as one of its own."""
    return len({(document.get("connector") or {}).get("provider") for document in documents})
