"""Hostile files over the API: a problem document or a harmless plan, nothing applied, and the next answer comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import API, House, opened_house, smtp
from tests.api.problems import assert_problem
from tests.services.transfer.hostile import HARMLESS, OVER_THE_WIRE, PHRASE, REFUSED
from webapp.domain.usage import UsageType

IMPORT = "/tenants/dev/import"


@pytest.fixture(scope="module")
def house(fresh_house: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all of them: whatever was given to it, it has to answer the next."""
    with opened_house(fresh_house, tmp_path_factory.mktemp("hostile") / "instance") as house:
        yield house


@pytest.fixture(scope="module")
def ada(house: House) -> API:
    return house.api("dev")


@pytest.fixture(scope="module")
def good(ada: API) -> dict[str, Any]:
    """What dev exports: a connector, and a short mail of each kind."""
    templates = {
        each.value: {"*": {"subject": "Hello", "content": "{{" + each.required_variable + "}}"}} for each in UsageType
    }
    ada.put("/tenants/dev/setup", json={"connector": smtp(), "templates": templates})
    document: dict[str, Any] = ada.get("/tenants/dev/export").json
    return document


def given(ada: API, house: House, document: Any, **more: Any) -> TestResponse:
    """Import it; nothing may come of that unless it was harmless, and the next plan is made."""
    answer = ada.post(f"{IMPORT}?dryRun=true", json={"document": document, **more})
    assert house.tenant("dev").active_revision == 1
    again = ada.post(f"{IMPORT}?dryRun=true", json={"document": ada.get("/tenants/dev/export").json})
    assert (again.status_code, again.json["changes"]) == (200, [])
    return answer


def as_text(content: str | bytes) -> str:
    """What a client sends that reads a file as text, whatever is in it."""
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else content


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", OVER_THE_WIRE)
def test_it_is_refused(house: House, ada: API, good: dict[str, Any], name: str) -> None:
    answer = given(ada, house, as_text(REFUSED[name](good)), passphrase=PHRASE)

    assert 400 <= answer.status_code < 500
    problem = assert_problem(answer, answer.status_code, answer.get_json(force=True)["code"])
    assert len(answer.data) < 100_000
    assert problem["code"].split(".")[0] in ("document", "config", "input", "request", "secret", "body")


@pytest.mark.parametrize("name", ["a byte order mark", "no hash", "a script", "a mail full of braces"])
def test_what_is_only_odd_is_a_plan(house: House, ada: API, good: dict[str, Any], name: str) -> None:
    assert name in HARMLESS
    answer = given(ada, house, as_text(HARMLESS[name](good)))

    assert answer.status_code == 200
    assert answer.json["applied"] is False


def test_50_mb_are_refused_before_they_are_read(house: House, ada: API, good: dict[str, Any]) -> None:
    body = b'{"document": "' + b"a" * 50 * 1024 * 1024 + b'"}'

    answer = ada.post(IMPORT, data=body, content_type="application/json")

    assert_problem(answer, 413, "input.too_large")
    assert ada.get("/tenants/dev/export").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"document": {}',
        b'{"document": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"document": {"a": 1, "a": 2}}',
        b'{"document": {}, "secrets": []}',
        b'{"document": {}, "passphrase": {}}',
        b'{"document": {}, "note": "a\\nb"}',
        b'{"document": {}, "__proto__": {}}',
        b'{"document": {}, "secrets": {"__proto__": {"value": 1}}}',
        b'{"document": "\\ud800"}',
        '{"document": {}}'.encode("utf-16"),
        b"\xff\xfe\xfa",
        b"\x00" * 100,
    ],
    ids=[
        "nothing", "cut off", "a list", "cut off inside", "nested deep", "a key twice", "secrets as a list",
        "a passphrase as an object", "a note of two lines", "__proto__", "__proto__ as a slot", "half a character",
        "utf-16", "no text", "nul bytes",
    ],
)  # fmt: skip
def test_a_spoilt_body_is_refused(house: House, ada: API, good: dict[str, Any], body: bytes) -> None:
    answer = ada.post(IMPORT, data=body, content_type="application/json")

    assert 400 <= answer.status_code < 500
    assert_problem(answer, answer.status_code, answer.get_json(force=True)["code"])
    assert house.tenant("dev").active_revision == 1
