"""Proposals: what one person plans, another one makes live."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.canary import CANARY
from tests.services.conftest import ADA, BOB, smtp
from webapp.connectors import CONNECTORS
from webapp.db.models import PlanRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.errors import (
    ApprovalRequiredError,
    ClosedToChangesError,
    FlowsWouldBreakError,
    ForbiddenError,
    InputError,
    NotFoundError,
    NothingToProposeError,
    OwnProposalError,
    PlanProposedError,
    PostroomError,
    ProposerGoneError,
    SecretsMissingError,
    SetupChangedMeanwhileError,
    SetupUnprovenError,
    TooManyProposalsError,
)
from webapp.domain.roles import OPERATOR, Access, Actor, ChangesBy, Role, Scope, TenantInfo
from webapp.services.audit import Audit
from webapp.services.deeds import told
from webapp.services.setups import Saved, Setups
from webapp.services.tenants import Tenants
from webapp.services.tokens import Tokens
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import LIMIT as PLANS_LIMIT
from webapp.services.transfer.plans import KeptPlan, Plans
from webapp.services.transfer.promoting import Promoting, Promotion
from webapp.services.transfer.proposals import LIMIT, Proposals

CAROL = Actor("person", 4, "carol@example.com")
SLOT = "smtp.auth.pass"
TYPED = f"{CANARY}-of-production"
REASON = Confirmation(note="New relay", reason="Its provider is down today")


def saying(note: str) -> Confirmation:
    return Confirmation(note=note, reason="Its provider is down today")


class Clock:
    """Tells the time, and lets it pass."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return now() + self.passed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plans(db: Database, vault: Vault, clock: Clock) -> Plans:
    return Plans(db, vault, clock)


@pytest.fixture
def planning(setups: Setups, plans: Plans) -> Planning:
    return Planning(setups, CONNECTORS, plans)


@pytest.fixture
def promoting(setups: Setups, planning: Planning) -> Promoting:
    return Promoting(setups, planning)


@pytest.fixture
def proposals(db: Database, vault: Vault, setups: Setups, plans: Plans, clock: Clock) -> Proposals:
    return Proposals(db, vault, setups, plans, CONNECTORS, Audit(), clock)


@pytest.fixture
def tokens(db: Database) -> Tokens:
    return Tokens(db)


@pytest.fixture
def source(setups: Setups, ada: Access, bob: Access) -> Access:
    """The development tenant with a connector, as Bob sees it."""
    setups.save(ada, {"connector": smtp()}, base=None)
    return bob


@pytest.fixture
def closed(tenants: Tenants, prod: TenantInfo) -> TenantInfo:
    """The production tenant, where a second person approves; Carol owns it too."""
    tenants.add_member(prod.id, 4, Role.OWNER)
    return tenants.change(
        "prod", ADA, name="Production", editors_may_save_production=False, changes_by=ChangesBy.APPROVAL
    )


Standing = Callable[[Actor], Access]


@pytest.fixture
def at(tenants: Tenants, closed: TenantInfo) -> Standing:
    """Somebody's standing in production, as it is at this moment."""
    return lambda actor: tenants.access(actor, "prod")


@pytest.fixture
def planned(promoting: Promoting, source: Access) -> Callable[[Access], str]:
    def plan(target: Access, **wanted: Any) -> str:
        wanted.setdefault("secrets", {SLOT: {"value": TYPED}})
        return promoting.plan(source, target, Promotion(**wanted)).id

    return plan


@pytest.fixture
def proposed(proposals: Proposals, planned: Callable[[Access], str], at: Standing) -> str:
    """What Bob, who may not save to production, proposed."""
    return proposals.propose(at(BOB), planned(at(BOB)), REASON).id


def actions(db: Database, tenant: TenantInfo) -> list[str]:
    return [event.action for event in Audit().events(db, tenant.id)]


