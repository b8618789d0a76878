"""What an answer is, it says; nothing is left for a browser to guess, and files to take away are not shown as pages."""

from __future__ import annotations

from tests.security.conftest import Walk

TEXTS = ("text/", "application/json", "application/problem+json", "application/jsonl", "application/x-ndjson")
WITHOUT_CONTENT = (204, 302, 303, 304, 308)


def test_every_answer_says_what_it_is(walk: Walk) -> None:
    silent = {
        (answer.endpoint, answer.status)
        for answer in walk
        if answer.response.get_data() and "Content-Type" not in answer.response.headers
    }

    assert silent == set()


def test_every_text_says_its_encoding(walk: Walk) -> None:
    guessed = {
        (answer.endpoint, answer.response.headers["Content-Type"])
        for answer in walk
        if answer.response.mimetype.startswith("text/")
        and answer.status not in WITHOUT_CONTENT
        and answer.response.mimetype_params.get("charset", "").lower() != "utf-8"
    }

    assert guessed == set()


def test_only_pages_are_html(walk: Walk) -> None:
    """An API answer, a file or a number that a browser took for a page could run what somebody typed."""
    html = {answer.endpoint for answer in walk if answer.html and answer.status == 200 and answer.method == "GET"}

    assert not html & {
        "static", "health.livez", "health.readyz", "metrics.metrics", "audit.audit_csv", "audit.audit_jsonl",
        "inbox.source", "api.show_openapi", "api.list_tenants",
    }  # fmt: skip


def test_the_api_answers_json_whatever_happens(walk: Walk) -> None:
    other = {
        (answer.method, answer.endpoint, answer.response.mimetype)
        for answer in walk
        if answer.of_the_api and answer.response.get_data() and not answer.response.mimetype.endswith("json")
    }

    assert other == set()


def test_files_to_take_away_are_attachments(walk: Walk) -> None:
    files = [
        answer
        for answer in walk
        if answer.endpoint in ("audit.audit_csv", "audit.audit_jsonl")
        and (answer.status, answer.method) == (200, "GET")
    ]

    assert files
    assert all(answer.response.headers["Content-Disposition"].startswith("attachment;") for answer in files)
