"""Captured mail is kept encrypted for a while, found by its exact recipient, and never another tenant's."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.services.mails import a_mail
from webapp.domain.errors import NotFoundError
from webapp.services import inbox as inbox_module
from webapp.services.inbox import Inbox


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(db, vault, clock) -> Inbox:
    return Inbox(db, vault, clock)


def subjects(items) -> list[str]:
    return [item.subject for item in items]


def test_a_mail_is_kept_whole(inbox, dev):
    raw = a_mail(html='<p>Code 482913</p><a href="https://acme.test/x">x</a>')

    (mail_id,) = inbox.add(dev.id, ["Bob@example.com"], raw)

    mail = inbox.mail(dev, mail_id)
    assert (mail.to, mail.sender, mail.subject) == ("Bob@example.com", "Acme <no-reply@acme.test>", "Your code")
    assert (mail.code, mail.links) == ("482913", ("https://acme.test/x",))
    assert "<p>Code 482913</p>" in mail.html
    assert mail.text == "Your code is 482913.\n"
    assert mail.source.encode() == raw.replace(b"\r\n", b"\n")


def test_nothing_of_it_can_be_read_in_the_database(inbox, dev, database_file: Path, db):
    inbox.add(dev.id, ["bob@example.com"], a_mail(subject="Very private subject"))
    db.dispose()

    stored = b"".join(path.read_bytes() for path in database_file.parent.glob("postroom.db*"))

    for word in (b"bob@example.com", b"private subject", b"482913"):
        assert word not in stored


def test_the_list_is_newest_first_and_goes_on_after_the_last_seen(inbox, dev):
    for number in range(5):
        inbox.add(dev.id, ["bob@example.com"], a_mail(subject=f"Mail {number}"))

    first = inbox.mails(dev, limit=3)
    rest = inbox.mails(dev, limit=3, before=first[-1].id)

    assert subjects(first) == ["Mail 4", "Mail 3", "Mail 2"]
    assert subjects(rest) == ["Mail 1", "Mail 0"]


def test_mails_of_the_same_moment_are_neither_lost_nor_shown_twice(db, vault, dev):
    inbox = Inbox(db, vault, lambda: datetime(2026, 11, 21, tzinfo=UTC))
    inbox.add(dev.id, [f"bob{number}@example.com" for number in range(7)], a_mail())

    seen, before = [], None
    while page := inbox.mails(dev, limit=2, before=before):
        seen += [item.to for item in page]
        before = page[-1].id

    assert sorted(seen) == [f"bob{number}@example.com" for number in range(7)]


@pytest.mark.parametrize("asked", ["bob@example.com", " BOB@Example.com "])
def test_a_recipient_is_found_exactly(asked, inbox, dev):
    inbox.add(dev.id, ["Bob@example.com"], a_mail(subject="his"))
    inbox.add(dev.id, ["notbob@example.com"], a_mail(subject="not his"))

    assert subjects(inbox.mails(dev, to=asked)) == ["his"]


def test_mallory_sees_nothing_of_ada(inbox, dev, others):
    (mail_id,) = inbox.add(dev.id, ["bob@example.com"], a_mail())

    assert inbox.mails(others) == []
    assert inbox.mails(others, to="bob@example.com") == []
    assert inbox.wait(others, "bob@example.com", timeout=0) is None
    with pytest.raises(NotFoundError):
        inbox.mail(others, mail_id)


def test_another_tenants_mail_is_no_place_to_go_on_from(inbox, dev, others):
    (theirs,) = inbox.add(others.id, ["eve@example.com"], a_mail())
    inbox.add(dev.id, ["bob@example.com"], a_mail(subject="mine"))

    assert subjects(inbox.mails(dev, before=theirs)) == ["mine"]


def test_the_oldest_make_room(inbox, dev, others, monkeypatch):
    monkeypatch.setattr(inbox_module, "KEPT_MAILS", 3)
    inbox.add(others.id, ["eve@example.com"], a_mail(subject="theirs"))

    for number in range(5):
        inbox.add(dev.id, ["bob@example.com"], a_mail(subject=f"Mail {number}"))

    assert subjects(inbox.mails(dev)) == ["Mail 4", "Mail 3", "Mail 2"]
    assert subjects(inbox.mails(others)) == ["theirs"]


def test_after_seven_days_it_is_gone(inbox, dev, clock):
    inbox.add(dev.id, ["bob@example.com"], a_mail(subject="old"))
    clock.now += timedelta(days=6)
    inbox.add(dev.id, ["bob@example.com"], a_mail(subject="new"))
    clock.now += timedelta(days=1, seconds=1)

    assert inbox.purge() == 1
    assert subjects(inbox.mails(dev)) == ["new"]


def test_clearing_takes_this_tenants_mails_only(inbox, dev, others):
    inbox.add(dev.id, ["bob@example.com", "eve@example.com"], a_mail())
    inbox.add(others.id, ["eve@example.com"], a_mail())

    assert inbox.clear(dev) == 2
    assert inbox.mails(dev) == []
    assert len(inbox.mails(others)) == 1


def test_the_mark_of_the_list_changes_with_the_list(inbox, dev):
    marks = [inbox.state(dev)]
    inbox.add(dev.id, ["bob@example.com"], a_mail())
    marks.append(inbox.state(dev))
    inbox.add(dev.id, ["bob@example.com"], a_mail())
    marks.append(inbox.state(dev))
    inbox.clear(dev)

    assert len(set(marks)) == 3
    assert inbox.state(dev) == marks[0]


class TestWaiting:
    def test_a_mail_that_comes_meanwhile_is_answered(self, inbox, dev):
        timer = threading.Timer(0.3, inbox.add, (dev.id, ["bob@example.com"], a_mail()))
        timer.start()

        mail = inbox.wait(dev, "bob@example.com", timeout=20)

        timer.join()
        assert mail.code == "482913"

    def test_one_that_is_there_is_answered_at_once(self, inbox, dev):
        inbox.add(dev.id, ["bob@example.com"], a_mail())

        assert inbox.wait(dev, timeout=0).code == "482913"

    def test_one_from_before_does_not_count(self, inbox, dev, clock):
        inbox.add(dev.id, ["bob@example.com"], a_mail())

        assert inbox.wait(dev, "bob@example.com", since=clock.now, timeout=0) is None
