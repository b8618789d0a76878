"""Proposals as API and commands show them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from webapp.answers.base import Answer, ChangeJSON
from webapp.answers.runs import ProblemAnswer

if TYPE_CHECKING:
    from webapp.services.setups import Plan
    from webapp.services.transfer.plans import Proposal


class WaitingAnswer(Answer):
    """A plan that waits for a second person."""

    plan_id: str
    state: Literal["waiting"] = "waiting"
    url: str
    """Where people look at it and decide."""
    proposed_by: str
    proposed_by_kind: str
    """``person``, ``token`` or ``operator``."""
    proposed_at: datetime
    until: datetime
    """When it lapses."""
    mine: bool
    """Whether you proposed it, or who is behind you: then somebody else decides."""
    origin: Literal["import", "promote"]
    source: str | None = Field(default=None, alias="from")
    """For a promotion: the tenant it is from."""
    base: int
    """The revision that it was compared with."""
    note: str | None = None
    reason: str | None = None
    breaks: list[str] = Field(default_factory=list)
    """Flows that are on and would lose their mail, which was allowed."""

    @classmethod
    def of(cls, proposal: Proposal, console: str, tenant: str) -> WaitingAnswer:
        return cls(**_waiting(proposal, console, tenant))


class ProposalAnswer(WaitingAnswer):
    """A proposal, with what approving it would do."""

    outdated: bool
    """Whether somebody saved since: then it has to be planned and proposed anew."""
    changes: list[ChangeJSON] = Field(default_factory=list)
    warnings: list[ProblemAnswer] = Field(default_factory=list)
    proven: bool = False
    """Whether a test mail was accepted in this tenant with exactly these values."""

    @classmethod
    def with_plan(cls, proposal: Proposal, plan: Plan | None, console: str, tenant: str) -> ProposalAnswer:
        """Without a plan: outdated."""
        known = _waiting(proposal, console, tenant)
        if plan is None:
            return cls(**known, outdated=True)
        return cls(
            **known,
            outdated=False,
            changes=[change.to_json() for change in plan.changes],
            warnings=[ProblemAnswer.of(problem) for problem in plan.warnings],
            proven=plan.proven,
        )


def _waiting(proposal: Proposal, console: str, tenant: str) -> dict[str, object]:
    kept = proposal.kept
    return {
        "plan_id": proposal.id,
        "url": f"{console}/t/{tenant}/migrate/proposals/{proposal.id}",
        "proposed_by": proposal.proposer.name,
        "proposed_by_kind": proposal.proposer.kind,
        "proposed_at": proposal.proposed_at,
        "until": proposal.until,
        "mine": proposal.mine,
        "origin": kept.origin,
        "source": kept.origin_detail,
        "base": kept.base,
        "note": proposal.note,
        "reason": proposal.reason,
        "breaks": list(kept.breaks),
    }
