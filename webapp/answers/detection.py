"""What a detection found."""

from __future__ import annotations

from typing import Literal

from webapp.answers.base import Answer
from webapp.answers.runs import ProblemAnswer
from webapp.domain.problem import JSON
from webapp.services.detection import Candidate, Detection, Needed, Step


class NeededAnswer(Answer):
    """A setting that nobody but its owner can fill in."""

    path: str
    """Its dotted path in the config."""
    title: str
    """What the provider calls it."""

    @classmethod
    def of(cls, needed: Needed) -> NeededAnswer:
        return cls(path=needed.path, title=str(needed.title))


class CandidateAnswer(Answer):
    """A connector that could be set up."""

    provider: str
    preset: str | None = None
    """The preset of ``provider`` that its config is of."""
    title: str
    usable: bool
    config: dict[str, JSON]
    """What can be filled in; empty where it cannot be used."""
    needed: list[NeededAnswer]
    """What would still have to be given."""
    evidence: list[str]
    """What speaks for it, in words."""
    warnings: list[str]
    problem: ProblemAnswer | None = None
    """Why it cannot be used."""

    @classmethod
    def of(cls, candidate: Candidate) -> CandidateAnswer:
        return cls(
            provider=candidate.provider,
            preset=candidate.preset,
            title=candidate.title,
            usable=candidate.usable,
            config=dict(candidate.config),
            needed=[NeededAnswer.of(each) for each in candidate.needed],
            evidence=[str(each) for each in candidate.evidence],
            warnings=[str(each) for each in candidate.warnings],
            problem=ProblemAnswer.of(candidate.problem) if candidate.problem else None,
        )


class DetectionStepAnswer(Answer):
    """One thing that was looked at."""

    what: str
    state: Literal["running", "found", "nothing"]
    outcome: str

    @classmethod
    def of(cls, step: Step) -> DetectionStepAnswer:
        return cls(what=str(step.text), state=step.state, outcome=str(step.outcome))


class DetectionAnswer(Answer):
    """Who could carry the mail of an address or a server."""

    asked: str
    """The domain or server that was looked for."""
    found: bool
    """Whether at least one candidate can be used."""
    candidates: list[CandidateAnswer]
    """The best first."""
    remarks: list[str]
    """What is worth knowing and speaks for nobody, such as a filter that stands before the mail servers."""
    steps: list[DetectionStepAnswer]
    problem: ProblemAnswer | None = None
    """Why there is nothing to use, and what to do instead."""

    @classmethod
    def of(cls, detection: Detection) -> DetectionAnswer:
        return cls(
            asked=detection.asked,
            found=detection.found,
            candidates=[CandidateAnswer.of(each) for each in detection.candidates],
            remarks=[str(each) for each in detection.remarks],
            steps=[DetectionStepAnswer.of(each) for each in detection.steps],
            problem=ProblemAnswer.of(detection.problem) if detection.problem else None,
        )
