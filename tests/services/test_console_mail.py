"""The console's own letters, over the operator's relay: real servers on the other end, and honest words about them."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canary import CANARY
from tests.peers.aiosmtpd_server import PASSWORD, USER, ReceivingServer
from tests.peers.certificates import Certificates
from tests.peers.ports import free_port
from tests.peers.postfix import PASSWORDS, PostfixServer
from tests.services.conftest import ADA
from webapp.connectors import CONNECTORS
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import LimitedError
from webapp.domain.message import Outcome
from webapp.services.audit import Audit
from webapp.services.console_mail import LIMITS, ConsoleMail, Letter, letters
from webapp.services.limits import Limits
from webapp.services.loop import BackgroundLoop
from webapp.settings import Settings

LINK = f"https://mail.example.com/invitation/{CANARY}-token"
WORDS = {
    "link": LINK,
    "by": "ada@example.com",
    "tenant": "Acme & Søns <test>",
    "role": "Editor",
    "house": " · Acme",
    "until": "28 November 2026, 14:00 UTC",
}

Opened = Callable[..., ConsoleMail]


@pytest.fixture(autouse=True)
def trusted(certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' authority, as an operator makes an own one known."""
    (tmp_path / "ca.pem").write_text(certificates.ca_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.fixture
def opened(db: Database, vault: Vault) -> Iterator[Opened]:
    loop = BackgroundLoop()

    def open_over(url: str | None, sender: str = "Postroom <postroom@example.test>") -> ConsoleMail:
        given: dict[str, Any] = {"builtin_smtp_url": url, "builtin_from": sender}
        return ConsoleMail(Settings(**given), CONNECTORS, loop, Limits(db, vault), Audit(), db)

    yield open_over
    loop.stop()


class TestOverARelay:
    def test_a_real_mail_server_delivers_it_after_starttls_and_a_login(
        self, opened: Opened, postfix: PostfixServer
    ) -> None:
        user, password = next(iter(PASSWORDS.items()))
        mail = opened(f"smtp://{user.replace('@', '%40')}:{password}@localhost:{postfix.submission_port}?starttls")

        posted = mail.send(Letter.INVITATION, "ada@example.test", WORDS, ADA)

        assert posted.accepted, posted.problem
        assert "queued" in posted.answer
        received = postfix.mail(f"{CANARY}-token")
        assert received["From"] == "Postroom <postroom@example.test>"
        assert received["Subject"] == "ada@example.com invites you to Acme & Søns <test>"
        assert {part.get_content_type() for part in received.iter_parts()} == {"text/plain", "text/html"}

    def test_it_needs_no_login_on_this_machine(self, opened: Opened, postfix: PostfixServer) -> None:
        posted = opened(f"smtp://127.0.0.1:{postfix.relay_port}").send(
            Letter.PASSWORD, "ada@example.test", WORDS | {"link": f"{LINK}-2"}, ADA
        )

        assert posted.accepted
        assert "choose a new password" in postfix.mail(f"{CANARY}-token-2").as_string()

    def test_both_bodies_carry_the_link_and_html_is_escaped(
        self, opened: Opened, receiving: Callable[..., ReceivingServer]
    ) -> None:
        server = receiving(implicit_tls=True)

        opened(f"smtps://{USER}:{PASSWORD}@localhost:{server.port}").send(
            Letter.INVITATION, "bob@example.test", WORDS, ADA
        )

        (envelope,) = server.mails
        message = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        text, html = (message.get_body([kind]).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
        assert LINK in text
        assert f'href="{LINK}"' in html
        assert "Acme & Søns <test>" in text
        assert "Acme &amp; Søns &lt;test&gt;" in html
        assert "bob@example.test" in text


class TestHonesty:
    def test_a_refusal_is_told_in_words(self, opened: Opened, postfix: PostfixServer) -> None:
        posted = opened(f"smtp://127.0.0.1:{postfix.relay_port}").send(
            Letter.INVITATION, "nobody@example.test", WORDS, ADA
        )

        assert (posted.outcome, posted.accepted) == (Outcome.NOT_SENT, False)
        assert posted.problem
        assert str(posted.problem.cause)

    def test_a_server_that_is_not_there_is_told_in_words(self, opened: Opened) -> None:
        posted = opened(f"smtp://127.0.0.1:{free_port()}").send(Letter.INVITATION, "bob@example.test", WORDS, ADA)

        assert posted.problem
        assert posted.problem.code == "network.connection_refused"

    def test_a_wrong_password_is_shown_nowhere(self, opened: Opened, receiving: Callable[..., ReceivingServer]) -> None:
        server = receiving()

        posted = opened(f"smtp://{USER}:{CANARY}-wrong@localhost:{server.port}?starttls").send(
            Letter.INVITATION, "bob@example.test", WORDS, ADA
        )

        assert posted.problem
        assert CANARY not in repr(posted)

    def test_what_no_setting_opens_stays_closed(self, opened: Opened) -> None:
        posted = opened("smtp://169.254.169.254").send(Letter.INVITATION, "bob@example.test", WORDS, ADA)

        assert posted.problem
        assert posted.problem.code == "network.address_refused"


class TestKeeping:
    def test_each_letter_is_audited_with_a_mask(self, opened: Opened, db: Database) -> None:
        opened(f"smtp://127.0.0.1:{free_port()}").send(
            Letter.INVITATION, "bob@example.test", WORDS, ADA, request_id="r-1"
        )

        (event,) = Audit().events(db, None)
        assert (event.action, event.detail["ok"], event.request_id) == ("invitation.mailed", False, "r-1")
        assert "bob@" not in str(event.detail)

    def test_one_address_gets_so_many_and_no_more(self, opened: Opened) -> None:
        mail = opened(f"smtp://127.0.0.1:{free_port()}")
        for _ in range(LIMITS["recipient"].amount):
            mail.send(Letter.INVITATION, "bob@example.test", WORDS, ADA)

        with pytest.raises(LimitedError):
            mail.send(Letter.INVITATION, "Bob@Example.test", WORDS, ADA)

    def test_without_a_relay_there_is_none(self, opened: Opened) -> None:
        assert not opened(None).available


@pytest.mark.parametrize("letter", Letter)
def test_every_letter_says_all_it_needs_from_what_it_is_given(letter: Letter) -> None:
    template = letters()[letter]

    assert template.variables() <= {*WORDS, "email"}
    assert not re.search(r"\$[a-z]", template.content + (template.text or ""))
