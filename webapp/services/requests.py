"""What somebody wants to change, how it is written down, and whether the tenant may change in that way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from sqlalchemy.orm import Session

from webapp.domain.errors import (
    ApprovalRequiredError,
    ClosedToChangesError,
    FieldError,
    InputError,
    SetupUnprovenError,
)
from webapp.domain.problem import Problem
from webapp.domain.roles import Access, ChangesBy, TenantInfo
from webapp.domain.strict_json import faults
from webapp.domain.text import T

Origin = Literal["save", "restore", "import", "promote", "delete", "duplicate"]
SENTENCE_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants to change what is live, and how it is written down. ``base`` is the revision that the editor saw."""

    access: Access
    base: int | None
    note: str | None = None
    reason: str | None = None
    origin: Origin = "save"
    origin_detail: str | None = None
    request_id: str | None = None
    transfer: Mapping[str, Any] | None = None
    """Where it came from: ``from`` (a tenant), its ``revision`` and, for a part, ``only`` (pointers), and what
    was ``kept`` where both sides had changed; or ``file`` and ``hash``, or the ``system`` whose document it was."""
    approved_by: str | None = None
    """Whoever approved it, where that is not the one who wants it."""
    within: Callable[[Session, int], None] | None = None
    """Done in the same transaction, with the new revision's number; what it raises undoes all of it."""

    @property
    def decides(self) -> bool:
        """Whether it says what stays, which is written down even where nothing changes."""
        return bool(self.transfer and self.transfer.get("kept"))

    @property
    def tenant(self) -> TenantInfo:
        return self.access.tenant


def check_way(request: Request) -> None:
    """Whether the tenant may change in this way. What the operator mounted as a file is the operator's word.

    Raises ClosedToChangesError, ApprovalRequiredError.
    """
    if request.origin == "restore" or request.access.actor.kind == "system":
        return
    match request.tenant.changes_by:
        case ChangesBy.PROMOTION if request.origin != "promote":
            raise ClosedToChangesError(
                T("Its setup changes only by promoting from another tenant. Make the change there, then promote it.")
            )
        case ChangesBy.APPROVAL if request.origin not in ("promote", "import"):
            raise ClosedToChangesError(
                T(
                    "Its setup changes only by promotions and imports that a second person approves. Make the change "
                    "in another tenant, then promote it."
                )
            )
        case ChangesBy.APPROVAL if request.approved_by is None:
            raise ApprovalRequiredError(
                T("Propose the plan; it goes live once another person who may save here approves it.")
            )


def reason_wanted() -> SetupUnprovenError:
    """What is said where unproven values go into production without a reason."""
    return SetupUnprovenError(
        T(
            "No test mail was accepted with exactly these values in this tenant. "
            "Send one, or say why they go live without."
        )
    )


def closed_to(request: Request) -> list[Problem]:
    """A warning where what is planned could not be saved, as the tenant changes in another way."""
    try:
        check_way(replace(request, approved_by="-"))
    except ClosedToChangesError as exc:
        return [Problem(exc.code, exc.title, exc.detail)]
    return []


def came_from(request: Request) -> dict[str, Any] | None:
    """Where it came from, as the revision keeps it."""
    known = dict(request.transfer or {}) | ({"approvedBy": request.approved_by} if request.approved_by else {})
    return known or None


def said(sentence: str | None) -> str | None:
    """A sentence as it is kept; nothing where only blanks were typed."""
    return (sentence or "").strip() or None


def check_sentences(request: Request) -> None:
    """Whether note and reason can be written down. Raises InputError."""
    errors = []
    for pointer, value in (("/note", request.note), ("/reason", request.reason)):
        if value is not None and len(value) > SENTENCE_LIMIT:
            long = T("At most %(limit)s characters are possible here.", limit=SENTENCE_LIMIT)
            errors.append(FieldError(pointer, "value.too_long", long))
        elif value is not None:
            errors += faults(value, pointer)
    if errors:
        raise InputError(errors=errors)
