"""Send test: one real mail with the values on the page, to whom it says."""

from __future__ import annotations

import email
import email.policy
import time
from collections.abc import Callable

import pytest

from tests.peers.ports import free_port
from tests.peers.scripted import Script, ScriptedServer, answer, drop
from tests.web.conftest import ADA, Browser, House
from tests.web.filling import FORM, choose, fill, send, shown
from webapp.services.sandbox import SandboxState

TEST = f"{FORM}/test"

Start = Callable[..., ScriptedServer]


@pytest.fixture
def server(scripted: Start) -> ScriptedServer:
    return scripted(Script(offers_starttls=False))


def filled(browser: Browser, server: ScriptedServer) -> Browser:
    fill(browser, host=server.host, port=str(server.port), security="none")
    return browser


def mail_of(server: ScriptedServer) -> str:
    message = email.message_from_bytes(server.bodies[0], policy=email.policy.default)
    body = message.get_body(("html", "plain"))
    assert body
    return f"{message['subject']}\n{body.get_content()}"


class TestSending:
    def test_it_goes_to_ones_own_address_unless_told_otherwise(self, ada: Browser, server: ScriptedServer) -> None:
        filled(ada, server)

        assert shown(ada)["to"] == ADA
        assert f"to {ADA}" in ada.page

    def test_success_gives_the_servers_words_and_what_to_do_when_it_does_not_arrive(
        self, ada: Browser, server: ScriptedServer
    ) -> None:
        filled(ada, server)

        send(ada, to=TEST, usageType="SignIn")
        ada.get(FORM)

        assert "Accepted by" in ada.page
        assert "queued as 4711" in ada.page
        assert "If it does not arrive" in ada.page
        assert len(server.bodies) == 1

    def test_it_proves_exactly_these_values(self, ada: Browser, server: ScriptedServer) -> None:
        filled(ada, server)
        assert "Not proven" in ada.page

        send(ada, to=TEST)

        assert "Not proven" not in ada.get(FORM).text
        send(ada, fromEmail="Acme <other@example.com>")
        assert "Not proven" in ada.get(FORM).text

    def test_the_recipient_is_remembered(self, ada: Browser, server: ScriptedServer) -> None:
        filled(ada, server)

        send_to(ada, "grace@example.com")
        ada.get(FORM)

        assert shown(ada)["to"] == "grace@example.com"

    def test_the_text_on_the_page_is_sent(self, ada: Browser, server: ScriptedServer) -> None:
        filled(ada, server)
        send(ada, "open:SignIn")
        ada.get(FORM)

        send(ada, to=TEST, usageType="SignIn", templates__SignIn__subject="Fresh words {{code}}")

        assert "Fresh words 000000" in mail_of(server)

    def test_a_refused_mail_says_what_to_do_and_proves_nothing(self, ada: Browser, scripted: Start) -> None:
        filled(ada, scripted(Script(offers_starttls=False, rcpt=answer(550, "5.7.1 Relaying denied"))))

        send(ada, to=TEST)
        ada.get(FORM)

        assert "Relaying denied" in ada.page
        assert "No mail was sent" in ada.page
        assert "Not proven" in ada.page

    def test_an_answer_that_never_came_is_said_to_be_so(self, ada: Browser, scripted: Start) -> None:
        filled(ada, scripted(Script(offers_starttls=False, body=drop)))

        send(ada, to=TEST)

        assert "may have been sent" in ada.get(FORM).text

    def test_a_recipient_that_is_none_is_said_at_the_recipient(self, ada: Browser, server: ScriptedServer) -> None:
        filled(ada, server)

        result = send_to(ada, "nobody")

        assert result == 422
        assert "field-error" in ada.page.partition('id="test-recipient-error"')[2].partition("</div>")[0]
        assert shown(ada)["to"] == "nobody"
        assert server.bodies == []

    def test_too_many_are_refused_in_words(self, open_house: Callable[..., House], server: ScriptedServer) -> None:
        ada = open_house(test_send_limits=("1/10 minutes", "200/day")).signed_in(ADA)
        filled(ada, server)
        send(ada, to=TEST)
        ada.get(FORM)

        result = send(ada, to=TEST)

        assert result.status_code == 429
        assert shown(ada)["host"] == server.host
        assert len(server.bodies) == 1


def send_to(browser: Browser, recipient: str) -> int:
    fields = {name: shown(browser).getlist(name) for name in shown(browser) if name != "csrf_token"}
    return browser.post(TEST, {**fields, "to": recipient}).status_code


@pytest.fixture
def with_sandbox(open_house: Callable[..., House]) -> House:
    house = open_house(sandbox_smtp_port=free_port())
    house.services.start()
    until = time.monotonic() + 20
    while house.services.sandbox.state() is not SandboxState.LISTENING and time.monotonic() < until:
        time.sleep(0.02)
    return house


class TestSandbox:
    def test_the_whole_job_needs_nothing_else(self, with_sandbox: House) -> None:
        ada = with_sandbox.signed_in(ADA)
        choose(ada, "smtp:sandbox")

        send(ada, to=TEST, usageType="SignIn")
        ada.get(FORM)

        assert "Accepted by" in ada.page
        assert "Open the inbox" in ada.page
        mails = with_sandbox.services.inbox.mails(with_sandbox.tenant("dev"))
        assert [mail.code for mail in mails] == ["000000"]
