"""Mallory has a token of her own tenant and tries it on everything."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.conftest import API, smtp
from tests.web.conftest import ADA, House
from webapp.domain.roles import Scope

CALLS = [
    ("GET", "/setup", None), ("PUT", "/setup", {}), ("PATCH", "/setup", []), ("DELETE", "/setup/connector", None),
    ("POST", "/check", {}), ("POST", "/test-send", {"to": "a@example.com"}), ("GET", "/revisions", None),
    ("GET", "/revisions/1", None), ("GET", "/revisions/1/diff?against=0", None), ("GET", "", None),
    ("POST", "/revisions/1/restore", {}), ("GET", "/inbox", None), ("GET", "/inbox/x", None),
    ("GET", "/inbox/wait?timeout=0", None), ("DELETE", "/inbox", None),
]  # fmt: skip


class TestMallorysToken:
    @pytest.mark.parametrize(("method", "path", "body"), CALLS)
    def test_cannot_tell_adas_tenant_from_one_that_does_not_exist(self, saved: API, calls, method, path, body) -> None:
        own = calls("elsewhere")

        answers = [
            own.call(method, f"/tenants/{slug}{path}", json=body) for slug in ("dev", "nowhere", "DEV", "dev%00")
        ]

        assert len({(each.status_code, each.text) for each in answers}) == 1
        assert answers[0].status_code == 404

    @pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "POST", "PROPFIND"])
    @pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    def test_cannot_dress_a_call_as_another(self, saved: API, method, header) -> None:
        answer = saved.call(
            method, "/tenants/dev/setup", headers={header: "DELETE"}, query_string={"_method": "DELETE"}
        )

        assert answer.status_code == 405
        assert saved.get("/tenants/dev/setup").json["connector"] is not None

    @pytest.mark.parametrize("scope", [Scope.SEND, Scope.DELIVERIES_READ, Scope.CONFIG_READ])
    def test_of_one_scope_does_nothing_of_another(self, saved: API, calls: Callable[..., API], scope) -> None:
        narrow = calls("dev", (scope,))

        answers = [
            narrow.put("/tenants/dev/setup", json={"connector": smtp()}),
            narrow.patch("/tenants/dev/setup", json=[]),
            narrow.put("/tenants/dev/setup?dryRun", json={"connector": smtp()}),
            narrow.post("/tenants/dev/check", json={}),
            narrow.post("/tenants/dev/test-send", json={"to": "a@example.com"}),
            narrow.post("/tenants/dev/revisions/1/restore", json={}),
            narrow.delete("/tenants/dev/setup/connector?force"),
        ]

        assert {each.status_code for each in answers} == {403}

    def test_is_taken_from_one_place_only(self, house: House, saved: API) -> None:
        client, path = house.app.test_client(), "/api/v1/tenants/dev/setup"

        answers = [
            client.get(path, query_string={"access_token": saved.token}),
            client.get(path, headers={"Authorization": f"Basic {saved.token}"}),
            client.get(path, headers={"Authorization": f"Bearer {saved.token} x"}),
            client.get(path, headers={"Authorization": f"Bearer {(saved.token or '').upper()}"}),
            client.get(path, headers={"Cookie": f"token={saved.token}"}),
            house.signed_in(ADA)._client.get(path),
        ]

        assert {each.status_code for each in answers} == {401}

    @pytest.mark.parametrize(
        "body",
        [
            b'{"connector":null,"connector":null}',
            b'{"a":' * 50000,
            b"[" * 500000,
            b'{"verificationCode":{"length":NaN}}',
            b'{"verificationCode":{"length":1e999}}',
            b'{"verificationCode":{"length":' + b"9" * 9000 + b"}}",
            b'{"a":"\\ud800"}',
            b'{"a":"\\u0000"}',
            b'{"$ref":"/etc/passwd"}',
            b'{"__proto__":{}}',
            b"\xff\xfe{",
        ],
    )
    def test_breaks_nothing_with_json_that_two_readers_read_differently(self, saved: API, body) -> None:
        answer = saved.put("/tenants/dev/setup", data=body, headers={"Content-Type": "application/json"})

        assert answer.status_code in (400, 422)
        assert saved.get("/tenants/dev/setup").headers["ETag"] == '"1"'
