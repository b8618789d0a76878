"""What a detection tells: what was looked at, what was found there, and what could be filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from webapp.domain.problem import JSON, Problem
from webapp.domain.text import NOTHING, Text

StepState = Literal["running", "found", "nothing"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is looked at."""

    text: Text
    state: StepState = "running"
    outcome: Text = NOTHING


@dataclass(frozen=True, slots=True)
class Needed:
    """A setting that nobody but its owner can fill in."""

    path: str
    title: Text


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connector that could be set up, with everything that speaks for it and against it."""

    provider: str
    """The connector's kind."""
    title: str
    preset: str | None = None
    config: Mapping[str, JSON] = field(default_factory=dict)
    """What would be filled in."""
    needed: tuple[Needed, ...] = ()
    """What would still have to be typed."""
    evidence: tuple[Text, ...] = ()
    warnings: tuple[Text, ...] = ()
    problem: Problem | None = None
    """Why it cannot be used; there is no config then."""

    @property
    def usable(self) -> bool:
        return self.problem is None

    @property
    def logo(self) -> str:
        return self.preset or self.provider


@dataclass(frozen=True, slots=True)
class Detection:
    """A detection as far as it has come."""

    asked: str
    """The domain or server that was looked for."""
    address: str | None
    """The address that was typed, if it was one."""
    seconds: float
    """The longest that it takes."""
    steps: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    """The best first; what cannot be used comes last, with its reason."""
    remarks: tuple[Text, ...] = ()
    """What is worth knowing and speaks for nobody."""
    problem: Problem | None = None
    """Why nothing can be offered, and what to do instead."""

    @property
    def found(self) -> bool:
        return any(candidate.usable for candidate in self.candidates)
