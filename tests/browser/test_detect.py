"""From an address to a form that is filled in, by somebody who does not know their provider's settings."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.console import Console
from tests.browser.examination import faults
from tests.browser.steps import expect_page, field, open_page
from tests.peers.aiosmtpd_server import ReceivingServer
from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer, silence
from webapp.domain.roles import TenantInfo

ASK = "Type the address you send from"


def find_out(page: Page, console: Console, tenant: TenantInfo, typed: str) -> None:
    open_page(page, console, tenant, "connector/choose")
    page.get_by_label(ASK).fill(typed)
    page.get_by_label(ASK).press("Enter")


def test_an_address_becomes_a_form_that_lacks_only_the_password(ada: Page, console: Console, dev: TenantInfo) -> None:
    find_out(ada, console, dev, "ada@gmail.com")
    expect(ada.get_by_role("heading", name="Found for gmail.com")).to_be_visible()
    expect(ada.get_by_text("You still type: App password")).to_be_visible()

    ada.get_by_role("button", name="Use this: Gmail").click()

    expect_page(ada, "Set up Gmail")
    expect(field(ada, "Server")).to_have_value("smtp.gmail.com")
    expect(field(ada, "Gmail address")).to_have_value("ada@gmail.com")
    expect(field(ada, "From")).to_have_value("ada@gmail.com")
    expect(field(ada, "App password")).to_have_value("")


def test_a_server_is_looked_at_and_what_it_said_is_shown(
    ada: Page, console: Console, dev: TenantInfo, receiving: Callable[..., ReceivingServer]
) -> None:
    server = receiving()

    find_out(ada, console, dev, f"localhost:{server.port}")

    expect(ada.get_by_text("Certificate valid until")).to_be_visible()
    ada.get_by_role("button", name="Use this: localhost").click()
    expect_page(ada, "Set up SMTP")
    expect(field(ada, "Port")).to_have_value(str(server.port))


def test_what_was_found_is_still_there_after_loading_the_page_again(
    ada: Page, console: Console, dev: TenantInfo
) -> None:
    find_out(ada, console, dev, "ada@gmail.com")
    expect(ada.get_by_role("heading", name="Found for gmail.com")).to_be_visible()

    ada.reload()

    expect(ada.get_by_role("button", name="Use this: Gmail")).to_be_visible()
    expect(ada.get_by_label(ASK)).to_have_value("ada@gmail.com")


def test_it_says_what_it_does_while_it_looks_and_can_be_stopped(
    ada: Page, console: Console, dev: TenantInfo, scripted: Callable[..., ScriptedServer]
) -> None:
    server = scripted(Script(greeting=silence))

    find_out(ada, console, dev, f"localhost:{server.port}")
    expect(ada.get_by_text("at most 8 s", exact=True)).to_be_visible()
    ada.get_by_role("button", name="Stop").click()

    expect(ada.get_by_role("heading", name="Stopped looking for localhost")).to_be_visible()


def test_nothing_found_leads_on(ada: Page, console: Console, dev: TenantInfo) -> None:
    find_out(ada, console, dev, f"localhost:{free_port()}")
    expect(ada.get_by_role("heading", name="Nothing to fill in for localhost")).to_be_visible()

    ada.get_by_role("button", name="Fill in any mail server by hand").click()

    expect_page(ada, "Set up SMTP")


class TestExamination:
    """Everybody can use what was found: by ear, by keyboard, on a phone, in the dark."""

    def test_what_was_found(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        find_out(ada, console, dev, "ada@gmail.com")
        expect(ada.get_by_role("button", name="Use this: Gmail")).to_be_visible()

        assert faults(ada) == []

    def test_what_cannot_be_used(
        self, ada: Page, console: Console, dev: TenantInfo, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(offers_starttls=False))
        find_out(ada, console, dev, f"localhost:{server.port}")
        expect(ada.get_by_text("Cannot be used")).to_be_visible()
        ada.get_by_text("What was looked at").click()

        assert faults(ada) == []

    def test_what_is_no_address(self, ada: Page, console: Console, dev: TenantInfo, watch: Watch) -> None:
        watch.expected.add(422)
        find_out(ada, console, dev, "ada@")
        expect(ada.locator("#detect-error")).to_have_text("An address looks like name@example.com.")

        assert faults(ada) == []
