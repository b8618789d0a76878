"""A mail as the bytes that go over the wire, and the envelope they travel in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from webapp.domain.address import Mailbox, ascii_host, parse_address, parse_mailbox
from webapp.domain.message import Mail

LINE_LENGTH: Final = 76
LINE_LIMIT: Final = 990
"""RFC 5322 section 2.1.1 allows 998, for one word that cannot be broken."""

# Bodies are always quoted-printable or base64, so no server on the way needs 8BITMIME. Headers are folded below: the
# policy's own folding loses and adds spaces between encoded words in several releases of Python.
_POLICY: Final = SMTP.clone(cte_type="7bit", refold_source="none")
_UTF8_POLICY: Final = _POLICY.clone(utf8=True)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SPECIAL: Final = re.compile(r'[][()<>@,:;".\\]')


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail, ready to be handed over."""

    sender: str
    recipient: str
    content: bytes
    utf8: bool
    """Whether an address needs SMTPUTF8 (RFC 6531); names and subjects never do."""


def envelope(mail: Mail) -> Envelope:
    """Compose the message. Raises ValueError for what would end a header."""
    sender = Mailbox(_wire_address(parse_address(mail.sender.address)), mail.sender.name)
    recipient = parse_mailbox(mail.to)
    recipient = Mailbox(_wire_address(recipient.address), recipient.name)
    reply_to = parse_mailbox(mail.reply_to) if mail.reply_to else None
    if reply_to:
        reply_to = Mailbox(_wire_address(reply_to.address), reply_to.name)
    addresses = [each.address for each in (sender, recipient, reply_to) if each]
    utf8 = not all(address.isascii() for address in addresses)

    message = EmailMessage(policy=_UTF8_POLICY if utf8 else _POLICY)
    message.set_raw("From", _mailbox("From", sender))
    message.set_raw("To", recipient.address)
    if reply_to:
        message.set_raw("Reply-To", _mailbox("Reply-To", reply_to))
    message.set_raw("Subject", _text("Subject", mail.subject))
    message.set_raw("Date", format_datetime(datetime.now(UTC)))
    message.set_raw("Message-ID", _text("Message-ID", f"<{mail.message_id.strip().strip('<>')}>"))
    for name, value in mail.headers:
        message.set_raw(name, _text(name, value))
    _set_body(message, mail)
    return Envelope(sender.address, recipient.address, message.as_bytes(), utf8)


def _text(name: str, value: str) -> str:
    """Encode (RFC 2047) and fold a header's text. Raises ValueError for what would end the header."""
    if _CONTROL.search(name + value):
        raise ValueError(f"The header {name!r} may not contain line breaks or other control characters.")
    # ASCII that looks like an encoded word has to be encoded itself, or readers would decode it.
    if value.isascii() and "=?" not in value and max(map(len, value.split(" "))) < LINE_LIMIT - len(name):
        return _folded(name, value)
    return Header(value, "utf-8", maxlinelen=LINE_LENGTH, header_name=name).encode(linesep="\r\n")


def _folded(name: str, value: str) -> str:
    """Break a line before words, so that readers who join the lines get the very same text."""
    first, *words = value.split(" ")
    folded, length = first, len(name) + 2 + len(first)
    for word in words:
        fits = length + 1 + len(word) <= LINE_LENGTH
        folded += f" {word}" if fits or not word else f"\r\n {word}"
        length = length + 1 + len(word) if fits or not word else 1 + len(word)
    return folded


def _mailbox(name: str, mailbox: Mailbox) -> str:
    if not mailbox.name:
        return mailbox.address
    if mailbox.name.isascii() and "=?" not in mailbox.name:
        shown = _text(name, _quoted(mailbox.name))
    else:
        shown = _text(name, mailbox.name)
    last_line = shown.rpartition("\n")[2]
    space = " " if len(name) + len(last_line) + len(mailbox.address) < LINE_LENGTH - 5 else "\r\n "
    return f"{shown}{space}<{mailbox.address}>"


def _quoted(name: str) -> str:
    """Write a name as RFC 5322 asks: in quotes where it has signs with a meaning."""
    if not _SPECIAL.search(name):
        return name
    escaped = name.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _wire_address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_host(domain)}"


def _set_body(message: EmailMessage, mail: Mail) -> None:
    """Plain text goes first: readers show the last part that they understand (RFC 2046 section 5.1.4)."""
    if mail.text is not None:
        message.set_content(mail.text)
        if mail.html is not None:
            message.add_alternative(mail.html, subtype="html")
    elif mail.html is not None:
        message.set_content(mail.html, subtype="html")
    else:
        message.set_content("")
