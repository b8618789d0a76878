"""Proposals: plans that a second person makes live, or not. Nobody decides about their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.db.models import PlanRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.errors import (
    ForbiddenError,
    InputError,
    NotFoundError,
    NothingToProposeError,
    OwnProposalError,
    PreconditionError,
    TooManyProposalsError,
)
from webapp.domain.roles import Access, Actor, Permission
from webapp.domain.text import T
from webapp.services.audit import Audit
from webapp.services.marks import SecretWay, secret_ways
from webapp.services.requests import Request, check_sentences, check_way, reason_wanted, said
from webapp.services.secrets import Connectors
from webapp.services.setups import Plan, Saved, Setups
from webapp.services.transfer.planning import Confirmation, check_answered
from webapp.services.transfer.plans import (
    Declined,
    KeptPlan,
    Plans,
    Proposal,
    content_of,
    count_proposed,
    lapsed,
    plan_of,
    take_proposed,
)
from webapp.services.transfer.second_person import check_standing, person_behind

LIMIT: Final = 20
"""Proposals that wait in one tenant: each is read by somebody, and may have megabytes."""
NEWEST: Final = 10
"""Plans of one's own among which those that were declined are looked for."""


class Proposals:
    """Puts plans before a second person, and does what that one decides."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        setups: Setups,
        plans: Plans,
        connectors: Connectors,
        audit: Audit,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._db = db
        self._vault = vault
        self._setups = setups
        self._plans = plans
        self._connectors = connectors
        self._audit = audit
        self._clock = clock

    def propose(self, access: Access, plan_id: str, confirmation: Confirmation) -> Proposal:
        """Put a plan of one's own before a second person. What would stand in its way is refused now already.

        Raises NotFoundError, ForbiddenError, ClosedToChangesError, SecretsMissingError, FlowsWouldBreakError,
        SetupUnprovenError, SetupChangedMeanwhileError, NothingToProposeError, TooManyProposalsError.
        """
        kept = self._plans.load(access, plan_id)
        if kept.proposed:
            return self.find(access, plan_id)
        if not access.may(Permission.EDIT):
            raise ForbiddenError
        self._check(access, kept, confirmation)
        words = {"note": said(confirmation.note), "reason": said(confirmation.reason)}
        with self._db.read() as session:
            # Reading what waits may take seconds, in which everybody else has to be able to write.
            if same := self._same(session, access, kept, words):
                # Somebody pressed twice: each time the page plans anew.
                return same
        with self._db.write() as session:
            if count_proposed(session, access.tenant.id, self._clock()) >= LIMIT:
                raise TooManyProposalsError(T("%(limit)s wait here. Decide about some of them first.", limit=LIMIT))
            row = session.get(PlanRow, plan_id, with_for_update=True)
            if row is None:
                raise NotFoundError
            if row.proposed_at is not None:
                return self._proposal(session, access, row)
            row.content = self._vault.seal({**content_of(kept), "said": words})
            row.proposed_at = self._clock()
            self._record(session, "plan.proposed", access, confirmation.request_id, kept, **words)
        return self.find(access, plan_id)

    def _check(self, access: Access, kept: KeptPlan, confirmation: Confirmation) -> None:
        """Whether a second person's approval is all that is missing."""
        asked = Request(
            access, kept.base, confirmation.note, confirmation.reason, kept.origin,
            transfer=kept.transfer, approved_by="-",
        )  # fmt: skip
        check_way(asked)
        check_sentences(asked)
        check_answered(kept, confirmation)
        plan = self._setups.plan(access, kept.document, base=kept.base, origin=kept.origin)
        if not plan.changes and not asked.decides:
            raise NothingToProposeError(T("What this plan wants is live already."))
        if plan.needs_reason and not (confirmation.reason or "").strip():
            raise reason_wanted()

    def _same(
        self, session: Session, access: Access, kept: KeptPlan, words: Mapping[str, str | None]
    ) -> Proposal | None:
        """What waits already and wants exactly this, of the same person and with the same words."""
        for each in self._all(session, access):
            theirs = {"note": each.note, "reason": each.reason}
            if each.mine and (each.kept.base, each.kept.document, theirs) == (kept.base, kept.document, words):
                return each
        return None

    def count(self, access: Access) -> int:
        """How many wait in the tenant, for who may see them."""
        if not access.may(Permission.EDIT):
            return 0
        with self._db.read() as session:
            return count_proposed(session, access.tenant.id, self._clock())

    def waiting(self, access: Access) -> list[Proposal]:
        """What waits in the tenant, the oldest first. Raises ForbiddenError."""
        if not access.may(Permission.EDIT):
            raise ForbiddenError
        with self._db.read() as session:
            return self._all(session, access)

    def _all(self, session: Session, access: Access) -> list[Proposal]:
        query = select(PlanRow).where(PlanRow.tenant_id == access.tenant.id, PlanRow.proposed_at.is_not(None))
        rows = session.scalars(query.order_by(PlanRow.proposed_at, PlanRow.id)).all()
        return [self._proposal(session, access, row) for row in rows if not lapsed(row, self._clock())]

    def declined(self, access: Access) -> list[Proposal]:
        """What others declined of what the asker proposed, the newest first; told for a day."""
        query = select(PlanRow).where(
            PlanRow.tenant_id == access.tenant.id,
            PlanRow.actor_kind == access.actor.kind,
            PlanRow.actor_id.is_not_distinct_from(access.actor.id),
            PlanRow.proposed_at.is_(None),
        )
        with self._db.read() as session:
            rows = session.scalars(query.order_by(PlanRow.created_at.desc(), PlanRow.id).limit(NEWEST)).all()
            found = [self._proposal(session, access, row) for row in rows if not lapsed(row, self._clock())]
        return [each for each in found if each.declined]

    def find(self, access: Access, proposal_id: str) -> Proposal:
        """One that waits; for who proposed it also one that was declined. Raises NotFoundError, ForbiddenError."""
        if not access.may(Permission.EDIT):
            raise ForbiddenError
        with self._db.read() as session:
            row = session.get(PlanRow, proposal_id)
            if row is not None and row.tenant_id == access.tenant.id and not lapsed(row, self._clock()):
                found = self._proposal(session, access, row)
                if row.proposed_at is not None or (found.declined and found.mine):
                    return found
        raise NotFoundError(T("This proposal does not wait any more: it was decided about, or its week is over."))

    def look(self, access: Access, proposal: Proposal) -> Plan:
        """What approving it would do. Raises SetupChangedMeanwhileError where somebody saved since."""
        kept = proposal.kept
        return self._setups.plan(access, kept.document, base=kept.base, origin=kept.origin)

    def outlook(self, access: Access, proposal: Proposal) -> Plan | None:
        """The same for a list; None where it cannot be approved as it is, since somebody saved."""
        try:
            return self.look(access, proposal)
        except (PreconditionError, InputError):
            return None

    def secrets(self, proposal: Proposal) -> dict[str, SecretWay]:
        """Where secrets stand, and whether a new one came with it: pointer → way. None is shown."""
        return secret_ways(proposal.kept.document, self._connectors)

    def approve(self, access: Access, proposal_id: str, request_id: str | None = None) -> Saved:
        """Make exactly what was proposed live, in the name of who proposed it.

        Raises NotFoundError, ForbiddenError, OwnProposalError, ProposerGoneError, SetupUnprovenError, or
        SetupChangedMeanwhileError where somebody saved since; then it waits on, and has to be planned anew.
        """
        proposal = self._to_decide(access, proposal_id)
        kept = proposal.kept

        def within(session: Session, number: int) -> None:
            check_standing(session, proposal.proposer, access.tenant)
            take_proposed(session, proposal_id)
            self._record(
                session, "plan.approved", access, request_id, kept, revision=number, proposed_by=proposal.proposer.name
            )

        saved = self._setups.save(
            Access(proposal.proposer, access.tenant, access.role, access.scopes),
            kept.document,
            base=kept.base,
            note=proposal.note,
            reason=proposal.reason,
            origin=kept.origin,
            origin_detail=kept.origin_detail,
            request_id=request_id,
            transfer=kept.transfer,
            approved_by=access.actor.name,
            within=within,
        )
        if not saved.created:
            # The same became live in another way; or somebody else approved it at this moment, and has taken it.
            with self._db.write() as session:
                take_proposed(session, proposal_id)
        return saved

    def decline(self, access: Access, proposal_id: str, note: str | None = None, request_id: str | None = None) -> None:
        """Say no to it. Who proposed it is told, with the note. Raises as ``approve`` does."""
        proposal = self._to_decide(access, proposal_id)
        check_sentences(Request(access, None, note))
        declined = {"by": access.actor.name, "note": said(note)}
        with self._db.write() as session:
            self._give_back(session, proposal, declined=declined)
            words = {"note": said(note), "proposed_by": proposal.proposer.name}
            self._record(session, "plan.declined", access, request_id, proposal.kept, **words)

    def withdraw(self, access: Access, proposal_id: str, request_id: str | None = None) -> None:
        """Take one's own proposal back. Raises NotFoundError, ForbiddenError."""
        proposal = self.find(access, proposal_id)
        if not proposal.mine:
            raise ForbiddenError(T("Only who proposed it can withdraw it. Somebody else can decline it."))
        with self._db.write() as session:
            self._give_back(session, proposal)
            self._record(session, "plan.withdrawn", access, request_id, proposal.kept)

    def _to_decide(self, access: Access, proposal_id: str) -> Proposal:
        proposal = self.find(access, proposal_id)
        if proposal.mine:
            raise OwnProposalError(T("Ask another person who may save here to look at it and decide."))
        if not access.may(Permission.SAVE):
            raise ForbiddenError(T("Only who may save here can decide about a proposal."))
        return proposal

    def _proposal(self, session: Session, access: Access, row: PlanRow) -> Proposal:
        content = self._vault.open(row.content)
        words, declined = content.get("said") or {}, content.get("declined")
        proposer = Actor(row.actor_kind, row.actor_id, row.actor_name)
        return Proposal(
            id=row.id,
            proposer=proposer,
            proposed_at=row.proposed_at or row.created_at,
            kept=plan_of(row, content),
            note=words.get("note"),
            reason=words.get("reason"),
            mine=person_behind(session, proposer) == person_behind(session, access.actor),
            declined=Declined(**declined) if declined else None,
        )

    def _give_back(self, session: Session, proposal: Proposal, **more: Any) -> None:
        """Make it a plan of its proposer again, for a day. Raises NotFoundError where it was decided already."""
        row = session.get(PlanRow, proposal.id, with_for_update=True)
        if row is None or row.proposed_at is None:
            raise NotFoundError
        row.content = self._vault.seal({**content_of(proposal.kept), **more})
        row.proposed_at, row.created_at = None, self._clock()

    def _record(
        self, session: Session, action: str, access: Access, request_id: str | None, kept: KeptPlan, **detail: Any
    ) -> None:
        self._audit.record(
            session,
            action,
            access.actor,
            tenant_id=access.tenant.id,
            request_id=request_id,
            origin=kept.origin,
            detail=kept.origin_detail,
            **detail,
        )
