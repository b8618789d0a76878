"""Without a mouse."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.console import Console
from tests.browser.examination import PHONE
from tests.browser.steps import COVERS_FOCUS, begin_smtp, expect_page, field, open_page, tab_to
from webapp.domain.roles import TenantInfo

_SCROLL_UNTIL_THE_BAR_IS_BELOW_THE_FOCUS = """() => {
  const { bottom } = document.activeElement.getBoundingClientRect();
  scrollBy(0, bottom - document.querySelector('.setup-bar').getBoundingClientRect().top);
}"""


def test_ada_goes_from_the_cards_to_a_saved_setup(ada: Page, console: Console, dev: TenantInfo) -> None:
    open_page(ada, console, dev, "connector/choose")
    expect(ada.get_by_label("Search providers")).to_be_focused()
    ada.keyboard.press("ArrowDown")
    expect(ada.get_by_role("button", name=re.compile("^Sandbox"))).to_be_focused()
    ada.keyboard.press("ArrowRight")
    expect(ada.get_by_role("button", name=re.compile("^Built-in service"))).to_be_focused()
    ada.keyboard.press("ArrowDown")
    expect(ada.get_by_role("button", name=re.compile("^Aliyun Direct Mail by SMTP"))).to_be_focused()
    ada.keyboard.press("ArrowUp")
    expect(ada.get_by_role("button", name=re.compile("^Built-in service"))).to_be_focused()
    ada.keyboard.press("ArrowLeft")
    ada.keyboard.press("Enter")
    expect_page(ada, "Set up Sandbox")

    tab_to(ada, ada.get_by_role("button", name="Check connection"))
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("heading", name="Connected and logged in")).to_be_visible()

    expect(ada.get_by_role("button", name="Check connection")).to_be_focused()
    ada.keyboard.press("Tab")
    expect(ada.get_by_role("button", name="Send test")).to_be_focused()
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("heading", name=re.compile("^Accepted by"))).to_be_visible()

    tab_to(ada, ada.get_by_role("button", name="Review and save"))
    ada.keyboard.press("Enter")
    expect_page(ada, "Review")

    tab_to(ada, ada.get_by_role("button", name="Save", exact=True))
    ada.keyboard.press("Enter")
    expect_page(ada, re.compile("as revision 1$"))


def test_enter_in_the_search_takes_the_first_card(ada: Page, console: Console, dev: TenantInfo) -> None:
    open_page(ada, console, dev, "connector/choose")
    ada.keyboard.type("gmail")
    ada.keyboard.press("Enter")

    expect_page(ada, "Set up Gmail")


def test_a_page_can_be_gone_to_without_the_navigation(ada: Page, console: Console, dev: TenantInfo) -> None:
    open_page(ada, console, dev)
    ada.keyboard.press("Tab")
    expect(ada.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(ada.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    ada.keyboard.press("Enter")

    expect(ada.get_by_role("main")).to_be_focused()


def test_words_that_come_beside_a_field_push_the_focus_under_nothing(
    ada: Page, console: Console, dev: TenantInfo
) -> None:
    begin_smtp(ada, console, dev)
    ada.set_viewport_size({"width": 1280, "height": 600})
    held: list[Route] = []
    ada.route("**/connector/draft", lambda route: held.append(route))
    field(ada, "Reply to").fill("nobody")
    ada.keyboard.press("Tab")
    ada.evaluate(_SCROLL_UNTIL_THE_BAR_IS_BELOW_THE_FOCUS)
    assert not ada.evaluate(COVERS_FOCUS)

    while not held:
        ada.wait_for_timeout(10)
    held[0].continue_()

    expect(ada.get_by_text("An address looks like")).to_be_visible()
    assert not ada.evaluate(COVERS_FOCUS)


def test_the_menu_of_a_phone(ada: Page, console: Console, dev: TenantInfo) -> None:
    ada.set_viewport_size(PHONE)
    open_page(ada, console, dev)
    expect(ada.get_by_role("navigation", name="Main")).to_have_count(0)
    tab_to(ada, ada.get_by_role("banner").locator("summary", has_text="Menu"))
    ada.keyboard.press("Enter")
    expect(ada.get_by_role("navigation", name="Main")).to_be_visible()

    ada.keyboard.press("Escape")
    expect(ada.get_by_role("navigation", name="Main")).to_have_count(0)

    ada.keyboard.press("Enter")
    tab_to(ada, ada.get_by_role("link", name="History"))
    ada.keyboard.press("Enter")
    expect_page(ada, "History")
