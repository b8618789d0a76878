"""Which page says what the services refused: the one that was sent, with everything that stood on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from webapp.domain.errors import (
    FlowsWouldBreakError,
    InputError,
    LimitedError,
    PayloadTooLargeError,
    PostroomError,
    SecretsMissingError,
    SetupChangedMeanwhileError,
    SetupUnprovenError,
)
from webapp.web import errors
from webapp.web.migrate.blueprint import bp
from webapp.web.migrate.importing import document_refused, plan_refused
from webapp.web.migrate.promoting import promotion_refused

_PAGES: Final[Mapping[str, Callable[[PostroomError], ResponseReturnValue]]] = {
    "migrate.import_planned": document_refused,
    "migrate.plan": plan_refused,
    "migrate.plan_again": plan_refused,
    "migrate.import_applied": plan_refused,
    "migrate.promote": promotion_refused,
    "migrate.promoted": promotion_refused,
    "migrate.plan_tested": plan_refused,
    "migrate.promotion_tested": promotion_refused,
}


@bp.errorhandler(InputError)
@bp.errorhandler(PayloadTooLargeError)
@bp.errorhandler(LimitedError)
@bp.errorhandler(SecretsMissingError)
@bp.errorhandler(FlowsWouldBreakError)
@bp.errorhandler(SetupUnprovenError)
@bp.errorhandler(SetupChangedMeanwhileError)
def refused(error: PostroomError) -> ResponseReturnValue:
    """Show the page again with what was refused."""
    return _PAGES.get(request.endpoint or "", errors.of_domain)(error)
