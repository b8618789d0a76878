"""The mail that every connector is asked to send, and texts that want to be more than text."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from webapp.domain.address import Mailbox
from webapp.domain.message import Mail
from webapp.domain.usage import UsageType

BODY: Final = "Your code is"
"""Stands in the bodies of the mail, which may have line breaks."""

MAIL: Final = Mail(
    to="ada@example.com",
    sender=Mailbox("no-reply@example.com", "Acme"),
    subject="Sign in to Acme",
    message_id="<contract@example.com>",
    usage_type=UsageType.SIGN_IN,
    text=f"{BODY} 493817.\nIt is good for ten minutes.\n",
    html=f"<p>{BODY} <b>493817</b>.</p>\n<p>It is good for ten minutes.</p>\n",
    reply_to="help@example.com",
    headers=(("X-Entity-Ref", "4711"),),
    locale="en",
    payload={"code": "493817"},
)

MARK: Final = "x-injected"
"""Stands in what a hostile text tries to bring in."""

HOSTILE: Final = {
    "line break": f"Ada\r\n{MARK}: yes",
    "line feed": f"Ada\n{MARK}: yes",
    "carriage return": f"Ada\r{MARK}: yes",
    "end of the headers": f"Ada\r\n\r\n{MARK}",
    "null": f"Ada\x00{MARK}: yes",
    "line separators": f"Ada\u2028{MARK}: yes\x85{MARK}: yes",
    "quoted JSON": f'Ada", "{MARK}": "yes',
    "form field": f"Ada&{MARK}=yes;{MARK}=yes",
    "escaped line break": f"Ada%0d%0a{MARK}: yes",
    "encoded word": f"=?utf-8?q?Ada=0d=0a{MARK}:_yes?=",
    "mailbox": f"Ada <{MARK}@example.net>, ",
    "quotes and backslashes": f'Ada" <{MARK}@example.net>, \\"',
    "placeholder": f"Ada {{{{{MARK}}}}} %recipient.{MARK}%",
}
"""Texts that want to be more than text."""


def with_text(mail: Mail, place: str, text: str) -> Mail:
    """The mail with a text in one of its places. Raises ValueError for what no mail can carry."""
    if place == "subject":
        return replace(mail, subject=text)
    if place == "sender":
        return replace(mail, sender=Mailbox(f"{mail.sender.address}{text.removeprefix('Ada')}", mail.sender.name))
    if place == "sender's name":
        return replace(mail, sender=Mailbox(mail.sender.address, text))
    if place == "recipient":
        return replace(mail, to=f"{mail.to}{text.removeprefix('Ada')}")
    if place == "reply-to":
        return replace(mail, reply_to=f"{mail.reply_to}{text.removeprefix('Ada')}")
    return replace(mail, headers=(("X-Entity-Ref", text),))
