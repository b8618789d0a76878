"""A session that Mallory knew before a change of standing is worth nothing after it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.canary import CANARY
from tests.web.conftest import ADA, MALLORY, PASSWORD, Browser, House

NEW = f"{CANARY} of another kind"

CHANGES: dict[str, Callable[[Browser], object]] = {
    "signing in": lambda browser: browser.sign_in(ADA),
    "signing in again": lambda browser: (browser.sign_in(ADA), browser.sign_in(ADA)),
    "signing in as somebody else": lambda browser: (browser.sign_in(MALLORY), browser.sign_in(ADA)),
    "signing out": lambda browser: (browser.sign_in(ADA), browser.post("/sign-out")),
    "changing the password": lambda browser: (
        browser.sign_in(ADA),
        browser.post("/account/password", {"current": PASSWORD, "new": NEW}),
    ),
    "ending the other sessions": lambda browser: (
        browser.sign_in(ADA),
        browser.post("/account/sessions/end-others"),
    ),
}  # fmt: skip


def secret(browser: Browser) -> str | None:
    """What the form tokens of a session are made of, and what it is called."""
    with browser._client.session_transaction() as session:
        return f"{session.get('csrf_token')} {session.get('sid')}"


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_of_the_session_before_lives_on(house: House, change: str) -> None:
    victim = house.browser()
    victim.get("/sign-in")
    planted, known, token = victim.cookie("postroom"), secret(victim), victim.token

    CHANGES[change](victim)
    victim.get("/account")

    assert victim.cookie("postroom") != planted
    assert secret(victim) != known
    answer = victim._client.post("/account/time-zone", data={"csrf_token": token, "zone": "Asia/Tokyo"})
    assert answer.status_code == 419


@pytest.mark.parametrize("change", ["signing out", "changing the password", "ending the other sessions"])
def test_a_copy_made_in_between_is_worth_nothing_after_it(house: House, change: str) -> None:
    ada, mallory = house.browser(), house.browser()
    ada.sign_in(ADA)
    mallory._client.set_cookie("postroom", ada.cookie("postroom") or "")
    assert mallory.get("/account").status_code == 200
    step = {
        "signing out": lambda: ada.post("/sign-out"),
        "changing the password": lambda: ada.post("/account/password", {"current": PASSWORD, "new": NEW}),
        "ending the other sessions": lambda: ada.post("/account/sessions/end-others"),
    }[change]

    step()

    assert mallory.get("/account").status_code == 302
    assert mallory.get("/t/dev/").status_code == 302


def test_a_session_cannot_be_named_in_an_address_or_a_form(house: House) -> None:
    ada, mallory = house.browser(), house.browser()
    ada.sign_in(ADA)
    cookie = ada.cookie("postroom")

    for name in ("postroom", "session", "sid", "_user_id", "auth_token", "remember_token", "PHPSESSID"):
        assert mallory._client.get("/account", query_string={name: cookie}).status_code == 302
        assert (
            mallory._client.get("/account", headers={name: cookie, "Authentication-Token": cookie}).status_code == 302
        )


def test_two_who_sign_in_never_share_a_session(house: House) -> None:
    browsers = [house.browser() for _ in range(4)]
    for browser in browsers:
        browser.sign_in(ADA)

    assert len({secret(browser) for browser in browsers}) == 4


def test_a_planted_tenant_of_others_opens_nothing(house: House) -> None:
    """Which tenant was seen last is carried through a sign-in; it gives no standing."""
    browser = house.browser()
    browser.sign_in(ADA)
    browser.get("/t/prod/")
    browser.sign_in(MALLORY)

    assert browser.get("/account").status_code == 200
    assert "/t/prod/" not in browser.page
    assert browser.get("/").location == "/t/elsewhere/"
