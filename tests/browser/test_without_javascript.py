"""The same job in a browser without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.console import Console
from tests.browser.steps import begin_smtp, choose_sandbox, expect_page, field, go_to, open_page, review, save
from webapp.domain.roles import TenantInfo


@pytest.fixture
def ada(new_context: Callable[..., BrowserContext], signed_in: Any) -> Page:
    """Ada, whose browser runs no scripts."""
    return new_context(storage_state=signed_in, java_script_enabled=False).new_page()


def test_ada_sets_up_email_without_scripts(ada: Page, console: Console, dev: TenantInfo) -> None:
    choose_sandbox(ada, console, dev)

    ada.get_by_role("button", name="Check connection").click()
    expect(ada.get_by_role("heading", name="Connected and logged in")).to_be_visible()

    ada.get_by_label("Which mail").select_option("SignIn")
    ada.get_by_role("button", name="Send test").click()
    expect(ada.get_by_role("heading", name=re.compile("^Accepted by"))).to_be_visible()

    ada.get_by_role("link", name="Open the inbox").click()
    expect(ada.get_by_text("000000", exact=True).first).to_be_visible()

    go_to(ada, "Connector")
    review(ada)
    save(ada, revision=1)

    open_page(ada, console, dev, "connector")
    field(ada, "From").fill("Acme <hello@example.com>")
    review(ada)
    save(ada, revision=2)

    go_to(ada, "History")
    ada.get_by_role("button", name="Compare the two").click()
    expect(ada.get_by_role("definition").filter(has_text="hello@example.com")).to_be_visible()


def test_the_fields_that_fit_are_shown_on_asking(ada: Page, console: Console, dev: TenantInfo) -> None:
    begin_smtp(ada, console, dev)
    expect(field(ada, "User name")).to_be_visible()

    field(ada, "Login").select_option("none")
    ada.get_by_role("button", name="Show the fields that fit").click()

    expect(field(ada, "Login")).to_have_value("none")
    expect(field(ada, "User name")).to_be_hidden()


def test_the_search_for_a_provider_is_answered_by_the_server(ada: Page, console: Console, dev: TenantInfo) -> None:
    open_page(ada, console, dev, "connector/choose")
    ada.get_by_label("Search providers").fill("gmail")
    ada.get_by_role("button", name="Search").click()

    expect(ada.get_by_role("button", name=re.compile("^Gmail"))).to_be_visible()
    expect(ada.get_by_role("button", name=re.compile("^Sandbox"))).to_have_count(0)


def test_a_mail_is_edited_and_reset(ada: Page, console: Console, dev: TenantInfo) -> None:
    choose_sandbox(ada, console, dev)
    ada.get_by_role("button", name="Edit Sign in").click()
    ada.get_by_label("Subject").fill("Your way in: {{code}}")
    ada.get_by_role("button", name="Close Sign in").click()
    expect(ada.get_by_role("listitem").filter(has_text="Edit Sign in").get_by_text("Edited")).to_be_visible()

    ada.get_by_role("button", name="Edit Sign in").click()
    ada.get_by_role("button", name="Reset to the default").click()

    expect(ada.get_by_label("Subject")).not_to_have_value("Your way in: {{code}}")


def test_a_refused_form_says_what_is_missing(ada: Page, console: Console, dev: TenantInfo) -> None:
    begin_smtp(ada, console, dev)
    field(ada, "Server").fill("smtp.example.org")
    ada.get_by_role("button", name="Review and save").click()

    expect_page(ada, "Set up SMTP")
    expect(ada.get_by_role("alert")).to_contain_text("User name")
    expect(field(ada, "Server")).to_have_value("smtp.example.org")
