"""Moving a setup: export."""

from __future__ import annotations

from typing import Literal

from flask import Response

from webapp.answers.transfer import DocumentJSON
from webapp.api.context import request_id, services
from webapp.api.reading import Given
from webapp.api.security import api_route
from webapp.domain.roles import Access, Permission, Scope
from webapp.services.transfer.writing import as_json, as_yaml


class ExportQuery(Given):
    format: Literal["json", "yaml"] = "json"
    """Which way to write it; both read back as the same."""


@api_route(
    "GET",
    "/tenants/<tenant>/export",
    permission=Permission.READ,
    scope=Scope.CONFIG_READ,
    answers={200: DocumentJSON},
    problems=(404, 422),
)
def export_setup(access: Access, query: ExportQuery) -> Response:
    """Export the live setup as a tenant document: canonical, without secrets, the same bytes for the same setup."""
    document = services().exporting.export(access, request_id=request_id())
    if query.format == "yaml":
        return Response(as_yaml(document), content_type="application/yaml; charset=utf-8")
    return Response(as_json(document), content_type="application/json")
