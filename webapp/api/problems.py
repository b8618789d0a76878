"""Every refusal of the API as problem+json (RFC 9457), in one shape."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from flask import Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from webapp.domain.diff import Change
from webapp.domain.errors import (
    FlowsDependOnConnectorError,
    FlowsWouldBreakError,
    LimitedError,
    PayloadTooLargeError,
    PostroomError,
    SecretsMissingError,
    SetupChangedMeanwhileError,
    UnauthenticatedError,
)
from webapp.domain.strict_json import dumps
from webapp.domain.text import T, Text

PROBLEM_TYPE: Final = "application/problem+json"


class BadRequestError(PostroomError):
    """The request itself is broken. The detail says what could not be read."""

    code = "request.invalid"
    status = 400
    title = T("The request cannot be read")


class UnknownPathError(PostroomError):
    """There is nothing at this path. The paths are listed at /api/docs."""

    code = "resource.not_found"
    status = 404
    title = T("Not found")


class MethodNotAllowedError(PostroomError):
    """The path is known, the method is not. The header ``Allow`` lists those that are."""

    code = "request.method_not_allowed"
    status = 405
    title = T("This method is not possible here")


class UnsupportedMediaTypeError(PostroomError):
    """The body is of another type than the call takes. Send JSON with ``Content-Type: application/json``."""

    code = "request.unsupported_media_type"
    status = 415
    title = T("Send JSON")


class BusyError(PostroomError):
    """As many requests are waiting as this server lets wait. Ask again after ``Retry-After`` seconds."""

    code = "server.busy"
    status = 503
    title = T("Too many requests are waiting")


_OF_STATUS: Final[dict[int, type[PostroomError]]] = {
    error.status: error
    for error in (UnknownPathError, MethodNotAllowedError, PayloadTooLargeError, UnsupportedMediaTypeError)
}


def problem(error: PostroomError) -> Response:
    """Answer with a refusal."""
    document: dict[str, Any] = {
        "type": f"/api/docs#{error.code}",
        "title": str(error.title),
        "status": error.status,
        "detail": str(error.detail),
        "code": error.code,
    }
    if error.errors:
        document["errors"] = [
            {"pointer": each.pointer, "code": each.code, "message": str(each.message)} for each in error.errors
        ]
    document |= _extras(error)
    response = Response(dumps(document), status=error.status, content_type=PROBLEM_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if isinstance(error, UnauthenticatedError):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, LimitedError):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, BusyError):
        response.headers["Retry-After"] = "2"
    return response


def problem_of_http(error: HTTPException) -> Response:
    """Answer what Flask itself refused: unknown paths and methods, bodies that are too large, accidents."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status in _OF_STATUS:
        response = problem(_OF_STATUS[status]())
    elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
        response = problem(BadRequestError(Text(error.description) if error.description else None))
    else:
        response = problem(PostroomError())
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def is_api_request() -> bool:
    return request.path == "/api" or request.path.startswith("/api/")


def _extras(error: PostroomError) -> dict[str, Any]:
    match error:
        case SetupChangedMeanwhileError():
            return {
                "current": error.current,
                "by": error.by,
                "theirs": _changes(error.theirs),
                "yours": _changes(error.yours),
            }
        case FlowsDependOnConnectorError() | FlowsWouldBreakError():
            return {"flows": list(error.flows)}
        case SecretsMissingError():
            return {"missingSecrets": list(error.slots)}
        case _:
            return {}


def _changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [change.to_json() for change in changes]
