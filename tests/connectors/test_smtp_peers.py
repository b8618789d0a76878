"""SMTP against a real server: Postfix with Dovecot's SASL."""

from __future__ import annotations

import base64
import logging
import urllib.parse
from dataclasses import replace

import pytest

from tests.connectors.smtp_attempt import MAIL, Attempt, assert_failed, attempt, names
from tests.peers.ports import LOOPBACK, LOOPBACK6, has_ipv6
from tests.peers.postfix import OWNED_SENDER, PASSWORDS, SIZE_LIMIT
from webapp.domain.address import Mailbox
from webapp.domain.message import Mail
from webapp.domain.usage import UsageType

pytestmark = [pytest.mark.peers, pytest.mark.xdist_group("peers")]

STARTTLS = ["resolve", "connect", "greeting", "ehlo", "starttls", "auth"]
IMPLICIT_TLS = ["resolve", "connect", "tls", "greeting", "ehlo", "auth"]
PLAIN = ["resolve", "connect", "greeting", "ehlo"]
HAND_OVER = ["mail_from", "rcpt_to", "data"]

TEXT = "Grüße, 您的驗證碼 493817 ✉\n.leading dot\n..two\n\ntrailing blanks  \n" + "long " * 300 + "\nend\n"
HTML = f"<p>Grüße, ขอบคุณ <b>493817</b></p>\n.\n<p>{'x' * 2000}</p>\n"


@pytest.fixture
def submit(postfix):
    """Check or send through a port of Postfix, as Ada."""

    def submit(way: str, *, user: str | None = "ada@example.test", **settings) -> Attempt:
        port, security = {
            "starttls": (postfix.submission_port, "starttls"),
            "tls": (postfix.submissions_port, "tls"),
            "none": (postfix.relay_port, "none"),
        }[way]
        password = settings.pop("password", PASSWORDS.get(user or "", "-"))
        settings = {"host": postfix.host, "ca_pem": postfix.ca_pem, "security": security, **settings}
        return attempt(port, user=user, password=password, **settings)

    return submit


@pytest.mark.parametrize(
    ("way", "user", "phases"),
    [
        ("starttls", "ada@example.test", STARTTLS),
        ("starttls", "bob", STARTTLS),
        ("tls", "ada@example.test", IMPLICIT_TLS),
        ("none", None, PLAIN),
    ],
)
def test_checking_logs_in_and_hands_over_nothing(submit, way, user, phases):
    tried = submit(way, user=user, mail=None)

    assert tried.error is None, tried.trace.transcript
    assert tried.phases == phases
    assert all(phase.ok and phase.ms is not None for phase in tried.trace.phases)
    assert "MAIL FROM" not in tried.trace.transcript.upper()


@pytest.mark.parametrize(
    ("way", "user", "phases"),
    [
        ("starttls", "ada@example.test", STARTTLS),
        ("tls", "bob", IMPLICIT_TLS),
        ("none", None, PLAIN),
    ],
)
def test_sending_delivers_the_mail_and_tells_the_queue_id(submit, postfix, way, user, phases):
    mail = replace(MAIL, message_id=f"<{way}@example.test>")

    tried = submit(way, user=user, mail=mail)

    assert tried.error is None, tried.trace.transcript
    assert tried.phases == [*phases, *HAND_OVER]
    assert tried.receipt.code == 250
    assert "queued as" in tried.receipt.text
    assert postfix.mail(mail.message_id)["Subject"] == "Your code"


@pytest.mark.parametrize(("way", "phase"), [("starttls", "starttls"), ("none", "greeting")])
def test_opportunistic_uses_encryption_where_it_is_offered(submit, way, phase):
    tried = submit(way, user=None if way == "none" else "bob", mail=None, security="opportunistic")

    assert tried.error is None, tried.trace.transcript
    assert phase in tried.phases
    assert ("starttls" in tried.phases) == (way == "starttls")


FULL_MAIL = Mail(
    to="ada@example.test",
    sender=Mailbox("no-reply@example.test", 'Bücher & Söhne, "Köln" 株式会社'),
    subject="Ihr Code für Zürich: 您的驗證碼是 493817, gültig 10 Minuten, danach bitte einen neuen anfordern",
    message_id="<byte-right@example.test>",
    usage_type=UsageType.SIGN_IN,
    text=TEXT,
    html=HTML,
    reply_to="Hilfe für alle <hilfe@example.test>",
    headers=(
        ("X-Entity-Ref", "4711"),
        ("List-Unsubscribe", f"<https://example.test/{'u' * 200}>"),
        ("X-Ort", "Zürich"),
    ),
)


