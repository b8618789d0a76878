"""Reading what Logto's Management API gives: an email connector's JSON, and its list of email templates.

Its connector and templates become ours; flows and policies are not in there and stay the target's. What was mapped
to what, and what has no place here, is told. The shapes are those of Logto's API reference, connectors and
email-templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.domain.text import T
from webapp.services.transfer.logto.connectors import CONNECTORS, WITHOUT_CONNECTOR, read_connector
from webapp.services.transfer.logto.reading import Left, Moved, Reading
from webapp.services.transfer.logto.templates import listed_templates

__all__ = ["Left", "Moved", "Reading", "read", "reads"]


def reads(value: Any) -> bool:
    """Whether a document is one of Logto's, and not a tenant document or a setup."""
    match value:
        case {"connectorId": str()}:
            return True
        case {"templates": [{"templateType": _}, *_]}:
            return True
        case [{"connectorId": str()} | {"templateType": _}, *_]:
            return True
        case _:
            return False


def read(value: Any) -> Reading:
    """Read a connector, a list of connectors, or a list of templates; ``reads`` said that it is one."""
    reading = Reading()
    match value:
        case {"connectorId": _}:
            read_connector(reading, value, "")
        case {"templates": [*items]}:
            listed_templates(reading, items, "/templates")
        case [{"templateType": _}, *_]:
            listed_templates(reading, value, "")
        case [*items]:
            _first_for_email(reading, items)
    return reading


def _first_for_email(reading: Reading, items: list[Any]) -> None:
    for index, item in enumerate(items):
        kind = item.get("connectorId") if isinstance(item, Mapping) else None
        if reading.connector is None and (kind in CONNECTORS or kind in WITHOUT_CONNECTOR):
            read_connector(reading, item, f"/{index}")
        else:
            reading.leave(f"/{index}", T("This is no email connector, or not the first one."))
