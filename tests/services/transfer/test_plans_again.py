"""Plans that are made again: with other secrets, against what is live by now; and how many are kept."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tests.canary import CANARY
from tests.services.conftest import ADA, BOB, smtp
from webapp.connectors import CONNECTORS
from webapp.db.models import PlanRow
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import NotFoundError, SecretsMissingError, SetupChangedMeanwhileError
from webapp.domain.roles import Access, TenantInfo
from webapp.domain.tenant_document import slotted
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.differing import differences
from webapp.services.transfer.importing import GivenDocument, Importing
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import LIMIT, KeptPlan, Plans
from webapp.services.transfer.promoting import Promoting, Promotion

SLOT = "smtp.auth.pass"
TYPED = f"{CANARY}-typed-again"


@pytest.fixture
def plans(db: Database, vault: Vault) -> Plans:
    return Plans(db, vault)


@pytest.fixture
def planning(setups: Setups, plans: Plans) -> Planning:
    return Planning(setups, CONNECTORS, plans)


@pytest.fixture
def importing(setups: Setups, planning: Planning) -> Importing:
    return Importing(setups, planning)


@pytest.fixture
def promoting(setups: Setups, planning: Planning) -> Promoting:
    return Promoting(setups, planning)


@pytest.fixture
def target(tenants: Tenants, prod: TenantInfo) -> Access:
    return tenants.access(ADA, "prod")


@pytest.fixture
def source(setups: Setups, ada: Access) -> Access:
    setups.save(ada, {"connector": smtp()}, base=None)
    return ada


@pytest.fixture
def document(setups: Setups, source: Access) -> dict[str, object]:
    return slotted(setups.active(source.tenant).document)


def password(setups: Setups, access: Access) -> str:
    return setups.secrets(access, setups.active(access.tenant).number)["/connector/config/auth/pass"]


def count(db: Database) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(PlanRow)) or 0


class TestAnImport:
    def test_looked_at_after_its_secret_went_live_it_says_that_something_was_saved(
        self, importing, planning, target, document
    ):
        plan = importing.plan(target, GivenDocument(document)).transfer
        typed = importing.again(target, plan.id, {SLOT: TYPED}).transfer
        planning.apply(target, typed.id, Confirmation(reason="first"))

        with pytest.raises(SetupChangedMeanwhileError) as caught:
            importing.look(target, plan.id)

        assert caught.value.theirs
        assert CANARY not in str([each.to_json() for each in (*caught.value.theirs, *caught.value.yours)])

    def test_looked_at_again_it_is_the_same_and_nothing_more_is_kept(self, importing, db, target, document):
        made = importing.plan(target, GivenDocument(document))

        assert importing.look(target, made.transfer.id).transfer.missing == made.transfer.missing == (SLOT,)
        assert count(db) == 1

    def test_with_a_secret_it_can_be_applied(self, importing, planning, setups, target, document):
        made = importing.plan(target, GivenDocument(document))
        again = importing.again(target, made.transfer.id, {SLOT: TYPED})
        planning.apply(target, again.transfer.id, Confirmation(reason="first"))

        assert [slot.way for slot in again.transfer.slots] == ["given"]
        assert password(setups, target) == TYPED

    def test_a_secret_that_was_given_stays_until_it_is_taken_back(self, importing, target, document):
        made = importing.plan(target, GivenDocument(document, {SLOT: {"value": TYPED}}))
        kept = importing.again(target, made.transfer.id, {})
        back = importing.again(target, kept.transfer.id, {}, without=[SLOT])

        assert (kept.transfer.missing, back.transfer.missing) == ((), (SLOT,))

    def test_after_a_save_it_is_outdated_until_it_is_made_anew(self, importing, setups, target, document):
        made = importing.plan(target, GivenDocument(document))
        setups.save(target, {"defaultLanguage": "ja"}, base=None)

        with pytest.raises(SetupChangedMeanwhileError):
            importing.look(target, made.transfer.id)
        with pytest.raises(SetupChangedMeanwhileError):
            importing.again(target, made.transfer.id, {})
        assert importing.again(target, made.transfer.id, {}, anew=True).transfer.plan.base == 1

    def test_is_its_makers_alone(self, importing, tenants, target, document):
        made = importing.plan(target, GivenDocument(document))

        for ask in (importing.look, importing.slots):
            with pytest.raises(NotFoundError):
                ask(tenants.access(BOB, "prod"), made.transfer.id)

    def test_a_promotion_is_none(self, importing, promoting, source, target):
        made = promoting.plan(source, target, Promotion())

        with pytest.raises(NotFoundError):
            importing.look(target, made.id)


class TestWhatIsWrittenIntoTheDocument:
    def test_is_masked_where_another_secret_is_missing_that_has_a_form(self, importing, target):
        config = {
            "endpoint": "https://mail.example.com/send",
            "fromEmail": "a@example.com",
            "authorization": TYPED,
            "signingSecret": {"$secret": {"slot": "http-email.signingSecret"}},
        }

        made = importing.plan(target, GivenDocument({"connector": {"provider": "http-email", "config": config}}))

        assert made.transfer.missing == ("http-email.signingSecret",)
        assert TYPED not in repr(made.transfer.plan)


class TestAPromotion:
    def test_looking_keeps_nothing(self, promoting, db, source, target):
        assert promoting.look(source, target, Promotion()).missing == (SLOT,)
        assert count(db) == 0

    def test_what_was_typed_is_kept_and_what_was_copied_is_not(self, promoting, source, target):
        typed = promoting.plan(source, target, Promotion(secrets={SLOT: {"value": TYPED}}))
        copied = promoting.plan(source, target, Promotion(secrets={SLOT: "copy"}))

        places = promoting.places(source, target, Promotion())
        assert promoting.typed(target, typed.id, places) == {SLOT: TYPED}
        assert promoting.typed(target, copied.id, places) == {}

    def test_what_was_typed_for_another_place_has_to_be_typed_again(self, promoting, setups, source, target):
        typed = promoting.plan(source, target, Promotion(secrets={SLOT: {"value": TYPED}})).id
        setups.save(source, {"connector": smtp(host="smtp.example.net")}, base=None)

        assert promoting.typed(target, typed, promoting.places(source, target, Promotion())) == {}

    def test_what_was_looked_at_is_promoted_though_the_source_changes(self, promoting, setups, source, target):
        setups.save(source, {"connector": smtp(host="smtp.example.net")}, base=None)

        plan = promoting.plan(source, target, Promotion(secrets={SLOT: {"value": TYPED}}, seen=1))

        assert plan.plan.document["connector"]["config"]["host"] == "smtp.example.com"

    def test_what_is_only_remembered_cannot_be_applied(self, promoting, planning, source, target):
        places = promoting.places(source, target, Promotion())
        kept = promoting.remember(target, {SLOT: TYPED}, places)

        assert promoting.typed(target, kept, places) == {SLOT: TYPED}
        with pytest.raises(SecretsMissingError):
            planning.apply(target, kept, Confirmation(reason="x", allow_breaking=True))

    def test_places_say_where_each_secret_may_come_from(self, promoting, tenants, setups, source, target):
        (first,) = promoting.places(source, target, Promotion())
        setups.save(target, {"connector": smtp()}, base=None, reason="first")
        (then,) = promoting.places(source, target, Promotion())
        (back,) = promoting.places(target, source, Promotion())

        assert (first.slot, first.keepable, first.copyable) == (SLOT, False, True)
        assert (then.keepable, then.copyable) == (True, True)
        assert (back.keepable, back.copyable) == (True, False)

    def test_none_is_copied_to_another_place_than_its_own(self, promoting, setups, source, target):
        setups.save(target, {"connector": smtp(host="smtp.example.net")}, base=None, reason="first")

        (mixed,) = promoting.places(source, target, Promotion(leave=["/connector/config/host"]))

        assert (mixed.keepable, mixed.copyable) == (True, False)


class TestDifferences:
    def test_go_by_setting_mail_and_flow(self, setups, source):
        old = setups.active(source.tenant).document
        new = {**old, "flows": {**old["flows"], "mfa": {"emailCode": False}}, "defaultLanguage": "ja"}
        new["connector"] = {"provider": "smtp", "config": {**old["connector"]["config"], "port": 465, "host": "x"}}
        new["templates"] = {**old["templates"], "SignIn": {"*": {"subject": "a"}, "ja": {"subject": "b"}}}

        found = differences(slotted(old), slotted(new))

        assert [(each.pointer, each.left_alone) for each in found] == [
            ("/connector/config/host", False),
            ("/connector/config/port", False),
            ("/templates/SignIn/*", False),
            ("/templates/SignIn/ja", False),
            ("/flows/mfa", True),
            ("/defaultLanguage", False),
        ]

    @pytest.mark.parametrize(
        ("connector", "part"),
        [
            ({"provider": "postmark", "config": {}}, "/connector"),
            (None, "/connector"),
            (smtp(auth={"type": "none"}), "/connector/config/auth"),
        ],
        ids=["provider", "none", "login"],
    )
    def test_what_belongs_together_goes_together(self, connector, part):
        auth = {"type": "login", "user": "ada", "pass": {"$secret": {"slot": SLOT}}}

        found = differences({"connector": smtp(auth=auth)}, {"connector": connector})

        assert [each.pointer for each in found] == [part]


class TestKeeping:
    def test_of_one_person_in_one_tenant_the_latest_are_kept(self, plans, db, ada, target):
        other = plans.keep(target, KeptPlan(0, {}))
        first = plans.keep(ada, KeptPlan(0, {}))
        latest = [plans.keep(ada, KeptPlan(0, {"number": number})) for number in range(LIMIT)]

        assert plans.load(target, other)
        assert [plans.load(ada, each).document["number"] for each in latest] == list(range(LIMIT))
        with pytest.raises(NotFoundError):
            plans.load(ada, first)
