"""The one way a change becomes live: a revision, the pointer to it and the event, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from webapp.db.models import RevisionRow, TenantRow
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.diff import Change, changes
from webapp.domain.errors import (
    ForbiddenError,
    SetupChangedMeanwhileError,
    SetupUnprovenError,
)
from webapp.domain.problem import Problem
from webapp.domain.roles import ChangesBy, Permission
from webapp.services.audit import Audit, told_changes
from webapp.services.history import Revisions, StoredSetup
from webapp.services.judging import Prepared
from webapp.services.proofs import Proofs
from webapp.services.requests import (
    Origin,
    Request,
    came_from,
    check_sentences,
    check_way,
    closed_to,
    reason_wanted,
    said,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a save or restore would do."""

    base: int
    changes: list[Change]
    proven: bool
    document: dict[str, Any]
    """The setup as it would be saved, secrets masked."""
    warnings: list[Problem]
    needs_reason: bool = False
    """Whether saving it into this tenant asks for a reason."""
    values_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What is live now. ``created`` is False where there was nothing to change."""

    number: int
    created: bool
    stored: StoredSetup
    changes: list[Change]


Make = Callable[[StoredSetup], Prepared]
"""Judges what is wanted, seen from the revision that the editor saw."""


class Saving:
    """Plans changes and makes them live."""

    def __init__(self, db: Database, vault: Vault, revisions: Revisions, proofs: Proofs, audit: Audit) -> None:
        self._db = db
        self._vault = vault
        self._revisions = revisions
        self._proofs = proofs
        self._audit = audit

    def planned(self, request: Request, make: Make) -> Plan:
        """Say what would change. Refuses what saving would refuse, but asks for no proof."""
        if not request.access.may(Permission.EDIT):
            raise ForbiddenError
        active = self._revisions.replaceable(request.tenant)
        prepared = make(self._seen(request, active))
        found = changes(active.document, prepared.document)
        if found:
            self._check_base(request, active, prepared)
        unproven = self._unproven(request, active, prepared)
        proof = self._proofs.find(request.tenant, prepared.values_tag) if prepared.values_tag else None
        return Plan(
            base=active.number,
            changes=found,
            proven=proof is not None,
            document=prepared.document,
            warnings=[*prepared.warnings, *closed_to(request)],
            needs_reason=bool(found) and unproven,
            values_tag=prepared.values_tag,
        )

    def saved(self, request: Request, permission: Permission, make: Make) -> Saved:
        """Make it live, unless it is what is live already."""
        if not request.access.may(permission):
            raise ForbiddenError
        check_way(request)
        check_sentences(request)
        while True:
            active = self._revisions.replaceable(request.tenant)
            prepared = make(self._seen(request, active))
            found = changes(active.document, prepared.document)
            if not found and not request.decides:
                return Saved(active.number, False, active, [])
            unproven = self._unproven(request, active, prepared)
            if unproven and not (request.reason or "").strip():
                raise reason_wanted()
            self._check_base(request, active, prepared)
            with self._db.write() as session:
                if self._moved(session, request, active.number):
                    check_way(_as_closed_as_now(session, request))
                    self._insert(session, request, active.number + 1, prepared, found, unproven=unproven)
                    if request.within:
                        request.within(session, active.number + 1)
                    break
            # Somebody was faster. Judge again, seen from what is live now.
        stored = self._revisions.one(request.tenant, active.number + 1)
        return Saved(stored.number, True, stored, found)

    def begin(self, session: Session, request: Request, make: Make) -> None:
        """Write the first revision of a tenant that is made in this transaction.

        Whoever makes a tenant proves there what it is to send with: a connector in production is refused.
        """
        empty = self._revisions.one(request.tenant, 0)
        prepared = make(empty)
        found = changes(empty.document, prepared.document)
        if self._unproven(request, empty, prepared):
            raise SetupUnprovenError
        if self._moved(session, request, 0):
            self._insert(session, request, 1, prepared, found, unproven=False)

    def _seen(self, request: Request, active: StoredSetup) -> StoredSetup:
        """The revision that the editor saw. What is prepared from an older one is never saved, only compared."""
        if request.base is None or not 0 <= request.base < active.number:
            return active
        return self._revisions.one(request.tenant, request.base)

    def _check_base(self, request: Request, active: StoredSetup, prepared: Prepared) -> None:
        if request.base is None or request.base == active.number:
            return
        seen = self._seen(request, active)
        raise SetupChangedMeanwhileError(
            current=active.number,
            theirs=changes(seen.document, active.document),
            yours=changes(seen.document, prepared.document),
            by=active.author_name,
        )

    def _unproven(self, request: Request, active: StoredSetup, prepared: Prepared) -> bool:
        """Whether values that were never live and never proven would go into production."""
        if not request.tenant.production or prepared.values_tag is None or request.origin == "restore":
            return False
        return prepared.values_tag != active.values_tag and not self._proofs.find(request.tenant, prepared.values_tag)

    def _moved(self, session: Session, request: Request, seen: int) -> bool:
        """Move the active pointer where it still is what was judged; locks the tenant until the commit."""
        still = (TenantRow.id == request.tenant.id, TenantRow.active_revision == seen, TenantRow.archived_at.is_(None))
        result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(TenantRow).where(*still).values(active_revision=seen + 1)
        )
        return bool(result.rowcount)

    def _insert(
        self,
        session: Session,
        request: Request,
        number: int,
        prepared: Prepared,
        found: list[Change],
        *,
        unproven: bool,
    ) -> None:
        actor, tenant = request.access.actor, request.tenant
        changed = [[change.pointer, change.kind] for change in found]
        session.add(
            RevisionRow(
                tenant_id=tenant.id,
                number=number,
                document=prepared.setup.document(),
                secrets=self._vault.seal(dict(prepared.sealed)),
                tags=dict(prepared.tags),
                values_tag=prepared.values_tag,
                changed=changed,
                origin=request.origin,
                origin_detail=request.origin_detail,
                transfer=came_from(request),
                note=said(request.note),
                reason=said(request.reason),
                author_kind=actor.kind,
                author_id=actor.id,
                author_name=actor.name,
            )
        )
        self._audit.record(
            session,
            _ACTIONS[request.origin],
            actor,
            tenant_id=tenant.id,
            request_id=request.request_id,
            revision=number,
            changed=[pointer for pointer, _ in changed],
            **told_changes(found),
            detail=request.origin_detail,
            note=said(request.note),
            reason=said(request.reason),
            unproven=True if unproven else None,
            approved_by=request.approved_by,
        )


_ACTIONS: Mapping[Origin, str] = {
    "save": "setup.saved",
    "restore": "setup.restored",
    "import": "setup.imported",
    "promote": "setup.promoted",
    "delete": "connector.deleted",
    "duplicate": "setup.duplicated",
}


def _as_closed_as_now(session: Session, request: Request) -> Request:
    """The request seen from the tenant as it is at this moment: it may have been closed since the asker was let in."""
    way = session.scalars(select(TenantRow.changes_by).where(TenantRow.id == request.tenant.id)).one()
    tenant = replace(request.tenant, changes_by=ChangesBy(way))
    return replace(request, access=replace(request.access, tenant=tenant))
