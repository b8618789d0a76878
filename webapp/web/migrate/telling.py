"""What pages of plans say: refusals with their places, what breaks, what is asked before it goes live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import g, request

from webapp.domain.errors import (
    ApprovalRequiredError,
    FlowsWouldBreakError,
    LimitedError,
    PostroomError,
    SecretsMissingError,
    SetupUnprovenError,
)
from webapp.domain.roles import Permission
from webapp.domain.text import T, Text
from webapp.domain.usage import FLOW_TITLES
from webapp.services.transfer.planning import TransferPlan
from webapp.web.context import current_access
from webapp.web.migrate.confirming import Confirming
from webapp.web.migrate.trying import run_context, usage_types

ASKED = (SecretsMissingError, FlowsWouldBreakError, SetupUnprovenError)
"""Refusals that are answered by something on the page, and said there."""

_BESIDE_DOCUMENT: Final = "/passphrase"
"""What is no place in a document, but a field beside it that its words name."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is wrong, and where."""

    message: Text
    place: str = ""


def in_words(error: PostroomError, beside: Sequence[str] = ()) -> list[Said]:
    """What was refused, by place; ``beside`` are places that have a field of their own on the page."""
    if isinstance(error, ASKED):
        return []
    if isinstance(error, ApprovalRequiredError):
        return [Said(T("Nothing was changed. Propose it: another person who may save here then makes it live."))]
    if not error.errors:
        return [Said(error.detail)]
    return [
        Said(each.message, "" if each.pointer == _BESIDE_DOCUMENT else each.pointer)
        for each in error.errors
        if each.pointer not in beside
    ]


def later(error: PostroomError) -> dict[str, str]:
    """The header that says when to try again, where it was too much for now."""
    return {"Retry-After": str(error.retry_after)} if isinstance(error, LimitedError) else {}


def drawn(plan: TransferPlan | None, error: PostroomError | None, said: Confirming) -> dict[str, Any]:
    """What the pages of both kinds of plan are drawn from."""
    access = current_access()
    slots = {slot.pointer for slot in plan.slots} if plan else set()
    judged = plan.plan if plan else None
    breaks = [(flow, FLOW_TITLES.get(flow, Text(flow))) for flow in plan.breaks] if plan else []
    return {
        "plan": judged,
        "errors": in_words(error, tuple(slots)) if error else [],
        "title": error.title if error else None,
        "missing": plan.missing if plan else (),
        "breaks": breaks,
        "asks_breaks": isinstance(error, FlowsWouldBreakError),
        "asks_reason": isinstance(error, SetupUnprovenError),
        "reason_wanted": access.tenant.production
        and bool(plan and not plan.plan.proven and (plan.plan.needs_reason or plan.missing)),
        "said": said,
        **run_context(plan.id if plan else "", g.get("run")),
        "usage_types": usage_types(),
        "to": request.form.get("to") or access.actor.name,
        "may_test": access.may(Permission.TEST),
        "may_save": access.may(Permission.SAVE),
    }
