import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

import webapp
from tests.services.conftest import ADA, BOB
from webapp.db.types import now
from webapp.services.audit import Audit, AuditEvent, AuditFilter
from webapp.services.deeds import DEEDS, title, told

SOURCES = [path.read_text() for path in Path(webapp.__file__).parent.rglob("*.py")]
RECORDED = {
    action
    for text in SOURCES
    for call in re.findall(r"(?:_?record|_note)\((.{0,80})", text, re.DOTALL)
    for action in re.findall(r'"((?:setup|connector|token|member|tenant|plan)\.[a-z_]+)"', call)
}
DETAIL = {
    "revision": 7,
    "detail": "3",
    "to": "b…@example.com",
    "name": "CI",
    "email": "carol@example.com",
    "role": "editor",
    "old": "viewer",
    "new": "Workshop",
    "person": 4,
    "invited_by": "ada@example.com",
    "proposed_by": "bob@example.com",
    "account": "robot@example.com",
    "host": "accounts.example.com",
    "ok": True,
}


def event(action, **detail):
    return AuditEvent(1, now(), action, "person", "ada@example.com", 1, detail, None)


class TestTelling:
    def test_every_deed_of_a_tenant_that_is_recorded_has_words(self):
        assert len(RECORDED) > 8
        assert RECORDED - set(DEEDS) == set()

    @pytest.mark.parametrize("action", DEEDS)
    def test_every_sentence_can_be_said(self, action):
        for ok in (True, False):
            sentence = str(told(event(action, **DETAIL | {"ok": ok})))

            assert "%(" not in sentence
            assert "…" not in sentence.replace("b…@", "")

    @pytest.mark.parametrize("action", DEEDS)
    def test_what_an_older_event_lacks_is_left_open(self, action):
        assert "%(" not in str(told(event(action)))

    def test_what_failed_is_said_to_have(self):
        assert "failed" in str(told(event("connector.checked", ok=False)))
        assert "works" in str(told(event("connector.checked", ok=True)))

    def test_an_unknown_deed_is_called_by_its_code(self):
        assert (str(told(event("a.novelty"))), str(title("a.novelty"))) == ("a.novelty", "a.novelty")


class TestFiltering:
    @pytest.fixture
    def audit(self, db, dev):
        audit = Audit()
        for days, actor, action in ((3, ADA, "setup.saved"), (2, BOB, "setup.saved"), (1, BOB, "token.created")):
            with time_machine.travel(now() - timedelta(days=days), tick=False), db.write() as session:
                audit.record(session, action, actor, tenant_id=dev.id, days=days)
        return audit

    def days(self, audit, db, dev, **chosen):
        found = audit.events(db, dev.id, chosen=AuditFilter(**chosen))
        return [each.detail["days"] for each in found if "days" in each.detail]

    def test_by_person_and_deed(self, audit, db, dev):
        assert self.days(audit, db, dev, who=BOB.name) == [1, 2]
        assert self.days(audit, db, dev, action="setup.saved") == [2, 3]
        assert self.days(audit, db, dev, who=BOB.name, action="setup.saved") == [2]

    def test_by_time_the_end_left_out(self, audit, db, dev):
        oldest = next(each for each in audit.events(db, dev.id) if each.detail.get("days") == 3)

        assert self.days(audit, db, dev, since=oldest.at) == [1, 2, 3]
        assert self.days(audit, db, dev, until=oldest.at) == []

    def test_all_of_it_is_read_in_batches(self, audit, db, dev, monkeypatch):
        monkeypatch.setattr("webapp.services.audit._BATCH", 2)

        everything = list(audit.all(db, dev.id))

        assert [each.id for each in everything] == [each.id for each in audit.events(db, dev.id)]

    def test_names_are_those_that_occur(self, audit, db, dev, others):
        who, actions = audit.names(db, dev.id)

        assert set(who) == {ADA.name, BOB.name}
        assert {"setup.saved", "token.created"} <= set(actions)
