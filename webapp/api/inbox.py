"""The sandbox inbox: what a development tenant's mails look like, for people and for end-to-end tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, AwareDatetime, Field

from webapp.answers.inbox import InboxItemAnswer, InboxMailAnswer
from webapp.api.answering import answer, nothing
from webapp.api.context import services
from webapp.api.reading import Given
from webapp.api.security import api_route
from webapp.api.waiting import waiting
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Access, Permission, Scope
from webapp.domain.text import T

PAGE_LIMIT = 200
PATIENCE_LIMIT = 60.0
"""Seconds that ``wait`` holds a request at most."""


Address = Annotated[str, Field(min_length=1, max_length=998)]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment is too far away") from None


class ListQuery(Given):
    to: Address | None = None
    """Only mails to exactly this address."""
    before: Annotated[str, Field(max_length=64)] | None = None
    """Only mails older than the one with this id: the next page."""
    limit: Annotated[int, Field(ge=1, le=PAGE_LIMIT)] = 50


class WaitQuery(Given):
    to: Address | None = None
    """The recipient's address."""
    since: Annotated[AwareDatetime, AfterValidator(_in_utc)] | None = None
    """Only mails received after this moment, such as 2026-11-21T12:00:00Z; without it one that is there will do."""
    timeout: Annotated[float, Field(ge=0, le=PATIENCE_LIMIT)] = 30.0
    """Seconds to wait."""


class NoMailYetError(NotFoundError):
    """No such mail came in time. Wait again, or look at what the sender was told."""

    code = "inbox.no_mail_yet"
    title = T("No such mail yet")


@api_route(
    "GET",
    "/tenants/<tenant>/inbox",
    permission=Permission.READ,
    scope=Scope.DELIVERIES_READ,
    answers={200: list[InboxItemAnswer]},
    problems=(404,),
)
def list_inbox(access: Access, query: ListQuery) -> Response:
    """List the captured mails, newest first."""
    found = services().inbox.mails(access.tenant, limit=query.limit, before=query.before, to=query.to)
    return answer([InboxItemAnswer.of(item) for item in found])


@api_route(
    "GET",
    "/tenants/<tenant>/inbox/wait",
    permission=Permission.READ,
    scope=Scope.DELIVERIES_READ,
    answers={200: InboxMailAnswer},
    problems=(404, 422, 503),
)
def wait_for_mail(access: Access, query: WaitQuery) -> Response:
    """Answer when a mail to this address is there, with its code and links picked out; 404 when none came in time."""
    with waiting():
        mail = services().inbox.wait(access.tenant, query.to, since=query.since, timeout=query.timeout)
    if mail is None:
        raise NoMailYetError
    return answer(InboxMailAnswer.of_mail(mail))


@api_route(
    "GET",
    "/tenants/<tenant>/inbox/<mail_id>",
    permission=Permission.READ,
    scope=Scope.DELIVERIES_READ,
    answers={200: InboxMailAnswer},
    problems=(404,),
)
def show_mail(access: Access, mail_id: str) -> Response:
    """Show a captured mail: HTML, text, headers, source."""
    return answer(InboxMailAnswer.of_mail(services().inbox.mail(access.tenant, mail_id)))


@api_route(
    "DELETE",
    "/tenants/<tenant>/inbox",
    permission=Permission.TEST,
    scope=Scope.DELIVERIES_READ,
    answers={204: None},
    problems=(404,),
)
def clear_inbox(access: Access) -> Response:
    """Delete all captured mails of the tenant."""
    services().inbox.clear(access.tenant)
    return nothing()
