"""What a problem says and what mends it, apart from the facts of a single case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from webapp.domain.problem import PatchOperation, Problem
from webapp.domain.text import Text


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a problem is called, what it means, and what to do about it. ``%(…)s`` are facts of the case."""

    title: Text
    cause: Text
    steps: tuple[Text, ...]
    temporary: bool = False

    def problem(self, code: str, facts: Mapping[str, object]) -> Problem:
        """Make the problem of one case."""
        values = tuple((name, str(value)) for name, value in facts.items())
        return Problem(
            code,
            Text(self.title.template, values),
            Text(self.cause.template, values),
            tuple(Text(step.template, values) for step in self.steps),
            self.temporary,
        )


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that mends a problem with one click. None of these lowers security."""

    label: Text
    values: tuple[tuple[str, Any], ...]
    """Setting and value; a setting inside another is written ``tls/verify``."""

    def operations(self) -> tuple[PatchOperation, ...]:
        # "add" sets a member whether it is there already or not (RFC 6902 section 4.1).
        return tuple(PatchOperation("add", f"/connector/config/{key}", value) for key, value in self.values)


def fixed(problem: Problem, fix: Fix | None) -> Problem:
    """Add the change that mends it."""
    return replace(problem, patch=fix.operations(), patch_label=fix.label) if fix else problem
