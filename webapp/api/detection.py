"""Auto-detect: who carries the mail of an address, a domain or a server."""

from __future__ import annotations

from flask import Response
from pydantic import Field

from webapp.answers.detection import DetectionAnswer
from webapp.api.answering import answer
from webapp.api.context import request_id, services
from webapp.api.reading import Given
from webapp.api.security import api_route, token_access
from webapp.api.waiting import waiting
from webapp.domain.errors import FieldError, InputError
from webapp.domain.roles import Permission, Scope
from webapp.domain.text import T


class DetectBody(Given):
    """Where to begin: exactly one of the two."""

    address: str | None = Field(default=None, max_length=998)
    """An address that mail is sent from; its domain alone will do."""
    host: str | None = Field(default=None, max_length=998)
    """The name of a mail server; a port may stand behind it, such as smtp.example.com:2587."""


@api_route(
    "POST",
    "/detect",
    permission=Permission.TEST,
    scope=Scope.CONFIG_WRITE,
    answers={200: DetectionAnswer},
    problems=(422, 429, 503),
)
def detect(body: DetectBody) -> Response:
    """Find out who could carry the mail of an address or a server, in at most eight seconds.

    Asks DNS and looks behind the ports where mail is handed in; nobody logs in and nothing is sent. It counts for the
    token's own tenant, and reaches what that tenant may reach. Answers 200 also when nothing was found: read ``found``.
    """
    given = [
        (pointer, text) for pointer, text in (("/address", body.address), ("/host", body.host)) if text is not None
    ]
    if len(given) != 1:
        message = T("Give either an address or a host.")
        raise InputError(message, errors=[FieldError("", "value.missing", message)])
    ((pointer, typed),) = given
    with waiting():
        view = services().detection.detect(token_access(), typed, pointer=pointer, request_id=request_id())
    return answer(DetectionAnswer.of(view.result))
