import json

import pytest
from sqlalchemy import select, update

from tests.services.conftest import ADA, BOB, PASSWORD, smtp
from webapp.connectors import CONNECTORS
from webapp.db.models import AuditRow, RevisionRow, TenantRow
from webapp.domain.errors import (
    ConfigInvalidError,
    ConflictError,
    ConnectorNotSetUpError,
    FlowsDependOnConnectorError,
    ForbiddenError,
    InputError,
    NotFoundError,
    PayloadTooLargeError,
    SetupChangedMeanwhileError,
    SetupUnprovenError,
)
from webapp.domain.problem import Problem
from webapp.domain.roles import OPERATOR, Access, Role
from webapp.domain.text import T
from webapp.services.audit import Audit
from webapp.services.setups import ConnectorState, Setups


def actions(db, tenant):
    return [event.action for event in Audit().events(db, tenant.id)]


class TestBeforeTheFirstSave:
    def test_there_are_templates_and_no_connector(self, setups, dev):
        active = setups.active(dev)

        assert active.number == 0
        assert active.document["connector"] is None
        assert len(active.document["templates"]) == 9
        assert setups.state(dev) is ConnectorState.NOT_SET_UP

    def test_nothing_can_be_resolved(self, setups, dev):
        with pytest.raises(ConnectorNotSetUpError):
            setups.resolve(dev)

    def test_the_defaults_themselves_can_be_saved_but_change_nothing(self, setups, ada):
        saved = setups.save(ada, setups.active(ada.tenant).document, base=0)

        assert not saved.created


