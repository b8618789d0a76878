"""What is said with the confirming of a plan: note, reason, and that flows may break."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

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


def made_live(plan: TransferPlan) -> ResponseReturnValue:
    """Make exactly this plan live, with what the form says. Raises what stands in its way."""
    saved = services().planning.apply(current_access(), plan.id, _confirmation(plan))
    if not saved.created:
        flash(gettext("Nothing had changed, so there is no new revision."))
        return redirect(url_for("overview.overview"), 303)
    return redirect(url_for("connector.saved", number=saved.number), 303)


def proposed(plan: TransferPlan) -> ResponseReturnValue:
    """Put exactly this plan before a second person. Raises what stands in its way."""
    found = services().proposals.propose(current_access(), plan.id, _confirmation(plan))
    flash(gettext("It is proposed. Nothing is live before a second person approves it."), "good")
    return redirect(url_for("migrate.proposal", proposal_id=found.id), 303)


def _confirmation(plan: TransferPlan) -> Confirmation:
    said = Confirming.of(request.form)
    return Confirmation(said.note or None, said.reason or None, said.allows(plan), request_id())
