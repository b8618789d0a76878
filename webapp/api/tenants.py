"""The tenants that a token sees."""

from __future__ import annotations

from flask import Response

from webapp.answers.setups import TenantAnswer
from webapp.api.answering import answer
from webapp.api.context import services
from webapp.api.security import api_route, visible_tenants
from webapp.domain.roles import Access


@api_route("GET", "/tenants", answers={200: list[TenantAnswer]})
def list_tenants() -> Response:
    """List the tenants that this token sees."""
    return answer([_tenant(access) for access in visible_tenants()])


@api_route("GET", "/tenants/<tenant>", answers={200: TenantAnswer}, problems=(404,))
def show_tenant(access: Access) -> Response:
    """Show one tenant, and whether it can send."""
    return answer(_tenant(access))


def _tenant(access: Access) -> TenantAnswer:
    return TenantAnswer.of(access.tenant, access.role, services().setups.state(access.tenant).value)
