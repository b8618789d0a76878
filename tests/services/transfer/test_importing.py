"""Importing: the plan first, then exactly that plan or nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests.canary import CANARY
from tests.services.conftest import ADA, BOB, PASSWORD, smtp
from webapp.connectors import CONNECTORS
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.diff import escape
from webapp.domain.errors import (
    ConfigInvalidError,
    DocumentHashMismatchError,
    DocumentInvalidError,
    DocumentSealedMismatchError,
    FlowsWouldBreakError,
    ForbiddenError,
    InputError,
    NotFoundError,
    SecretsMissingError,
    SetupChangedMeanwhileError,
    SetupUnprovenError,
)
from webapp.domain.roles import Access, TenantInfo
from webapp.services.audit import Audit
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.exporting import Exporting
from webapp.services.transfer.importing import GivenDocument, Importing
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import LIMIT, KeptPlan, Plans
from webapp.services.transfer.writing import as_json, as_yaml

SLOT = "smtp.auth.pass"
PHRASE = f"{CANARY} paper boats"
ANOTHER = f"{CANARY}-another"


@pytest.fixture
def planning(db: Database, vault: Vault, setups: Setups) -> Planning:
    return Planning(setups, CONNECTORS, Plans(db, vault))


@pytest.fixture
def importing(setups: Setups, planning: Planning) -> Importing:
    return Importing(setups, planning)


@pytest.fixture
def exporting(db: Database, setups: Setups) -> Exporting:
    return Exporting(db, setups, Audit())


@pytest.fixture
def live(setups: Setups, ada: Access) -> int:
    """Ada's connector is live in dev."""
    return setups.save(ada, {"connector": smtp()}, base=None).number


@pytest.fixture
def into_prod(tenants: Tenants, prod: TenantInfo) -> Access:
    return tenants.access(ADA, "prod")


def document(exporting: Exporting, access: Access, phrase: str | None = None) -> dict[str, Any]:
    return exporting.export(access, phrase=phrase).to_json()


def password(setups: Setups, access: Access) -> str:
    return setups.secrets(access, setups.active(access.tenant).number)["/connector/config/auth/pass"]


class TestOfItsOwnExport:
    @pytest.mark.parametrize("form", ["object", "json", "yaml"])
    def test_nothing_changes(self, importing, planning, exporting, setups, ada, live, form):
        exported = exporting.export(ada)
        given = {"object": exported.to_json(), "json": as_json(exported), "yaml": as_yaml(exported)}[form]

        plan = importing.plan(ada, GivenDocument(given))
        done = planning.apply(ada, plan.transfer.id, Confirmation())

        assert (plan.transfer.plan.changes, plan.transfer.missing, plan.transfer.breaks) == ([], (), ())
        assert (done.created, done.number) == (False, live)

    def test_of_an_empty_tenant_as_well(self, importing, exporting, ada):
        assert importing.plan(ada, GivenDocument(document(exporting, ada))).transfer.plan.changes == []


