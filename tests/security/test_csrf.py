"""Another site cannot make a browser do anything here; the API cannot be called by a browser's cookie at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.security.conftest import Walk
from tests.security.walk import address, forms, rules, stored
from tests.web.conftest import ADA, MALLORY, Browser, House

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
ONLY_READ = {"GET", "HEAD", "OPTIONS"}
FOREIGN = [
    "none",
    "of a stranger",
    "of nobody",
    "of a session before",
    "in the address",
    "as a cookie",
    "made up",
    "empty",
]


def token(house: House, ada: Browser, kind: str) -> dict[str, Any]:
    """What a request carries in place of the form token of Ada's own session."""
    field: dict[str, Any] = {}
    match kind:
        case "of a stranger":
            field = {"data": {"csrf_token": house.signed_in(MALLORY).token}}
        case "of nobody":
            nobody = house.browser()
            nobody.get("/sign-in")
            field = {"data": {"csrf_token": nobody.token}}
        case "of a session before":
            before = house.browser()
            before.sign_in(ADA)
            old = before.token
            field = {"data": {"csrf_token": old}}
        case "in the address":
            field = {"query_string": {"csrf_token": ada.token}}
        case "as a cookie":
            ada._client.set_cookie("csrf_token", ada.token)
        case "made up":
            field = {"data": {"csrf_token": "ImFiYyI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"}}
        case "empty":
            field = {"data": {"csrf_token": ""}}
    return field


class TestForms:
    def test_without_a_token_nothing_at_all_is_changed(self, walk: Walk) -> None:
        tried = [answer for answer in walk if answer.method in CHANGING]

        assert len(tried) > 300
        assert walk.after == walk.after_reading

    def test_without_a_token_ada_is_told_that_her_session_is_over(self, walk: Walk) -> None:
        answered = {
            answer.endpoint: answer.status
            for answer in walk
            if (answer.who, answer.method) == ("Ada", "POST") and answer.endpoint in dict(forms(walk.house.app))
        }

        assert set(answered.values()) == {419}, answered

    @pytest.mark.parametrize("kind", FOREIGN)
    def test_no_other_token_will_do(self, house: House, kind: str) -> None:
        ada = house.signed_in(ADA)
        carried, before = token(house, ada, kind), stored(house)

        answered = {path: ada._client.post(path, **carried).status_code for _, path in forms(house.app)}

        assert set(answered.values()) == {419}, answered
        assert stored(house) == before

    def test_one_of_another_site_in_a_header_will_not_do(self, house: House) -> None:
        ada, stranger = house.signed_in(ADA), house.signed_in(MALLORY)

        answer = ada._client.post("/account/time-zone", headers={"X-CSRFToken": stranger.token})

        assert answer.status_code == 419

    def test_adas_own_is_what_it_takes(self, house: House) -> None:
        ada = house.signed_in(ADA)

        assert ada.post("/account/time-zone", {"zone": "Asia/Tokyo"}).status_code == 302


class TestAddresses:
    def test_opening_pages_changes_nothing(self, walk: Walk) -> None:
        """Another site can have a browser open any address."""
        changed = {table for table, digest in walk.before.items() if walk.after_reading[table] != digest}

        assert changed == set()

    def test_what_changes_something_takes_no_other_method(self, walk: Walk) -> None:
        takers = {
            (answer.endpoint, answer.method)
            for answer in walk
            if answer.method in CHANGING
            and answer.status not in (401, 404, 405, 419)
            and answer.method not in methods_of(walk, answer.endpoint)
        }

        assert takers == set()

    def test_no_form_is_sent_by_an_address(self, walk: Walk) -> None:
        both = {rule.endpoint for rule in rules(walk.house.app) if {"GET", "POST"} <= (rule.methods or set())}

        assert both == set()


class TestTheAPI:
    @pytest.fixture
    def calls(self, walk: Walk) -> list[tuple[str, str]]:
        return [
            (method, address(rule))
            for rule in rules(walk.house.app)
            if rule.rule.startswith("/api/v1/tenants")
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]

    def test_knows_nobody_by_a_cookie(self, house: House, calls: list[tuple[str, str]]) -> None:
        ada = house.signed_in(ADA)

        answered = {(method, path): ada._client.open(path, method=method).status_code for method, path in calls}

        assert len(answered) > 12
        assert set(answered.values()) == {401}, answered

    def test_knows_nobody_by_a_form_token(self, house: House, calls: list[tuple[str, str]]) -> None:
        ada = house.signed_in(ADA)

        answered = {
            ada._client.open(path, method=method, data={"csrf_token": ada.token}).status_code for method, path in calls
        }

        assert answered == {401}

    def test_lets_no_other_site_read_or_ask(self, house: House, calls: list[tuple[str, str]]) -> None:
        client = house.app.test_client()
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}

        for _, path in calls:
            answer = client.options(path, headers=asked)
            assert not [name for name, _ in answer.headers.items() if name.startswith("Access-Control-")], path

    def test_sets_no_cookie(self, walk: Walk) -> None:
        assert not [answer for answer in walk if answer.of_the_api and "Set-Cookie" in answer.response.headers]


def methods_of(walk: Walk, endpoint: str) -> set[str]:
    """What this page, or one at the same address, takes."""
    mine = {rule.rule for rule in rules(walk.house.app) if rule.endpoint == endpoint}
    return {method for rule in rules(walk.house.app) if rule.rule in mine for method in rule.methods or ()} | ONLY_READ
