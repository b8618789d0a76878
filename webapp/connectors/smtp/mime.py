"""A mail as this connector sends it: with the reply-to and the custom headers of its config."""

from __future__ import annotations

from dataclasses import replace

from webapp.connectors import mime
from webapp.connectors.mime import Envelope
from webapp.connectors.smtp.config import SmtpConfig
from webapp.domain.message import Mail

__all__ = ["Envelope", "envelope"]


def envelope(mail: Mail, config: SmtpConfig) -> Envelope:
    """Compose the message: custom headers of the config first, then those of the mail, which win."""
    headers = (*_configured(mail, config), *mail.headers)
    return mime.envelope(replace(mail, reply_to=mail.reply_to or config.reply_to, headers=headers))


def _configured(mail: Mail, config: SmtpConfig) -> list[tuple[str, str]]:
    own = {name.lower() for name, _ in mail.headers}
    return [
        (name, line)
        for name, value in config.custom_headers.items()
        if name.lower() not in own
        for line in ([value] if isinstance(value, str) else value)
    ]
