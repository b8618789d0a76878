"""Everybody's way to their tenants, where these are more than the switcher holds."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from webapp.web.frame import ROLE_TITLES
from webapp.web.security import person_route

bp = Blueprint("tenants", __name__)


@person_route(bp, "/tenants")
def tenants() -> ResponseReturnValue:
    """List the tenants that the person can switch to, and as what."""
    return render_template("pages/overview/tenants.html", roles=ROLE_TITLES)
