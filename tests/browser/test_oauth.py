"""The login with OAuth 2.0 in the form: few fields at once, and those that fit what was chosen."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.console import Console
from tests.browser.steps import choose_sandbox
from webapp.domain.roles import TenantInfo


def named(page: Page, name: str):
    return page.locator(f"[name='auth.{name}']")


def test_the_fields_that_fit_come_with_each_choice(ada: Page, console: Console, dev: TenantInfo) -> None:
    choose_sandbox(ada, console, dev)
    expect(named(ada, "grant")).to_have_count(0)

    named(ada, "type").select_option("oauth2")

    for name in ("grant", "provider", "clientId", "refreshToken"):
        expect(named(ada, name)).to_be_visible()
    for name in ("pass", "tenantId", "accessUrl", "privateKey", "accessToken"):
        expect(named(ada, name)).to_be_hidden()

    named(ada, "grant").select_option("client_credentials")
    named(ada, "provider").select_option("microsoft")
    expect(named(ada, "tenantId")).to_be_visible()
    expect(named(ada, "refreshToken")).to_be_hidden()

    named(ada, "grant").select_option("access_token")
    expect(named(ada, "accessToken")).to_be_visible()
    for name in ("provider", "tenantId", "clientId"):
        expect(named(ada, name)).to_be_hidden()

    named(ada, "type").select_option("login")
    expect(ada.locator(".field", has=named(ada, "pass"))).to_be_visible()
    expect(named(ada, "grant")).to_be_hidden()
    expect(named(ada, "accessToken")).to_be_hidden()


def test_what_was_chosen_and_typed_is_there_after_a_reload(ada: Page, console: Console, dev: TenantInfo) -> None:
    choose_sandbox(ada, console, dev)
    named(ada, "type").select_option("oauth2")
    named(ada, "provider").select_option("other")
    with ada.expect_response(
        lambda answer: answer.url.endswith("/draft") and "login.example.com" in str(answer.request.post_data)
    ):
        named(ada, "accessUrl").fill("https://login.example.com/token")

    ada.reload()

    expect(named(ada, "type")).to_have_value("oauth2")
    expect(named(ada, "provider")).to_have_value("other")
    expect(named(ada, "accessUrl")).to_have_value("https://login.example.com/token")
