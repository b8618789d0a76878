"""From the form to the provider and back: whoever signs in there has a login that sends, without seeing a token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import Console
from tests.browser.examination import faults
from tests.browser.steps import begin_smtp, expect_page, field, open_page
from tests.canary import CANARY
from tests.peers.authorization import CLIENT_SECRET, MAIL, RESOURCE_ID, RESOURCE_SECRET, ROBOT, AuthorizationServer
from tests.peers.certificates import Certificates
from tests.peers.postfix import PostfixServer, running_postfix
from webapp.domain.roles import TenantInfo


@pytest.fixture
def provider(console: Console) -> Iterator[AuthorizationServer]:
    """Knows the console as an application."""
    with AuthorizationServer() as server:
        server.add_client("console", CLIENT_SECRET, f"{console.url}/oauth/callback")
        yield server


@pytest.fixture
def postfix(certificates: Certificates, provider: AuthorizationServer) -> Iterator[PostfixServer]:
    """A mail server that asks the provider whose token it is."""
    url = provider.introspection_url.replace("://", f"://{RESOURCE_ID}:{quote(RESOURCE_SECRET)}@")
    with running_postfix(certificates, url) as postfix:
        yield postfix


def fill(page: Page, console: Console, dev: TenantInfo, provider: AuthorizationServer, host: str, port: int) -> None:
    begin_smtp(page, console, dev)
    field(page, "Server").fill(host)
    field(page, "Port").fill(str(port))
    field(page, "From").fill(f"Acme <{ROBOT}>")
    page.get_by_label("Login", exact=True).select_option("oauth2")
    field(page, "User name").fill(ROBOT)
    page.get_by_label("Access from").select_option("other")
    field(page, "Token URL").fill(provider.token_url)
    field(page, "Authorisation URL").fill(provider.authorize_url)
    field(page, "Scope").fill(f"{MAIL} openid email")
    field(page, "Client ID").fill("console")
    field(page, "Client secret").fill(CLIENT_SECRET)


@pytest.mark.peers
def test_a_consent_makes_a_login_that_sends(
    ada: Page, console: Console, dev: TenantInfo, provider: AuthorizationServer, postfix: PostfixServer
) -> None:
    fill(ada, console, dev, provider, postfix.host, postfix.submission_port)
    expect(ada.get_by_text(f"{console.url}/oauth/callback")).to_be_visible()

    ada.get_by_role("button", name="Sign in at the provider").click()
    expect_page(ada, "Sign in at 127.0.0.1")
    ada.get_by_role("link", name="Go on to 127.0.0.1").click()

    expect(ada.get_by_text(f"{ROBOT} consented.")).to_be_visible()
    expect(ada).to_have_url(re.compile(rf"/t/{dev.slug}/connector#consent$"))
    assert f"{CANARY}-refresh" not in ada.content()
    field(ada, "Send the test to").fill("bob@example.test")
    ada.get_by_role("button", name="Send test").click()
    expect(ada.get_by_role("heading", name=re.compile("^Accepted by"))).to_be_visible()
    assert faults(ada) == []


def test_a_refused_consent_leads_back_to_the_form_as_it_was(
    ada: Page, console: Console, dev: TenantInfo, provider: AuthorizationServer
) -> None:
    provider.signed_in = ""
    fill(ada, console, dev, provider, "smtp.example.com", 587)
    ada.get_by_role("button", name="Sign in at the provider").click()
    ada.get_by_role("link", name="Go on to 127.0.0.1").click()

    failed = ada.get_by_role("alert").filter(has_text="The consent was refused")
    expect(failed).to_be_visible()
    expect(failed).to_be_focused()
    expect(field(ada, "Server")).to_have_value("smtp.example.com")
    expect(field(ada, "Client ID")).to_have_value("console")


def test_what_is_missing_is_said_before_anybody_leaves(ada: Page, console: Console, dev: TenantInfo) -> None:
    begin_smtp(ada, console, dev)
    ada.get_by_label("Login", exact=True).select_option("oauth2")
    field(ada, "User name").fill(ROBOT)

    ada.get_by_role("button", name="Sign in with Google").click()

    expect(ada.get_by_role("alert")).to_contain_text("Type the client ID first")
    open_page(ada, console, dev, "connector")
    expect(field(ada, "User name")).to_have_value(ROBOT)
