"""Every answer can be found in the log, and nobody can write into the log by giving an id."""

from __future__ import annotations

import re

import pytest

from tests.security.conftest import Walk
from tests.web.conftest import House

GOOD = re.compile(r"[A-Za-z0-9._-]{8,64}")


def test_every_answer_has_one(walk: Walk) -> None:
    ids = [answer.response.headers.get("X-Request-Id", "") for answer in walk]

    assert all(GOOD.fullmatch(each) for each in ids)


def test_no_two_answers_have_the_same(walk: Walk) -> None:
    ids = [answer.response.headers["X-Request-Id"] for answer in walk]

    assert len(ids) == len(set(ids)) > 500


@pytest.mark.parametrize(
    "given",
    [
        "short", "x" * 65, "with space in it", 'quote"quote"', "<script>alert(1)</script>", "../../../../etc",
        "a" * 8 + "\t", "{\"level\": \"error\"}", "a,b,c,d,e,f", "%0d%0aX-Injected", "ünïcode-id", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/api/v1/tenants", "/static/css/app.css"])
def test_an_odd_one_is_not_taken_over(house: House, given: str, path: str) -> None:
    answer = house.app.test_client().get(path, headers={"X-Request-Id": given})

    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
    if given.strip():
        assert given.strip() not in answer.get_data(as_text=True)
