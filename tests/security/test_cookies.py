"""Cookies: few, out of reach of scripts and other sites, and worth nothing when somebody changes them."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest

from tests.security.conftest import Walk
from tests.web.conftest import ADA, Browser, House

KNOWN = {"postroom", "postroom_theme"}


def cookies(walk: Walk) -> list[tuple[str, SimpleCookie]]:
    return [
        (answer.endpoint, SimpleCookie(header))
        for answer in walk
        for header in answer.response.headers.getlist("Set-Cookie")
    ]


class TestEveryCookie:
    def test_is_a_known_one(self, walk: Walk) -> None:
        assert {name for _, cookie in cookies(walk) for name in cookie} <= KNOWN

    def test_is_out_of_reach(self, walk: Walk) -> None:
        open_to_others = [
            (endpoint, name)
            for endpoint, cookie in cookies(walk)
            for name, morsel in cookie.items()
            if not morsel["httponly"] or morsel["samesite"] != "Lax" or morsel["path"] != "/" or morsel["domain"]
        ]

        assert open_to_others == []

    @pytest.mark.parametrize("path", ["/sign-in", "/theme"])
    def test_goes_over_https_only_where_the_console_has_it(self, open_house: Callable[..., House], path: str) -> None:
        house = open_house(public_url="https://mail.example.com")
        client, here = house.app.test_client(), {"base_url": "https://mail.example.com"}
        page = client.get("/sign-in", **here).text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        fields = {"csrf_token": token, "theme": "dark", "email": ADA, "password": "x"}

        answer = client.post(path, data=fields, headers={"Referer": "https://mail.example.com/sign-in"}, **here)

        set_cookies = answer.headers.getlist("Set-Cookie")
        assert set_cookies
        assert all("Secure" in each for each in set_cookies)


class TestAChangedCookie:
    @pytest.mark.parametrize(
        "change",
        [
            lambda value: value[:-27] + ("A" if value[-27] != "A" else "B") + value[-26:],
            lambda value: value.rpartition(".")[0],
            lambda value: value + "x",
            lambda value: "." + value,
            lambda value: "eyJfdXNlcl9pZCI6IjEifQ." + value.partition(".")[2],
            lambda value: "",
        ],
        ids=["another signature", "no signature", "longer", "compressed", "another content", "empty"],
    )
    def test_signs_nobody_in(self, house: House, change: Callable[[str], str]) -> None:
        ada: Browser = house.browser()
        ada.sign_in(ADA)
        changed = change(ada.cookie("postroom") or "")
        mallory = house.browser()
        mallory._client.set_cookie("postroom", changed)

        assert mallory.get("/account").location == "/sign-in?next=/account"

    def test_holds_no_password_and_no_email(self, house: House) -> None:
        """It is signed, not sealed: whoever finds it can read it. The suite's watched client looks for secrets."""
        ada = house.browser()
        ada.sign_in(ADA)

        assert ADA not in (ada.cookie("postroom") or "")

    @pytest.mark.parametrize("theme", ["light; Domain=evil.example", "<script>", "dark\r\nX: y", "x" * 5000, ""])
    def test_of_the_theme_is_one_of_three_words(self, house: House, theme: str) -> None:
        ada = house.signed_in(ADA)

        answer = ada.post("/theme", {"theme": theme})

        assert not [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("postroom_theme")]
        ada._client.set_cookie("postroom_theme", "<script>")
        assert "<script>" not in ada.get("/account").text