class TestProposing:
    def test_who_may_not_save_can_propose(self, proposals, planned, at):
        found = proposals.propose(at(BOB), planned(at(BOB)), REASON)

        assert (found.proposer.name, found.note, found.mine) == ("bob@example.com", "New relay", True)
        assert [each.id for each in proposals.waiting(at(ADA))] == [found.id]

    def test_it_does_so_where_nobody_has_to_approve_too(self, proposals, planned, at, tenants):
        tenants.change("prod", ADA, name="Production", editors_may_save_production=False, changes_by=ChangesBy.ALL)

        found = proposals.propose(at(BOB), planned(at(BOB)), REASON)

        assert proposals.approve(at(ADA), found.id).created

    def test_twice_it_waits_once(self, proposals, planned, at, db, closed):
        plan = planned(at(BOB))

        first, second = (proposals.propose(at(BOB), plan, REASON) for _ in range(2))

        assert first.id == second.id
        assert actions(db, closed).count("plan.proposed") == 1

    def test_planned_again_and_proposed_with_the_same_words_it_waits_once(self, proposals, planned, at, db, closed):
        first, again = (proposals.propose(at(BOB), planned(at(BOB)), REASON) for _ in range(2))

        assert again.id == first.id
        assert len(proposals.waiting(at(ADA))) == 1
        assert actions(db, closed).count("plan.proposed") == 1

    def test_what_waits_is_not_read_while_nobody_else_can_write(self, proposals, proposed, planned, at, vault, db):
        """It may have a hundred megabytes, and there is one writer for all tenants."""
        opened = vault.open

        def opening(sealed: bytes) -> Any:
            with db.write() as session:
                session.execute(text("SELECT 1"))  # waits for whoever is writing
                return opened(sealed)

        vault.open = opening

        assert proposals.propose(at(BOB), planned(at(BOB)), saying("Another")).id != proposed

    @pytest.mark.parametrize(
        ("wanted", "said", "refusal"),
        [
            ({"secrets": None}, REASON, SecretsMissingError),
            ({}, Confirmation(), SetupUnprovenError),
            ({}, Confirmation(reason="x" * 1001), InputError),
            ({"only": ["/defaultLanguage"]}, REASON, NothingToProposeError),
        ],
        ids=["a secret is missing", "unproven without a reason", "too long a reason", "nothing changes"],
    )
    def test_what_would_stand_in_its_way_is_refused_now(self, proposals, planned, at, wanted, said, refusal):
        plan = planned(at(BOB), **({"secrets": None} if "only" in wanted else {}) | wanted)

        with pytest.raises(refusal):
            proposals.propose(at(BOB), plan, said)

        assert proposals.waiting(at(ADA)) == []

    def test_that_conflicts_were_decided_is_proposed_too_although_nothing_changes(
        self, proposals, proposed, plans, at, setups, closed
    ):
        proposals.approve(at(ADA), proposed)
        came = {"from": "dev", "revision": 1, "kept": ["/defaultLanguage"]}
        plan = KeptPlan(1, setups.active(closed).document, "promote", "dev", transfer=came)

        decided = proposals.propose(at(BOB), plans.keep(at(BOB), plan), REASON).id

        assert proposals.approve(at(ADA), decided).created
        assert setups.history(closed)[0].transfer == came | {"approvedBy": "ada@example.com"}

    def test_flows_that_break_have_to_be_allowed(self, proposals, promoting, source, setups, tenants, at):
        setups.save(tenants.access(ADA, "dev"), {"connector": None, "templates": {}}, base=None)
        plan = promoting.plan(source, at(BOB), Promotion(only=["/templates"])).id

        with pytest.raises(FlowsWouldBreakError):
            proposals.propose(at(BOB), plan, Confirmation())

        assert proposals.propose(at(BOB), plan, Confirmation(allow_breaking=True)).id == plan

    def test_an_import_is_not_proposed_where_only_promotions_go(self, proposals, planning, tenants, at, setups):
        from webapp.services.transfer.importing import GivenDocument, Importing

        tenants.change(
            "prod", ADA, name="Production", editors_may_save_production=False, changes_by=ChangesBy.PROMOTION
        )
        plan = Importing(setups, planning).plan(at(BOB), GivenDocument({"connector": smtp(), "templates": {}}))

        assert "tenant.closed_to_changes" in [each.code for each in plan.transfer.plan.warnings]
        with pytest.raises(ClosedToChangesError):
            proposals.propose(at(BOB), plan.transfer.id, REASON)

    def test_viewers_neither_propose_nor_see_what_waits(self, proposals, proposed, tenants, at, prod):
        tenants.add_member(prod.id, 4, Role.VIEWER)

        assert proposals.count(at(CAROL)) == 0
        with pytest.raises(ForbiddenError):
            proposals.waiting(at(CAROL))
        with pytest.raises(ForbiddenError):
            proposals.find(at(CAROL), proposed)

    def test_somebody_elses_plan_is_nobody_elses_to_propose(self, proposals, planned, at):
        with pytest.raises(NotFoundError):
            proposals.propose(at(ADA), planned(at(BOB)), REASON)

    def test_no_more_wait_than_can_be_read(self, proposals, planned, at):
        for number in range(LIMIT):
            proposals.propose(at(BOB), planned(at(BOB)), saying(f"Release {number}"))

        with pytest.raises(TooManyProposalsError):
            proposals.propose(at(BOB), planned(at(BOB)), REASON)

    def test_later_plans_of_the_same_person_do_not_push_it_out(self, proposals, proposed, planned, at):
        for _ in range(PLANS_LIMIT + 1):
            planned(at(BOB))

        assert proposals.find(at(ADA), proposed).id == proposed

    def test_what_waits_is_not_applied_beside(self, proposals, proposed, planning, at):
        with pytest.raises(PlanProposedError):
            planning.apply(at(BOB), proposed, REASON)


