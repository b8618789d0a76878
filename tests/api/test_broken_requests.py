"""What is broken is answered as a problem that points at the place, and saves nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import API, smtp
from tests.api.problems import assert_problem, pointers

SETUP = "/tenants/dev/setup"


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


class TestJSON:
    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"{'connector': null}", b'{"a": 1} x', b"\xff\xfe", b'{"a": NaN}', b'{"a": Infinity}', b"nul"],
        ids=str,
    )
    def test_what_is_not_json_is_refused(self, ada: API, body: bytes) -> None:
        response = ada.put(SETUP, data=body, content_type="application/json")

        assert_problem(response, 400, "input.not_json")

    def test_it_says_where_reading_stopped(self, ada: API) -> None:
        response = ada.put(SETUP, data=b'{"connector":\n  nil}', content_type="application/json")

        assert "Line 2, column 3" in assert_problem(response, 400, "input.not_json")["detail"]

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ('{"flows": {}, "flows": {}}', "/flows"),
            ('{"flows": {"signIn": {"emailCode": true, "emailCode": false}}}', "/flows/signIn/emailCode"),
            ('{"templates": [{"subject": "a", "subject": "b"}]}', "/templates/0/subject"),
            ('{"defaultLanguage": "\\u0000"}', "/defaultLanguage"),
            ('{"defaultLanguage": "\\ud800"}', "/defaultLanguage"),
            ('{"verificationCode": {"length": 1e999}}', "/verificationCode/length"),
        ],
    )
    def test_what_readers_could_understand_differently_is_pointed_at(self, ada: API, body: str, pointer: str) -> None:
        response = ada.put(SETUP, data=body, content_type="application/json")

        assert pointers(assert_problem(response, 422, "input.invalid")) == [pointer]

    @pytest.mark.parametrize("depth", [33, 500, 100_000])
    def test_depth_has_an_end(self, ada: API, depth: int) -> None:
        response = ada.put(SETUP, data=nested(depth), content_type="application/json")

        (error,) = assert_problem(response, 422, "input.invalid")["errors"]
        assert error["code"] == "document.too_deep"

    @pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", "true"])
    def test_a_setup_is_an_object(self, ada: API, body: str) -> None:
        response = ada.put(SETUP, data=body, content_type="application/json")

        assert pointers(assert_problem(response, 422, "input.invalid")) == [""]

    def test_numbers_with_thousands_of_digits_are_refused(self, ada: API) -> None:
        body = f'{{"verificationCode": {{"length": {"9" * 5000}}}}}'

        response = ada.put(SETUP, data=body, content_type="application/json")

        assert_problem(response, 400, "input.not_json")


class TestMediaType:
    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
    def test_only_json_is_read(self, ada: API, kind: str | None) -> None:
        response = ada.put(SETUP, data=json.dumps({"connector": smtp()}), content_type=kind)

        assert_problem(response, 415, "request.unsupported_media_type")

    def test_a_patch_type_is_for_patches(self, ada: API) -> None:
        response = ada.put(SETUP, data="{}", content_type="application/json-patch+json")

        assert_problem(response, 415, "request.unsupported_media_type")


class TestSize:
    def test_5_mb_is_the_end(self, ada: API) -> None:
        response = ada.put(SETUP, data=b" " * (5 * 1024 * 1024 + 1), content_type="application/json")

        assert_problem(response, 413, "input.too_large")

    @pytest.mark.parametrize(
        ("pointer", "document"),
        [
            ("/connector/config/host", {"connector": smtp(host="h" * 1_000_000)}),
            ("/connector/config/fromEmail", {"connector": smtp(fromEmail="a" * 1_000_000 + "@example.com")}),
            ("/connector/config/auth/user", {"connector": smtp(auth={"user": "u" * 1_000_000, "pass": "short"})}),
            ("/defaultLanguage", {"defaultLanguage": "e" * 1_000_000}),
            (
                "/templates/Generic/*/content",
                {"templates": {"Generic": {"*": {"subject": "s", "content": "c" * 10**6}}}},
            ),
            (
                "/templates/Generic/*/subject",
                {"templates": {"Generic": {"*": {"subject": "s" * 10**6, "content": ""}}}},
            ),
        ],
    )
    def test_a_value_of_1_mb_is_pointed_at(self, ada: API, pointer: str, document: dict[str, Any]) -> None:
        problem = assert_problem(ada.put(SETUP, json=document), 422, "config.invalid")

        assert pointer in pointers(problem)
        assert len(json.dumps(problem)) < 2000
        assert ada.get(SETUP).headers["ETag"] == '"0"'


class TestValues:
    @pytest.mark.parametrize(
        ("pointer", "document"),
        [
            ("/conector", {"conector": None}),
            ("/connector/provider", {"connector": {"provider": "pigeon", "config": {}}}),
            ("/connector/config/hots", {"connector": smtp(hots="x")}),
            ("/connector/config/port", {"connector": smtp(port="many")}),
            ("/connector/config/port", {"connector": smtp(port=True)}),
            ("/connector/config/security", {"connector": smtp(security="very")}),
            ("/connector/config/fromEmail", {"connector": smtp(fromEmail="a@example.com\r\nBcc: b@example.com")}),
            ("/flows/signIn/emailCode", {"flows": {"signIn": {"emailCode": "no"}}}),
            ("/verificationCode/length", {"verificationCode": {"length": 3}}),
            ("/templates/SignOut", {"templates": {"SignOut": {}}}),
        ],
    )
    def test_each_is_pointed_at_and_nothing_is_saved(self, ada: API, pointer: str, document: dict[str, Any]) -> None:
        problem = assert_problem(ada.put(SETUP, json=document), 422, "config.invalid")

        assert pointer in pointers(problem)
        assert ada.get(SETUP).headers["ETag"] == '"0"'

    @pytest.mark.parametrize(
        ("path", "body", "pointer"),
        [
            ("check", {"conector": {}}, "/conector"),
            ("check", {"connector": "smtp"}, "/connector"),
            ("check", {"connector": smtp(port="many")}, "/connector/config/port"),
            ("test-send", {}, "/to"),
            ("test-send", {"to": 7}, "/to"),
            ("test-send", {"to": "not an address", "connector": smtp()}, "/to"),
            ("test-send", {"to": "a@example.com\nb@example.com", "connector": smtp()}, "/to"),
            ("test-send", {"to": "ada@example.com", "usageType": "SignOut"}, "/usageType"),
            ("test-send", {"to": "ada@example.com", "payload": []}, "/payload"),
            ("test-send", {"to": "ada@example.com", "templates": "x"}, "/templates"),
            ("test-send", {"to": "ada@example.com", "locale": "e" * 101}, "/locale"),
        ],
    )
    def test_bodies_of_tests_are_pointed_at(self, ada: API, path: str, body: dict[str, Any], pointer: str) -> None:
        response = ada.post(f"/tenants/dev/{path}", json=body)

        assert response.status_code == 422
        problem = assert_problem(response, 422, response.get_json(force=True)["code"])
        assert any(each == pointer or each.startswith(f"{pointer}/") for each in pointers(problem))

    @pytest.mark.parametrize(
        ("path", "pointer"),
        [
            ("revisions?limit=many", "/limit"),
            ("revisions?before=-1", "/before"),
            ("revisions?before=99999999999999999999", "/before"),
            ("revisions/1/diff?against=x", "/against"),
            ("setup?page=2", "/page"),
            ("inbox?limit=0", "/limit"),
            ("inbox/wait?since=yesterday", "/since"),
            ("inbox/wait?since=2026-11-21T12:00:00", "/since"),
            ("inbox/wait?timeout=1000", "/timeout"),
            ("inbox/wait?timeout=nan", "/timeout"),
        ],
    )
    def test_query_parameters_are_pointed_at(self, ada: API, path: str, pointer: str) -> None:
        problem = assert_problem(ada.get(f"/tenants/dev/{path}"), 422, "input.invalid")

        assert pointers(problem) == [pointer]

    @pytest.mark.parametrize("note", ["n" * 1001, "two%0Alines", "nul%00"])
    def test_a_note_is_a_sentence(self, ada: API, note: str) -> None:
        response = ada.put(f"{SETUP}?note={note}", json={"connector": smtp()})

        assert pointers(assert_problem(response, 422, "input.invalid")) == ["/note"]


class TestUnknown:
    @pytest.mark.parametrize(
        "path",
        ["/nothing", "/tenants/dev/nothing", "/tenants/dev/setup/", "/tenants/dev/revisions/abc", "/providers/pigeon"],
    )
    def test_paths_are_not_found(self, ada: API, path: str) -> None:
        assert_problem(ada.get(path), 404, "resource.not_found")

    @pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2/tenants"])
    def test_so_are_paths_outside_of_v1(self, ada: API, path: str) -> None:
        assert_problem(ada.client.get(path), 404, "resource.not_found")

    @pytest.mark.parametrize("number", ["7", "99999999999999999999"])
    def test_revisions_that_are_not_there_are_not_found(self, ada: API, number: str) -> None:
        assert_problem(ada.get(f"/tenants/dev/revisions/{number}"), 404, "resource.not_found")

    def test_other_methods_are_named(self, ada: API) -> None:
        response = ada.call("POST", SETUP, json={})

        assert_problem(response, 405, "request.method_not_allowed")
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "PATCH", "PUT"}

    def test_options_tells_nobody_anything(self, anonymous: API) -> None:
        assert_problem(anonymous.call("OPTIONS", SETUP), 405, "request.method_not_allowed")
