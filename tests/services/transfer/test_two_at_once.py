"""Several people who promote into one tenant at once: one wins, the others see what came before beside their own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from tests.canary import CANARY
from tests.services.conftest import ADA, smtp
from tests.services.transfer.house import LONG, House
from tests.services.transfer.test_killed import opened
from webapp.domain.errors import SetupChangedMeanwhileError
from webapp.domain.roles import Access, Environment
from webapp.services.transfer.planning import Confirmation
from webapp.services.transfer.promoting import Promotion

PEOPLE = 16 if LONG else 6
PROCESSES = 4
SLOT = "smtp.auth.pass"
SAID = Confirmation(reason="a test", allow_breaking=True)


def of(number: int) -> dict[str, Any]:
    cell = {"contentType": "text/plain", "subject": f"Mail {number}", "content": "{{code}}"}
    return {"connector": smtp(host=f"smtp-{number}.example.com"), "templates": {"Generic": {"*": cell}}}


@pytest.fixture
def sources(house: House) -> list[Access]:
    """A development tenant for each of them, each with another host and mail."""
    return [house.with_setup(of(number)) for number in range(PEOPLE)]


@pytest.fixture
def target(house: House) -> Access:
    """A production tenant that has a setup already."""
    access = house.tenant(Environment.PRODUCTION)
    house.setups.save(access, of(99), base=0, reason="a test")
    return access


def planned(house: House, source: Access, target: Access, number: int) -> str:
    secrets = {SLOT: {"value": f"{CANARY}-{number}"}}
    return house.promoting.plan(source, target, Promotion(secrets=secrets)).id


def said(changes: Any) -> Any:
    return {change.pointer: change.new for change in changes}["/connector/config/host"]


def test_of_several_people_one_wins_and_the_others_see_why(house, sources, target):
    plans = [planned(house, source, target, number) for number, source in enumerate(sources)]
    line = threading.Barrier(PEOPLE)

    def promote(number: int) -> Any:
        line.wait()
        try:
            return house.planning.apply(target, plans[number], SAID)
        except SetupChangedMeanwhileError as lost:
            return lost

    with ThreadPoolExecutor(PEOPLE) as pool:
        results = list(pool.map(promote, range(PEOPLE)))

    winners = [number for number, result in enumerate(results) if not isinstance(result, SetupChangedMeanwhileError)]
    assert len(winners) == 1
    for number, lost in enumerate(results):
        if number not in winners:
            assert (lost.status, lost.code) == (412, "setup.changed_meanwhile")
            assert said(lost.theirs) == f"smtp-{winners[0]}.example.com"
            assert said(lost.yours) == f"smtp-{number}.example.com"
    live = house.setups.active(target.tenant)
    assert (live.number, live.document["connector"]["config"]["host"]) == (2, f"smtp-{winners[0]}.example.com")
    assert house.setups.secrets(target, 2) == {"/connector/config/auth/pass": f"{CANARY}-{winners[0]}"}


def test_who_lost_may_plan_again_and_win(house, sources, target):
    first, second = (planned(house, sources[number], target, number) for number in (0, 1))
    house.planning.apply(target, first, SAID)
    with pytest.raises(SetupChangedMeanwhileError):
        house.planning.apply(target, second, SAID)

    again = planned(house, sources[1], target, 1)
    house.planning.apply(target, again, SAID)

    assert house.setups.active(target.tenant).document["connector"]["config"]["host"] == "smtp-1.example.com"


def test_the_same_thing_promoted_twice_is_there_once(house, sources, target):
    plans = [planned(house, sources[0], target, 0) for _ in range(2)]
    copied = replace(SAID, note="twice")

    saved = [house.planning.apply(target, plan, copied) for plan in plans]

    assert [each.created for each in saved] == [True, False]
    assert house.setups.active(target.tenant).number == 2


def test_one_plan_confirmed_twice_at_once_is_there_once(house, sources, target):
    plan = planned(house, sources[0], target, 0)
    line = threading.Barrier(2)

    def confirm(_: int) -> bool:
        line.wait()
        return house.planning.apply(target, plan, SAID).created

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, range(2))) == [False, True]

    assert house.setups.active(target.tenant).number == 2


def test_of_several_processes_one_wins(house, sources, target, keys, database_file):
    processes = get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    line, wins, losses = processes.Barrier(PROCESSES), processes.Value("i", 0), processes.Value("i", 0)
    plans = [planned(house, sources[number], target, number) for number in range(PROCESSES)]

    children = [
        processes.Process(target=apply_one, args=(database_file, keys, target.tenant.slug, plan, line, wins, losses))
        for plan in plans
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)

    assert [child.exitcode for child in children] == [0] * PROCESSES
    assert (wins.value, losses.value) == (1, PROCESSES - 1)
    assert house.setups.active(target.tenant).number == 2


def apply_one(database_file: Path, keys: list[str], slug: str, plan: str, line: Any, wins: Any, losses: Any) -> None:
    """One of several processes that want to be the second revision."""
    house = opened(database_file, keys)
    access = house.tenants.access(ADA, slug)
    line.wait(60)
    try:
        house.planning.apply(access, plan, SAID)
    except SetupChangedMeanwhileError as lost:
        counted = losses if lost.theirs and lost.yours else None
    else:
        counted = wins
    if counted:
        with counted.get_lock():
            counted.value += 1
