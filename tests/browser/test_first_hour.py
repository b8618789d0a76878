"""The whole job, from the one-time link to a setup that is proven, saved, changed, compared and restored."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, PASSWORD, sign_in
from tests.browser.console import Console
from tests.browser.steps import expect_page, go_to, review, save, type_and_wait
from tests.canary import CANARY


def test_ada_sets_up_email_in_her_first_hour(page: Page, fresh_console: Console) -> None:
    _makes_the_first_administrator(page, fresh_console)
    _tries_the_sandbox(page)
    _reads_what_changes_and_saves(page)
    _mistypes_the_host_and_is_told(page)
    _takes_it_back_and_applies_a_fix(page)
    _saves_another_sender(page)
    _compares_and_restores(page)
    _signs_out_and_in(page, fresh_console)

    fresh_console.stop()
    fresh_console.start()

    _finds_everything_again(page, fresh_console)


def _makes_the_first_administrator(page: Page, console: Console) -> None:
    page.goto(console.set_up_link)
    page.get_by_label("Organization").fill("Acme")
    page.get_by_label("Your email address").fill(ADA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    expect(page.get_by_text("Strong")).to_be_visible()
    page.get_by_role("button", name="Create and start").click()

    expect_page(page, "Overview")
    expect(page.get_by_role("complementary").get_by_text("Acme")).to_be_visible()
    expect(page.get_by_role("complementary").get_by_text("Development").first).to_be_visible()

    page.goto(console.set_up_link)
    expect_page(page, "There is nothing here")
    page.goto(console.url)


def _tries_the_sandbox(page: Page) -> None:
    page.get_by_role("link", name="Set up email").click()
    page.get_by_role("button", name=re.compile("^Sandbox")).click()
    expect_page(page, "Set up Sandbox")

    page.get_by_role("button", name="Check connection").click()
    expect(page.get_by_role("heading", name="Connected and logged in")).to_be_visible()
    page.get_by_text("Step by step").click()
    for phase in ("Connect", "Greeting", "Encrypt (STARTTLS)", "Log in"):
        expect(page.get_by_role("listitem").filter(has_text=f"{phase} done").first).to_be_visible()

    expect(page.get_by_label("Send the test to")).to_have_value(ADA)
    page.get_by_role("button", name=f"Send test to {ADA}").click()
    expect(page.get_by_role("heading", name=re.compile("^Accepted by"))).to_be_visible()
    expect(page.get_by_role("group", name="Check, test and save").get_by_text("A test mail")).to_be_visible()

    page.get_by_role("link", name="Open the inbox").click()
    expect(page.get_by_text("000000", exact=True).first).to_be_visible()


def _reads_what_changes_and_saves(page: Page) -> None:
    go_to(page, "Connector")
    review(page)
    expect(page.get_by_role("definition").filter(has_text="127.0.0.1")).to_be_visible()
    page.get_by_label("Note").fill("Try the sandbox")
    save(page, revision=1)


def _mistypes_the_host_and_is_told(page: Page) -> None:
    go_to(page, "Connector")
    page.get_by_label("Server", exact=True).fill("mail.exmaple.invalid")
    page.get_by_role("button", name="Check connection").click()
    expect(page.get_by_role("alert")).to_contain_text("The place that receives this secret changed")

    page.get_by_label("Password", exact=True).fill(f"{CANARY}-typed")
    page.get_by_role("button", name="Check connection").click()
    expect(page.get_by_role("heading", name="The server name does not exist")).to_be_visible()
    expect(page.get_by_text("What to do")).to_be_visible()


def _takes_it_back_and_applies_a_fix(page: Page) -> None:
    type_and_wait(page, "Server", "127.0.0.1")
    expect(page.get_by_text("This result is about what was there before")).to_be_visible()
    page.get_by_role("button", name="Take it back").click()
    page.get_by_label("Security").select_option(label="TLS: encrypted from the first byte (port 465)")
    page.get_by_role("button", name="Check connection").click()
    page.get_by_role("button", name="Apply fix").click()
    expect(page.get_by_label("Security")).to_have_value("starttls")
    page.get_by_role("button", name="Check connection").click()
    expect(page.get_by_role("heading", name="Connected and logged in")).to_be_visible()


def _saves_another_sender(page: Page) -> None:
    page.get_by_label("From", exact=True).fill("Acme <hello@example.com>")
    review(page)
    expect(page.get_by_role("definition").filter(has_text="hello@example.com")).to_be_visible()
    save(page, revision=2)


def _compares_and_restores(page: Page) -> None:
    go_to(page, "History")
    page.get_by_label("From revision 1").check()
    page.get_by_label("To revision 2").check()
    page.get_by_role("button", name="Compare the two").click()
    expect_page(page, "Revision 1 against 2")
    expect(page.get_by_role("definition").filter(has_text="hello@example.com")).to_be_visible()

    go_to(page, "History")
    page.get_by_role("row", name="Try the sandbox").get_by_role("link").first.click()
    page.get_by_role("link", name="Restore").click()
    page.get_by_role("button", name="Restore").click()
    expect_page(page, re.compile("as revision 3$"))


def _signs_out_and_in(page: Page, console: Console) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect_page(page, "Sign in")
    sign_in(page, console)


def _finds_everything_again(page: Page, console: Console) -> None:
    page.goto(console.url)
    expect(page.get_by_role("main")).to_contain_text("no-reply@example.com")
    expect(page.get_by_role("main")).to_contain_text("as revision 3")
    go_to(page, "History")
    expect(page.get_by_role("row", name="Restored from revision 1")).to_contain_text("Live")
    go_to(page, "Inbox")
    expect(page.get_by_text("000000", exact=True).first).to_be_visible()
