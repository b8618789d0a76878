"""What every answer carries, which hosts are answered, and what the session cookie is like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.conftest import ADA, Browser, House
from webapp.web import requests

PAGES = ["/sign-in", "/livez", "/static/css/app.css", "/nowhere", "/account"]


class TestHeaders:
    @pytest.mark.parametrize("path", PAGES)
    def test_allow_nothing_but_our_own(self, anonymous: Browser, path: str) -> None:
        answer = anonymous.get(path)

        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "font-src": "'self'",
            "connect-src": "'self'",
            "frame-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"

    def test_pages_are_kept_nowhere(self, ada: Browser) -> None:
        assert ada.get("/t/dev/").headers["Cache-Control"] == "no-store"

    def test_https_stays_https(self, open_house: Callable[..., House]) -> None:
        house = open_house(public_url="https://mail.example.com")

        answer = house.app.test_client().get("/livez")

        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    @pytest.mark.parametrize("path", ["/sign-in", "/account", "/t/dev/", "/t/prod/", "/nowhere"])
    def test_pages_hold_no_inline_script_or_style(self, ada: Browser, path: str) -> None:
        page = ada.get(path).text

        assert "<style" not in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<script>" not in page


class TestRequestId:
    def test_is_on_every_answer(self, anonymous: Browser) -> None:
        assert len(anonymous.get("/sign-in").headers["X-Request-Id"]) == 16

    def test_is_taken_from_the_proxy(self, anonymous: Browser) -> None:
        answer = anonymous.get("/sign-in", headers={"X-Request-Id": "from-the-proxy-1"})

        assert answer.headers["X-Request-Id"] == "from-the-proxy-1"

    def test_is_our_own_when_the_given_one_is_odd(self, anonymous: Browser) -> None:
        answer = anonymous.get("/sign-in", headers={"X-Request-Id": 'x" injected="1'})

        assert "injected" not in answer.headers["X-Request-Id"]


class TestLog:
    def test_holds_no_query_and_no_link(self, anonymous: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        lines: list[dict[str, object]] = []
        monkeypatch.setattr(requests.log, "info", lambda event, **values: lines.append(values))

        anonymous.get("/sign-in?next=/secret-search")
        anonymous.get("/setup/a-one-time-link")
        anonymous.get("/invitation/a-one-time-link")

        assert [line["path"] for line in lines] == ["/sign-in", "/setup/…", "/invitation/…"]
        assert "secret-search" not in str(lines)

    def test_says_where_it_crashed_and_not_with_what(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        lines: list[dict[str, object]] = []
        monkeypatch.setattr(requests.log, "error", lambda event, **values: lines.append(values))

        def crash() -> str:
            raise RuntimeError("what somebody typed")

        house.app.add_url_rule("/crash", view_func=crash)
        answer = house.app.test_client().get("/crash", headers={"X-Request-Id": "from-the-proxy-1"})

        (line,) = lines
        assert answer.status_code == 500
        assert "from-the-proxy-1" in answer.text
        assert (line["error"], line["route"], line["request_id"]) == ("RuntimeError", "/crash", "from-the-proxy-1")
        assert "in crash" in str(line["where"])
        assert "what somebody typed" not in str(line["where"]).replace('raise RuntimeError("what somebody typed")', "")


class TestHost:
    @pytest.mark.parametrize("host", ["localhost:8420", "127.0.0.1", "[::1]:8420", "192.0.2.7:8420"])
    def test_without_a_public_url_is_any_address(self, anonymous: Browser, host: str) -> None:
        assert anonymous.get("/sign-in", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize("host", ["mallory.example", "localhost.mallory.example", "127.0.0.1.mallory.example"])
    def test_that_somebody_else_names_is_refused(self, anonymous: Browser, host: str) -> None:
        answer = anonymous.get("/sign-in", headers={"Host": host})

        assert answer.status_code == 400
        assert "POSTROOM_PUBLIC_URL" in answer.text

    @pytest.mark.parametrize(
        ("host", "status"), [("mail.example.com", 200), ("127.0.0.1", 400), ("other.example", 400)]
    )
    def test_with_a_public_url_is_only_that(self, open_house: Callable[..., House], host: str, status: int) -> None:
        house = open_house(public_url="https://mail.example.com")

        assert house.app.test_client().get("/sign-in", headers={"Host": host}).status_code == status

    def test_does_not_matter_for_health(self, anonymous: Browser) -> None:
        assert anonymous.get("/livez", headers={"Host": "10-0-0-7.pods.example"}).status_code == 200


class TestCookie:
    def test_is_out_of_reach_of_scripts_and_other_sites(self, anonymous: Browser) -> None:
        cookie = anonymous.get("/sign-in").headers["Set-Cookie"]

        assert cookie.startswith("postroom=")
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie

    def test_needs_https_where_the_console_has_it(self, open_house: Callable[..., House]) -> None:
        house = open_house(public_url="https://mail.example.com")

        answer = house.app.test_client().get("/sign-in", base_url="https://mail.example.com")

        assert answer.headers["Set-Cookie"].startswith("__Host-postroom=")
        assert "Secure" in answer.headers["Set-Cookie"]

    def test_signed_by_an_older_operator_key_lives_on(self, open_house: Callable[..., House]) -> None:
        house = open_house()
        browser = house.signed_in(ADA)
        key = house.services.vault.tag("session-key")

        assert house.app.secret_key == key
        assert browser.get("/account").status_code == 200

    @pytest.mark.parametrize("path", ["/static/css/app.css", "/livez", "/readyz"])
    def test_is_on_pages_only(self, ada: Browser, path: str) -> None:
        assert "Set-Cookie" not in ada.get(path).headers


class TestProxy:
    def test_is_not_believed_unless_trusted(self, house: House) -> None:
        answer = house.app.test_client().get("/sign-in", headers={"X-Forwarded-Host": "mallory.example"})

        assert answer.status_code == 200

    def test_that_is_trusted_says_which_host_was_asked(self, open_house: Callable[..., House]) -> None:
        house = open_house(public_url="https://mail.example.com", trusted_proxies=1)

        answer = house.app.test_client().get(
            "/sign-in",
            headers={"Host": "10.0.0.7", "X-Forwarded-Host": "mail.example.com", "X-Forwarded-Proto": "https"},
        )

        assert answer.status_code == 200
