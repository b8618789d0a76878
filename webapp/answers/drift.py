"""How far two tenants went apart, as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from webapp.answers.base import Answer, ChangeJSON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from webapp.domain.diff import Change
    from webapp.domain.problem import JSON
    from webapp.services.transfer.drift import Drift
    from webapp.services.transfer.lineage import Promoted


class PromotedAnswer(Answer):
    """A promotion that what is live descends from."""

    revision: int
    """The revision that it made in the target."""
    at: datetime
    by: str
    source: str = Field(alias="from")
    source_revision: int | None = None
    """What was live in the source; absent where nobody wrote it down."""
    only: list[str] | None = None
    """What was looked at, as pointers; absent where that was everything."""

    @classmethod
    def of(cls, promoted: Promoted) -> PromotedAnswer:
        return cls(
            revision=promoted.number,
            at=promoted.at,
            by=promoted.by,
            source=promoted.source,
            source_revision=promoted.source_revision,
            only=list(promoted.only) or None,
        )


class DriftAnswer(Answer):
    """What happened in two tenants since the one was promoted into the other."""

    last_promotion: PromotedAnswer | None
    """Null where nothing was promoted, or it was undone; then everything that differs is ahead."""
    edited: list[ChangeJSON]
    """What was edited in the target since, secrets among it: from how it was promoted to how it is."""
    ahead: list[ChangeJSON]
    """What is new in the source: from how it is in the target to how it is there."""
    conflicts: list[ChangeJSON]
    """What changed on both sides, or where what was promoted cannot be read any more; from target to source."""
    left: list[ChangeJSON]
    """What differs as it did when the rest was promoted; from target to source."""

    @classmethod
    def of(cls, drift: Drift) -> DriftAnswer:
        return cls(
            last_promotion=PromotedAnswer.of(drift.last) if drift.last else None,
            edited=_changes(drift.edited),
            ahead=_changes(drift.ahead),
            conflicts=_changes(drift.conflicts),
            left=_changes(drift.left),
        )

    def to_json(self) -> dict[str, JSON]:
        """The answer as JSON; that nothing was promoted is said."""
        return {"lastPromotion": None} | super().to_json()


def _changes(found: Iterable[Change]) -> list[dict[str, JSON]]:
    return [change.to_json() for change in found]
