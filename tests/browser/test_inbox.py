"""The inbox in a real browser: mail appears by itself, and a hostile one cannot call out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.console import Console
from tests.services.mails import a_mail
from webapp.domain.roles import TenantInfo
from webapp.services.wiring import Services


class Stranger:
    """Listens for visitors. A connection alone is one: it tells that, and from where, a mail was opened."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._welcome, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _welcome(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with visitor:
                visitor.settimeout(2)
                try:
                    request = visitor.recv(4096)
                except OSError:
                    continue
                if request:
                    self.requests.append(request)


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    stranger = Stranger()
    yield stranger
    stranger.close()


def hostile(url: str) -> str:
    return f"""<html><head>
        <script>fetch("{url}/script"); top.location = "{url}/top"</script>
        <link rel="stylesheet" href="{url}/link"><link rel="prefetch" href="{url}/prefetch">
        <LINK rel="preconnect" href="{url}"><link/rel=dns-prefetch href="{url}">
        <link rel="modulepreload" href="{url}/module">
        <style>@import "{url}/import"; @font-face {{ font-family: x; src: url("{url}/font") }}
        body {{ background: url("{url}/background"); font-family: x }}</style>
        <meta http-equiv="refresh" content="0;url={url}/refresh"><base href="{url}/"></head>
        <body onload="location='{url}/onload'"><img src="{url}/img" onerror="location='{url}/onerror'">
        <iframe src="{url}/iframe"></iframe><iframe srcdoc='&lt;link rel="preconnect" href="{url}">'></iframe>
        <video src="{url}/video" autoplay></video>
        <object data="{url}/object"></object><svg><image href="{url}/svg"/></svg>
        <form action="{url}/form" method="post"><button id="submit">Submit</button></form>
        <a id="link" href="{url}/clicked">Click</a><p>Your code is 482913</p></body></html>"""


def test_new_mail_appears_by_itself(ada: Page, console: Console, dev: TenantInfo, services: Services) -> None:
    ada.goto(f"{console.url}/t/{dev.slug}/inbox")
    expect(ada.get_by_role("heading", name="No mail yet")).to_be_visible()

    services.inbox.add(dev.id, ["bob@example.com"], a_mail(subject="First", text="Your code is 739184."))

    expect(ada.get_by_role("heading", name="First")).to_be_visible()
    expect(ada.locator("#code")).to_have_text("739184")
    expect(ada.get_by_role("link", name="bob@example.com")).to_have_attribute("aria-current", "true")


def test_who_reads_a_mail_is_not_disturbed_by_a_new_one(
    ada: Page, console: Console, dev: TenantInfo, services: Services
) -> None:
    (mail_id,) = services.inbox.add(dev.id, ["bob@example.com"], a_mail(subject="I read this"))
    ada.goto(f"{console.url}/t/{dev.slug}/inbox/{mail_id}")
    ada.locator(f"#mail-{mail_id}").focus()

    services.inbox.add(dev.id, ["eve@example.com"], a_mail(subject="Newer"))

    expect(ada.get_by_role("link", name="eve@example.com")).to_be_visible()
    expect(ada.get_by_role("heading", name="I read this")).to_be_visible()
    expect(ada.locator(f"#mail-{mail_id}")).to_be_focused()
    ada.keyboard.press("ArrowUp")
    expect(ada.get_by_role("link", name="eve@example.com")).to_be_focused()


def test_a_hostile_mail_neither_runs_nor_calls_out(
    ada: Page, console: Console, dev: TenantInfo, services: Services, stranger: Stranger, watch: Watch
) -> None:
    (mail_id,) = services.inbox.add(dev.id, ["bob@example.com"], a_mail(html=hostile(stranger.url)))
    address = f"{console.url}/t/{dev.slug}/inbox/{mail_id}"

    ada.goto(address)
    frame = ada.frame_locator("iframe")
    expect(frame.get_by_text("Your code is 482913")).to_be_visible()
    ada.wait_for_timeout(1000)
    assert stranger.connections == 0

    frame.locator("#link").click()
    frame.locator("#submit").click()
    ada.wait_for_timeout(500)

    assert stranger.requests == []
    assert ada.url == address
    expect(frame.get_by_text("Your code is 482913")).to_be_visible()
    assert len(ada.context.pages) == 1
    watch.complaints.clear()  # the browser says what it kept the mail from doing


def test_opened_alone_a_hostile_mail_is_sealed_off_too(
    ada: Page, console: Console, dev: TenantInfo, services: Services, stranger: Stranger, watch: Watch
) -> None:
    (mail_id,) = services.inbox.add(dev.id, ["bob@example.com"], a_mail(html=hostile(stranger.url)))

    ada.goto(f"{console.url}/t/{dev.slug}/inbox/{mail_id}/html")
    expect(ada.get_by_text("Your code is 482913")).to_be_visible()
    ada.wait_for_timeout(1000)
    assert stranger.connections == 0

    ada.locator("#submit").click()
    ada.wait_for_timeout(500)

    assert stranger.requests == []
    watch.complaints.clear()
