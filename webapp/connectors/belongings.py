"""What stands beside a connector under its name: its guide, its logo, and for other packages their translations.

Ours are in ``templates/guides/<name>.md`` and ``static/logos/<name>.svg``. Another package keeps ``<name>.md``,
``<name>.svg`` and ``translations/<language>/LC_MESSAGES/messages.mo`` in the package of the connector's class. The
name is the connector's kind; presets have guides and logos of their own.
"""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from webapp.connectors.base import Connector
from webapp.resources import resource

LIMIT: Final = 200_000
"""Bytes of a guide or a logo of another package; a larger one is not read."""

_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MORE_THAN_A_DRAWING: Final = re.compile(
    r"<[!?]|<(script|foreignObject|iframe|object|embed|image|use|a|style|animate|set|handler)\b|\son\w+\s*=|href|url\(",
    re.IGNORECASE,
)


def is_ours(connector: type[Connector[Any]]) -> bool:
    """Whether it ships with Postroom."""
    return connector.__module__.partition(".")[0] == __name__.partition(".")[0]


def guide_of(connector: type[Connector[Any]], name: str | None = None) -> str | None:
    """The guide as it is written, in Markdown; None where there is none."""
    return _text(connector, resource("templates") / "guides", f"{name or connector.kind}", ".md")


def logo_of(connector: type[Connector[Any]], name: str | None = None) -> str | None:
    """The logo, an SVG; None where there is none, or where one of another package is more than a drawing."""
    logo = _text(connector, resource("static") / "logos", f"{name or connector.kind}", ".svg")
    plain = logo and logo.startswith("<svg") and not _MORE_THAN_A_DRAWING.search(logo)
    return logo if plain or is_ours(connector) else None


def translations_of(connector: type[Connector[Any]]) -> Path | None:
    """The folder of the translations that another package brings; None where there is none."""
    folder = None if is_ours(connector) else _beside(connector) / "translations"
    return folder if isinstance(folder, Path) and folder.is_dir() else None


def _text(connector: type[Connector[Any]], ours: Path, name: str, ending: str) -> str | None:
    if not _NAME.fullmatch(name):
        return None
    found = (ours if is_ours(connector) else _beside(connector)) / f"{name}{ending}"
    try:
        with found.open("rb") as file:
            content = file.read(LIMIT + 1)
    except OSError:
        return None
    return content.decode(errors="replace") if len(content) <= LIMIT else None


def _beside(connector: type[Connector[Any]]) -> Traversable:
    """The folder of the class's package; of a lone module, the one that it lies in."""
    module = sys.modules[connector.__module__]
    package = module.__package__
    return files(package) if package else Path(str(module.__file__)).parent
