"""What stands beside a connector under its name: its guide and its logo.

Ours are in ``templates/guides/<kind>.md`` and ``static/logos/<kind>.svg``; another package keeps both in the package
of the connector's class.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from webapp.connectors.base import Connector
from webapp.resources import resource

LIMIT: Final = 200_000
"""Bytes of a guide or a logo of another package; more is not read."""


def is_ours(connector: type[Connector[Any]]) -> bool:
    """Whether it ships with Postroom."""
    return connector.__module__.partition(".")[0] == __name__.partition(".")[0]


def guide_of(connector: type[Connector[Any]]) -> str | None:
    """The guide as it is written, in Markdown; None where there is none."""
    return _text(connector, resource("templates") / "guides", ".md")


def logo_of(connector: type[Connector[Any]]) -> str | None:
    """The logo as it is drawn, an SVG; None where there is none."""
    return _text(connector, resource("static") / "logos", ".svg")


def _text(connector: type[Connector[Any]], ours: Path, ending: str) -> str | None:
    found = (ours if is_ours(connector) else _beside(connector)) / f"{connector.kind}{ending}"
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
