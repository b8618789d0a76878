"""Production says that it is production, and wants a proof or a reason."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import Console
from tests.browser.steps import begin_smtp, expect_page, field, go_to, open_page
from tests.canary import CANARY
from webapp.domain.roles import TenantInfo


@pytest.mark.parametrize("path", ["", "connector/choose", "history"])
def test_the_environment_is_said_in_words(ada: Page, console: Console, prod: TenantInfo, path: str) -> None:
    open_page(ada, console, prod, path)

    said = ada.get_by_role("complementary").get_by_text("Production", exact=True)
    expect(said.filter(visible=True)).to_have_count(1)


def test_there_is_no_sandbox_and_no_inbox(ada: Page, console: Console, prod: TenantInfo) -> None:
    open_page(ada, console, prod)
    expect(ada.get_by_role("link", name=re.compile("sandbox", re.IGNORECASE))).to_have_count(0)
    expect(ada.get_by_role("navigation", name="Main").get_by_role("link", name="Inbox")).to_have_count(0)

    ada.get_by_role("link", name="Set up email").click()

    expect(ada.get_by_role("button", name=re.compile("^Gmail"))).to_be_visible()
    expect(ada.get_by_role("button", name=re.compile("^Sandbox"))).to_have_count(0)


def test_unproven_values_go_live_with_a_reason_only(ada: Page, console: Console, prod: TenantInfo) -> None:
    begin_smtp(ada, console, prod)
    field(ada, "Server").fill("smtp.example.org")
    field(ada, "User name").fill("acme")
    field(ada, "Password").fill(f"{CANARY}-production")
    field(ada, "From").fill("Acme <hello@example.org>")
    ada.get_by_role("button", name="Review and save").click()
    expect_page(ada, "Review")
    ada.get_by_label("Note").fill("The new relay")
    ada.get_by_role("button", name="Save to production").click()

    reason = ada.get_by_label("Why these values go live unproven")
    expect(ada.get_by_text("Production wants a proof or a reason.")).to_be_visible()
    expect(reason).to_be_focused()
    expect(ada.get_by_label("Note")).to_have_value("The new relay")

    reason.fill("The provider is down and this is the replacement")
    ada.get_by_role("button", name="Save to production").click()

    expect_page(ada, re.compile("as revision 1$"))
    go_to(ada, "History")
    expect(ada.get_by_text("The provider is down and this is the replacement")).to_be_visible()


def test_restoring_what_was_live_asks_for_no_reason(
    ada: Page, console: Console, prod: TenantInfo, saved: Callable[..., int]
) -> None:
    saved(prod)
    saved(prod, fromEmail="Acme <hello@example.com>")
    open_page(ada, console, prod, "history/1/restore")

    ada.get_by_role("button", name="Restore in production").click()

    expect_page(ada, re.compile("as revision 3$"))
