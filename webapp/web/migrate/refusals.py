"""Which page says what the services refused: the one that was sent, with everything that stood on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue

from webapp.domain.errors import (
    ApprovalRequiredError,
    ClosedToChangesError,
    ConnectorNotSetUpError,
    FlowsWouldBreakError,
    InputError,
    LimitedError,
    NotFoundError,
    NothingToProposeError,
    OwnProposalError,
    PayloadTooLargeError,
    PlanProposedError,
    PostroomError,
    ProposerGoneError,
    SecretsMissingError,
    SetupChangedMeanwhileError,
    SetupUnprovenError,
    TooManyProposalsError,
)
from webapp.web import errors
from webapp.web.migrate.blueprint import bp
from webapp.web.migrate.importing import document_refused, plan_refused
from webapp.web.migrate.promoting import promotion_refused
from webapp.web.migrate.proposals import proposal_refused

_PAGES: Final[Mapping[str, Callable[[PostroomError], ResponseReturnValue]]] = {
    "migrate.import_planned": document_refused,
    "migrate.plan": plan_refused,
    "migrate.plan_again": plan_refused,
    "migrate.import_applied": plan_refused,
    "migrate.promote": promotion_refused,
    "migrate.promoted": promotion_refused,
    "migrate.import_proposed": plan_refused,
    "migrate.promotion_proposed": promotion_refused,
    "migrate.promotion_opened": promotion_refused,
    **dict.fromkeys(
        (
            "migrate.proposal",
            "migrate.proposal_text",
            "migrate.proposal_approved",
            "migrate.proposal_declined",
            "migrate.proposal_withdrawn",
            "migrate.proposal_checked",
            "migrate.proposal_tested",
            "migrate.proposal_run",
            "migrate.proposal_run_cancelled",
        ),
        proposal_refused,
    ),
    "migrate.plan_secrets": plan_refused,
    "migrate.plan_checked": plan_refused,
    "migrate.plan_tested": plan_refused,
    "migrate.promotion_checked": promotion_refused,
    "migrate.promotion_tested": promotion_refused,
}


@bp.errorhandler(InputError)
@bp.errorhandler(PayloadTooLargeError)
@bp.errorhandler(LimitedError)
@bp.errorhandler(SecretsMissingError)
@bp.errorhandler(ConnectorNotSetUpError)
@bp.errorhandler(FlowsWouldBreakError)
@bp.errorhandler(SetupUnprovenError)
@bp.errorhandler(SetupChangedMeanwhileError)
@bp.errorhandler(ClosedToChangesError)
@bp.errorhandler(ApprovalRequiredError)
@bp.errorhandler(OwnProposalError)
@bp.errorhandler(PlanProposedError)
@bp.errorhandler(ProposerGoneError)
@bp.errorhandler(TooManyProposalsError)
@bp.errorhandler(NothingToProposeError)
@bp.errorhandler(NotFoundError)
def refused(error: PostroomError) -> ResponseReturnValue:
    """Show the page again with what was refused."""
    page = _PAGES.get(request.endpoint or "", errors.of_domain)
    if isinstance(error, NotFoundError) and page is not proposal_refused:
        return errors.of_domain(error)
    return page(error)
