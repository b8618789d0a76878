"""What people do again and again in the console."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.console import Console
from webapp.domain.roles import TenantInfo
from webapp.services.wiring import Services

_FOCUS_SHOWS = """() => {
  const at = document.activeElement;
  const ways = [at, at.closest('label'), at.nextElementSibling].filter(Boolean).map(each => getComputedStyle(each));
  return ways.some(style => style.outlineStyle !== 'none' || style.boxShadow !== 'none');
}"""
COVERS_FOCUS = """() => {
  const box = document.activeElement.getBoundingClientRect();
  const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  const label = document.activeElement.closest('label');
  const free = !at || document.activeElement.contains(at) || at.contains(document.activeElement) || label?.contains(at);
  return free ? null : at.outerHTML.slice(0, 120);
}"""
STEPS_LIMIT = 150


def go_to(page: Page, name: str) -> None:
    """Follow a link of the navigation."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True).click()


def open_page(page: Page, console: Console, tenant: TenantInfo, path: str = "") -> None:
    """Go to an address in a tenant."""
    page.goto(f"{console.url}/t/{tenant.slug}/{path}")


def choose_sandbox(page: Page, console: Console, tenant: TenantInfo) -> None:
    """Begin a connector whose mail stays in the console."""
    open_page(page, console, tenant, "connector/choose")
    page.get_by_role("button", name=re.compile("^Sandbox")).click()
    expect(page.get_by_role("heading", level=1, name="Set up Sandbox")).to_be_visible()


def begin_smtp(page: Page, console: Console, tenant: TenantInfo) -> None:
    """Begin a connector for any mail server."""
    open_page(page, console, tenant, "connector/choose")
    page.get_by_role("button", name=re.compile("^Something else, by SMTP")).click()
    expect(page.get_by_role("heading", level=1, name="Set up SMTP")).to_be_visible()


def field(page: Page, label: str) -> Locator:
    """A field of the set-up form by exactly its label, whether or not it is marked as optional."""
    return page.get_by_label(re.compile(rf"^\s*{re.escape(label)}(\s+optional)?\s*$"))


def type_and_wait(page: Page, label: str, value: str) -> None:
    """Type, leave the field, and wait until nothing of it is on its way to the server."""
    # A field that is left tells the server at once, the form a moment after the last key.
    with page.expect_response(lambda answer: answer.request.headers.get("hx-trigger") == "setup-form"):
        field(page, label).fill(value)
        field(page, label).blur()


def expect_page(page: Page, title: str | re.Pattern[str]) -> None:
    """Wait until a page has come, by its title."""
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()


def fits(page: Page) -> bool:
    """Whether nothing reaches over the window's edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def host(services: Services, tenant: TenantInfo) -> str:
    """The server that is live in a tenant."""
    document = services.setups.active(services.tenants.by_slug(tenant.slug)).document
    return str(document["connector"]["config"]["host"])


def review(page: Page) -> None:
    """Go on to the differences."""
    page.get_by_role("button", name="Review and save").click()
    expect_page(page, "Review")


def save(page: Page, revision: int) -> None:
    """Save what is under review."""
    page.get_by_role("button", name="Save", exact=True).click()
    expect_page(page, re.compile(rf"^Live since .+ as revision {revision}$"))


def tab_to(page: Page, goal: Locator) -> None:
    """Press Tab until something has the focus; on the way, the focus always shows and nothing covers it."""
    goal.wait_for()
    for _ in range(STEPS_LIMIT):
        page.keyboard.press("Tab")
        where = page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        assert page.evaluate(_FOCUS_SHOWS), f"the focus does not show on {where}"
        covering = page.evaluate(COVERS_FOCUS)
        assert not covering, f"{where} lies under {covering}"
        if goal.evaluate("goal => goal === document.activeElement"):
            return
    raise AssertionError(f"{goal} cannot be reached")
