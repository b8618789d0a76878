"""The API's place in the application: /api/v1, its refusals, its documentation.

It reads no cookie, so no browser can be made to call it in somebody's name.
"""

from __future__ import annotations

from typing import Final, cast

from flask import Flask, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException

from webapp.api import (
    catalogue,
    detection,
    documentation,
    inbox,
    proposals,
    revisions,
    setup,
    tenants,
    testing,
    transfer,
)
from webapp.api.problems import is_api_request, problem, problem_of_http
from webapp.api.reading import BODY_LIMIT
from webapp.api.security import ROUTES, bp
from webapp.api.waiting import reserve
from webapp.domain.errors import PostroomError
from webapp.services.wiring import Services

__all__ = ["AREAS", "ROUTES", "bp"]

AREAS: Final = (catalogue, detection, tenants, setup, testing, revisions, transfer, proposals, inbox, documentation)
"""Modules whose routes are registered by being imported."""

bp.register_error_handler(PostroomError, problem)
bp.register_error_handler(HTTPException, problem_of_http)


@bp.record
def reserve_threads(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    services = cast("Services", app.extensions["postroom"])
    reserve(app, services.settings.threads)


@bp.before_app_request
def answer_unknown_path() -> Response | None:
    """Answer unknown paths and methods below /api in the API's shape, before the console's error pages do."""
    if request.routing_exception is None or not is_api_request():
        return None
    return problem_of_http(request.routing_exception)


@bp.before_request
def limit_body() -> None:
    request.max_content_length = BODY_LIMIT


@bp.after_request
def never_stored(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response
