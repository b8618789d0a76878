"""Logos: ours are static files, those of connectors of other packages are served here, with nothing allowed in them."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any, Final

from flask import Blueprint, Flask, Response, url_for
from flask.typing import ResponseReturnValue

from webapp.connectors import CONNECTORS
from webapp.connectors.base import Connector
from webapp.connectors.belongings import logo_of
from webapp.domain.errors import NotFoundError
from webapp.web.frame import has_asset
from webapp.web.security import person_route

bp = Blueprint("logos", __name__)

_POLICY: Final = "default-src 'none'; sandbox"


@person_route(bp, "/logos/<name>.svg")
def logo(name: str) -> ResponseReturnValue:
    """The drawing that another package brings for its connector."""
    drawing = _drawings().get(name)
    if drawing is None:
        raise NotFoundError
    response = Response(drawing, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


def init_app(app: Flask) -> None:
    """Give templates the address of a logo."""
    app.jinja_env.globals["logo_url"] = logo_url


def logo_url(name: str) -> str | None:
    """Where the logo of a connector or a preset is; None where a letter stands for it."""
    if has_asset(f"logos/{name}.svg"):
        return url_for("static", filename=f"logos/{name}.svg")
    drawing = _drawings().get(name)
    return url_for("logos.logo", name=name, v=hashlib.sha256(drawing.encode()).hexdigest()[:12]) if drawing else None


def _drawings() -> dict[str, str]:
    """The logos of other packages by their names."""
    return {name: logo for connector in CONNECTORS.others() for name, logo in _of(connector).items()}


@cache
def _of(connector: type[Connector[Any]]) -> dict[str, str]:
    names = (connector.kind, *(preset.id for preset in connector.presets()))
    return {name: logo for name in names if (logo := logo_of(connector, name))}