@pytest.fixture(scope="module")
def arrived(postfix):
    """The full mail as it lies in Ada's mailbox."""
    login = {"user": "bob", "password": PASSWORDS["bob"]}
    tried = attempt(postfix.submission_port, mail=FULL_MAIL, host=postfix.host, ca_pem=postfix.ca_pem, **login)
    assert tried.error is None, tried.trace.transcript
    return postfix.mail(FULL_MAIL.message_id)


class TestWhatArrives:
    """Nothing is lost and nothing is added on the way."""

    def test_both_parts_say_exactly_what_was_written(self, arrived):
        text, html = arrived.get_body(("plain",)), arrived.get_body(("html",))

        assert arrived.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]
        assert text.get_content() == TEXT
        assert html.get_content() == HTML

    def test_names_that_are_not_ascii_come_through(self, arrived):
        assert arrived["Subject"] == FULL_MAIL.subject
        assert arrived["From"].addresses[0].display_name == FULL_MAIL.sender.name
        assert arrived["From"].addresses[0].addr_spec == "no-reply@example.test"
        assert arrived["Reply-To"].addresses[0].display_name == "Hilfe für alle"
        assert arrived["Reply-To"].addresses[0].addr_spec == "hilfe@example.test"
        assert arrived["To"] == "ada@example.test"

    @pytest.mark.parametrize(("name", "value"), FULL_MAIL.headers)
    def test_custom_headers_come_through(self, arrived, name, value):
        assert arrived.get_all(name) == [value]

    @pytest.mark.parametrize("name", ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"])
    def test_every_header_stands_there_once(self, arrived, name):
        assert len(arrived.get_all(name)) == 1

    def test_the_head_is_ascii_in_lines_of_legal_length(self, postfix, arrived):
        head = postfix.mail_bytes(FULL_MAIL.message_id).partition(b"\n\n")[0]

        assert max(len(line) for line in head.splitlines()) <= 998
        assert head.isascii()

    def test_the_envelope_carries_the_bare_addresses(self, arrived):
        assert arrived["Return-Path"] == "<no-reply@example.test>"
        assert arrived["X-Original-To"] == "ada@example.test"

    def test_postfix_counts_no_error(self, arrived):
        assert not arrived.defects


def test_a_mail_with_one_part_is_not_multipart(submit, postfix):
    mail = replace(MAIL, message_id="<text-only@example.test>", html=None)

    tried = submit("starttls", mail=mail)

    assert tried.error is None, tried.trace.transcript
    assert postfix.mail(mail.message_id).get_content_type() == "text/plain"


def test_a_recipient_who_is_not_ascii_gets_mail(submit, postfix):
    mail = replace(MAIL, to="jürgen@example.test", message_id="<smtputf8@example.test>")

    tried = submit("starttls", mail=mail)

    assert tried.error is None, tried.trace.transcript
    assert postfix.mail(mail.message_id, to="jürgen@example.test")["Subject"] == "Your code"


class TestRefusals:
    """Real servers' refusals get the problem that names their cause."""

    @pytest.mark.parametrize("way", ["starttls", "tls"])
    @pytest.mark.parametrize(("user", "password"), [("bob", "wrong"), ("nobody-there", "5ecret"), ("bob", "ö" * 200)])
    def test_wrong_credentials(self, submit, way, user, password):
        tried = submit(way, user=user, password=password, mail=None)

        assert_failed(tried, "smtp.credentials_rejected", "auth")
        assert tried.error.code == 535

    def test_relaying_to_a_foreign_domain(self, submit):
        tried = submit("none", user=None, mail=replace(MAIL, to="somebody@foreign.test"))

        assert_failed(tried, "smtp.relaying_denied", "rcpt_to")

    def test_a_recipient_whom_nobody_knows(self, submit):
        tried = submit("starttls", mail=replace(MAIL, to="nobody@example.test"))

        assert_failed(tried, "smtp.recipient_refused", "rcpt_to")

    def test_a_sender_who_belongs_to_somebody_else(self, submit):
        # Postfix judges the sender only once it knows the recipient.
        tried = submit("starttls", mail=replace(MAIL, sender=Mailbox(OWNED_SENDER)))

        assert_failed(tried, "smtp.sender_refused", "rcpt_to")

    def test_a_mail_that_is_too_large(self, submit):
        tried = submit("starttls", mail=replace(MAIL, text="x" * 70 + "\n" + "large " * (SIZE_LIMIT // 6)))

        assert_failed(tried, "smtp.message_too_large", "mail_from")

    def test_no_encryption_where_it_is_required(self, submit, postfix):
        tried = attempt(postfix.submission_port, user=None, security="none")

        assert_failed(tried, "smtp.tls_required", "mail_from")

    def test_no_login_where_it_is_required(self, submit):
        tried = submit("tls", user=None)

        assert_failed(tried, "smtp.auth_required", "rcpt_to")

    def test_a_login_where_none_is_offered(self, submit):
        tried = submit("none", user="bob", mail=None)

        assert_failed(tried, "smtp.auth_not_offered", "auth")

    def test_starttls_where_it_is_not_offered(self, submit):
        tried = submit("none", user="bob", mail=None, security="starttls")

        assert_failed(tried, "smtp.starttls_not_offered", "starttls")

    def test_tls_at_a_port_that_begins_in_clear(self, submit, postfix):
        tried = attempt(postfix.submission_port, security="tls", mail=None, ca_pem=postfix.ca_pem)

        assert_failed(tried, "smtp.tls_on_plain_port", "tls")

    def test_clear_text_at_a_port_that_begins_with_tls(self, submit, postfix):
        tried = attempt(postfix.submissions_port, security="starttls", mail=None, greetingTimeout=300)

        assert_failed(tried, "smtp.timeout_greeting", "greeting")


@pytest.mark.parametrize("addresses", [(LOOPBACK6,), (LOOPBACK6, LOOPBACK), (LOOPBACK,), (LOOPBACK, LOOPBACK6)])
def test_the_first_address_of_a_name_is_used(submit, addresses):
    if not has_ipv6():
        pytest.fail("This test needs the IPv6 loopback address ::1. Switch IPv6 on for the interface lo.")

    tried = submit("starttls", host="mail.example.test", getaddrinfo=names({"mail.example.test": addresses}))

    assert tried.error is None, tried.trace.transcript
    assert tried.trace.phases[1].text == addresses[0]


class TestCredentialsStayHidden:
    """Neither transcript nor phases, errors nor logs carry the credentials in any encoding."""

    @pytest.mark.parametrize("way", ["starttls", "tls"])
    @pytest.mark.parametrize("user", list(PASSWORDS))
    def test_when_they_are_right(self, submit, caplog, way, user):
        caplog.set_level(logging.DEBUG)

        tried = submit(way, user=user, mail=None)

        assert tried.error is None, tried.trace.transcript
        assert_hidden(PASSWORDS[user], user, tried.everything + caplog.text)

    @pytest.mark.parametrize("password", ["wr0ng-pass phrase", "pässwörd", "=" * 60, "a" * 57 + ":colon"])
    def test_when_they_are_wrong(self, submit, caplog, password):
        caplog.set_level(logging.DEBUG)

        tried = submit("starttls", user="bob", password=password, mail=None)

        assert tried.error is not None
        assert_hidden(password, "bob", tried.everything + caplog.text)

    def test_the_transcript_still_tells_the_story(self, submit):
        transcript = submit("starttls").trace.transcript

        assert "S: 220 mail.example.test ESMTP" in transcript
        assert "C: STARTTLS" in transcript
        assert "C: AUTH" in transcript
        assert "S: 235 2.7.0 Authentication successful" in transcript
        assert "C: DATA" in transcript

    def test_the_transcript_does_not_tell_what_the_mail_says(self, submit):
        tried = submit("starttls")

        assert "493817" not in tried.everything


def assert_hidden(password: str, user: str, words: str) -> None:
    """Nobody can read the credentials out of these words."""
    secret, name = password.encode(), user.encode()
    encoded = [base64.b64encode(each).decode().rstrip("=") for each in (secret, b"\0" + name + b"\0" + secret)]
    spelled = [password, urllib.parse.quote(password), secret.hex(), repr(secret)[2:-1], repr(password)[1:-1], *encoded]

    assert [each for each in spelled if each in words] == []
