"""People come in by a mail and by another system, are held to their role, and are switched off again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import ADA, PASSWORD, Watch, sign_in
from tests.browser.console import Console
from tests.browser.examination import faults
from tests.canary import CANARY
from tests.peers.authorization import AuthorizationServer
from tests.peers.postfix import PostfixServer

CAROL, DAVE = "carol@example.com", "dave@example.com"
SECRET = f"{CANARY}-of-the-console"

Opened = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def provider() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as server:
        server.add_client("console", SECRET)
        yield server


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, provider: AuthorizationServer, postfix: PostfixServer
) -> Iterator[Console]:
    """A console whose operator named a relay and a provider."""
    folder: Path = tmp_path_factory.mktemp("house")
    console = Console(
        folder / "instance",
        POSTROOM_BUILTIN_SMTP_URL=f"smtp://127.0.0.1:{postfix.relay_port}",
        POSTROOM_BUILTIN_FROM="Postroom <postroom@example.test>",
        POSTROOM_OIDC_ISSUER=provider.issuer,
        POSTROOM_OIDC_CLIENT_ID="console",
        POSTROOM_OIDC_CLIENT_SECRET=SECRET,
        POSTROOM_OIDC_NAME="Acme ID",
        POSTROOM_OIDC_SCOPES="openid email groups",
        POSTROOM_OIDC_ROLES="mail-team=dev:editor,readers=prod:viewer,mail-admins=administrator",
    )
    console.cli("init", "--email", ADA, "--password-stdin", "--non-interactive", stdin=PASSWORD)
    console.start()
    yield console
    console.stop()


@pytest.fixture
def ada(new_context: Opened, house: Console) -> Page:
    page = new_context().new_page()
    sign_in(page, house)
    return page


def come_by_provider(page: Page, house: Console, provider: AuthorizationServer, email: str, *groups: str) -> None:
    """Sign in by the provider as somebody in these groups."""
    provider.add_person(email, groups=groups)
    provider.signed_in = email
    page.goto(f"{house.url}/sign-in")
    assert faults(page) == []
    page.get_by_role("link", name="Sign in with Acme ID").click()


def navigation(page: Page) -> set[str]:
    links = page.get_by_role("navigation", name="Main").locator("visible=true").get_by_role("link")
    return {name.strip() for name in links.all_inner_texts()}


def test_somebody_invited_by_mail_comes_in_and_is_held_to_the_role(
    ada: Page, house: Console, postfix: PostfixServer, new_context: Opened
) -> None:
    ada.goto(f"{house.url}/t/dev/settings/members")
    ada.get_by_role("link", name="Invite somebody").click()
    ada.get_by_label("Email address").fill("bob@example.test")
    ada.get_by_label("Viewer").check()
    ada.get_by_role("button", name="Invite by mail").click()
    expect(ada.get_by_text("Mailed to bob@example.test")).to_be_visible()
    assert faults(ada) == []
    token = ada.locator("#link").inner_text().rpartition("/")[2]
    letter = postfix.mail(token, to="bob@example.test").get_body(["plain"])
    assert letter
    found = re.search(r"https?://\S+/invitation/\S+", letter.get_content())
    assert found

    bob = new_context().new_page()
    bob.goto(found[0])
    bob.get_by_label("Choose a password").fill(PASSWORD)
    bob.get_by_role("button", name="Create the account and join").click()

    expect(bob.get_by_text("Welcome to Development")).to_be_visible()
    assert not navigation(bob) & {"Members and roles", "API tokens", "People"}
    for path in ("/t/dev/settings/members", "/t/dev/connector/choose", "/people"):
        assert bob.goto(house.url + path).status == 403  # type: ignore[union-attr]
    assert bob.goto(f"{house.url}/t/prod/").status == 404  # type: ignore[union-attr]


def test_groups_of_the_provider_say_who_may_do_what(
    house: Console, provider: AuthorizationServer, new_context: Opened
) -> None:
    carol = new_context().new_page()
    come_by_provider(carol, house, provider, CAROL, "mail-team")
    expect(carol).to_have_url(f"{house.url}/t/dev/")
    assert carol.goto(f"{house.url}/t/dev/connector/choose").status == 200  # type: ignore[union-attr]
    assert carol.goto(f"{house.url}/t/prod/").status == 404  # type: ignore[union-attr]

    carol.goto(f"{house.url}/account")
    carol.get_by_role("button", name="Sign out", exact=True).click()
    come_by_provider(carol, house, provider, CAROL, "readers")

    expect(carol).to_have_url(f"{house.url}/t/prod/")
    assert carol.goto(f"{house.url}/t/dev/").status == 404  # type: ignore[union-attr]


def test_somebody_in_no_group_is_told_so_and_can_go_back(
    house: Console, provider: AuthorizationServer, new_context: Opened
) -> None:
    dave = new_context().new_page()
    come_by_provider(dave, house, provider, DAVE, "sales")

    expect(dave.get_by_role("heading", name="There is nothing for you here yet")).to_be_visible()
    assert faults(dave) == []
    dave.get_by_role("link", name="Sign in another way").click()
    expect(dave.get_by_label("Email address")).to_be_visible()


def test_an_administrator_switches_somebody_off(
    ada: Page, house: Console, provider: AuthorizationServer, new_context: Opened
) -> None:
    erin = new_context().new_page()
    come_by_provider(erin, house, provider, "erin@example.com", "mail-team")
    expect(erin).to_have_url(f"{house.url}/t/dev/")
    ada.get_by_role("navigation", name="Main").get_by_role("link", name="People").click()
    row = ada.get_by_role("row", name=re.compile("erin"))
    expect(row).to_contain_text("Acme ID")
    row.get_by_role("link", name="Change erin@example.com").click()

    ada.get_by_role("button", name="Switch off erin@example.com").click()

    expect(ada.get_by_text("is switched off and signed out everywhere")).to_be_visible()
    erin.reload()
    expect(erin.get_by_role("heading", name="Sign in")).to_be_visible()
    come_by_provider(erin, house, provider, "erin@example.com", "mail-team")
    expect(erin.get_by_role("heading", name="This account is switched off")).to_be_visible()


def test_a_provider_that_is_down_leaves_the_password(
    house: Console, provider: AuthorizationServer, new_context: Opened, watch: Watch
) -> None:
    page = new_context().new_page()
    provider.described["issuer"] = "https://another.example"
    watch.expected.add(502)
    fresh = Console(
        house.data_dir.parent / "second",
        **{name: value for name, value in house.environment.items() if name.startswith("POSTROOM_OIDC_")},
    )
    fresh.cli("init", "--email", ADA, "--password-stdin", "--non-interactive", stdin=PASSWORD)
    fresh.start()
    try:
        page.goto(f"{fresh.url}/sign-in")
        page.get_by_role("link", name="Sign in with Acme ID").click()
        expect(page.get_by_role("heading", name="The sign-in provider has another name")).to_be_visible()
        sign_in(page, fresh)
        expect(page).to_have_url(re.compile("/t/dev/"))
    finally:
        fresh.stop()
        provider.described.clear()
