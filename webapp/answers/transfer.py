"""Tenant documents and plans as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from webapp.answers.base import Answer, ChangeJSON, SetupJSON
from webapp.answers.runs import ProblemAnswer

if TYPE_CHECKING:
    from webapp.services.setups import Saved
    from webapp.services.transfer.logto import Moved
    from webapp.services.transfer.planning import TransferPlan


class DocumentJSON(Answer):
    """A tenant document."""

    format: Literal["postroom/setup"]
    version: Literal[1]
    setup: SetupJSON
    content_hash: str
    """SHA-256 over the canonical text of the setup."""


class MovedAnswer(Answer):
    """What became what, for a document of another system: pointers into it and into the setup."""

    source: str
    target: str


class TransferAnswer(Answer):
    """What an import or a promotion would do, or did."""

    plan_id: str
    base: int
    """The revision that was compared with."""
    changes: list[ChangeJSON]
    missing_secrets: list[str] = Field(default_factory=list)
    """Slots of secrets that have to be given before this can be applied."""
    warnings: list[ProblemAnswer] = Field(default_factory=list)
    breaks: list[str] = Field(default_factory=list)
    """Flows that are on and would lose their mail."""
    proven: bool
    """Whether a test mail was accepted in this tenant with exactly these values."""
    needs_reason: bool = False
    """Whether applying it asks for a reason: production, and not proven."""
    mapped: list[MovedAnswer] = Field(default_factory=list)
    applied: bool = False
    revision: int | None = None

    @classmethod
    def of(cls, plan: TransferPlan, saved: Saved | None = None, *, moved: Iterable[Moved] = ()) -> TransferAnswer:
        return cls(
            plan_id=plan.id,
            base=plan.plan.base,
            changes=[change.to_json() for change in plan.plan.changes],
            missing_secrets=list(plan.missing),
            warnings=[ProblemAnswer.of(problem) for problem in plan.plan.warnings],
            breaks=list(plan.breaks),
            proven=plan.plan.proven,
            needs_reason=plan.plan.needs_reason,
            mapped=[MovedAnswer(source=each.source, target=each.target) for each in moved],
            applied=saved is not None,
            revision=saved.number if saved else None,
        )
