"""A real mail server at the other end: Postfix with Dovecot's login."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.console import Console
from tests.browser.steps import begin_smtp, field, review, save
from tests.canary import CANARY
from tests.peers.postfix import PASSWORDS, PostfixServer
from webapp.domain.roles import TenantInfo

pytestmark = pytest.mark.peers


def test_a_wrong_password_is_named_and_with_the_right_one_the_mail_stands_in_the_mailbox(
    ada: Page, console: Console, dev: TenantInfo, postfix: PostfixServer
) -> None:
    begin_smtp(ada, console, dev)
    field(ada, "Server").fill(postfix.host)
    field(ada, "Port").fill(str(postfix.submission_port))
    field(ada, "User name").fill("ada@example.test")
    field(ada, "Password").fill(f"{CANARY}-wrong")
    field(ada, "From").fill(f"{dev.name} <ada@example.test>")
    ada.get_by_label("Send the test to").fill("bob@example.test")

    ada.get_by_role("button", name="Check connection").click()
    expect(ada.get_by_role("heading", name="User name or password is wrong")).to_be_visible()
    expect(ada.get_by_text("The server said")).to_be_visible()
    expect(ada.get_by_role("listitem").filter(has_text="Log in failed")).to_be_visible()

    field(ada, "Password").fill(PASSWORDS["ada@example.test"])
    ada.get_by_role("button", name="Send test to bob@example.test").click()
    expect(ada.get_by_role("heading", name=re.compile(r"^Accepted by \S+ in \d+ ms"))).to_be_visible()
    expect(ada.get_by_text("queued as").filter(visible=True)).to_be_visible()
    assert postfix.mail(dev.name, to="bob@example.test")["To"] == "bob@example.test"

    review(ada)
    expect(ada.get_by_text("A test mail was accepted with exactly these values.")).to_be_visible()
    save(ada, revision=1)


def test_tls_on_the_starttls_port_is_mended_with_one_click(
    ada: Page, console: Console, dev: TenantInfo, postfix: PostfixServer
) -> None:
    begin_smtp(ada, console, dev)
    field(ada, "Server").fill(postfix.host)
    field(ada, "Port").fill(str(postfix.submission_port))
    field(ada, "Security").select_option("tls")
    field(ada, "User name").fill("ada@example.test")
    field(ada, "Password").fill(PASSWORDS["ada@example.test"])
    field(ada, "From").fill("Acme <ada@example.test>")
    ada.get_by_role("button", name="Check connection").click()

    ada.get_by_role("button", name="Apply fix").click()
    expect(field(ada, "Security")).to_have_value("starttls")
    expect(ada.get_by_text("Corrected; it was tls.")).to_be_visible()
    ada.get_by_role("button", name="Check connection").click()

    expect(ada.get_by_role("heading", name="Connected and logged in")).to_be_visible()
