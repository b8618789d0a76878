"""Proposals: plans that a second person makes live, or not."""

from __future__ import annotations

from flask import Response, request

from webapp.answers.proposals import ProposalAnswer, WaitingAnswer
from webapp.answers.setups import SavedAnswer
from webapp.api.answering import answer, nothing
from webapp.api.context import request_id, services
from webapp.api.reading import Given, Sentence
from webapp.api.security import api_route
from webapp.api.transfer import ApplyBody, confirmation
from webapp.domain.roles import Access, Permission, Scope


class DecideBody(Given):
    """Nothing has to be said with it."""


class DeclineBody(Given):
    note: Sentence | None = None
    """Why; who proposed it reads this."""


@api_route(
    "POST",
    "/tenants/<tenant>/plans/<plan_id>/propose",
    permission=Permission.EDIT,
    scope=Scope.CONFIG_WRITE,
    answers={202: WaitingAnswer},
    problems=(404, 409, 412, 422),
)
def propose_plan(access: Access, plan_id: str, body: ApplyBody) -> Response:
    """Put a plan before a second person: it waits for a week. What would stand in its way is refused at once."""
    proposal = services().proposals.propose(access, plan_id, confirmation(body))
    return answer(WaitingAnswer.of(proposal, _console(), access.tenant.slug), status=202)


@api_route(
    "GET",
    "/tenants/<tenant>/proposals",
    permission=Permission.EDIT,
    scope=Scope.CONFIG_WRITE,
    answers={200: list[ProposalAnswer]},
    problems=(404,),
)
def list_proposals(access: Access) -> Response:
    """List what waits for a second person, the oldest first, with what approving would change."""
    proposals = services().proposals
    return answer(
        [
            ProposalAnswer.with_plan(each, proposals.outlook(access, each), _console(), access.tenant.slug)
            for each in proposals.waiting(access)
        ]
    )


@api_route(
    "POST",
    "/tenants/<tenant>/proposals/<proposal_id>/approve",
    permission=Permission.SAVE,
    scope=Scope.CONFIG_WRITE,
    answers={200: SavedAnswer},
    problems=(404, 409, 412),
)
def approve_proposal(access: Access, proposal_id: str, body: DecideBody) -> Response:  # noqa: ARG001  refuses others
    """Make exactly what was proposed live. Not for who proposed it; a token is the person who made it."""
    return answer(SavedAnswer.of(services().proposals.approve(access, proposal_id, request_id())))


@api_route(
    "POST",
    "/tenants/<tenant>/proposals/<proposal_id>/decline",
    permission=Permission.SAVE,
    scope=Scope.CONFIG_WRITE,
    answers={204: None},
    problems=(404, 422),
)
def decline_proposal(access: Access, proposal_id: str, body: DeclineBody) -> Response:
    """Say no to a proposal of somebody else."""
    services().proposals.decline(access, proposal_id, body.note, request_id())
    return nothing()


@api_route(
    "POST",
    "/tenants/<tenant>/proposals/<proposal_id>/withdraw",
    permission=Permission.EDIT,
    scope=Scope.CONFIG_WRITE,
    answers={204: None},
    problems=(404,),
)
def withdraw_proposal(access: Access, proposal_id: str, body: DecideBody) -> Response:  # noqa: ARG001  refuses others
    """Take one's own proposal back."""
    services().proposals.withdraw(access, proposal_id, request_id())
    return nothing()


def _console() -> str:
    return (services().settings.public_url or request.host_url).rstrip("/")
