"""Whether the process lives, and whether it can serve: for load balancers and orchestrators."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from webapp.db import migrate
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
    if migrate.current(services().db) != migrate.head():
        return Response("The database has other tables than this version needs. Run it once with migrations.\n", 503)
    return Response("ok\n", mimetype="text/plain")
