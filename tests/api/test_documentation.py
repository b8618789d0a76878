"""The API's description, held against the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import House
from webapp.api.blueprint import ROUTES
from webapp.api.documentation import refusals
from webapp.api.openapi import path_of


@pytest.fixture
def client(house: House) -> FlaskClient:
    return house.app.test_client()


@pytest.fixture
def openapi(client: FlaskClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return document


class TestOpenAPI:
    def test_it_is_version_3_1_and_lists_every_route(self, openapi: dict[str, Any]) -> None:
        described = {(method.upper(), path) for path, calls in openapi["paths"].items() for method in calls}

        assert openapi["openapi"] == "3.1.0"
        assert described == {(route.method, path_of(route)) for route in ROUTES}

    def test_every_reference_leads_somewhere(self, openapi: dict[str, Any]) -> None:
        references = set(re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', str(openapi).replace("'", '"')))

        assert references
        assert references <= set(openapi["components"]["schemas"])

    def test_nothing_refers_into_the_open(self, openapi: dict[str, Any]) -> None:
        assert "#/$defs/" not in str(openapi)

    def test_every_call_says_what_it_does_and_how_it_can_fail(self, openapi: dict[str, Any]) -> None:
        for calls in openapi["paths"].values():
            for call in calls.values():
                assert call["summary"].endswith(".")
                assert {"401", "403"} <= set(call["responses"])
                assert "application/problem+json" in call["responses"]["401"]["content"]

    def test_operation_ids_are_unique(self, openapi: dict[str, Any]) -> None:
        ids = [call["operationId"] for calls in openapi["paths"].values() for call in calls.values()]

        assert len(ids) == len(set(ids))


class TestPage:
    def test_it_reads_without_a_token_and_without_foreign_hosts(self, client: FlaskClient) -> None:
        page = client.get("/api/docs")

        assert page.status_code == 200
        text = page.get_data(as_text=True)
        assert "/api/v1/tenants/{tenant}/setup" in text
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
        assert "<script>" not in text
        assert " style=" not in text

    def test_every_link_within_the_page_leads_somewhere(self, client: FlaskClient) -> None:
        text = client.get("/api/docs").get_data(as_text=True)

        targets = set(re.findall(r'href="#([^"]+)"', text))

        assert targets <= set(re.findall(r' id="([^"]+)"', text))

    def test_every_code_has_its_place(self, client: FlaskClient) -> None:
        text = client.get("/api/docs").get_data(as_text=True)

        assert {"config.invalid", "server.busy", "secret.retype_required"} <= {each.code for each in refusals()}
        assert all(f'id="{each.code}"' in text for each in refusals())
        assert all(each.says for each in refusals())
