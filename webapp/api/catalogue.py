"""Providers: which there are, and what each wants to know."""

from __future__ import annotations

from flask import Response

from webapp.answers.catalogue import ProviderAnswer, ProviderDetailAnswer
from webapp.api.answering import answer
from webapp.api.context import services
from webapp.api.security import api_route
from webapp.domain.errors import NotFoundError
from webapp.domain.text import T


@api_route("GET", "/providers", answers={200: list[ProviderAnswer]})
def list_providers() -> Response:
    """List the providers that a connector can use."""
    return answer([ProviderAnswer.of(connector) for connector in services().connectors.values()])


@api_route("GET", "/providers/<kind>", answers={200: ProviderDetailAnswer}, problems=(404,))
def show_provider(kind: str) -> Response:
    """Show a provider with the JSON Schema of its config, its presets and its guide."""
    connector = services().connectors.get(kind)
    if connector is None:
        raise NotFoundError(T("There is no provider of this kind. GET /api/v1/providers lists them."))
    return answer(ProviderDetailAnswer.of(connector))