class TestSecrets:
    def test_what_the_target_does_not_have_is_missing(
        self, importing, planning, exporting, setups, ada, live, into_prod
    ):
        plan = importing.plan(into_prod, GivenDocument(document(exporting, ada)))

        assert plan.transfer.missing == (SLOT,)
        with pytest.raises(SecretsMissingError, match=r"smtp\.auth\.pass"):
            planning.apply(into_prod, plan.transfer.id, Confirmation(reason="first"))
        assert setups.active(into_prod.tenant).number == 0

    def test_given_by_slot_it_is_there(self, importing, planning, exporting, setups, ada, live, into_prod):
        given = GivenDocument(document(exporting, ada), {SLOT: {"value": ANOTHER}})

        plan = importing.plan(into_prod, given)
        planning.apply(into_prod, plan.transfer.id, Confirmation(reason="first"))

        assert plan.transfer.missing == ()
        assert password(setups, into_prod) == ANOTHER

    def test_sealed_ones_open_with_the_passphrase(self, importing, planning, exporting, setups, ada, live, into_prod):
        plan = importing.plan(into_prod, GivenDocument(document(exporting, ada, PHRASE), None, PHRASE))
        planning.apply(into_prod, plan.transfer.id, Confirmation(reason="first"))

        assert password(setups, into_prod) == PASSWORD

    def test_without_the_passphrase_the_plan_says_so(self, importing, exporting, ada, live, into_prod):
        plan = importing.plan(into_prod, GivenDocument(document(exporting, ada, PHRASE)))

        assert [problem.code for problem in plan.transfer.plan.warnings] == ["import.sealed_unopened"]
        assert plan.transfer.missing == (SLOT,)

    def test_sealed_ones_of_another_document_do_not_open(self, importing, exporting, ada, live, into_prod):
        sealed = document(exporting, ada, PHRASE)
        other = {**sealed, "setup": {**sealed["setup"], "defaultLanguage": "ja"}}
        del other["contentHash"]

        with pytest.raises(DocumentSealedMismatchError):
            importing.plan(into_prod, GivenDocument(other, None, PHRASE))

    def test_the_targets_own_stays_where_the_place_is_the_same(self, importing, planning, exporting, setups, ada, live):
        changed = document(exporting, ada)
        del changed["contentHash"]
        changed["setup"]["defaultLanguage"] = "ja"

        plan = importing.plan(ada, GivenDocument(changed))
        planning.apply(ada, plan.transfer.id, Confirmation())

        assert [change.pointer for change in plan.transfer.plan.changes] == ["/defaultLanguage"]
        assert password(setups, ada) == PASSWORD

    @pytest.mark.parametrize("choice", [None, {SLOT: "keep"}], ids=["not named", "keep"])
    def test_it_follows_no_changed_destination(self, importing, exporting, ada, live, choice):
        changed = document(exporting, ada)
        del changed["contentHash"]
        changed["setup"]["connector"]["config"]["host"] = "evil.example.net"

        assert importing.plan(ada, GivenDocument(changed, choice)).transfer.missing == (SLOT,)

    @pytest.mark.parametrize(
        ("secrets", "pointer"),
        [
            ([], "/secrets"),
            ({SLOT: "copy"}, f"/secrets/{SLOT}"),
            ({SLOT: {"value": ""}}, f"/secrets/{SLOT}"),
            ({SLOT: {"value": "x", "more": 1}}, f"/secrets/{SLOT}"),
            ({"smtp.auth.unknown": "keep"}, "/secrets/smtp.auth.unknown"),
        ],
        ids=["a list", "copy", "empty", "more", "unknown"],
    )
    def test_a_choice_that_is_not_understood_is_refused_at_its_place(
        self, importing, exporting, ada, live, secrets, pointer
    ):
        with pytest.raises(InputError) as caught:
            importing.plan(ada, GivenDocument(document(exporting, ada), secrets))

        assert [error.pointer for error in caught.value.errors] == [pointer]


class TestDocument:
    def test_a_setup_alone_will_do(self, importing, planning, setups, ada):
        plan = importing.plan(ada, GivenDocument({"connector": smtp()}))
        planning.apply(ada, plan.transfer.id, Confirmation(note="by hand"))

        assert setups.history(ada.tenant)[0].origin == "import"

    def test_a_changed_document_is_refused(self, importing, exporting, ada, live):
        changed = document(exporting, ada)
        changed["setup"]["defaultLanguage"] = "ja"

        with pytest.raises(DocumentHashMismatchError):
            importing.plan(ada, GivenDocument(changed))

    @pytest.mark.parametrize("given", ["", "hello", 7, [], {"format": "x"}, '{"setup": {}}', "{}"], ids=repr)
    def test_what_is_no_document_is_refused(self, importing, ada, given):
        with pytest.raises(DocumentInvalidError):
            importing.plan(ada, GivenDocument(given))

    def test_faults_of_the_setup_are_named_by_their_place(self, importing, ada):
        given = {"connector": smtp(port="many"), "flows": {"signUp": {"email": "yes"}}}

        with pytest.raises(ConfigInvalidError) as caught:
            importing.plan(ada, GivenDocument(given))

        assert {error.pointer for error in caught.value.errors} == {"/connector/config/port", "/flows/signUp/email"}

    @pytest.mark.parametrize("name", ["auth/pass", "customHeaders/x", "~1", "a/b"])
    def test_a_slot_under_a_name_with_slashes_stands_nowhere_else(self, importing, ada, name):
        config = {**smtp(customHeaders=["X-Team"])["config"], name: {"$secret": {"slot": SLOT}}}

        with pytest.raises(ConfigInvalidError) as caught:
            importing.plan(
                ada,
                GivenDocument(
                    {"connector": {"provider": "smtp", "config": config}}, {f"smtp.{name}": {"value": ANOTHER}}
                ),
            )

        assert f"/connector/config/{escape(name)}" in [error.pointer for error in caught.value.errors]

    def test_logtos_connector_replaces_connector_and_templates_and_keeps_flows(self, importing, planning, setups, ada):
        setups.save(ada, {"flows": {"mfa": {"emailCode": False}}}, base=None)
        config = {
            "host": "smtp.example.com",
            "port": 587,
            "requireTLS": True,
            "auth": {"user": "ada", "pass": PASSWORD},
            "fromEmail": "no-reply@example.com",
            "templates": [{"usageType": "Generic", "contentType": "text/plain", "subject": "S", "content": "{{code}}"}],
            "logger": True,
        }

        plan = importing.plan(ada, GivenDocument({"connectorId": "simple-mail-transfer-protocol", "config": config}))
        planning.apply(ada, plan.transfer.id, Confirmation())

        setup = setups.active(ada.tenant).setup
        assert setup.connector is not None
        assert setup.connector.config["security"] == "starttls"
        assert not setup.flows.mfa.email_code
        assert set(setup.templates) == {"Generic", "OrganizationInvitation"}
        assert [problem.code for problem in plan.transfer.plan.warnings] == ["import.left_out"]
        assert "/connector/config/host" in [moved.target for moved in plan.moved]


