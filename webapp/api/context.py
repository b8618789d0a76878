"""What a request of the API works with."""

from __future__ import annotations

from typing import cast

from flask import current_app, g

from webapp.domain.roles import Access
from webapp.services.wiring import Services


def services() -> Services:
    """The services of this process."""
    return cast("Services", current_app.extensions["postroom"])


def current_access() -> Access:
    """The token's standing in the tenant of the path."""
    return cast("Access", g.access)


def request_id() -> str | None:
    """The id by which logs and audit events find this request."""
    return cast("str | None", g.get("request_id"))
