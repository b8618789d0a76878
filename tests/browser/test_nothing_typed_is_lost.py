"""Whatever comes between typing and saving, what was typed is there afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import ADA, PASSWORD, Watch
from tests.browser.console import Console
from tests.browser.steps import (
    begin_smtp,
    choose_sandbox,
    expect_page,
    field,
    go_to,
    open_page,
    review,
    save,
    type_and_wait,
)
from tests.canary import CANARY
from webapp.domain.roles import Role, TenantInfo


def test_a_reload_keeps_what_was_typed(ada: Page, console: Console, dev: TenantInfo) -> None:
    begin_smtp(ada, console, dev)
    _type_everything(ada)
    expect(ada.get_by_text("Draft kept")).to_be_visible()
    expect(ada.get_by_text("New, not saved yet")).to_be_visible()

    ada.reload()

    _expect_everything(ada)
    expect(ada.get_by_text("New, not saved yet")).to_be_visible()


def test_a_reload_keeps_even_what_was_typed_in_the_last_moment(ada: Page, console: Console, dev: TenantInfo) -> None:
    begin_smtp(ada, console, dev)
    field(ada, "Server").press_sequentially("smtp.example.org")

    ada.reload()

    expect(field(ada, "Server")).to_have_value("smtp.example.org")


def test_a_page_drawn_before_the_last_change_was_kept_shows_that_change(
    ada: Page, console: Console, dev: TenantInfo
) -> None:
    begin_smtp(ada, console, dev)
    held: list[Route] = []
    ada.route(
        re.compile("/connector(/draft)?$"), lambda route: held.append(route) if len(held) < 2 else route.continue_()
    )
    field(ada, "Server").fill("smtp.example.org")
    field(ada, "Server").blur()
    _wait_for(ada, held, 1)
    ada.evaluate("setTimeout(() => location.reload())")
    _wait_for(ada, held, 2)
    change, page = held

    drawn_before = page.fetch()
    with ada.expect_event("requestfinished"):
        change.fulfill(response=change.fetch())
    with ada.expect_navigation():
        page.fulfill(response=drawn_before)

    expect(field(ada, "Server")).to_have_value("smtp.example.org")


def test_leaving_the_form_and_coming_back_keeps_what_was_typed(ada: Page, console: Console, dev: TenantInfo) -> None:
    begin_smtp(ada, console, dev)
    _type_everything(ada)

    go_to(ada, "Overview")
    go_to(ada, "Connector")

    _expect_everything(ada)


def test_back_from_the_review_shows_what_was_typed(ada: Page, console: Console, dev: TenantInfo) -> None:
    begin_smtp(ada, console, dev)
    _type_everything(ada)
    review(ada)

    ada.go_back()

    _expect_everything(ada)


def test_an_edited_mail_is_kept(ada: Page, console: Console, dev: TenantInfo) -> None:
    choose_sandbox(ada, console, dev)
    ada.get_by_role("button", name="Edit Sign in").click()
    ada.get_by_label("Subject").fill("Your way in: {{code}}")
    expect(ada.get_by_text("Draft kept")).to_be_visible()

    ada.reload()

    expect(ada.get_by_label("Subject")).to_have_value("Your way in: {{code}}")


def test_a_refused_review_keeps_what_was_typed_and_says_what_is_missing(
    ada: Page, console: Console, dev: TenantInfo
) -> None:
    begin_smtp(ada, console, dev)
    _type_everything(ada)
    field(ada, "Port").fill("fivehundred")
    ada.get_by_role("button", name="Review and save").click()

    expect(ada.get_by_role("alert")).to_contain_text("One field needs attention")
    expect(field(ada, "Port")).to_have_value("fivehundred")
    expect(field(ada, "Port")).to_have_attribute("aria-invalid", "true")
    ada.get_by_role("alert").get_by_role("link", name="Port").click()
    expect(field(ada, "Port")).to_be_focused()
    expect(field(ada, "Server")).to_have_value("smtp.example.org")


class TestSessionOver:
    """Ada's session ends while she types."""

    def test_a_form_that_is_sent_goes_on_after_signing_in(
        self, ada: Page, console: Console, dev: TenantInfo, watch: Watch
    ) -> None:
        begin_smtp(ada, console, dev)
        _type_everything(ada)
        type_and_wait(ada, "Reply to", "help@example.org")
        ada.context.clear_cookies()
        watch.expected = {419}
        ada.get_by_role("button", name="Review and save").click()

        _sign_in_again(ada)

        expect_page(ada, "Review")
        expect(ada.get_by_role("definition").filter(has_text="help@example.org")).to_be_visible()

    def test_a_page_that_kept_a_draft_by_itself_goes_on_after_signing_in(
        self, ada: Page, console: Console, dev: TenantInfo, watch: Watch
    ) -> None:
        begin_smtp(ada, console, dev)
        _type_everything(ada)
        type_and_wait(ada, "Reply to", "help@example.net")
        ada.context.clear_cookies()
        watch.expected = {419}
        field(ada, "Reply to").fill("help@example.org")

        _sign_in_again(ada)

        expect_page(ada, "Set up SMTP")
        _expect_everything(ada)
        expect(field(ada, "Reply to")).to_have_value("help@example.org")

    def test_a_check_goes_on_after_signing_in(self, ada: Page, console: Console, dev: TenantInfo, watch: Watch) -> None:
        choose_sandbox(ada, console, dev)
        ada.context.clear_cookies()
        watch.expected = {419}
        ada.get_by_role("button", name="Check connection").click()

        _sign_in_again(ada)

        expect_page(ada, "Set up Sandbox")
        expect(ada.get_by_role("heading", name="Connected and logged in")).to_be_visible()

    def test_a_save_goes_on_after_signing_in(self, ada: Page, console: Console, dev: TenantInfo, watch: Watch) -> None:
        choose_sandbox(ada, console, dev)
        review(ada)
        ada.get_by_label("Note").fill("Written before the session was over")
        ada.context.clear_cookies()
        watch.expected = {419}
        ada.get_by_role("button", name="Save", exact=True).click()

        _sign_in_again(ada)

        expect_page(ada, re.compile("as revision 1$"))
        go_to(ada, "History")
        expect(ada.get_by_text("Written before the session was over")).to_be_visible()


