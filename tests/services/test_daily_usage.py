"""What a tenant sends on a day at the operator's expense: counted once for each mail, in any number of processes."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from webapp.db.session import Database
from webapp.services.daily_usage import DailyUsage, Usage
from webapp.services.tenants import Tenants

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def take_some(url: str, slug: str, amount: int, limit: int) -> None:
    """What another process does."""
    database = Database(url)
    usage = DailyUsage(database, limit)
    tenant = next(each for each in Tenants(database, None).all() if each.slug == slug)  # type: ignore[arg-type]
    for _ in range(amount):
        usage.take(tenant)
    database.dispose()


def test_each_tenant_and_each_day_has_its_own_count(db, dev, prod) -> None:
    clock = Clock()
    usage = DailyUsage(db, clock=clock)

    days = [usage.take(dev), usage.take(dev), usage.take(prod)]
    today = usage.today(dev), usage.today(prod)
    clock.now = NOON + timedelta(hours=12)

    assert days == [date(2026, 11, 21)] * 3
    assert today == (Usage(2), Usage(1))
    assert usage.today(dev) == Usage(0)


def test_what_did_not_go_is_given_back_to_the_day_that_it_was_taken_from(db, dev) -> None:
    clock = Clock()
    usage = DailyUsage(db, clock=clock)
    usage.take(dev)
    day = usage.take(dev)
    clock.now = NOON + timedelta(days=1)

    usage.give_back(dev, day)
    usage.give_back(dev, clock.now.date())

    assert usage.today(dev) == Usage(0)
    clock.now = NOON
    assert usage.today(dev) == Usage(1)


def test_no_more_than_the_limit_is_taken(db, dev) -> None:
    usage = DailyUsage(db, 2)

    taken = [usage.take(dev) is not None for _ in range(4)]

    assert taken == [True, True, False, False]
    assert usage.today(dev) == Usage(2, 2)


def test_two_at_the_same_moment_are_two(db, dev) -> None:
    usage = DailyUsage(db, 60)
    threads = [threading.Thread(target=lambda: [usage.take(dev) for _ in range(10)]) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert usage.today(dev).mails == 60


def test_processes_count_together(db, dev, database_file) -> None:
    context = multiprocessing.get_context("spawn")
    url = f"sqlite:///{database_file}"
    others = [context.Process(target=take_some, args=(url, "dev", 10, 25)) for _ in range(3)]

    for each in others:
        each.start()
    for each in others:
        each.join(60)

    assert [each.exitcode for each in others] == [0, 0, 0]
    assert DailyUsage(db).today(dev).mails == 25


def test_old_days_are_forgotten(db, dev) -> None:
    clock = Clock()
    usage = DailyUsage(db, clock=clock)
    usage.take(dev)
    clock.now = NOON + timedelta(days=91)
    usage.take(dev)

    assert usage.purge(timedelta(days=90)) == 1
    assert usage.today(dev) == Usage(1)


@pytest.mark.parametrize(
    ("usage", "code"),
    [
        (Usage(0), None),
        (Usage(1_000_000), None),
        (Usage(79, 100), None),
        (Usage(80, 100), "built_in.daily_limit_near"),
        (Usage(99, 100), "built_in.daily_limit_near"),
        (Usage(100, 100), "built_in.daily_limit"),
        (Usage(1, 1), "built_in.daily_limit"),
    ],
)
def test_from_eighty_percent_on_it_is_spoken_of(usage: Usage, code: str | None) -> None:
    problem = usage.problem

    assert (problem.code if problem else None) == code
    assert problem is None or problem.temporary
