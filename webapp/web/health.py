"""Whether the process lives, and whether it can serve: for load balancers and orchestrators."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from webapp.web.context import services
from webapp.web.security import public_route

bp = Blueprint("health", __name__)


@public_route(bp, "/livez")
def livez() -> ResponseReturnValue:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@public_route(bp, "/readyz")
def readyz() -> ResponseReturnValue:
    """The database answers and has the tables that this version expects."""
    trouble = services().trouble()
    if trouble:
        return Response(f"{trouble}\n", 503, mimetype="text/plain")
    return Response("ok\n", mimetype="text/plain")
