"""An owner invites somebody, who comes in and is held to the role; a token is made, used and revoked."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, Watch
from tests.browser.console import Console
from webapp.domain.roles import TenantInfo


def test_somebody_invited_comes_in_as_what_they_were_invited_as(
    ada: Page, dev: TenantInfo, console: Console, new_context: Callable[..., BrowserContext]
) -> None:
    ada.goto(f"{console.url}/t/{dev.slug}/settings/members")
    ada.get_by_role("link", name="Invite somebody").click()
    ada.get_by_label("Email address").fill(f"carol-{dev.slug}@example.com")
    ada.get_by_label("Viewer").check()
    ada.get_by_role("button", name="Make the link").click()
    link = ada.locator("#link").inner_text()
    carol = new_context().new_page()
    carol.goto(console.url + link[link.index("/invitation/") :])
    carol.get_by_label("Choose a password").fill(PASSWORD)
    carol.get_by_role("button", name="Create the account and join").click()

    expect(carol.get_by_text(f"Welcome to {dev.name}")).to_be_visible()
    navigation = carol.get_by_role("complementary").get_by_role("navigation")
    expect(navigation.get_by_role("link", name="General")).to_be_visible()
    expect(navigation.get_by_role("link", name="Members and roles")).to_have_count(0)
    assert carol.goto(f"{console.url}/t/{dev.slug}/settings/members").status == 403  # type: ignore[union-attr]
    ada.get_by_role("link", name="Done").click()
    expect(ada.get_by_role("row", name=re.compile("carol"))).to_contain_text("Viewer")


def test_a_token_works_until_it_is_revoked(ada: Page, dev: TenantInfo, console: Console, watch: Watch) -> None:
    ada.goto(f"{console.url}/t/{dev.slug}/settings/tokens")
    ada.get_by_role("link", name="Make a token").click()
    ada.get_by_label("What is it for?").fill("Pipeline")
    ada.get_by_label("Read the setup").check()
    ada.get_by_role("button", name="Make the token").click()
    token = ada.locator("#token").inner_text()
    asked = {"url": f"{console.url}/api/v1/tenants/{dev.slug}/setup", "headers": {"Authorization": f"Bearer {token}"}}
    while_it_lives = ada.request.get(**asked).status  # type: ignore[arg-type]
    ada.get_by_role("link", name="I have stored it").click()
    expect(ada.get_by_role("row", name="Pipeline")).to_contain_text("just now")
    ada.get_by_role("link", name="Revoke Pipeline").click()
    watch.expected.add(401)
    ada.get_by_role("button", name="Revoke the token").click()

    expect(ada.get_by_text("“Pipeline” is revoked")).to_be_visible()
    assert (while_it_lives, ada.request.get(**asked).status) == (200, 401)  # type: ignore[arg-type]
