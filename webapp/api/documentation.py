"""The API's description: for programs as OpenAPI, for people as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from flask import Response, make_response, render_template

from webapp.api import openapi
from webapp.api.answering import answer
from webapp.api.security import ROUTES, Route, public_route
from webapp.domain.errors import PostroomError
from webapp.domain.text import T, Text

_AREAS: Final[Mapping[str, Text]] = {
    "catalogue": T("Providers"),
    "tenants": T("Tenants"),
    "setup": T("Setup"),
    "testing": T("Check and test send"),
    "revisions": T("Revisions"),
    "inbox": T("Sandbox inbox"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """One parameter of a call, or one member of an object."""

    name: str
    place: str
    kind: str
    required: bool
    says: str
    shape: str | None = None
    """Name of the object that it holds, where that is described too."""


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one path."""

    id: str
    method: str
    path: str
    says: str
    scope: str
    parameters: tuple[Member, ...]
    body: Member | None
    answers: tuple[tuple[str, Member | None], ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """Calls that belong together."""

    id: str
    title: Text
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """An object that is sent or answered."""

    name: str
    says: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One code of a problem."""

    code: str
    status: int
    title: Text
    says: str


@public_route("/v1/openapi.json")
def show_openapi() -> Response:
    """Describe the API for programs."""
    return answer(openapi.document())


@public_route("/docs")
def show_documentation() -> Response:
    """Describe the API for people."""
    page = render_template("pages/api/docs.html", areas=areas(), shapes=shapes(), refusals=refusals())
    return make_response(page)


@cache
def areas() -> tuple[Area, ...]:
    """The calls, grouped."""
    return tuple(
        Area(name, title, tuple(_call(route) for route in ROUTES if openapi.area_of(route) == name))
        for name, title in _AREAS.items()
    )


@cache
def shapes() -> tuple[Shape, ...]:
    """The objects that calls take and give, by name."""
    components = openapi.document()["components"]["schemas"]
    return tuple(
        Shape(name, _text(schema), tuple(_members(schema)))
        for name, schema in sorted(components.items())
        if schema.get("properties")
    )


@cache
def refusals() -> tuple[Refusal, ...]:
    """Every code that a problem can have, with what an operator can do about it."""
    found = {error.code: error for error in _descendants(PostroomError)}
    return tuple(
        Refusal(code, error.status, error.title, " ".join((error.__doc__ or "").split()))
        for code, error in sorted(found.items())
    )


def _descendants(error: type[PostroomError]) -> Iterator[type[PostroomError]]:
    yield error
    for child in error.__subclasses__():
        # A base may share its code with a child; the base comes first and the child's words win.
        yield from _descendants(child)


def _call(route: Route) -> Call:
    operation = openapi.document()["paths"][openapi.path_of(route)][route.method.lower()]
    body = operation.get("requestBody")
    responses: dict[str, Any] = operation["responses"]
    return Call(
        id=operation["operationId"],
        method=route.method,
        path=f"/api/v1{openapi.path_of(route)}",
        says=operation["description"].partition("\n\nScope")[0].partition("\n\nAny token")[0],
        scope=str(route.scope or ""),
        parameters=tuple(_member(each["name"], each, each["schema"], each["in"]) for each in operation["parameters"]),
        body=_content("", body) if body else None,
        answers=tuple((status, _content("", each)) for status, each in responses.items() if status < "300"),
        problems=tuple(status for status in responses if status >= "400"),
    )


def _content(name: str, described: Mapping[str, Any]) -> Member | None:
    content = described.get("content")
    if not content:
        return None
    schema = next(iter(content.values()))["schema"]
    return Member(name, "", _kind(schema), bool(described.get("required")), "", _shape(schema))


def _members(schema: Mapping[str, Any]) -> Iterator[Member]:
    required = schema.get("required", ())
    for name, part in schema["properties"].items():
        yield _member(name, {"description": _text(part), "required": name in required}, part, "")


def _member(name: str, about: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> Member:
    says = str(about.get("description", "")).replace("``", "")
    return Member(name, place, _kind(schema), bool(about.get("required")), says, _shape(schema))


def _text(schema: Mapping[str, Any]) -> str:
    return " ".join(str(schema.get("description", "")).replace("``", "").split())


def _kind(schema: Any) -> str:
    """A schema in a word or two."""
    if not isinstance(schema, dict) or not schema:
        return "any value"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        return " · ".join(str(value) for value in schema["enum"])
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(each) for each in alternatives))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items'))}"
    return str(schema.get("format") or schema.get("type") or "any value")


def _shape(schema: Any) -> str | None:
    """The name of the first object that a schema refers to and that is described."""
    if isinstance(schema, list):
        return next((name for name in map(_shape, schema) if name), None)
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return name if "properties" in openapi.document()["components"]["schemas"][name] else None
    return next((name for name in map(_shape, schema.values()) if name), None)
