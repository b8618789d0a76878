"""An invitation by mail: offered where the operator's relay is set, and told honestly."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.canary import CANARY
from tests.peers.ports import free_port
from tests.peers.postfix import PostfixServer
from tests.web.conftest import ADA, Browser, House
from webapp.services.console_mail import LIMITS

MEMBERS = "/t/dev/settings/members"
SENDER = "Postroom <postroom@example.test>"
HERS = f"{CANARY} of the newcomer"

OpenHouse = Callable[..., House]


@pytest.fixture
def mailing(open_house: OpenHouse, postfix: PostfixServer) -> House:
    """A console whose operator named a relay that works."""
    return open_house(builtin_smtp_url=f"smtp://127.0.0.1:{postfix.relay_port}", builtin_from=SENDER)


@pytest.fixture
def unlucky(open_house: OpenHouse) -> House:
    """A console whose relay is not there."""
    return open_house(builtin_smtp_url=f"smtp://127.0.0.1:{free_port()}", builtin_from=SENDER)


def invite(browser: Browser, email: str, **fields: str) -> str:
    """Invite somebody and look at the page of the link."""
    browser.get(f"{MEMBERS}/invite")
    answer = browser.post(f"{MEMBERS}/invite", {"email": email, "role": "editor", **fields})
    assert answer.headers["Location"] == f"{MEMBERS}/invited", answer.text
    return browser.get(f"{MEMBERS}/invited").text


def link_on(page: str) -> str:
    found = re.search(r'<code id="link">([^<]+)</code>', page)
    assert found
    return found[1]


def test_somebody_comes_in_by_the_link_in_their_mail(mailing: House, postfix: PostfixServer) -> None:
    ada = mailing.signed_in(ADA)

    page = invite(ada, "bob@example.test", by="mail")

    assert "Mailed to bob@example.test" in page
    received = postfix.mail(urlsplit(link_on(page)).path.rpartition("/")[2], to="bob@example.test")
    assert received["Subject"] == "ada@example.com invites you to Development"
    body = received.get_body(["plain"])
    assert body
    found = re.search(r"/invitation/\S+", body.get_content())
    assert found
    bob = mailing.browser()
    bob.get(found[0])
    assert bob.post(found[0], {"password": HERS}).headers["Location"] == "/t/dev/"


def test_the_link_can_be_mailed_from_its_page_later(mailing: House, postfix: PostfixServer) -> None:
    ada = mailing.signed_in(ADA)
    offered = invite(ada, "ada@example.test")

    answer = ada.post(f"{MEMBERS}/invited")

    assert "Send by mail" in offered
    assert answer.headers["Location"] == f"{MEMBERS}/invited"
    assert "Mailed to ada@example.test" in ada.get(f"{MEMBERS}/invited").text
    postfix.mail(urlsplit(link_on(offered)).path)


def test_what_was_not_taken_is_said_and_the_link_stays_to_copy(unlucky: House) -> None:
    ada = unlucky.signed_in(ADA)

    page = invite(ada, "bob@example.test", by="mail")

    assert "It was not mailed" in page
    assert "accepts no connection" in page
    assert "/invitation/" in link_on(page)
    assert link_on(page) == link_on(ada.get(f"{MEMBERS}/invited").text)


def test_a_mail_that_failed_is_in_the_audit_log_in_words(unlucky: House) -> None:
    ada = unlucky.signed_in(ADA)
    invite(ada, "bob@example.test", by="mail")

    assert "mailed an invitation to b•••@•••.test, which did not go out" in ada.get("/t/dev/settings/audit").text


def test_too_many_are_held_back_in_words(unlucky: House) -> None:
    ada = unlucky.signed_in(ADA)
    invite(ada, "bob@example.test")
    for _ in range(LIMITS["recipient"].amount + 1):
        ada.post(f"{MEMBERS}/invited")

    assert "Too many mails in a short time" in ada.get(f"{MEMBERS}/invited").text


def test_without_a_relay_there_is_only_the_link(house: House, ada: Browser) -> None:
    ada.get(f"{MEMBERS}/invite")
    form = ada.page
    page = invite(ada, "bob@example.test", by="mail")

    assert "by mail" not in form
    assert "Send by mail" not in page
    assert ada.post(f"{MEMBERS}/invited").headers["Location"] == MEMBERS
