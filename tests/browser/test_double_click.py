"""A double click does once what a click does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.console import Console
from tests.browser.steps import choose_sandbox, expect_page, field, review
from webapp.domain.roles import TenantInfo
from webapp.services.wiring import Services


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def ada(new_context: Callable[..., BrowserContext], signed_in: Any, request: pytest.FixtureRequest) -> Page:
    """Ada, in a browser with and without scripts."""
    return new_context(storage_state=signed_in, java_script_enabled=request.param).new_page()


def test_on_save_makes_one_revision(ada: Page, console: Console, dev: TenantInfo, services: Services) -> None:
    choose_sandbox(ada, console, dev)
    review(ada)

    ada.get_by_role("button", name="Save", exact=True).dblclick()

    expect_page(ada, re.compile("as revision 1$"))
    assert [info.number for info in services.setups.history(dev)] == [1]


def test_on_send_test_sends_one_mail(ada: Page, console: Console, dev: TenantInfo, services: Services) -> None:
    choose_sandbox(ada, console, dev)

    ada.get_by_role("button", name="Send test").dblclick()

    _wait_until_accepted(ada)
    _expect_quiet(ada)
    assert services.inbox.count(dev) == 1


def test_on_send_test_right_after_typing_sends_one_mail(
    ada: Page, console: Console, dev: TenantInfo, services: Services
) -> None:
    choose_sandbox(ada, console, dev)
    field(ada, "From").fill("Acme <hello@example.com>")

    ada.get_by_role("button", name="Send test").dblclick()

    _wait_until_accepted(ada)
    _expect_quiet(ada)
    assert services.inbox.count(dev) == 1


def test_a_click_before_the_draft_is_kept_sends_one_mail(
    new_context: Callable[..., BrowserContext], signed_in: Any, console: Console, dev: TenantInfo, services: Services
) -> None:
    page = new_context(storage_state=signed_in).new_page()
    choose_sandbox(page, console, dev)
    page.get_by_label("Send the test to").fill("eve@example.com")

    with page.expect_response(re.compile("/connector/draft$")):
        page.get_by_role("button", name="Send test").click()

    _wait_until_accepted(page)
    _expect_quiet(page)
    assert services.inbox.count(dev) == 1


def _wait_until_accepted(page: Page) -> None:
    """Wait for the result; without scripts by asking for it, as the second click shows the page at once."""
    accepted = page.get_by_role("heading", name=re.compile("^Accepted by"))
    how_far = page.get_by_role("link", name="Show how far it is")
    for _ in range(20):
        expect(accepted.or_(how_far)).to_be_visible()
        if accepted.is_visible():
            return
        how_far.click()


def _expect_quiet(page: Page) -> None:
    """Wait until nothing that a second click may have begun is still on its way."""
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("button", name="Send test")).to_be_enabled()
