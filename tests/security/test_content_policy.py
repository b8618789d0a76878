"""Scripts, styles and everything else come from us or not at all, on every address there is and on every refusal."""

from __future__ import annotations

import re

import pytest

from tests.security.conftest import Walk

POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
    "font-src": "'self'", "connect-src": "'self'", "frame-src": "'self'", "form-action": "'self'", "base-uri": "'none'",
    "frame-ancestors": "'none'",
}  # fmt: skip
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
INLINE = {
    "a script in the page": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", re.IGNORECASE),
    "a style in the page": re.compile(r"<style|<[^>]*\sstyle\s*=", re.IGNORECASE),
    "an event handler": re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "an address that is a script": re.compile(
        r"(?:href|src|action|formaction)\s*=\s*[\"']?\s*(?:javascript|vbscript):", re.IGNORECASE
    ),
    "something from another site": re.compile(
        r"<(?:script|link|img|iframe|source|form)\b[^>]*(?:src|href|action)=\"(?:https?:)?//", re.IGNORECASE
    ),
}


def test_the_policy_has_no_exceptions(walk: Walk) -> None:
    other = {(answer.endpoint, answer.status) for answer in walk if not answer.caught_mail and answer.policy != POLICY}

    assert other == set()


@pytest.mark.parametrize(("name", "value"), HEADERS.items())
def test_every_answer_carries(walk: Walk, name: str, value: str) -> None:
    without = {(answer.endpoint, answer.status) for answer in walk if answer.response.headers.get(name) != value}

    assert without == set()


@pytest.mark.parametrize("what", INLINE)
def test_no_page_holds(walk: Walk, what: str) -> None:
    found = {
        (answer.path, match[0][:80])
        for answer in walk
        if answer.html and not answer.caught_mail and (match := INLINE[what].search(answer.response.text))
    }

    assert found == set()


def test_no_header_tells_what_runs_here(walk: Walk) -> None:
    telling = {"Server", "X-Powered-By", "X-Debug", "X-Runtime", "Via"}

    assert {name for answer in walk for name in telling if name in answer.response.headers} == set()


def test_no_page_shows_where_it_broke(walk: Walk) -> None:
    broken = [answer for answer in walk if answer.status == 500]

    assert {answer.path for answer in broken} == {"/crash"}
    for answer in broken:
        assert "Traceback" not in answer.response.text
        assert "what somebody typed" not in answer.response.text
