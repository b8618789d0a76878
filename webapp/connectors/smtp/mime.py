"""A mail as the bytes that go over the wire, and the envelope they travel in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from webapp.connectors.smtp.config import SmtpConfig
from webapp.domain.address import Mailbox, ascii_host, parse_mailbox
from webapp.domain.message import Mail

# Bodies are always quoted-printable or base64, so no server on the way needs 8BITMIME.
_POLICY = SMTP.clone(cte_type="7bit")
_UTF8_POLICY = SMTPUTF8.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail, ready to be handed over."""

    sender: str
    recipient: str
    content: bytes
    utf8: bool
    """Whether an address needs SMTPUTF8 (RFC 6531); names and subjects never do."""


def envelope(mail: Mail, config: SmtpConfig) -> Envelope:
    """Compose the message: custom headers of the config first, then those of the mail, which win."""
    sender = Mailbox(_wire_address(mail.sender.address), mail.sender.name)
    recipient = parse_mailbox(mail.to)
    recipient = Mailbox(_wire_address(recipient.address), recipient.name)
    reply_to = parse_mailbox(mail.reply_to or config.reply_to or "") if mail.reply_to or config.reply_to else None
    if reply_to:
        reply_to = Mailbox(_wire_address(reply_to.address), reply_to.name)
    addresses = [each.address for each in (sender, recipient, reply_to) if each]
    utf8 = not all(address.isascii() for address in addresses)

    message = EmailMessage(policy=_UTF8_POLICY if utf8 else _POLICY)
    message["From"] = str(sender)
    message["To"] = recipient.address
    if reply_to:
        message["Reply-To"] = str(reply_to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{mail.message_id.strip().strip('<>')}>"
    for name, value in _custom_headers(mail, config):
        message[name] = value
    _set_body(message, mail)
    return Envelope(sender.address, recipient.address, message.as_bytes(), utf8)


def _wire_address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_host(domain)}"


def _custom_headers(mail: Mail, config: SmtpConfig) -> list[tuple[str, str]]:
    own = {name.lower() for name, _ in mail.headers}
    configured = [
        (name, line)
        for name, value in config.custom_headers.items()
        if name.lower() not in own
        for line in ([value] if isinstance(value, str) else value)
    ]
    return [*configured, *mail.headers]


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