class TestBreaking:
    def test_flows_that_lose_their_mail_are_named_and_need_a_word(
        self, importing, planning, exporting, setups, ada, live
    ):
        setup = {**setups.active(ada.tenant).document, "templates": {}}

        plan = importing.plan(ada, GivenDocument(setup))

        assert "signIn" in plan.transfer.breaks
        with pytest.raises(FlowsWouldBreakError):
            planning.apply(ada, plan.transfer.id, Confirmation())
        assert planning.apply(ada, plan.transfer.id, Confirmation(allow_breaking=True)).created

    def test_without_a_connector_all_break(self, importing, setups, ada, live):
        plan = importing.plan(ada, GivenDocument({**setups.active(ada.tenant).document, "connector": None}))

        assert len(plan.transfer.breaks) == len(setups.active(ada.tenant).setup.flows.enabled())


class TestApplying:
    def test_a_change_meanwhile_leaves_all_as_it_is(self, importing, planning, setups, ada, live):
        plan = importing.plan(ada, GivenDocument({"connector": smtp(port=2525)}))
        setups.save(ada, {"connector": smtp(replyTo="help@example.com")}, base=None)

        with pytest.raises(SetupChangedMeanwhileError):
            planning.apply(ada, plan.transfer.id, Confirmation())

        assert setups.active(ada.tenant).number == live + 1

    def test_production_asks_why_unproven_values_go_live(self, importing, planning, into_prod):
        plan = importing.plan(into_prod, GivenDocument({"connector": smtp()}))

        assert plan.transfer.plan.needs_reason
        with pytest.raises(SetupUnprovenError):
            planning.apply(into_prod, plan.transfer.id, Confirmation())

    def test_what_was_shown_is_what_is_applied(self, importing, planning, setups, ada):
        plan = importing.plan(ada, GivenDocument({"connector": smtp(replyTo="help@example.com")}))

        done = planning.apply(ada, plan.transfer.id, Confirmation())

        assert done.changes == plan.transfer.plan.changes

    def test_a_plan_is_of_whoever_made_it(self, importing, planning, ada, bob, mallory):
        plan = importing.plan(ada, GivenDocument({"connector": smtp()}))

        for other in (bob, mallory):
            with pytest.raises(NotFoundError):
                planning.apply(other, plan.transfer.id, Confirmation())

    def test_an_editor_may_plan_and_not_apply_into_production(self, importing, planning, tenants, prod):
        bob = tenants.access(BOB, "prod")
        plan = importing.plan(bob, GivenDocument({"connector": smtp()}))

        with pytest.raises(ForbiddenError):
            planning.apply(bob, plan.transfer.id, Confirmation(reason="now"))

    def test_the_oldest_make_room_and_nobody_elses(self, db, vault, ada, into_prod):
        plans, kept = Plans(db, vault), KeptPlan(0, {})
        elsewhere = plans.keep(into_prod, kept)

        first, *others = [plans.keep(ada, kept) for _ in range(LIMIT + 1)]

        with pytest.raises(NotFoundError):
            plans.load(ada, first)
        assert all(plans.load(ada, each) for each in others)
        assert plans.load(into_prod, elsewhere)

    def test_after_a_day_it_is_gone(self, db, vault, ada, importing, planning):
        plan = importing.plan(ada, GivenDocument({"connector": smtp()}))

        with time_machine.travel(now() + timedelta(days=1, seconds=1)):
            with pytest.raises(NotFoundError):
                planning.apply(ada, plan.transfer.id, Confirmation())
            assert Plans(db, vault).purge() == 1
