"""The providers that are reached by SMTP: data in ``presets.toml``, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from webapp.connectors.base import Alternative, Preset
from webapp.domain.text import T, Text

SANDBOX = "sandbox"
"""The preset whose port, user and password only the running server knows."""

_FILE = Path(__file__).with_name("presets.toml")


@cache
def presets() -> tuple[Preset, ...]:
    """Providers reached by SMTP, in the order of the cards."""
    document = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(_preset(**entry) for entry in document["preset"])


def _preset(
    *,
    id: str,  # noqa: A002  the word of the file
    title: str,
    summary: str,
    config: Mapping[str, Any],
    labels: Mapping[str, str],
    helps: Mapping[str, str],
    badges: list[str],
    notes: list[str],
    guide: str,
    links: list[Mapping[str, str]] | None = None,
    alternatives: list[Mapping[str, Any]] | None = None,
) -> Preset:
    """Mark the texts of one entry for translation. An unknown key in the file is a TypeError."""
    return Preset(
        id=id,
        title=title,
        summary=T(summary),
        config=config,
        labels=_texts(labels),
        helps=_texts(helps),
        badges=(T("SMTP"), *(T(badge) for badge in badges)),
        notes=tuple(T(note) for note in notes),
        links=tuple((T(link["title"]), link["url"]) for link in links or ()),
        guide=guide,
        alternatives=tuple(Alternative(T(other["title"]), other["config"]) for other in alternatives or ()),
    )


def _texts(words: Mapping[str, str]) -> dict[str, Text]:
    return {path: T(word) for path, word in words.items()}
