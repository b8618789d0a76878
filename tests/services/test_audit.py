import json
from datetime import timedelta

import pytest
import time_machine

from tests.canary import CANARY
from tests.services.conftest import ADA, BOB
from webapp.db.types import now
from webapp.services.audit import Audit


@pytest.fixture
def audit(db):
    return Audit()


def note(audit, db, action, **detail):
    with db.write() as session:
        audit.record(session, action, ADA, **detail)


class TestAudit:
    def test_an_event_without_its_deed_does_not_exist(self, audit, db):
        def break_off():
            with db.write() as session:
                audit.record(session, "tenant.added", ADA)
                raise KeyError

        with pytest.raises(KeyError):
            break_off()

        assert audit.events(db, None) == []

    def test_it_tells_who_did_what(self, audit, db):
        with db.write() as session:
            audit.record(session, "person.added", BOB, request_id="r-7", email="x@example.com", left_out=None)

        (event,) = audit.events(db, None)
        assert (event.action, event.actor_kind, event.actor_name) == ("person.added", "person", "bob@example.com")
        assert (event.detail, event.request_id) == ({"email": "x@example.com"}, "r-7")

    def test_each_tenant_has_its_own(self, audit, db, dev, others):
        note(audit, db, "a.first", tenant_id=dev.id)
        note(audit, db, "b.first", tenant_id=others.id)

        assert audit.events(db, dev.id)[0].action == "a.first"
        assert "b.first" not in [event.action for event in audit.events(db, dev.id)]

    def test_it_is_read_in_pages_newest_first(self, audit, db):
        for number in range(5):
            note(audit, db, f"step.{number}")

        first = audit.events(db, None, limit=2)
        second = audit.events(db, None, limit=2, before=first[-1].id)
        assert [event.action for event in (*first, *second)] == ["step.4", "step.3", "step.2", "step.1"]

    def test_what_is_older_than_the_retention_is_forgotten(self, audit, db):
        with time_machine.travel(now() - timedelta(days=91), tick=False):
            note(audit, db, "step.old")
        note(audit, db, "step.new")

        assert audit.purge(db, timedelta(days=90)) == 1
        assert [event.action for event in audit.events(db, None)] == ["step.new"]


class TestWhatChanged:
    @pytest.fixture
    def recorded(self, db, setups, ada, document):
        """Save a changed setup over a first one and answer the last event's detail."""

        def record(change):
            setups.save(ada, document(), base=0)
            wanted = setups.active(ada.tenant).document
            change(wanted)
            setups.save(ada, wanted, base=1)
            return Audit().events(db, ada.tenant.id)[0].detail

        return record

    def test_it_is_in_the_event_itself(self, recorded):
        detail = recorded(lambda setup: setup["connector"]["config"].update(port=2525))

        assert detail["changes"] == [
            {"pointer": "/connector/config/port", "kind": "changed", "old": 587, "new": 2525},
        ]
        assert "changes_left_out" not in detail

    def test_of_a_secret_only_that_it_differs(self, recorded):
        detail = recorded(lambda setup: setup["connector"]["config"]["auth"].update({"pass": f"{CANARY}-another"}))

        assert detail["changes"] == [
            {"pointer": "/connector/config/auth/pass", "kind": "changed", "secret": "different"},
        ]

    def test_a_first_connector_is_told_part_by_part_without_its_secret(self, db, setups, ada, document):
        setups.save(ada, document(), base=0)

        changes = {each["pointer"]: each for each in Audit().events(db, ada.tenant.id)[0].detail["changes"]}

        assert changes["/connector/config/host"]["new"] == "smtp.example.com"
        assert changes["/connector/config/auth/pass"] == {
            "pointer": "/connector/config/auth/pass",
            "kind": "added",
            "secret": "different",
        }
        assert "$secret" not in json.dumps(list(changes.values()))

    def test_a_long_text_is_cut_and_says_so(self, recorded):
        detail = recorded(lambda setup: setup["templates"]["SignIn"]["*"].update(content="{{code}} " * 100))

        (change,) = detail["changes"]
        assert change["cut"] is True
        assert len(change["new"]) == 201

    def test_more_than_a_hundred_are_counted(self, recorded):
        def change(setup):
            for number in range(60):
                mail = {"subject": "Code", "content": "{{code}}"}
                setup["templates"]["SignIn"][f"en-x-a{number}"] = mail

        detail = recorded(change)

        assert len(detail["changes"]) == 100
        assert detail["changes_left_out"] == 60 * 3 - 100
        assert len(detail["changed"]) == 60
