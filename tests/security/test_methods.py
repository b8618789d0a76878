"""A request is what its first line says, whatever else it carries."""

from __future__ import annotations

import pytest

from tests.security.conftest import Walk
from tests.security.walk import rules
from tests.web.conftest import ADA, House

OVERRIDES = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method"]
ODD = ["TRACE", "TRACK", "CONNECT", "PROPFIND", "MOVE", "PURGE", "DEBUG", "FOO"]


class TestDressedUp:
    @pytest.mark.parametrize("header", OVERRIDES)
    @pytest.mark.parametrize("path", ["/sign-out", "/t/dev/settings/archive", "/account/sessions/end-others"])
    def test_a_page_asked_for_is_no_form(self, house: House, header: str, path: str) -> None:
        ada = house.signed_in(ADA)
        fields = {"_method": "POST", "csrf_token": ada.token, "name": "Development"}

        answer = ada._client.get(path, headers={header: "POST"}, query_string=fields)

        assert answer.status_code == 405
        assert ada.get("/t/dev/").status_code == 200

    @pytest.mark.parametrize("header", OVERRIDES)
    def test_a_form_is_nothing_more(self, house: House, header: str) -> None:
        ada = house.signed_in(ADA)

        answer = ada.post("/t/dev/", {"_method": "GET"}, headers={header: "GET"})

        assert answer.status_code == 405


class TestOddMethods:
    @pytest.mark.parametrize("method", ODD)
    @pytest.mark.parametrize("path", ["/sign-in", "/t/dev/", "/static/css/app.css", "/livez", "/nowhere"])
    def test_are_not_known(self, house: House, method: str, path: str) -> None:
        answer = house.signed_in(ADA)._client.open(path, method=method, headers={"X-Secret": "repeat-me"})

        assert answer.status_code == 404 if path == "/nowhere" else answer.status_code == 405
        assert "repeat-me" not in answer.get_data(as_text=True)


class TestHead:
    def test_says_what_the_page_would_without_the_page(self, walk: Walk) -> None:
        asked = [answer for answer in walk if answer.method == "HEAD"]

        assert not [answer for answer in asked if answer.response.get_data()]

    def test_opens_nothing_that_the_page_does_not(self, walk: Walk) -> None:
        status = {(answer.who, answer.path): answer.status for answer in walk if answer.method == "GET"}
        opened = [
            answer
            for answer in walk
            if answer.method == "HEAD" and answer.status == 200 and status.get((answer.who, answer.path), 405) >= 300
        ]

        assert not [answer for answer in opened if answer.endpoint != "error"]


class TestOptions:
    def test_says_the_same_to_everybody(self, walk: Walk) -> None:
        """What it says stands in the source too; it must not tell who may do what, or what is there."""
        said: dict[str, set[tuple[int, str, bytes]]] = {}
        for answer in walk:
            if answer.method == "OPTIONS":
                allowed = ", ".join(sorted(answer.response.headers.get("Allow", "").split(", ")))
                said.setdefault(answer.endpoint, set()).add((answer.status, allowed, answer.response.get_data()))

        assert len(said) == len({rule.endpoint for rule in rules(walk.house.app)})
        assert {endpoint for endpoint, answers in said.items() if len(answers) > 1} == set()
