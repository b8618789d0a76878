"""Nothing that somebody puts into an address or a form leads away from the console."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote, urlsplit

import pytest

from tests.security.conftest import Walk
from tests.web.conftest import ADA, MALLORY, Browser, House

ELSEWHERE = [
    "//evil.example", "///evil.example", "////evil.example/", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "https:evil.example", "https://evil.example", "https:/evil.example", "https:\\evil.example", "HTTPS://evil.example",
    "http://localhost@evil.example", "http://localhost.evil.example", "//localhost@evil.example/", "//evil.example:80",
    "javascript:alert(1)", "data:text/html,x", "vbscript:x", " //evil.example", "\t//evil.example", "/\t/evil.example",
    "/\n/evil.example", "/\r\n/evil.example", "/x\r\nLocation: https://evil.example", "/x\r\nSet-Cookie: postroom=x",
    "%2f%2fevil.example", "/%0d%0aLocation:%20https://evil.example", "/.//evil.example", "/..//evil.example",
    "/%2e%2e//evil.example", "//\uff0fevil.example", "/\u3002evil.example", "\x00//evil.example", "//[::1]", "//",
    "?next=//evil.example", "evil.example", "@evil.example", ";//evil.example", "/%5cevil.example", "/%09/evil.example",
]  # fmt: skip
NAMES = (
    "next",
    "url",
    "return",
    "return_to",
    "returnTo",
    "redirect",
    "redirect_uri",
    "continue",
    "target",
    "to",
    "back",
)
HEADERS = ("Referer", "HX-Current-URL", "Origin", "X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded")

elsewhere = pytest.mark.parametrize("target", ELSEWHERE)


def leads_away(location: str | None) -> bool:
    """Whether a browser that is at http://localhost would leave it, as browsers read addresses."""
    if location is None:
        return False
    seen = location.strip().replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "")
    if seen.startswith("http://localhost/"):
        return False
    return seen.startswith("//") or bool(urlsplit(seen).scheme) or not seen.startswith("/")


class TestAfterSigningIn:
    @elsewhere
    def test_the_form_leads_to_ours(self, house: House, target: str) -> None:
        ada = house.browser()

        answer = ada.sign_in(ADA, next=target)

        assert answer.status_code == 302
        assert not leads_away(answer.location), answer.location
        assert len(answer.headers.getlist("Location")) == 1

    @pytest.mark.parametrize("name", NAMES)
    def test_the_address_leads_to_ours(self, house: House, name: str) -> None:
        """Somebody who is signed in already is led on at once."""
        ada = house.signed_in(ADA)

        answers = [ada._client.get(f"/sign-in?{name}={quote(target, safe='')}") for target in ELSEWHERE]

        assert not [answer.location for answer in answers if leads_away(answer.location)]

    @elsewhere
    def test_the_page_carries_nothing_else_on(self, house: House, target: str) -> None:
        nobody = house.browser()

        page = nobody.get("/sign-in", query_string={"next": target}).text
        kept = re.search(r'name="next" value="([^"]*)"', page)

        assert not leads_away(unescape(kept[1]) if kept else "/")

    def test_what_is_ours_is_gone_on_to(self, house: House) -> None:
        assert house.browser().sign_in(ADA, next="/t/dev/history?before=3").location == "/t/dev/history?before=3"


class TestOtherForms:
    @elsewhere
    @pytest.mark.parametrize("path", ["/theme", "/sign-out", "/account/confirm", "/sign-in/second-step"])
    def test_lead_to_ours(self, walk: Walk, path: str, target: str) -> None:
        nobody = walk.house.browser()
        nobody.get("/sign-in")

        answer = nobody.post(path, dict.fromkeys(NAMES, target) | {"theme": "dark"})

        assert not leads_away(answer.location), answer.location


class TestEveryPage:
    @pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nA: b"])
    def test_is_led_nowhere_by_its_address(self, walk: Walk, target: str) -> None:
        query = dict.fromkeys(NAMES, target)

        for who in (walk.house.browser(), walk.house.signed_in(ADA)):
            answers = [(path, who._client.get(path, query_string=query, buffered=True)) for path in self.pages(walk)]

            assert not [(path, each.location) for path, each in answers if leads_away(each.location)]

    @pytest.mark.parametrize("header", HEADERS)
    def test_is_led_nowhere_by_a_header(self, walk: Walk, header: str) -> None:
        ada: Browser = walk.house.signed_in(ADA)
        for path in ("/nowhere", "/t/nowhere/", "/", "/sign-in", "/t/dev"):
            answer = ada._client.get(path, headers={header: "https://evil.example/x"})

            assert "evil.example" not in answer.get_data(as_text=True) + str(answer.headers), path

    def test_is_led_nowhere_by_a_session_that_is_over(self, walk: Walk) -> None:
        """Whoever is not signed in is led to the sign-in with the address that was asked for; a path of ours."""
        nobody = walk.house.browser()

        answers = [
            nobody._client.get(path) for path in ("/t/dev//evil.example", "/t//evil.example/", "//evil.example/t/dev/")
        ]

        assert not [answer.location for answer in answers if leads_away(answer.location)]

    @staticmethod
    def pages(walk: Walk) -> list[str]:
        return sorted({answer.path for answer in walk if answer.method == "GET" and not answer.of_the_api})


def test_a_stranger_is_not_led_through_a_tenant_of_others(walk: Walk) -> None:
    stranger = walk.house.signed_in(MALLORY)

    assert stranger._client.get("/sign-in?next=/t/dev/").location == "/t/dev/"
    assert stranger._client.get("/t/dev/").status_code == 404
