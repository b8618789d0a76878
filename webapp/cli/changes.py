"""What a plan would change, in lines for the terminal."""

from __future__ import annotations

from typing import Any

from webapp.services.transfer.writing import write_yaml


def change_lines(plan: dict[str, Any]) -> list[str]:
    """A line for each value that differs; of a secret only that it does."""
    signs = {"added": "+", "changed": "~", "removed": "-"}
    return [f"{signs[change['kind']]} {change['pointer']}{_values(change)}" for change in plan["changes"]]


def _values(change: dict[str, Any]) -> str:
    if "secret" in change:
        return "  (secret)"
    parts = [_short(change[name]) for name in ("old", "new") if name in change]
    return f"  {' → '.join(parts)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else write_yaml({"": value}).partition(":")[2].strip()
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
