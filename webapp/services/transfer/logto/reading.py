"""What became of a document of the other system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from webapp.domain.text import Text


@dataclass(frozen=True, slots=True)
class Moved:
    """A value that has a place here: where it stood, where it stands now."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Left:
    """A value that was not taken as it is, and why."""

    source: str
    why: Text


@dataclass(slots=True)
class Reading:
    """What a document of the other system becomes."""

    connector: dict[str, Any] | None = None
    """None where it holds none, or one that we do not have."""
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Usage type → language → template; empty where it holds none."""
    moved: list[Moved] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def leave(self, source: str, why: Text) -> None:
        self.left.append(Left(source, why))
