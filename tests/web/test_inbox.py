"""Ada reads what the sandbox caught; hostile mail stays in its frame; production has no inbox."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from html import unescape

import pytest

from tests.services.mails import HOSTILE_HTML, HOSTILE_MAILS, a_mail
from tests.web.conftest import ADA, BOB, Browser, House
from webapp.domain.roles import Role
from webapp.services.sandbox import SandboxState


@pytest.fixture
def caught(house: House):
    """Put a mail into the inbox of dev; returns its id."""

    def put(raw: bytes | None = None, to: str = "bob@example.com", **parts: str) -> str:
        (mail_id,) = house.services.inbox.add(house.tenant("dev").id, [to], raw or a_mail(**parts))
        return mail_id

    return put


def poll_address(page: str) -> str:
    found = re.search(r'hx-get="([^"]+/inbox/news[^"]*)"', page)
    assert found, "the list does not ask for news"
    return unescape(found[1])


class TestList:
    def test_an_empty_inbox_says_what_to_do_next(self, ada: Browser) -> None:
        page = ada.get("/t/dev/inbox").text

        assert "No mail yet" in page
        assert "/t/dev/connector/choose?q=sandbox" in page
        assert "Clear all" not in page

    def test_shows_recipient_subject_and_code_and_opens_the_newest(self, ada: Browser, caught) -> None:
        caught(subject="Older one")
        newest = caught(subject="Sign in to Acme", text="Your code is 739184.")

        page = ada.get("/t/dev/inbox").text

        assert page.index("Sign in to Acme") < page.index("Older one")
        assert f'href="/t/dev/inbox/{newest}" aria-current="true"' in page
        assert '<output id="code" class="reading-code-value">739184</output>' in page

    def test_finds_a_recipient(self, ada: Browser, caught) -> None:
        caught(subject="For Bob")
        caught(subject="For Eve", to="eve@example.com")

        page = ada.get("/t/dev/inbox?to=EVE@example.com").text

        assert "For Eve" in page
        assert "For Bob" not in page
        assert "No mail to nobody@example.com" in ada.get("/t/dev/inbox?to=nobody@example.com").text

    def test_goes_on_to_older_ones(self, ada: Browser, house: House) -> None:
        house.services.inbox.add(house.tenant("dev").id, [f"bob{n}@example.com" for n in range(53)], a_mail())

        first = ada.get("/t/dev/inbox").text
        older = unescape(re.search(r'href="(/t/dev/inbox\?before=[^"]+)"', first)[1])
        second = ada.get(older).text

        assert first.count("mails-row") == 50
        assert second.count("mails-row") == 3
        assert "hx-get" not in second

    def test_says_that_the_sandbox_is_off(self, ada: Browser) -> None:
        assert "The sandbox is switched off" in ada.get("/t/dev/inbox").text

    def test_says_that_another_program_has_the_sandboxs_port(self, open_house: Callable[..., House]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            house = open_house(sandbox_smtp_port=port)
            house.services.start()
            give_up = time.monotonic() + 10
            while house.services.sandbox.state() is not SandboxState.PORT_TAKEN and time.monotonic() < give_up:
                time.sleep(0.02)

            page = house.signed_in(ADA).get("/t/dev/inbox").text

            assert f"another program has its port {port}" in page
            assert "POSTROOM_SANDBOX_SMTP_PORT" in page

    def test_stays_small_with_a_full_page_of_long_mails(self, ada: Browser, caught) -> None:
        for _ in range(51):
            caught(subject="Long subject " * 12, to="a-rather-long-recipient-address@subdomain.example.com")

        assert len(ada.get("/t/dev/inbox").data) < 60_000 + 6_000


class TestReading:
    @pytest.mark.parametrize(
        ("view", "shown"),
        [
            ("html", "<iframe"),
            ("text", "Your code is 482913."),
            ("source", "Content-Type: multipart/alternative"),
            ("headers", "no-reply@acme.test"),
        ],
    )
    def test_each_view_has_an_address(self, view: str, shown: str, ada: Browser, caught) -> None:
        mail_id = caught(html="<p>482913</p>")

        page = ada.get(f"/t/dev/inbox/{mail_id}?view={view}").text

        assert shown in page
        assert re.search(rf'view={view}[^"]*" aria-current="page"', page)

    def test_begins_with_the_html_else_with_the_text(self, ada: Browser, caught) -> None:
        assert "<iframe" in ada.get(f"/t/dev/inbox/{caught(html='<p>x</p>')}").text
        assert "<iframe" not in ada.get(f"/t/dev/inbox/{caught()}").text

    def test_says_what_a_mail_lacks(self, ada: Browser, caught) -> None:
        mail_id = caught()

        assert "no HTML part" in ada.get(f"/t/dev/inbox/{mail_id}?view=html").text

    def test_links_are_listed_and_lead_away_without_a_trace(self, ada: Browser, caught) -> None:
        mail_id = caught(text="Join: https://acme.test/invite?t=1&u=2")

        page = ada.get(f"/t/dev/inbox/{mail_id}").text

        assert 'href="https://acme.test/invite?t=1&amp;u=2" target="_blank" rel="noopener noreferrer nofollow"' in page

    def test_a_mail_that_does_not_exist(self, ada: Browser) -> None:
        assert ada.get("/t/dev/inbox/0000").status_code == 404

    @pytest.mark.parametrize("raw", HOSTILE_MAILS.values(), ids=HOSTILE_MAILS.keys())
    def test_a_hostile_mail_is_shown_harmlessly(self, raw: bytes, ada: Browser, caught) -> None:
        mail_id = caught(raw)

        pages = [ada.get(f"/t/dev/inbox/{mail_id}?view={view}") for view in ("html", "source", "headers")]
        others = [ada.get(f"/t/dev/inbox/{mail_id}/{part}") for part in ("html", "source")]

        assert {answer.status_code for answer in (*pages, *others)} == {200}
        for page in pages:
            assert "<script>fetch" not in page.text
            assert "<iframe src=" not in page.text
            assert len(page.data) < 250_000


class TestTheFrame:
    def test_may_run_nothing_load_nothing_and_send_nothing(self, ada: Browser, caught) -> None:
        mail_id = caught(html=HOSTILE_HTML)

        answer = ada.get(f"/t/dev/inbox/{mail_id}/html")

        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert policy == [
            "sandbox",
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        ]
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_is_sealed_off_by_the_page_too(self, ada: Browser, caught) -> None:
        page = ada.get(f"/t/dev/inbox/{caught(html=HOSTILE_HTML)}").text

        frame = re.search(r"<iframe[^>]*>", page)[0]
        assert re.search(r"\ssandbox\s", frame)
        assert "allow-" not in frame
        assert "Pictures from the web are not loaded" in page

    @pytest.mark.parametrize(
        ("html", "served"),
        [
            ("<!doctype html><html><head><title>x</title></head>", '<!doctype html><base target="_blank"><html>'),
            ("<p>x</p>", '<base target="_blank"><p>x</p>'),
        ],
    )
    def test_keeps_the_document_as_it_is_but_for_where_links_open(
        self, html: str, served: str, ada: Browser, caught
    ) -> None:
        assert ada.get(f"/t/dev/inbox/{caught(html=html)}/html").text.startswith(served)

    @pytest.mark.parametrize(
        "enticing",
        [
            '<link rel="preconnect" href="//evil.test">',
            "<LINK/rel=dns-prefetch>",
            "<li<link>nk>",
            "<iframe srcdoc='x'>",
        ],
    )
    def test_has_nothing_that_browsers_follow_whatever_the_policy(self, enticing: str, ada: Browser, caught) -> None:
        answer = ada.get(f"/t/dev/inbox/{caught(html=enticing)}/html")

        assert not re.search(r"<(link|iframe)", answer.text, re.IGNORECASE)
        assert answer.headers["X-DNS-Prefetch-Control"] == "off"

    def test_the_source_comes_as_plain_text(self, ada: Browser, caught) -> None:
        answer = ada.get(f"/t/dev/inbox/{caught(html=HOSTILE_HTML)}/source")

        assert answer.content_type == "text/plain; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")


class TestNews:
    def test_nothing_new_is_nothing_to_draw(self, ada: Browser, caught) -> None:
        caught()

        answer = ada.get(poll_address(ada.get("/t/dev/inbox").text))

        assert (answer.status_code, answer.data) == (204, b"")

    def test_the_first_mail_replaces_the_empty_page(self, ada: Browser, caught) -> None:
        address = poll_address(ada.get("/t/dev/inbox").text)
        caught(subject="First")

        answer = ada.get(address)

        assert answer.headers["HX-Retarget"] == "#inbox"
        assert "New mail to bob@example.com: First" in answer.text
        assert 'class="reading"' in answer.text
        assert ada.get(poll_address(answer.text)).status_code == 204

    def test_who_reads_a_mail_keeps_it_and_gets_the_list(self, ada: Browser, caught) -> None:
        reading = caught(subject="I read this")
        address = poll_address(ada.get(f"/t/dev/inbox/{reading}").text)
        caught(subject="Newer")

        answer = ada.get(address)

        assert "HX-Retarget" not in answer.headers
        assert 'class="reading"' not in answer.text
        assert "Newer" in answer.text
        assert f'href="/t/dev/inbox/{reading}" aria-current="true"' in answer.text

    def test_cleared_elsewhere_it_is_empty_here(self, ada: Browser, house: House, caught) -> None:
        address = poll_address(ada.get(f"/t/dev/inbox/{caught()}").text)
        house.services.inbox.clear(house.tenant("dev"))

        answer = ada.get(address)

        assert answer.headers["HX-Retarget"] == "#inbox"
        assert "No mail yet" in answer.text


class TestClearing:
    def test_asks_first_and_then_deletes_all(self, ada: Browser, caught) -> None:
        caught()
        caught()
        assert "There are 2 mails." in ada.get("/t/dev/inbox/clear").text

        answer = ada.post("/t/dev/inbox/clear")

        assert (answer.status_code, answer.headers["Location"]) == (303, "/t/dev/inbox")
        page = ada.get("/t/dev/inbox").text
        assert "The inbox is empty now." in page
        assert "No mail yet" in page

    def test_is_nothing_for_a_viewer(self, house: House, caught) -> None:
        house.make_bob(Role.VIEWER)
        caught()
        viewer = house.signed_in(BOB)

        assert "Clear all" not in viewer.get("/t/dev/inbox").text
        assert viewer.post("/t/dev/inbox/clear").status_code == 403
        assert len(house.services.inbox.mails(house.tenant("dev"))) == 1


class TestElsewhere:
    @pytest.mark.parametrize("path", ["", "/news", "/clear", "/0000", "/0000/html", "/0000/source"])
    def test_production_has_no_inbox(self, path: str, ada: Browser) -> None:
        assert ada.get(f"/t/prod/inbox{path}").status_code == 404

    def test_another_tenants_mail_is_not_found(self, house: House, ada: Browser) -> None:
        (theirs,) = house.services.inbox.add(house.tenant("elsewhere").id, ["eve@example.com"], a_mail())

        for path in (theirs, f"{theirs}/html", f"{theirs}/source"):
            assert ada.get(f"/t/dev/inbox/{path}").status_code == 404
