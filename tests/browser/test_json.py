"""Edit as JSON in a real browser: form and text agree after each edit, and nothing typed is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import ADA, PASSWORD, Watch
from tests.browser.console import Console
from tests.browser.examination import HTML_LIMIT, faults
from tests.browser.steps import begin_smtp, choose_sandbox, expect_page, field, open_page, review, save
from tests.canary import CANARY
from webapp.domain.roles import Role, TenantInfo


def to_json(page: Page) -> None:
    page.get_by_role("button", name="Edit as JSON").click()
    wait_for_editor(page)


def wait_for_editor(page: Page) -> None:
    """Wait until it stands in the place of the text area."""
    expect(page.locator(".json-editor")).to_be_visible()


def to_form(page: Page) -> None:
    page.get_by_role("button", name="Form", exact=True).click()
    expect(field(page, "Server")).to_be_visible()


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Settings as JSON")


def text(page: Page) -> str:
    """What is sent: the text area under the editor."""
    value: str = page.locator("#set-json").input_value()
    return value


def values(page: Page) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text(page))
    return read


def write(page: Page, typed: str) -> None:
    """Put a text in the place of what is there, and wait until it is kept."""
    with page.expect_response(re.compile("/connector/json$")):
        type_over(page, typed)


def type_over(page: Page, typed: str) -> None:
    """Select what is there and put a text in its place, as by pasting."""
    wait_for_editor(page)
    editor(page).focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(typed)


def change(page: Page, **settings: Any) -> None:
    write(page, json.dumps(values(page) | settings, indent=2))


class TestAgreement:
    def test_form_and_text_agree_after_each_edit(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        begin_smtp(ada, console, dev)
        field(ada, "Server").fill("smtp.one.example")
        to_json(ada)
        assert values(ada)["host"] == "smtp.one.example"

        change(ada, port=2525, fromEmail="Acme <hello@example.org>")
        to_form(ada)
        expect(field(ada, "Port")).to_have_value("2525")
        expect(field(ada, "From")).to_have_value("Acme <hello@example.org>")

        field(ada, "User name").fill("acme")
        field(ada, "Password").fill(f"{CANARY}-form")
        to_json(ada)
        assert values(ada)["auth"] == {"type": "login", "user": "acme", "pass": {"$secret": {"draft": True}}}

        change(ada, auth={"type": "none"})
        to_form(ada)
        expect(ada.get_by_label("Login", exact=True)).to_have_value("none")
        expect(field(ada, "User name")).to_be_hidden()

        to_json(ada)
        change(ada, auth={"type": "login", "user": "bob", "pass": f"{CANARY}-text"})
        to_form(ada)
        expect(field(ada, "User name")).to_have_value("bob")
        expect(ada.get_by_text("New, not saved yet")).to_be_visible()

    def test_back_and_reload_show_the_same(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        begin_smtp(ada, console, dev)
        to_json(ada)
        change(ada, host="smtp.text.example")

        ada.reload()
        assert values(ada)["host"] == "smtp.text.example"
        ada.go_back()
        expect(field(ada, "Server")).to_have_value("smtp.text.example")
        ada.go_forward()

        expect(editor(ada)).to_be_visible()
        assert values(ada)["host"] == "smtp.text.example"

    def test_what_was_typed_in_the_last_moment_survives_a_reload(
        self, ada: Page, console: Console, dev: TenantInfo
    ) -> None:
        begin_smtp(ada, console, dev)
        to_json(ada)
        typed = json.dumps({"host": "smtp.last.example", "auth": {"pass": f"{CANARY}-last"}}, indent=2)
        ada.route(
            "**/connector/json", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
        )
        type_over(ada, typed)

        ada.reload()

        expect(editor(ada)).to_contain_text("smtp.last.example")
        assert CANARY not in ada.evaluate("JSON.stringify(sessionStorage)")

    def test_a_form_in_another_tab_and_the_text_are_laid_together(
        self, ada: Page, console: Console, dev: TenantInfo
    ) -> None:
        begin_smtp(ada, console, dev)
        open_page(ada, console, dev, "connector/json")
        other = ada.context.new_page()
        open_page(other, console, dev, "connector")
        with other.expect_response(re.compile("/connector/draft$")):
            field(other, "Server").fill("smtp.other.example")

        change(ada, port=2525)

        expect(editor(ada)).to_contain_text("smtp.other.example")
        assert values(ada)["port"] == 2525

    def test_of_two_who_save_the_second_loses_nothing(
        self, ada: Page, bob_as: Callable[[Role], Page], console: Console, dev: TenantInfo, saved: Callable[..., int]
    ) -> None:
        bob = bob_as(Role.EDITOR)
        saved(dev)
        open_page(ada, console, dev, "connector/json")
        open_page(bob, console, dev, "connector")
        change(ada, replyTo="ada@example.org")
        review(ada)
        field(bob, "Reply to").fill("bob@example.org")
        review(bob)
        save(bob, revision=2)

        ada.get_by_role("button", name="Save", exact=True).click()
        expect_page(ada, "Somebody else saved meanwhile")
        ada.get_by_role("button", name="Take theirs as the new base and keep my values").click()
        save(ada, revision=3)

        open_page(ada, console, dev, "connector/json")
        assert values(ada)["replyTo"] == "ada@example.org"


class TestErrors:
    def test_a_text_with_an_error_stays_and_the_form_keeps_its_values(
        self, ada: Page, console: Console, dev: TenantInfo
    ) -> None:
        begin_smtp(ada, console, dev)
        field(ada, "Server").fill("smtp.good.example")
        to_json(ada)

        write(ada, '{\n  "hots": "smtp.bad.example"\n}')
        says = ada.get_by_role("listitem").filter(has_text="/hots")
        expect(says).to_contain_text("Line 2")
        expect(says).to_contain_text("Did you mean “host”?")
        expect(ada.locator(".cm-lintRange-error")).to_have_text('"hots": "smtp.bad.example"')
        to_form(ada)
        expect(field(ada, "Server")).to_have_value("smtp.good.example")
        expect(ada.get_by_text("is not taken over yet")).to_be_visible()
        to_json(ada)

        assert text(ada) == '{\n  "hots": "smtp.bad.example"\n}'
        ada.get_by_role("link", name="Line 2").click()
        expect(editor(ada)).to_be_focused()
        write(ada, text(ada).replace("hots", "host"))
        expect(ada.get_by_text("The form has the same values")).to_be_visible()

    def test_nothing_is_sent_over_it(self, ada: Page, console: Console, dev: TenantInfo, watch: Watch) -> None:
        watch.expected = {422}
        choose_sandbox(ada, console, dev)
        to_json(ada)
        type_over(ada, "{ oops }")

        ada.get_by_role("button", name="Check connection").click()

        expect(ada.get_by_role("heading", name="Nothing was started")).to_be_visible()
        expect(ada.get_by_role("alert")).to_contain_text("Line 1")


class TestDoing:
    def test_check_test_review_and_save_from_the_text(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        choose_sandbox(ada, console, dev)
        to_json(ada)
        change(ada, replyTo="help@example.org")

        ada.get_by_role("button", name="Check connection").click()
        expect(ada.get_by_role("heading", name="Connected and logged in")).to_be_visible()
        ada.get_by_role("button", name="Send test").click()
        expect(ada.get_by_role("heading", name=re.compile("^Accepted by"))).to_be_visible()
        review(ada)
        expect(ada.get_by_role("definition").filter(has_text="help@example.org")).to_be_visible()
        save(ada, revision=1)

        open_page(ada, console, dev, "connector/json")
        assert values(ada)["auth"]["pass"] == {"$secret": {"set": True}}
        assert values(ada)["replyTo"] == "help@example.org"

    def test_a_session_that_ends_while_typing_loses_nothing(
        self, ada: Page, console: Console, dev: TenantInfo, watch: Watch
    ) -> None:
        begin_smtp(ada, console, dev)
        to_json(ada)
        ada.context.clear_cookies()
        watch.expected = {419}
        type_over(ada, '{"host": "smtp.after.example"}')
        expect_page(ada, "Your session is over")
        ada.get_by_label("Email address").fill(ADA)
        ada.get_by_label("Password", exact=True).fill(PASSWORD)
        ada.get_by_role("button", name="Sign in and continue").click()
        ada.get_by_role("button", name="Continue").click()

        expect(editor(ada)).to_contain_text("smtp.after.example")


class TestEditor:
    def test_suggests_settings_and_values_and_lets_tab_go_on(
        self, ada: Page, console: Console, dev: TenantInfo
    ) -> None:
        begin_smtp(ada, console, dev)
        to_json(ada)
        write(ada, "{}")
        editor(ada).press("Control+Home")
        editor(ada).press("ArrowRight")

        ada.keyboard.type('"secu', delay=30)
        suggestion = ada.get_by_role("option", name=re.compile("^security"))
        expect(suggestion).to_be_visible()
        suggestion.click()
        ada.keyboard.press("Control+Space")
        ada.get_by_role("option", name=re.compile("^tls")).click()

        expect(editor(ada)).to_contain_text('{"security": "tls"}')
        editor(ada).press("Tab")
        expect(editor(ada)).not_to_be_focused()

    def test_explains_a_setting_under_the_pointer(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        begin_smtp(ada, console, dev)
        to_json(ada)

        wait_for_editor(ada)
        ada.get_by_text('"fromEmail"', exact=True).hover()

        expect(ada.locator(".cm-explains")).to_contain_text("The address that recipients see")

    def test_a_typed_secret_shows_as_dots_and_becomes_a_mark(
        self, ada: Page, console: Console, dev: TenantInfo
    ) -> None:
        begin_smtp(ada, console, dev)
        to_json(ada)
        change(ada, auth={"type": "login", "user": "acme", "pass": f"{CANARY}-typed"})
        dots = ada.locator(".cm-secret")
        expect(dots).to_have_css("-webkit-text-security", "disc")

        ada.get_by_role("heading", name="Settings as JSON").click()

        expect(dots).to_have_count(0)
        assert values(ada)["auth"]["pass"] == {"$secret": {"draft": True}}

    def test_without_scripts_it_is_a_text_area(
        self, new_context: Callable[..., BrowserContext], signed_in: Any, ada: Page, console: Console, dev: TenantInfo
    ) -> None:
        begin_smtp(ada, console, dev)
        page = new_context(storage_state=signed_in, java_script_enabled=False).new_page()
        open_page(page, console, dev, "connector")
        page.get_by_role("button", name="Edit as JSON").click()
        page.get_by_role("textbox", name="Settings as JSON").fill('{\n  "prot": 25\n}')
        page.get_by_role("button", name="Keep and examine").click()
        expect(page.get_by_role("listitem").filter(has_text="/prot")).to_contain_text("Did you mean “port”?")

        page.get_by_role("textbox", name="Settings as JSON").fill('{\n  "port": 25\n}')
        page.get_by_role("button", name="Form", exact=True).click()

        expect(field(page, "Port")).to_have_value("25")

    def test_can_be_used_by_everybody(self, ada: Page, console: Console, dev: TenantInfo) -> None:
        begin_smtp(ada, console, dev)
        to_json(ada)

        assert faults(ada) == []
        write(ada, '{\n  "hots": 1\n}')
        assert faults(ada) == []
        assert len(ada.request.get(f"{console.url}/t/{dev.slug}/connector/json").body()) < HTML_LIMIT
