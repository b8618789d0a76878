"""What checks and test sends found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from webapp.answers.base import Answer, PatchJSON
from webapp.domain.message import Phase
from webapp.domain.problem import Problem

if TYPE_CHECKING:
    from webapp.services.testing import RunView


class ProblemAnswer(Answer):
    """A diagnosis: what failed, why, and what to do."""

    code: str
    title: str
    cause: str
    steps: list[str]
    temporary: bool
    """Whether trying again later can help."""
    patch: list[PatchJSON] | None = None
    """A JSON Patch for the setup that mends it; never lowers security."""
    transcript: str | None = None

    @classmethod
    def of(cls, problem: Problem) -> ProblemAnswer:
        return cls(
            code=problem.code,
            title=str(problem.title),
            cause=str(problem.cause),
            steps=[str(step) for step in problem.steps],
            temporary=problem.temporary,
            patch=[operation.to_json() for operation in problem.patch] or None,
            transcript=problem.transcript,
        )


class PhaseAnswer(Answer):
    """One step of talking to a provider."""

    phase: str
    ok: bool
    ms: float
    code: int | None = None
    enhanced_code: str | None = None
    text: str | None = None
    """The provider's own words."""
    problem: ProblemAnswer | None = None

    @classmethod
    def of(cls, phase: Phase) -> PhaseAnswer:
        return cls(
            phase=phase.phase,
            ok=bool(phase.ok),
            ms=phase.ms or 0.0,
            code=phase.code,
            enhanced_code=phase.enhanced_code,
            text=phase.text,
            problem=ProblemAnswer.of(phase.problem) if phase.problem else None,
        )


class CheckAnswer(Answer):
    """What a check found."""

    ok: bool
    phases: list[PhaseAnswer]
    problem: ProblemAnswer | None = None
    transcript: str | None = None
    """The conversation, credentials taken out."""
    warnings: list[ProblemAnswer] = Field(default_factory=list)
    """What works, but should be known: a test account, a quota nearly used up, what the mail could not be given."""

    @classmethod
    def of(cls, run: RunView) -> CheckAnswer:
        return cls(
            ok=bool(run.ok),
            phases=[PhaseAnswer.of(phase) for phase in run.phases],
            problem=ProblemAnswer.of(run.problem) if run.problem else None,
            transcript=run.transcript or None,
            warnings=[ProblemAnswer.of(problem) for problem in run.warnings],
        )


class TestSendAnswer(CheckAnswer):
    """What became of a test mail."""

    outcome: Literal["sent", "not_sent", "maybe_sent", "captured"]
    """``captured``: it lies in the tenant's inbox and went nowhere else."""
    message_id: str | None = None
    provider_message_id: str | None = None

    @classmethod
    def of(cls, run: RunView) -> TestSendAnswer:
        return cls(
            **dict(CheckAnswer.of(run)),
            outcome=run.outcome.value if run.outcome else "not_sent",
            message_id=run.message_id,
            provider_message_id=run.receipt.provider_message_id if run.receipt else None,
        )
