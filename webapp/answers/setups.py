"""Tenants, their setups, and what leads from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from webapp.answers.base import Answer, ChangeJSON, SetupJSON
from webapp.answers.runs import ProblemAnswer
from webapp.domain.diff import Change
from webapp.domain.problem import JSON
from webapp.domain.roles import Role, TenantInfo
from webapp.domain.setup import Setup

if TYPE_CHECKING:
    from webapp.services.setups import Plan, RevisionInfo, Saved


class PlanAnswer(Answer):
    """What a save or restore would do, or did."""

    plan_id: str | None = None
    base: int
    """The revision that was compared with."""
    changes: list[ChangeJSON]
    missing_secrets: list[str] = Field(default_factory=list)
    warnings: list[ProblemAnswer] = Field(default_factory=list)
    breaks: list[str] = Field(default_factory=list)
    """Flows that are on and would have no connector."""
    proven: bool
    applied: bool = False
    revision: int | None = None

    @classmethod
    def of(cls, plan: Plan) -> PlanAnswer:
        had_connector = not any(change.pointer == "/connector" and change.old is None for change in plan.changes)
        gone = plan.document.get("connector") is None and had_connector
        return cls(
            base=plan.base,
            changes=_changes(plan.changes),
            warnings=[ProblemAnswer.of(problem) for problem in plan.warnings],
            breaks=Setup.model_validate(plan.document).flows.enabled() if gone and plan.changes else [],
            proven=plan.proven,
        )


class SavedAnswer(Answer):
    """A revision that was made, or the one that already was so."""

    revision: int
    created: bool
    """False when there was nothing to change."""
    changes: list[ChangeJSON]
    setup: SetupJSON

    @classmethod
    def of(cls, saved: Saved) -> SavedAnswer:
        return cls(
            revision=saved.number,
            created=saved.created,
            changes=_changes(saved.changes),
            setup=saved.stored.document,
        )


class ChangedAnswer(Answer):
    """Where a revision differs from the one before."""

    pointer: str
    kind: str


class RevisionAnswer(Answer):
    """One saved setup's line in the history."""

    number: int
    active: bool
    created_at: datetime
    author: str
    author_kind: str
    """``person``, ``token``, ``operator`` or ``system``."""
    origin: str
    """``save``, ``restore``, ``import``, ``promote``, ``delete`` or ``duplicate``."""
    origin_detail: str | None = None
    source: str | None = Field(None, alias="from")
    """The tenant that it was promoted or copied from."""
    source_revision: int | None = None
    """What was live there."""
    only: list[str] | None = None
    """The pointers that were promoted, where it was not everything."""
    file: str | None = None
    """The file that it was imported from."""
    system: str | None = None
    """The other system whose document was imported."""
    approved_by: str | None = None
    """The second person who approved it."""
    note: str | None = None
    reason: str | None = None
    changed: list[ChangedAnswer]
    proven_at: datetime | None = None
    setup: SetupJSON | None = None
    """The whole setup, where one revision was asked for."""

    @classmethod
    def of(cls, info: RevisionInfo, setup: Mapping[str, Any] | None = None) -> RevisionAnswer:
        return cls(
            number=info.number,
            active=info.active,
            created_at=info.created_at,
            author=info.author_name,
            author_kind=info.author_kind,
            origin=info.origin,
            origin_detail=info.origin_detail,
            **_came_from(info.transfer or {}),
            note=info.note,
            reason=info.reason,
            changed=[ChangedAnswer(pointer=pointer, kind=kind) for pointer, kind in info.changed],
            proven_at=info.proven_at,
            setup=dict(setup) if setup is not None else None,
        )


class DiffAnswer(Answer):
    """What leads from one revision to another."""

    old: int
    new: int
    changes: list[ChangeJSON]

    @classmethod
    def of(cls, old: int, new: int, changes: Iterable[Change]) -> DiffAnswer:
        return cls(old=old, new=new, changes=_changes(changes))


class TenantAnswer(Answer):
    """A tenant as this token sees it."""

    slug: str
    name: str
    environment: Literal["development", "production"]
    role: Role
    active_revision: int
    state: str
    """``not_set_up``, ``not_proven`` or ``proven``."""
    changes_by: Literal["all", "promotion", "approval"]
    """How it may change: in every way, only by promotion, or by what a second person approved."""

    @classmethod
    def of(cls, tenant: TenantInfo, role: Role, state: str) -> TenantAnswer:
        return cls(
            slug=tenant.slug,
            name=tenant.name,
            environment=tenant.environment.value,
            role=role,
            active_revision=tenant.active_revision,
            state=state,
            changes_by=tenant.changes_by.value,
        )


def _came_from(transfer: Mapping[str, Any]) -> dict[str, Any]:
    """Where a revision came from, as ``webapp.services.requests.Request`` says it."""
    names = {"from": "source", "revision": "source_revision", "approvedBy": "approved_by"}
    told = ("from", "revision", "only", "file", "system", "approvedBy")
    return {names.get(name, name): transfer[name] for name in told if transfer.get(name) is not None}


def _changes(changes: Iterable[Change]) -> list[dict[str, JSON]]:
    return [change.to_json() for change in changes]
