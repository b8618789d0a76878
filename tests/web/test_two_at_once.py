"""Two people who confirm at the same moment: one wins, the other gets the compare page again with both sides."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.canary import CANARY
from tests.web.conftest import BOB, Browser, House
from tests.web.test_frame import set_up
from tests.web.test_migrate_import import SLOT, apply, exported, give, revision
from tests.web.test_migrate_promote import PROMOTE, promote
from webapp.domain.roles import OPERATOR, Environment, Role

OWN = f"{CANARY}-of-production"


@pytest.fixture
def both(house: House, bob: Browser) -> House:
    """Production has a setup, and two tenants of development have others; Bob owns all of them too."""
    house.make_bob(Role.OWNER)
    more = house.services.tenants.add("more", "More", Environment.DEVELOPMENT, OPERATOR)
    for slug in ("dev", "prod"):
        for member in house.services.tenants.members(house.tenant(slug).id):
            house.services.tenants.add_member(more.id, member.person_id, Role.OWNER)
    login = {"type": "login", "user": "acme@gmail.com", "pass": OWN}
    set_up(house)
    set_up(house, "more", host="smtp.more.example")
    set_up(house, "prod", host="smtp.old.example", auth=login)
    return house


def at_once(*things: Any) -> list[Any]:
    line = threading.Barrier(len(things))

    def do(thing: Any) -> Any:
        line.wait()
        return thing()

    with ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(do, things))


def test_of_two_promotions_one_wins_and_the_other_sees_why(both: House, ada: Browser, bob: Browser) -> None:
    ada.get(f"{PROMOTE}?from=dev")
    bob.get(f"{PROMOTE}?from=more")
    chosen = {"reason": "a test", f"way__{SLOT}": "copy"}

    answers = at_once(lambda: promote(ada, note="of ada", **chosen), lambda: promote(bob, note="of bob", **chosen))

    assert sorted(answer.status_code for answer in answers) == [303, 412]
    assert revision(both, "prod") == 2
    (lost,) = (answer for answer in answers if answer.status_code == 412)
    assert "changed meanwhile, so nothing was promoted" in lost.text
    assert "smtp.gmail.com" in lost.text
    assert "smtp.more.example" in lost.text
    assert "of bob" in lost.text or "of ada" in lost.text

    loser = ada if lost is answers[0] else bob
    assert promote(loser, **chosen).status_code == 303
    assert revision(both, "prod") == 3


def test_of_two_imports_one_wins_and_the_other_sees_why(both: House, ada: Browser, bob: Browser) -> None:
    give(ada, exported(both, port=2525), "/t/dev/migrate/import")
    give(bob, exported(both, port=26), "/t/dev/migrate/import")
    kept = {f"way__{SLOT}": "keep"}

    answers = at_once(lambda: apply(ada, **kept), lambda: apply(bob, **kept))

    assert sorted(answer.status_code for answer in answers) == [303, 412]
    assert revision(both) == 2
    (lost,) = (answer for answer in answers if answer.status_code == 412)
    assert "Revision 2 was saved meanwhile" in lost.text
    assert "2525" in lost.text
    assert "26" in lost.text
    assert BOB in lost.text or "ada@example.com" in lost.text
