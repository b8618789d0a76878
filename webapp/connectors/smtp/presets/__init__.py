"""The providers that are reached by SMTP: data in the TOML files beside this one, read once.

Each entry is a ``[[preset]]``, in the order of the cards. The file says of what kind the provider is.

==================  =================================================================================
config              settings to fill in, as JSON; what is missing is the admin's to type
labels, helps       dotted path of a setting → the provider's own word for it, and what it says about it
badges              what is needed, beside "SMTP", which every card carries
notes               limits and advice
regions             the provider's servers, that of ``config`` among them: settings to put over ``config``
alternatives        other ports and logins, in the same form
guide               ``templates/guides/<guide>.md``
==================  =================================================================================

The tile is ``static/logos/<id>.svg``. Stored drafts name an entry by its ``id``, so no id is ever renamed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from webapp.connectors.base import Alternative, Group, Preset
from webapp.domain.text import T, Text

SANDBOX: Final = "sandbox"
"""The preset whose port, user and password only the running server knows."""

_FILES: Final[Mapping[str, Group]] = {"own": "own", "services": "service", "mailboxes": "mailbox"}


@cache
def presets() -> tuple[Preset, ...]:
    """Providers reached by SMTP, in the order of the cards."""
    return tuple(
        _preset(kind=kind, **entry)
        for file, kind in _FILES.items()
        for entry in tomllib.loads(Path(__file__).with_name(f"{file}.toml").read_text(encoding="utf-8"))["preset"]
    )


def _preset(
    *,
    id: str,  # noqa: A002  the word of the file
    kind: Group,
    title: str,
    summary: str,
    config: Mapping[str, Any],
    labels: Mapping[str, str],
    helps: Mapping[str, str],
    badges: list[str],
    notes: list[str],
    guide: str,
    links: list[Mapping[str, str]] | None = None,
    regions: list[Mapping[str, Any]] | None = None,
    alternatives: list[Mapping[str, Any]] | None = None,
) -> Preset:
    """Mark the texts of one entry for translation. An unknown key in the file is a TypeError."""
    return Preset(
        id=id,
        kind=kind,
        title=title,
        summary=T(summary),
        config=config,
        labels=_texts(labels),
        helps=_texts(helps),
        badges=(T("SMTP"), *(T(badge) for badge in badges)),
        notes=tuple(T(note) for note in notes),
        links=tuple((T(link["title"]), link["url"]) for link in links or ()),
        guide=guide,
        alternatives=(
            *(Alternative(T(other["title"]), other["config"]) for other in alternatives or ()),
            *(Alternative(T(region["title"]), region["config"], region=True) for region in regions or ()),
        ),
    )


def _texts(words: Mapping[str, str]) -> dict[str, Text]:
    return {path: T(word) for path, word in words.items()}