class TestApproving:
    def test_exactly_what_was_proposed_is_live_in_the_name_of_who_proposed_it(
        self, proposals, proposed, at, setups, closed
    ):
        seen = proposals.look(at(ADA), proposals.find(at(ADA), proposed))

        saved = proposals.approve(at(ADA), proposed)

        info = setups.history(closed)[0]
        assert saved.changes == seen.changes
        assert (info.author_name, info.note, info.reason) == ("bob@example.com", REASON.note, REASON.reason)
        assert info.transfer == {"from": "dev", "revision": 1, "approvedBy": "ada@example.com"}
        assert setups.secrets(at(ADA), saved.number)["/connector/config/auth/pass"] == TYPED
        assert proposals.waiting(at(ADA)) == []

    def test_both_deeds_are_in_the_audit_log(self, proposals, proposed, at, db, closed):
        proposals.approve(at(ADA), proposed)

        said = {(event.actor_name, str(told(event))) for event in Audit().events(db, closed.id)}
        assert ("ada@example.com", "approved what bob@example.com proposed, as revision 1") in said
        assert (
            "bob@example.com",
            "promoted the setup from dev, as revision 1, approved by ada@example.com",
        ) in said

    def test_nobody_approves_their_own(self, proposals, planned, at, setups, closed):
        mine = proposals.propose(at(ADA), planned(at(ADA)), REASON).id

        with pytest.raises(OwnProposalError):
            proposals.approve(at(ADA), mine)

        assert setups.history(closed) == []
        assert proposals.approve(at(CAROL), mine).created

    def test_nor_with_a_token_of_theirs(self, proposals, planned, at, tokens):
        mine = proposals.propose(at(ADA), planned(at(ADA)), REASON).id
        token = tokens.authenticate(tokens.create(at(ADA), "ci", [Scope.CONFIG_WRITE], ADA))

        with pytest.raises(OwnProposalError):
            proposals.approve(token, mine)

    def test_nor_what_a_token_of_theirs_proposed(self, proposals, planned, at, tokens):
        token = tokens.authenticate(tokens.create(at(ADA), "ci", [Scope.CONFIG_WRITE], ADA))
        of_token = proposals.propose(token, planned(token), REASON).id

        with pytest.raises(OwnProposalError):
            proposals.approve(at(ADA), of_token)

        assert proposals.approve(at(CAROL), of_token).created

    def test_the_operator_counts_as_somebody_else_for_a_person(self, proposals, proposed, at):
        assert proposals.approve(at(OPERATOR), proposed).created

    def test_but_not_for_a_token_of_the_operator(self, proposals, planned, at, tokens, closed):
        token = tokens.authenticate(tokens.create(closed, "ci", [Scope.CONFIG_WRITE], OPERATOR))
        of_token = proposals.propose(token, planned(token), REASON).id

        with pytest.raises(OwnProposalError):
            proposals.approve(at(OPERATOR), of_token)

    def test_who_may_not_save_decides_nothing(self, proposals, planned, at, tenants, prod):
        tenants.add_member(prod.id, 4, Role.EDITOR)
        waits = proposals.propose(at(BOB), planned(at(BOB)), REASON).id

        with pytest.raises(ForbiddenError):
            proposals.approve(at(CAROL), waits)
        with pytest.raises(ForbiddenError):
            proposals.decline(at(CAROL), waits)

    @pytest.mark.parametrize("lowered", [Role.VIEWER, None], ids=["a viewer now", "gone"])
    def test_who_may_not_change_anything_any_more_proposes_nothing(
        self, proposals, proposed, at, tenants, prod, setups, lowered
    ):
        if lowered:
            tenants.change_role(prod.id, 2, lowered, ADA, name="bob@example.com")
        else:
            tenants.remove_member(prod.id, 2, ADA)

        with pytest.raises(ProposerGoneError):
            proposals.approve(at(ADA), proposed)

        assert setups.history(prod) == []
        assert proposals.find(at(ADA), proposed)

    def test_a_token_that_was_revoked_proposes_nothing(self, proposals, planned, at, tokens):
        token = tokens.authenticate(tokens.create(at(CAROL), "ci", [Scope.CONFIG_WRITE], CAROL))
        of_token = proposals.propose(token, planned(token), REASON).id
        tokens.revoke(token.token_id, CAROL)

        with pytest.raises(ProposerGoneError):
            proposals.approve(at(ADA), of_token)

    def test_where_somebody_saved_since_nothing_is_applied_and_it_waits_on(self, proposals, planned, at, setups):
        first, second = (proposals.propose(at(BOB), planned(at(BOB)), saying(each)).id for each in ("one", "two"))
        restored = planned(at(BOB), secrets={SLOT: {"value": f"{TYPED}-other"}})
        third = proposals.propose(at(BOB), restored, REASON).id
        proposals.approve(at(ADA), first)

        with pytest.raises(SetupChangedMeanwhileError) as refused:
            proposals.approve(at(ADA), third)

        assert refused.value.theirs
        assert {each.id for each in proposals.waiting(at(ADA))} == {second, third}

    def test_what_is_live_already_makes_no_revision_and_waits_no_more(self, proposals, planned, at, setups, closed):
        first, same = (proposals.propose(at(BOB), planned(at(BOB)), saying(each)).id for each in ("one", "two"))
        proposals.approve(at(ADA), first)

        saved = proposals.approve(at(ADA), same)

        assert (saved.created, len(setups.history(closed))) == (False, 1)
        assert proposals.waiting(at(ADA)) == []

    def test_after_a_week_it_waits_no_more(self, proposals, proposed, at, clock, plans):
        clock.passed = timedelta(days=6)
        assert proposals.count(at(ADA)) == 1
        assert plans.purge() == 0

        clock.passed = timedelta(days=7, seconds=1)

        assert (proposals.count(at(ADA)), proposals.waiting(at(ADA))) == (0, [])
        with pytest.raises(NotFoundError):
            proposals.approve(at(ADA), proposed)
        assert plans.purge() == 1

    def test_of_two_who_approve_at_once_one_does(self, proposals, proposed, at, setups, closed):
        def approve(actor: Actor) -> Saved | PostroomError:
            try:
                return proposals.approve(at(actor), proposed)
            except PostroomError as refusal:
                return refusal

        with ThreadPoolExecutor(2) as two:
            done = list(two.map(approve, [ADA, CAROL]))

        assert len(setups.history(closed)) == 1
        assert [isinstance(each, Saved) and each.created for each in done].count(True) == 1
        assert [isinstance(each, NotFoundError) for each in done].count(True) == 1

    def test_another_tenants_proposal_is_not_there(self, proposals, proposed, mallory):
        with pytest.raises(NotFoundError):
            proposals.find(mallory, proposed)


