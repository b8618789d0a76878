"""Answers of the API as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response

from webapp.answers.base import Answer
from webapp.domain.strict_json import dumps


def answer(
    value: Answer | Sequence[Answer] | dict[str, Any], status: int = 200, revision: int | None = None
) -> Response:
    """Answer with JSON; ``revision`` becomes the ETag of a setup."""
    match value:
        case Answer():
            content: Any = value.to_json()
        case dict():
            content = value
        case _:
            content = [each.to_json() for each in value]
    response = Response(dumps(content), status=status, content_type="application/json")
    if revision is not None:
        response.set_etag(str(revision))
    return response


def nothing(revision: int | None = None) -> Response:
    """Answer that it is done, and that there is nothing to say."""
    response = Response(status=204)
    if revision is not None:
        response.set_etag(str(revision))
    return response
