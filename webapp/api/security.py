"""Who may call what: every route declares its permission and scope, and is refused before it runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Final, get_type_hints

from flask import Blueprint, Response, g, request
from pydantic import BaseModel, TypeAdapter

from webapp.api.context import services
from webapp.api.reading import JSON_TYPES, Given, read_body, read_query
from webapp.domain.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from webapp.domain.roles import Permission, Role, Scope, TenantInfo
from webapp.domain.text import T
from webapp.services.tokens import TokenAccess

View = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Route:
    """What a route declares: for the guard, for OpenAPI and for the test that walks all of them."""

    method: str
    rule: str
    permission: Permission | None
    scope: Scope | None
    """None: any token will do."""
    view: View
    dry_run: Permission | None = None
    """Enough when the request only asks what would happen."""
    query: type[BaseModel] | None = None
    body: Any = None
    body_types: tuple[str, ...] = JSON_TYPES
    documented_body: Any = None
    """The body's shape where the service, not the route, judges it."""
    answers: Mapping[int, Any] = field(default_factory=dict)
    problems: tuple[int, ...] = ()

    @property
    def tenant(self) -> bool:
        return "<tenant>" in self.rule


ROUTES: Final[list[Route]] = []
ANY_TOKEN: Final = "token"  # noqa: S105  the mark of a route that every token may call
PUBLIC: Final = "public"


bp = Blueprint("api", __name__, url_prefix="/api")


def api_route(
    method: str,
    rule: str,
    *,
    permission: Permission | None = None,
    scope: Scope | None = None,
    dry_run: Permission | None = None,
    body_types: tuple[str, ...] = JSON_TYPES,
    documented_body: Any = None,
    answers: Mapping[int, Any],
    problems: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """Register a view below /api/v1 for tokens that have the scope, and whose role has the permission.

    A view's parameters ``query`` and ``body`` are read as their annotations say; ``access`` is the token's standing
    in the tenant of the path.
    """

    def register(view: View) -> View:
        hints = get_type_hints(view)
        route = Route(
            method, rule, permission, scope, view, dry_run, hints.get("query"), hints.get("body"), body_types,
            documented_body, answers, problems,
        )  # fmt: skip
        guarded = _guarded(route)
        guarded.permission = permission or ANY_TOKEN  # type: ignore[attr-defined]  # for tests that walk all routes
        bp.add_url_rule(f"/v1{rule}", view.__name__, guarded, methods=[method], provide_automatic_options=False)
        ROUTES.append(route)
        return guarded

    return register


def public_route(rule: str) -> Callable[[View], View]:
    """Register one of the few views that need no token: they tell nothing that is not in the source."""

    def register(view: View) -> View:
        view.permission = PUBLIC  # type: ignore[attr-defined]  # for tests that walk all routes
        bp.add_url_rule(rule, view.__name__, view, methods=["GET"], provide_automatic_options=False)
        return view

    return register


def token_access() -> TokenAccess:
    """The standing of the request's token in its own tenant."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not token:
        raise UnauthenticatedError(T("Send a token: Authorization: Bearer prt_…"))
    if scheme.lower() != "bearer":
        raise UnauthenticatedError(T("Send the token as Bearer; %(scheme)s is not known here.", scheme=scheme[:20]))
    access = services().tokens.authenticate(token.strip())
    if access is None:
        raise UnauthenticatedError(T("This token is unknown or was revoked."))
    return access


def _guarded(route: Route) -> View:
    parameters = inspect.signature(route.view).parameters
    adapter: TypeAdapter[Any] | None = TypeAdapter(route.body) if "body" in parameters else None

    @wraps(route.view)
    def guarded(**path: Any) -> Response:
        access = _standing(path.pop("tenant", None), route)
        _demand(access, route.dry_run or route.permission)
        given: dict[str, Any] = {}
        query = read_query(route.query or _NoQuery)
        if route.dry_run and not getattr(query, "dry_run", False):
            _demand(access, route.permission)
        if route.query:
            given["query"] = query
        if adapter:
            given["body"] = read_body(adapter, route.body_types)
        if "access" in parameters:
            given["access"] = access
        return route.view(**path, **given)

    return guarded


def _standing(slug: str | None, route: Route) -> TokenAccess:
    own = token_access()
    access = own if slug is None or slug == own.tenant.slug else _source_of_promotion(own, slug)
    g.access = access
    if route.scope and not _has_scope(access, route.scope):
        raise ForbiddenError(T("This call needs a token with the scope %(scope)s.", scope=route.scope))
    return access


def readable(slug: str) -> TokenAccess:
    """The token's standing in a tenant that a body names. Raises NotFoundError for all but its own and its source."""
    own = token_access()
    return own if slug == own.tenant.slug else _source_of_promotion(own, slug)


def _source_of_promotion(own: TokenAccess, slug: str) -> TokenAccess:
    """The one other tenant that a token may read; everything else does not exist for it."""
    tenant = services().tenants.by_slug(slug)
    if tenant.id != own.read_from:
        raise NotFoundError
    return _as_reader(own, tenant)


def _as_reader(own: TokenAccess, tenant: TenantInfo) -> TokenAccess:
    scopes = frozenset({Scope.CONFIG_READ}) if _has_scope(own, Scope.CONFIG_READ) else frozenset()
    return replace(own, tenant=tenant, role=Role.VIEWER, scopes=scopes, read_from=None)


def _has_scope(access: TokenAccess, scope: Scope) -> bool:
    scopes = access.scopes or frozenset()
    return scope in scopes or (scope is Scope.CONFIG_READ and Scope.CONFIG_WRITE in scopes)


def _demand(access: TokenAccess, permission: Permission | None) -> None:
    # The scope was asked for already, by name; here the role speaks alone.
    if permission and not replace(access, scopes=None).may(permission):
        raise ForbiddenError(T("The token acts as %(role)s here, and that role may not do this.", role=access.role))


class _NoQuery(Given):
    """A call without query parameters."""


def visible_tenants() -> list[TokenAccess]:
    """The token's own tenant, and the one that it may read as a source of promotion."""
    own = token_access()
    sources = [each for each in services().tenants.all() if each.id == own.read_from]
    return [own, *(_as_reader(own, tenant) for tenant in sources)]
