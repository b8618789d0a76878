"""Combinations of settings that cannot work, said before any test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.domain.problem import Problem


def contradictions(config: Mapping[str, Any]) -> list[tuple[str, Problem]]:
    return []
