"""Check and test send, over the values of the body or the active ones."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from pydantic import Field

from webapp.answers.runs import CheckAnswer, TestSendAnswer
from webapp.api.answering import answer
from webapp.api.context import request_id, services
from webapp.api.reading import Given
from webapp.api.security import api_route
from webapp.api.waiting import waiting
from webapp.domain.errors import FieldError, InputError
from webapp.domain.problem import JSON
from webapp.domain.roles import Access, Permission, Scope
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.transfer.trying import Trial


class CheckBody(Given):
    """Which connector to check."""

    connector: dict[str, Any] | None = None
    """``{provider, config}`` as in the setup; absent: the active one."""
    plan_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Instead: a plan of this token, with the secrets that were given for it."""


class TestSendBody(CheckBody):
    """Which mail to send, to whom, over which connector."""

    to: str = Field(min_length=1, max_length=998)
    templates: dict[str, Any] | list[Any] | None = None
    """As in the setup; absent: the plan's, or the active ones."""
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
    problems=(404, 409, 412, 422, 429, 503),
)
def check_connector(access: Access, body: CheckBody) -> Response:
    """Connect and log in without sending. Answers 200 also when that fails: read ``ok``."""
    trial = _trial(access, body)
    connector = trial.connector if trial else body.connector
    with waiting():
        run = services().testing.check(access, connector_json=connector, request_id=request_id())
    return answer(CheckAnswer.of(run))


@api_route(
    "POST",
    "/tenants/<tenant>/test-send",
    permission=Permission.TEST,
    scope=Scope.CONFIG_WRITE,
    answers={200: TestSendAnswer},
    problems=(404, 409, 412, 422, 429, 503),
)
def send_test(access: Access, body: TestSendBody) -> Response:
    """Send one real mail. Answers 200 also when the provider refuses it: read ``ok`` and ``outcome``.

    Of a plan, it proves exactly its values in this tenant; nothing of the plan goes live.
    """
    trial = _trial(access, body)
    with waiting():
        run = services().testing.test_send(
            access,
            body.to,
            connector_json=trial.connector if trial else body.connector,
            templates=trial.templates if trial and body.templates is None else body.templates,
            default_language=trial.default_language if trial else None,
            usage_type=body.usage_type,
            locale=body.locale,
            payload=body.payload,
            capture=body.capture,
            request_id=request_id(),
        )
    return answer(TestSendAnswer.of(run))


def _trial(access: Access, body: CheckBody) -> Trial | None:
    """The plan that was named, if one was. Raises InputError where a connector was given as well."""
    if body.plan_id is None:
        return None
    if body.connector is not None:
        both = T("A plan brings its own connector: give one of the two.")
        raise InputError(errors=[FieldError("/planId", "value.excluded", both)])
    return services().trials.of(access, body.plan_id)