class TestTakingBack:
    def test_who_proposed_it_can_withdraw_it_and_has_the_plan_again(self, proposals, proposed, at, planning):
        proposals.withdraw(at(BOB), proposed)

        assert proposals.waiting(at(ADA)) == []
        assert not planning.kept(at(BOB), proposed).proposed

    def test_nobody_else_can(self, proposals, proposed, at):
        with pytest.raises(ForbiddenError):
            proposals.withdraw(at(ADA), proposed)

    def test_declined_its_proposer_is_told_why(self, proposals, proposed, at, db, closed):
        proposals.decline(at(ADA), proposed, "Wait until Monday")

        told_bob = proposals.find(at(BOB), proposed)
        assert told_bob.declined.note == "Wait until Monday"
        assert proposals.count(at(ADA)) == 0
        assert actions(db, closed)[0] == "plan.declined"
        with pytest.raises(NotFoundError):
            proposals.find(at(ADA), proposed)

    def test_nobody_declines_their_own(self, proposals, proposed, at):
        with pytest.raises(OwnProposalError):
            proposals.decline(at(BOB), proposed)

    def test_what_was_decided_is_decided_once(self, proposals, proposed, at):
        proposals.decline(at(ADA), proposed)

        with pytest.raises(NotFoundError):
            proposals.approve(at(CAROL), proposed)


