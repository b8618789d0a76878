"""Mail that was captured, and requests that would have carried some."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from webapp.answers.base import Answer
from webapp.domain.problem import JSON

if TYPE_CHECKING:
    from webapp.services.captured import Request
    from webapp.services.inbox import InboxItem, InboxMail


class InboxItemAnswer(Answer):
    """A mail that the sandbox captured, as the list shows it."""

    id: str
    to: str
    sender: str
    subject: str
    received_at: datetime
    code: str | None = None
    """The verification code, where the mail carries one."""
    links: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, item: InboxItem) -> InboxItemAnswer:
        return cls(
            id=item.id,
            to=item.to,
            sender=item.sender,
            subject=item.subject,
            received_at=item.received_at,
            code=item.code or None,
            links=list(item.links),
        )


class RequestAnswer(Answer):
    """A request that would have carried a mail."""

    method: str
    url: str
    body: JSON = None
    """The JSON that would have gone; other bodies as text."""

    @classmethod
    def of(cls, request: Request) -> RequestAnswer:
        return cls(method=request.method, url=request.url, body=request.json if request.is_json else request.body)


class InboxMailAnswer(InboxItemAnswer):
    """A captured mail with its parts."""

    html: str | None = None
    text: str | None = None
    headers: list[tuple[str, str]]
    source: str
    attachments: list[str]
    """Names of what hangs on it besides its text."""
    request: RequestAnswer | None = None
    """Where no mail but a request to the provider would have gone; ``headers`` and ``source`` are its own then."""

    @classmethod
    def of_mail(cls, mail: InboxMail) -> InboxMailAnswer:
        return cls(
            **dict(InboxItemAnswer.of(mail)),
            html=mail.html,
            text=mail.text,
            headers=list(mail.headers),
            source=mail.source,
            attachments=list(mail.attachments),
            request=RequestAnswer.of(mail.request) if mail.request else None,
        )
