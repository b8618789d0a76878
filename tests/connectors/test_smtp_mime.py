"""The bytes of a mail and its envelope."""

import email
import email.policy
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest

from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.mime import envelope
from webapp.domain.address import parse_mailbox
from webapp.domain.message import Mail
from webapp.domain.usage import UsageType

CONFIG = SmtpConfig.model_validate(
    {
        "host": "smtp.example.com",
        "port": 587,
        "auth": {"type": "none"},
        "fromEmail": "Acme <no-reply@example.com>",
        "replyTo": "support@example.com",
        "customHeaders": {"X-Entity-Ref": "config", "X-Tag": ["one", "two"]},
    }
)
MAIL = Mail(
    to="ada@example.net",
    sender=parse_mailbox("Acme <no-reply@example.com>"),
    subject="Your code",
    message_id="1763720000.1@postroom.example.com",
    usage_type=UsageType.SIGN_IN,
    text="Your code is 493817.\n",
    html="<p>Your code is <b>493817</b>.</p>\n",
)


def message(mail=MAIL, config=CONFIG):
    return email.message_from_bytes(envelope(mail, config).content, policy=email.policy.SMTP)


class TestHeaders:
    def test_who_what_and_when(self):
        made = message()

        assert made["From"] == "Acme <no-reply@example.com>"
        assert made["To"] == "ada@example.net"
        assert made["Reply-To"] == "support@example.com"
        assert made["Subject"] == "Your code"
        assert made["Message-ID"] == "<1763720000.1@postroom.example.com>"
        assert made["Date"].datetime.utcoffset() is not None

    @pytest.mark.parametrize("message_id", ["<4711@a.test>", "4711@a.test", " <4711@a.test> "])
    def test_the_message_id_stands_in_angle_brackets(self, message_id):
        assert message(replace(MAIL, message_id=message_id))["Message-ID"] == "<4711@a.test>"

    @pytest.mark.parametrize(
        "name",
        [
            "Acme",
            'ACME, Inc. (the "best")',
            "Müller & Söhne",
            "株式会社ポストルーム",
            "a" * 120,
            "Müller, " * 12 + "Söhne",
        ],
    )
    def test_display_names_come_back_as_given(self, name):
        content = envelope(replace(MAIL, sender=replace(MAIL.sender, name=name)), CONFIG).content

        raw = email.message_from_bytes(content)["From"].replace("\r\n", "")
        shown, address = parseaddr(raw)
        assert str(make_header(decode_header(shown))) == name
        assert address == "no-reply@example.com"

    @pytest.mark.parametrize(
        "subject",
        [
            "Ihr Code für Zürich",
            "您的驗證碼是 493817 " * 10,
            "x" * 300,
            "x" * 3000,
            "two  spaces " * 20,
            "",
            "=?utf-8?q?no?=",
        ],
    )
    def test_subjects_come_back_as_given(self, subject):
        content = envelope(replace(MAIL, subject=subject), CONFIG).content

        raw = email.message_from_bytes(content)["Subject"]
        assert str(make_header(decode_header(raw))).replace("\r\n", "") == subject
        assert content.isascii()
        assert all(len(line) <= (78 if " " in line.strip() else 998) for line in raw.splitlines())

    def test_the_mails_own_headers_win_over_those_of_the_config(self):
        made = message(replace(MAIL, headers=(("x-entity-ref", "mail"),)))

        assert made.get_all("X-Entity-Ref") == ["mail"]
        assert made.get_all("X-Tag") == ["one", "two"]

    def test_the_mails_own_reply_to_wins(self):
        assert message(replace(MAIL, reply_to="Ada <ada@example.net>"))["Reply-To"] == "Ada <ada@example.net>"

    @pytest.mark.parametrize("field", ["subject", "message_id"])
    def test_a_line_break_does_not_make_a_header(self, field):
        with pytest.raises(ValueError, match="line"):
            envelope(replace(MAIL, **{field: "x\r\nBcc: mallory@example.test"}), CONFIG)


class TestBody:
    def test_text_comes_before_html(self):
        parts = [part.get_content_type() for part in message().iter_parts()]

        assert parts == ["text/plain", "text/html"]

    @pytest.mark.parametrize(("left_out", "content_type"), [("html", "text/plain"), ("text", "text/html")])
    def test_one_part_is_no_multipart(self, left_out, content_type):
        assert message(replace(MAIL, **{left_out: None})).get_content_type() == content_type

    @pytest.mark.parametrize(
        "text", ["Grüße 您好\n", "." * 3 + "\n.\n", "x" * 5000 + "\n", "\u2028 odd\n", "From me\n"]
    )
    def test_what_was_written_is_what_is_read(self, text):
        assert message(replace(MAIL, text=text, html=None)).get_content().replace("\r\n", "\n") == text

    @pytest.mark.parametrize("text", ["Grüße", "y" * 5000, "ü" * 5000])
    def test_any_server_can_carry_it(self, text):
        content = envelope(replace(MAIL, text=text), CONFIG).content

        assert content.isascii()
        assert max(len(line) for line in content.split(b"\r\n")) <= 998
        assert b"\n" not in content.replace(b"\r\n", b"")


class TestEnvelope:
    def test_it_carries_bare_addresses(self):
        made = envelope(MAIL, CONFIG)

        assert (made.sender, made.recipient, made.utf8) == ("no-reply@example.com", "ada@example.net", False)

    def test_domains_travel_in_ascii(self):
        made = envelope(replace(MAIL, to="ada@bücher.example", sender=parse_mailbox("x@münchen.example")), CONFIG)

        assert made.recipient == "ada@xn--bcher-kva.example"
        assert made.sender == "x@xn--mnchen-3ya.example"
        assert not made.utf8

    @pytest.mark.parametrize(
        "changes",
        [
            {"to": "jürgen@example.net"},
            {"sender": parse_mailbox("jürgen@example.com")},
            {"reply_to": "jürgen@example.com"},
        ],
    )
    def test_only_an_address_that_is_not_ascii_needs_smtputf8(self, changes):
        made = envelope(replace(MAIL, **changes), CONFIG)

        assert made.utf8
        assert "jürgen".encode() in made.content

    def test_a_name_that_is_not_ascii_does_not(self):
        assert not envelope(replace(MAIL, sender=parse_mailbox("Jürgen <j@example.com>")), CONFIG).utf8