def test_of_two_who_save_the_second_sees_both_changes_and_goes_on_with_hers(
    ada: Page, bob_as: Callable[[Role], Page], console: Console, dev: TenantInfo, saved: Callable[..., int]
) -> None:
    bob = bob_as(Role.EDITOR)
    saved(dev)
    for page, host in ((ada, "smtp.ada.example"), (bob, "smtp.bob.example")):
        open_page(page, console, dev, "connector")
        field(page, "Server").fill(host)
        page.get_by_text("Replace").click()
        field(page, "Password").fill(f"{CANARY}-{host}")
    field(ada, "Reply to").fill("ada@example.org")
    review(ada)
    review(bob)
    save(bob, revision=2)

    ada.get_by_label("Note").fill("Mine")
    ada.get_by_role("button", name="Save", exact=True).click()

    expect_page(ada, "Somebody else saved meanwhile")
    expect(ada.get_by_text("bob@example.com saved revision 2")).to_be_visible()
    theirs = ada.get_by_role("region", name="What they changed")
    yours = ada.get_by_role("region", name="What you change")
    expect(theirs.get_by_role("definition").filter(has_text="smtp.bob.example")).to_be_visible()
    expect(yours.get_by_role("definition").filter(has_text="smtp.ada.example")).to_be_visible()

    ada.get_by_role("button", name="Take theirs as the new base and keep my values").click()

    expect_page(ada, "Review")
    expect(ada.get_by_role("definition").filter(has_text="smtp.ada.example")).to_contain_text("smtp.bob.example")
    expect(ada.get_by_label("Note")).to_have_value("Mine")
    save(ada, revision=3)
    open_page(ada, console, dev, "connector")
    expect(field(ada, "Reply to")).to_have_value("ada@example.org")


def test_a_save_that_never_arrives_can_be_repeated(ada: Page, console: Console, dev: TenantInfo) -> None:
    choose_sandbox(ada, console, dev)
    field(ada, "Reply to").fill("help@example.org")
    review(ada)
    ada.context.set_offline(True)
    ada.get_by_role("button", name="Save", exact=True).click()
    ada.wait_for_url("chrome-error://**")
    ada.context.set_offline(False)

    open_page(ada, console, dev, "connector")
    expect(field(ada, "Reply to")).to_have_value("help@example.org")
    review(ada)
    save(ada, revision=1)


def _wait_for(page: Page, held: list[Route], count: int) -> None:
    while len(held) < count:
        page.wait_for_timeout(10)


def _type_everything(page: Page) -> None:
    field(page, "Server").fill("smtp.example.org")
    field(page, "Port").fill("2525")
    field(page, "User name").fill("acme")
    field(page, "Password").fill(f"{CANARY}-typed")
    field(page, "From").fill("Acme <hello@example.org>")


def _expect_everything(page: Page) -> None:
    expect(field(page, "Server")).to_have_value("smtp.example.org")
    expect(field(page, "Port")).to_have_value("2525")
    expect(field(page, "User name")).to_have_value("acme")
    expect(field(page, "From")).to_have_value("Acme <hello@example.org>")


def _sign_in_again(page: Page) -> None:
    expect_page(page, "Your session is over")
    page.get_by_label("Email address").fill(ADA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in and continue").click()
    expect_page(page, "You are signed in")
    page.get_by_role("button", name="Continue").click()