class TestSaving:
    def test_what_was_saved_is_live_at_once(self, setups, ada, document):
        saved = setups.save(ada, document(), base=0)

        assert (saved.created, saved.number) == (True, 1)
        assert setups.active(ada.tenant).document["connector"]["config"]["host"] == "smtp.example.com"

    def test_the_answer_can_be_saved_again_as_it_is(self, setups, ada, document):
        saved = setups.save(ada, document(), base=0)

        again = setups.save(ada, saved.stored.document, base=1)

        assert (again.created, again.number) == (False, 1)

    def test_saving_what_is_there_makes_no_revision_and_no_event(self, setups, ada, document, db):
        setups.save(ada, document(), base=0)
        before = actions(db, ada.tenant)

        again = setups.save(ada, document(), base=1)

        assert (again.created, again.number) == (False, 1)
        assert actions(db, ada.tenant) == before

    def test_templates_that_are_left_out_are_the_defaults_and_not_none(self, setups, ada, dev):
        connector = smtp()

        saved = setups.save(ada, {"connector": connector}, base=0)

        assert saved.stored.document["templates"] == setups.revision(dev, 0).document["templates"]

    def test_templates_can_be_taken_away_when_that_is_said(self, setups, ada):
        connector = smtp()

        saved = setups.save(ada, {"connector": connector, "templates": {}}, base=0)

        assert saved.stored.document["templates"] == {}

    def test_a_secret_typed_again_with_the_same_value_is_no_change(self, setups, ada, document):
        saved = setups.save(ada, document(), base=0)
        wanted = saved.stored.document
        wanted["connector"]["config"]["auth"]["pass"] = PASSWORD

        assert not setups.save(ada, wanted, base=1).created

    def test_another_secret_is_a_change(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        saved = setups.save(ada, document(auth={"type": "login", "user": "ada", "pass": "another"}), base=1)

        (change,) = saved.changes
        assert (change.pointer, change.kind, change.secret) == ("/connector/config/auth/pass", "changed", True)
        assert (change.old, change.new) == (None, None)

    def test_the_stored_secret_is_used(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        resolved = setups.resolve(ada.tenant)

        assert resolved.config.auth.password.get_secret_value() == PASSWORD

    def test_the_event_names_what_changed_and_who_did_it(self, setups, ada, document, db):
        setups.save(ada, document(), base=0, note="First try", request_id="r-1")

        event = Audit().events(db, ada.tenant.id)[0]
        assert (event.action, event.actor_name, event.request_id) == ("setup.saved", "ada@example.com", "r-1")
        assert event.detail["revision"] == 1
        assert event.detail["changed"] == ["/connector"]
        assert event.detail["note"] == "First try"

    def test_a_change_made_by_another_process_is_seen_at_once(self, setups, ada, document, db, vault):
        setups.save(ada, document(), base=0)
        setups.active(ada.tenant)

        Setups(db, vault, CONNECTORS).save(ada, document(port=2525), base=1)

        assert setups.active(ada.tenant).document["connector"]["config"]["port"] == 2525

    def test_what_a_caller_does_to_its_copy_reaches_nobody_else(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        setups.active(ada.tenant).document["connector"]["config"]["host"] = "evil.example.org"

        assert setups.active(ada.tenant).document["connector"]["config"]["host"] == "smtp.example.com"

    def test_viewers_cannot_save(self, setups, dev, document):
        access = Access(BOB, dev, Role.VIEWER)

        with pytest.raises(ForbiddenError):
            setups.save(access, document(), base=0)

    def test_an_archived_tenant_takes_no_saves(self, setups, tenants, ada, document):
        tenants.archive("dev", ADA)

        with pytest.raises(NotFoundError):
            setups.save(ada, document(), base=0)

    @pytest.mark.parametrize("sentence", ["x" * 1001, "nul \x00", "half \ud800"])
    @pytest.mark.parametrize("name", ["note", "reason"])
    def test_unreadable_notes_and_reasons_are_refused(self, setups, ada, document, name, sentence):
        with pytest.raises(InputError) as refusal:
            setups.save(ada, document(), base=0, **{name: sentence})

        assert refusal.value.errors[0].pointer == f"/{name}"
        assert setups.active(ada.tenant).number == 0


class TestLostRace:
    def test_both_changes_are_shown_and_nothing_is_saved(self, setups, ada, bob, document):
        setups.save(ada, document(), base=0)
        setups.save(bob, document(port=465, security="tls"), base=1)

        with pytest.raises(SetupChangedMeanwhileError) as lost:
            setups.save(ada, document(host="mail.example.com"), base=1)

        assert lost.value.current == 2
        assert lost.value.by == "bob@example.com"
        theirs = {change.pointer for change in lost.value.theirs}
        assert theirs == {"/connector/config/port", "/connector/config/security"}
        assert [(change.pointer, change.old, change.new) for change in lost.value.yours] == [
            ("/connector/config/host", "smtp.example.com", "mail.example.com")
        ]
        assert setups.active(ada.tenant).number == 2

    def test_a_kept_secret_is_judged_by_what_the_editor_saw(self, setups, ada, bob, document):
        seen = setups.save(ada, document(), base=0).stored.document
        setups.save(bob, document(host="other.example.net"), base=1)
        seen["connector"]["config"]["port"] = 2525

        with pytest.raises(SetupChangedMeanwhileError) as lost:
            setups.save(ada, seen, base=1)

        assert [change.pointer for change in lost.value.yours] == ["/connector/config/port"]

    def test_without_a_base_the_last_write_wins(self, setups, ada, bob, document):
        setups.save(ada, document(), base=0)

        saved = setups.save(bob, document(port=2525), base=None)

        assert saved.number == 2

    def test_wanting_what_is_there_by_now_is_no_conflict(self, setups, ada, bob, document):
        setups.save(ada, document(), base=0)
        setups.save(bob, document(port=2525), base=1)

        assert not setups.save(ada, document(port=2525), base=1).created

    def test_a_base_that_never_was_is_refused(self, setups, ada, document):
        with pytest.raises(SetupChangedMeanwhileError):
            setups.save(ada, document(), base=7)

    def test_a_plan_tells_it_too(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        with pytest.raises(SetupChangedMeanwhileError):
            setups.plan(ada, document(port=2525), base=0)


class TestProduction:
    def test_unproven_values_need_a_reason(self, setups, ada_in_prod, document):
        with pytest.raises(SetupUnprovenError):
            setups.save(ada_in_prod, document(), base=0)

        assert setups.active(ada_in_prod.tenant).number == 0

    @pytest.mark.parametrize("reason", ["", "   "])
    def test_an_empty_reason_is_none(self, setups, ada_in_prod, document, reason):
        with pytest.raises(SetupUnprovenError):
            setups.save(ada_in_prod, document(), base=0, reason=reason)

    def test_the_reason_is_audited(self, setups, ada_in_prod, document, db):
        setups.save(ada_in_prod, document(), base=0, reason="The provider is down, we move now")

        event = Audit().events(db, ada_in_prod.tenant.id)[0]
        assert event.detail["reason"] == "The provider is down, we move now"
        assert event.detail["unproven"] is True

    def test_proven_values_need_none(self, setups, ada_in_prod, document):
        plan = setups.plan(ada_in_prod, document())
        assert (plan.proven, plan.needs_reason) == (False, True)
        setups.record_proof(ada_in_prod.tenant, plan.values_tag, "test_send", ADA)

        saved = setups.save(ada_in_prod, document(), base=0)

        assert saved.created
        assert setups.state(ada_in_prod.tenant) is ConnectorState.PROVEN

    def test_a_proof_in_another_tenant_does_not_count(self, setups, ada, ada_in_prod, document):
        plan = setups.plan(ada, document())
        setups.record_proof(ada.tenant, plan.values_tag, "test_send", ADA)

        with pytest.raises(SetupUnprovenError):
            setups.save(ada_in_prod, document(), base=0)

    def test_another_secret_is_not_proven_by_the_old_one(self, setups, ada, document):
        saved = setups.save(ada, document(), base=0)
        setups.record_proof(ada.tenant, saved.stored.values_tag, "test_send", ADA)

        setups.save(ada, document(auth={"type": "login", "user": "ada", "pass": "another"}), base=1)

        assert setups.state(ada.tenant) is ConnectorState.NOT_PROVEN

    def test_templates_are_not_part_of_the_proof(self, setups, ada_in_prod, document):
        setups.save(ada_in_prod, document(), base=0, reason="First")
        wanted = setups.active(ada_in_prod.tenant).document
        wanted["templates"]["SignIn"]["*"]["subject"] = "Your code"

        assert setups.save(ada_in_prod, wanted, base=1).created

    def test_the_same_values_make_the_same_proof_as_a_test_of_them(self, setups, ada, document):
        resolved = setups.resolve(ada.tenant, smtp())

        saved = setups.save(ada, document(), base=0)

        assert saved.stored.values_tag == resolved.values_tag

    def test_development_needs_no_proof(self, setups, ada, document):
        assert setups.save(ada, document(), base=0).created


class TestProof:
    def test_it_says_when_and_by_whom(self, setups, dev):
        setups.record_proof(dev, "tag", "test_send", ADA)
        setups.record_proof(dev, "tag", "delivery", BOB)

        proof = setups.proven(dev, "tag")
        assert (proof.kind, proof.by_name) == ("test_send", "ada@example.com")
        assert proof.last_at > proof.first_at

    def test_it_shows_in_the_history(self, setups, ada, document):
        saved = setups.save(ada, document(), base=0)
        setups.record_proof(ada.tenant, saved.stored.values_tag, "test_send", ADA)

        assert setups.history(ada.tenant)[0].proven_at is not None


class TestPlan:
    def test_it_saves_nothing(self, setups, ada, document):
        plan = setups.plan(ada, document())

        assert (plan.base, [change.pointer for change in plan.changes]) == (0, ["/connector"])
        assert setups.active(ada.tenant).number == 0

    def test_it_shows_no_secret(self, setups, ada, document):
        plan = setups.plan(ada, document())

        assert PASSWORD not in repr(plan)

    def test_it_is_for_those_who_may_edit(self, setups, dev, document):
        with pytest.raises(ForbiddenError):
            setups.plan(Access(BOB, dev, Role.VIEWER), document())


class TestContradictions:
    def test_one_with_a_correction_is_a_warning(self, setups, ada, document):
        plan = setups.plan(ada, document(port=465))

        assert [warning.code for warning in plan.warnings] == ["smtp.starttls_on_tls_port"]
        assert setups.save(ada, document(port=465), base=0).created

    def test_its_correction_can_be_applied_as_it_is(self, setups, ada, document):
        setups.save(ada, document(port=465), base=0)
        (warning,) = setups.plan(ada, setups.active(ada.tenant).document).warnings

        setups.patch(ada, [operation.to_json() for operation in warning.patch], base=1)

        assert setups.plan(ada, setups.active(ada.tenant).document).warnings == []

    def test_one_without_a_way_out_is_refused_at_its_place(self, db, vault, ada, document):
        class Stubborn(CONNECTORS["smtp"]):
            @classmethod
            def contradictions(cls, config):
                return [("/host", Problem("smtp.nowhere", T("Not here"), T("This host takes no mail.")))]

        setups = Setups(db, vault, {"smtp": Stubborn})

        with pytest.raises(ConfigInvalidError) as refusal:
            setups.save(ada, document(), base=0)

        (error,) = refusal.value.errors
        assert (error.pointer, error.code) == ("/connector/config/host", "smtp.nowhere")


class TestPatching:
    def test_one_value_is_changed(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        saved = setups.patch(ada, [{"op": "replace", "path": "/connector/config/port", "value": 2525}], base=1)

        assert [change.pointer for change in saved.changes] == ["/connector/config/port"]
        assert setups.resolve(ada.tenant).config.auth.password.get_secret_value() == PASSWORD

    def test_it_can_be_planned(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        plan = setups.patch(ada, [{"op": "remove", "path": "/templates/SignIn"}], dry_run=True)

        assert [change.kind for change in plan.changes] == ["removed"]
        assert setups.active(ada.tenant).number == 1

    @pytest.mark.parametrize(
        ("operations", "pointer"),
        [
            ({}, ""),
            ("[]", ""),
            ([1], "/0"),
            ([{"op": "destroy", "path": "/flows"}], "/0/op"),
            ([{"op": "replace", "path": "flows", "value": 1}], "/0/path"),
            ([{"op": "replace", "value": 1}], "/0/path"),
            ([{"op": "add", "path": "/flows"}], "/0/value"),
            ([{"op": "copy", "path": "/flows"}], "/0/from"),
            ([{"op": "remove", "path": "/nowhere"}], "/0/path"),
            ([{"op": "remove", "path": "/defaultLanguage/deeper"}], "/0/path"),
            ([{"op": "replace", "path": "/flows", "value": {}}, {"op": "add", "path": "/a/b", "value": 1}], "/1/path"),
            ([{"op": "replace", "path": "", "value": []}], ""),
            ([{"op": "test", "path": "", "value": 1}] * 1001, ""),
        ],
    )
    def test_a_patch_that_does_not_fit_is_refused_at_its_place(self, setups, ada, operations, pointer):
        with pytest.raises(InputError) as refusal:
            setups.patch(ada, operations)

        assert refusal.value.errors[0].pointer == pointer

    def test_a_failing_test_is_a_conflict(self, setups, ada):
        with pytest.raises(ConflictError):
            setups.patch(ada, [{"op": "test", "path": "/defaultLanguage", "value": "ja"}])

    def test_copies_of_copies_do_not_fill_the_memory(self, setups, ada):
        doubling = [{"op": "copy", "from": "/templates", "path": f"/templates/x{n}"} for n in range(40)]

        with pytest.raises(PayloadTooLargeError):
            setups.patch(ada, doubling)

    def test_the_mark_of_a_secret_cannot_be_moved_elsewhere(self, setups, ada, document):
        setups.save(ada, document(), base=0)
        moved = [{"op": "copy", "from": "/connector/config/auth/pass", "path": "/connector/config/host"}]

        with pytest.raises(InputError) as refusal:
            setups.patch(ada, moved)

        assert refusal.value.errors[0].code == "secret.not_possible"


class TestRemovingTheConnector:
    def test_flows_that_are_on_are_named(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        with pytest.raises(FlowsDependOnConnectorError) as refusal:
            setups.remove_connector(ada)

        assert "signIn" in refusal.value.flows
        assert setups.active(ada.tenant).number == 1

    def test_forced_it_goes_and_the_rest_stays(self, setups, ada, document, db):
        setups.save(ada, document(), base=0)

        saved = setups.remove_connector(ada, base=1, force=True)

        assert saved.stored.document["connector"] is None
        assert len(saved.stored.document["templates"]) == 9
        assert actions(db, ada.tenant)[0] == "connector.deleted"
        assert setups.state(ada.tenant) is ConnectorState.NOT_SET_UP

    def test_with_all_flows_off_nothing_breaks(self, setups, ada, document):
        wanted = document()
        wanted["flows"] = {name: dict.fromkeys(flow, False) for name, flow in wanted["flows"].items()}
        setups.save(ada, wanted, base=0)

        assert setups.remove_connector(ada).created

    def test_without_connector_there_is_nothing_to_remove(self, setups, ada):
        with pytest.raises(ConnectorNotSetUpError):
            setups.remove_connector(ada, force=True)

    def test_it_can_be_restored_with_its_secret(self, setups, ada, document):
        setups.save(ada, document(), base=0)
        setups.remove_connector(ada, force=True)

        setups.restore(ada, 1)

        assert setups.resolve(ada.tenant).config.auth.password.get_secret_value() == PASSWORD

    def test_a_fallback_goes_with_it(self, setups, ada, document):
        setups.save(ada, document() | {"fallback": smtp(host="second.example.com")}, base=0)

        saved = setups.remove_connector(ada, force=True)

        assert saved.stored.document["fallback"] is None


class TestOperator:
    def test_the_operator_may_save_everywhere(self, setups, tenants, prod, document):
        access = tenants.access(OPERATOR, "prod")

        assert setups.save(access, document(), base=0, reason="From the shell").created


class TestWhatIsStored:
    def test_a_revision_holds_marks_only(self, setups, ada, document, db):
        setups.save(ada, document(), base=0)

        with db.read() as session:
            row = session.scalars(select(RevisionRow)).one()
            assert PASSWORD not in json.dumps(row.document)
            assert PASSWORD not in json.dumps(row.tags)
            assert PASSWORD.encode() not in row.secrets

    def test_an_event_holds_no_secret(self, setups, ada, document, db):
        setups.save(ada, document(), base=0)

        with db.read() as session:
            assert PASSWORD not in json.dumps([row.detail for row in session.scalars(select(AuditRow))])

    def test_a_pointer_at_a_revision_that_is_not_there_is_an_error_and_not_the_default(self, setups, ada, db):
        with db.write() as session:
            session.execute(update(TenantRow).values(active_revision=9))

        with pytest.raises(NotFoundError):
            setups.active(ada.tenant)
