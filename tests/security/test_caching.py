"""What needs a sign-in is kept nowhere; what is the same for everybody is kept for good."""

from __future__ import annotations

import re

from tests.security.conftest import Walk
from tests.web.conftest import ADA, House

FOREVER = "public, max-age=31536000, immutable"


def test_nothing_but_static_files_is_kept_by_anybody(walk: Walk) -> None:
    kept = {
        (answer.endpoint, answer.status, answer.response.headers.get("Cache-Control"))
        for answer in walk
        if not answer.static and answer.response.headers.get("Cache-Control") != "no-store"
    }

    assert kept == set()


def test_no_page_has_a_mark_to_ask_again_with(walk: Walk) -> None:
    """A browser that may not keep a page needs none, and after a sign-out there is nothing to ask about."""
    marked = {
        answer.endpoint
        for answer in walk
        if answer.html and {"ETag", "Last-Modified", "Expires"} & set(answer.response.headers.keys())
    }

    assert marked == set()


def test_the_page_behind_is_gone_after_signing_out(house: House) -> None:
    """The browser kept no copy, so going back asks again, and is led to the sign-in."""
    ada = house.browser()
    ada.sign_in(ADA)
    assert ada.get("/t/dev/").headers["Cache-Control"] == "no-store"

    answer = ada.post("/sign-out")

    assert ada.cookie("postroom") is None
    assert answer.headers["Cache-Control"] == "no-store"
    assert ada.get("/t/dev/").location == "/sign-in?next=/t/dev/"


def test_every_file_that_a_page_names_may_be_kept_for_good(walk: Walk) -> None:
    pages = "".join(answer.response.text for answer in walk if answer.html and answer.who == "Ada")
    named = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', pages))
    client = walk.house.app.test_client()

    answers = {path: client.get(path.replace("&amp;", "&")) for path in named}

    assert len(named) > 20
    assert {answer.status_code for answer in answers.values()} == {200}
    assert {path for path, answer in answers.items() if answer.headers["Cache-Control"] != FOREVER} == set()
    assert not any(
        "Set-Cookie" in answer.headers or "Cookie" in answer.headers.get("Vary", "") for answer in answers.values()
    )


def test_a_file_asked_for_by_another_version_is_not_kept(walk: Walk) -> None:
    client = walk.house.app.test_client()

    for path in ("/static/css/app.css", "/static/css/app.css?v=0", "/static/css/app.css?v=../../x"):
        assert client.get(path).headers["Cache-Control"] == "no-cache", path
