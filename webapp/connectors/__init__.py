"""The outside world: providers and the way to them. A new connector is one line in ``CONNECTORS``."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from webapp.connectors.base import Connector
from webapp.connectors.sendgrid import SendGridConnector
from webapp.connectors.smtp import SmtpConnector

CONNECTORS: dict[str, type[Connector[Any]]] = {
    "smtp": SmtpConnector,
    "sendgrid": SendGridConnector,
}
"""Every connector by its kind, in the order of the catalogue."""

for _entry in entry_points(group="postroom.connectors"):
    # Other packages add connectors; they cannot put themselves in the place of one of ours.
    CONNECTORS.setdefault(_entry.name, _entry.load())