class TestSecrets:
    def test_a_typed_one_is_neither_in_what_is_shown_nor_in_clear_in_the_database(self, proposals, proposed, at, db):
        found = proposals.find(at(ADA), proposed)

        assert proposals.secrets(found) == {"/connector/config/auth/pass": "new"}
        assert CANARY not in repr(found) + repr(proposals.look(at(ADA), found))
        with db.read() as session:
            assert CANARY.encode() not in session.get_one(PlanRow, proposed).content


class TestAClosedTenant:
    def test_it_takes_no_promotion_without_a_second_person(self, planning, planned, at):
        with pytest.raises(ApprovalRequiredError):
            planning.apply(at(ADA), planned(at(ADA)), REASON)

    @pytest.mark.parametrize("way", [ChangesBy.PROMOTION, ChangesBy.APPROVAL])
    def test_it_takes_no_edit_and_says_so_beforehand(self, setups, tenants, at, way):
        tenants.change("prod", ADA, name="Production", editors_may_save_production=False, changes_by=way)

        plan = setups.plan(at(ADA), {"connector": smtp()})

        assert [each.code for each in plan.warnings] == ["tenant.closed_to_changes"]
        with pytest.raises(ClosedToChangesError):
            setups.save(at(ADA), {"connector": smtp()}, base=None, reason="now")

    def test_what_was_live_can_always_be_restored(self, proposals, planned, at, setups):
        first = proposals.propose(at(BOB), planned(at(BOB)), REASON).id
        proposals.approve(at(ADA), first)
        other = planned(at(BOB), secrets={SLOT: {"value": f"{TYPED}-other"}})
        proposals.approve(at(ADA), proposals.propose(at(BOB), other, REASON).id)

        assert setups.restore(at(ADA), 1).created

    def test_a_development_tenant_is_never_closed(self, tenants, dev):
        with pytest.raises(InputError) as refused:
            tenants.change("dev", ADA, name="Dev", editors_may_save_production=False, changes_by=ChangesBy.PROMOTION)

        assert [each.pointer for each in refused.value.errors] == ["/changesBy"]

    def test_closing_and_opening_are_in_the_audit_log(self, tenants, closed, db):
        tenants.change("prod", ADA, name="Production", editors_may_save_production=False, changes_by=ChangesBy.ALL)

        assert actions(db, closed)[:2] == ["tenant.opened_to_changes", "tenant.closed_but_approved"]

    def test_what_is_not_said_stays(self, tenants, closed):
        same = tenants.change("prod", ADA, name="Shop", editors_may_save_production=False)

        assert same.changes_by is ChangesBy.APPROVAL
