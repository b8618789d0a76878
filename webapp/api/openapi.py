"""OpenAPI 3.1, written from what the routes declare: what is guarded and what is documented cannot differ."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from pydantic import TypeAdapter

from webapp import __version__
from webapp.answers.base import Answer
from webapp.api.problems import PROBLEM_TYPE
from webapp.api.security import ROUTES, Route

_REFERENCES: Final = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_PATH: Final = {
    "tenant": "The tenant's short name, such as dev.",
    "kind": "The provider, such as smtp.",
    "number": "The revision's number.",
    "mail_id": "The mail's id, as the list names it.",
    "plan_id": "The plan's id, as the dry run answered it.",
    "proposal_id": "The proposal's id, which is its plan's.",
}
_ETAG: Final = {"ETag": {"description": "The revision's number.", "schema": {"type": "string"}}}


class FieldErrorAnswer(Answer):
    """One value that cannot be accepted."""

    pointer: str
    """JSON Pointer (RFC 6901) into what was sent."""
    code: str
    message: str


class RefusalAnswer(Answer):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    """``area.what_happened``; never renamed."""
    errors: list[FieldErrorAnswer] | None = None


@cache
def document() -> dict[str, Any]:
    """The whole description."""
    shapes = _Shapes(ROUTES)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route, shapes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Postroom",
            "version": __version__,
            "description": "Email connectors: set up, check, test-send, save, restore. Errors are problem+json.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": shapes.components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made by `postroom token create`; belongs to one tenant and has scopes.",
                }
            },
        },
    }


def path_of(route: Route) -> str:
    """The route's path as OpenAPI writes it."""
    return _PARAMETER.sub(lambda match: f"{{{match['name']}}}", route.rule)


def summary_of(route: Route) -> str:
    """The first line of what the view says about itself."""
    return (inspect.getdoc(route.view) or "").splitlines()[0]


class _Shapes:
    """JSON Schemas of everything that is sent and answered, each named type once."""

    def __init__(self, routes: Sequence[Route]) -> None:
        wanted: list[tuple[int, Any, TypeAdapter[Any]]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        for mode, shape in [("serialization", RefusalAnswer), *_shapes_of(routes)]:
            if (mode, repr(shape)) not in self._numbers:
                self._numbers[mode, repr(shape)] = len(wanted)
                wanted.append((len(wanted), mode, TypeAdapter(shape)))
        schemas, shared = TypeAdapter.json_schemas(wanted, ref_template=_REFERENCES)
        self._schemas = {number: schema for (number, _), schema in schemas.items()}
        self.components: dict[str, Any] = shared.get("$defs", {})

    def sent(self, shape: Any) -> Any:
        return self._schemas[self._numbers["validation", repr(shape)]]

    def answered(self, shape: Any) -> Any:
        return self._schemas[self._numbers["serialization", repr(shape)]]


def _shapes_of(routes: Iterable[Route]) -> Iterable[tuple[str, Any]]:
    for route in routes:
        yield from (("serialization", shape) for shape in route.answers.values() if shape)
        if body := _body_of(route):
            yield "validation", body


def _body_of(route: Route) -> Any:
    return route.documented_body or route.body


def _operation(route: Route, shapes: _Shapes) -> dict[str, Any]:
    needs = f"Scope `{route.scope}`." if route.scope else "Any token."
    operation: dict[str, Any] = {
        "operationId": route.view.__name__,
        "summary": summary_of(route),
        "description": f"{inspect.getdoc(route.view)}\n\n{needs}",
        "tags": [area_of(route)],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": _responses(route, shapes),
    }
    if body := _body_of(route):
        schema = shapes.sent(body)
        content = {kind: {"schema": schema} for kind in route.body_types}
        operation["requestBody"] = {"content": content, "required": route.documented_body is not None}
    return operation


def area_of(route: Route) -> str:
    """The module that the route stands in, which is what it is about."""
    return route.view.__module__.rpartition(".")[2]


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": match["name"],
            "in": "path",
            "required": True,
            "description": _PATH[match["name"]],
            "schema": {"type": "integer" if match["kind"] == "int" else "string"},
        }
        for match in _PARAMETER.finditer(route.rule)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if not route.query:
        return []
    schema = route.query.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": part.pop("description", ""),
            "schema": part,
        }
        for name, part in schema["properties"].items()
    ]


def _headers(route: Route) -> list[dict[str, Any]]:
    if 412 not in route.problems:
        return []
    meaning = "The ETag of the setup as you saw it; refused with 412 when somebody saved since."
    return [
        {"name": "If-Match", "in": "header", "required": False, "description": meaning, "schema": {"type": "string"}}
    ]


def _responses(route: Route, shapes: _Shapes) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, shape in route.answers.items():
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if shape:
            responses[str(status)]["content"] = {"application/json": {"schema": shapes.answered(shape)}}
        if 412 in route.problems or route.view.__name__ == "show_setup":
            responses[str(status)]["headers"] = _ETAG
    refusal = {PROBLEM_TYPE: {"schema": shapes.answered(RefusalAnswer)}}
    for status in sorted({400, 401, 403, 500, *route.problems}):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": refusal}
    return responses
