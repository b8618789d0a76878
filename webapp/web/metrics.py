"""Numbers for Prometheus: on this machine without a token and without names, elsewhere with one."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from webapp.domain.roles import Scope
from webapp.web.context import services
from webapp.web.security import public_route

bp = Blueprint("metrics", __name__)

_FORWARDED: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")
_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@public_route(bp, "/metrics")
def metrics() -> ResponseReturnValue:
    """What was counted: with a token its tenant's own numbers, without one, on loopback only, sums."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if not token:
        return _numbers() if _asked_on_this_machine() else _refused(401, "Send a token: Authorization: Bearer prt_…")
    access = services().tokens.authenticate(token.strip()) if kind.lower() == "bearer" else None
    if access is None:
        return _refused(401, "This token is unknown or was revoked.")
    if Scope.DELIVERIES_READ not in (access.scopes or ()):
        return _refused(403, f"This needs a token with the scope {Scope.DELIVERIES_READ}.")
    return Response(services().metrics.text(access.tenant), content_type=_TYPE)


def _numbers() -> Response:
    return Response(services().metrics.text(None), content_type=_TYPE)


def _refused(status: int, words: str) -> Response:
    return Response(f"{words}\n", status, {"WWW-Authenticate": "Bearer"}, mimetype="text/plain")


def _asked_on_this_machine() -> bool:
    """Whether a program on this machine asked, itself: a proxy here asks for the whole world."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    host = urlsplit(f"//{request.host}").hostname or ""
    # Its own name for itself, too: a page of somebody else's, opened by a browser here, brings another one.
    return _is_loopback(request.remote_addr or "") and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
