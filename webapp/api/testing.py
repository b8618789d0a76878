"""Check and test send, over the values of the body or the active ones."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import Field

from webapp.answers.runs import CheckAnswer, TestSendAnswer
from webapp.api.answering import answer
from webapp.api.context import request_id, services
from webapp.api.reading import Given
from webapp.api.security import api_route
from webapp.api.waiting import waiting
from webapp.domain.problem import JSON
from webapp.domain.roles import Access, Permission, Scope
from webapp.domain.usage import UsageType


class CheckBody(Given):
    """Which connector to check."""

    connector: dict[str, Any] | None = None
    """``{provider, config}`` as in the setup; absent: the active one."""


class TestSendBody(CheckBody):
    """Which mail to send, to whom, over which connector."""

    to: str = Field(min_length=1, max_length=998)
    templates: dict[str, Any] | list[Any] | None = None
    """As in the setup; absent: the active ones."""
    usage_type: UsageType = UsageType.GENERIC
    locale: str | None = Field(default=None, max_length=100)
    payload: dict[str, JSON] | None = None
    """Merged over sample data."""
    capture: bool = False
    """Only show in the inbox what would go; in development tenants. Proves nothing: ``outcome`` is ``captured``."""


@api_route(
    "POST",
    "/tenants/<tenant>/check",
    permission=Permission.TEST,
    scope=Scope.CONFIG_WRITE,
    answers={200: CheckAnswer},
    problems=(404, 409, 422, 429, 503),
)
def check_connector(access: Access, body: CheckBody) -> Response:
    """Connect and log in without sending. Answers 200 also when that fails: read ``ok``."""
    with waiting():
        run = services().testing.check(access, connector_json=body.connector, request_id=request_id())
    return answer(CheckAnswer.of(run))


@api_route(
    "POST",
    "/tenants/<tenant>/test-send",
    permission=Permission.TEST,
    scope=Scope.CONFIG_WRITE,
    answers={200: TestSendAnswer},
    problems=(404, 409, 422, 429, 503),
)
def send_test(access: Access, body: TestSendBody) -> Response:
    """Send one real mail. Answers 200 also when the provider refuses it: read ``ok`` and ``outcome``."""
    with waiting():
        run = services().testing.test_send(
            access,
            body.to,
            connector_json=body.connector,
            templates=body.templates,
            usage_type=body.usage_type,
            locale=body.locale,
            payload=body.payload,
            capture=body.capture,
            request_id=request_id(),
        )
    return answer(TestSendAnswer.of(run))
