"""What is said with the confirming of a plan: note, reason, and that flows may break."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from webapp.services.setups import Saved
from webapp.services.transfer.planning import Confirmation, TransferPlan
from webapp.web.context import current_access, request_id, services

SENTENCE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Confirming:
    """The lower part of the form of a plan."""

    note: str = ""
    reason: str = ""
    breaks: tuple[str, ...] = ()
    """The flows of which it was said that they may break."""

    @classmethod
    def of(cls, form: MultiDict[str, str]) -> Confirming:
        note, reason = (form.get(name, "").strip()[:SENTENCE_LIMIT] for name in ("note", "reason"))
        return cls(note, reason, tuple(form.getlist("breaks")))

    def allows(self, plan: TransferPlan) -> bool:
        """Whether every flow that breaks was seen and allowed; one that was not shown is asked about first."""
        return set(plan.breaks) <= set(self.breaks)


def applied(plan: TransferPlan, confirming: Confirming) -> Saved:
    """Make exactly this plan live. Raises what stands in its way."""
    confirmation = Confirmation(
        confirming.note or None, confirming.reason or None, confirming.allows(plan), request_id()
    )
    return services().planning.apply(current_access(), plan.id, confirmation)
