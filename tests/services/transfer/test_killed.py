"""Applying a plan is whole or it never was: with the process killed at every step of it, and at any moment."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from tests.canary import CANARY
from tests.services.conftest import ADA, smtp
from tests.services.transfer.house import LONG, House
from webapp.connectors import CONNECTORS
from webapp.db.models import AuditRow, RevisionRow, TenantRow
from webapp.db.session import Database
from webapp.db.vault import vault_of
from webapp.domain.roles import TenantInfo
from webapp.domain.tenant_document import TenantDocument
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.importing import GivenDocument
from webapp.services.transfer.planning import Confirmation

ROUNDS = 200 if LONG else 16
SEED = 20_26
SLOT = "smtp.auth.pass"
SAID = Confirmation(allow_breaking=True)

MOVES = "UPDATE tenants SET active_revision"

STEPS = {
    "before anything is written": ("before", MOVES),
    "after the pointer moved": ("after", MOVES),
    "before the revision": ("before", "INSERT INTO revisions"),
    "after the revision": ("after", "INSERT INTO revisions"),
    "before the event": ("before", "INSERT INTO audit"),
    "after the event": ("after", "INSERT INTO audit"),
    "before the commit": ("commit", ""),
    "after the commit": ("committed", ""),
}
"""Where a child ends itself: around which statement of the applying transaction, or of its commit."""

OUTSIDE, INSIDE, DONE = range(3)


def numbered(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document and its secrets that say the same number in connector, secret, mail and flow."""
    connector = smtp(host=f"smtp-{number}.example.com")
    connector["config"]["auth"] = {"type": "login", "user": f"user-{number}", "pass": {"$secret": {"slot": SLOT}}}
    cell = {"contentType": "text/plain", "subject": f"Mail {number}", "content": "{{code}}"}
    setup = {
        "connector": connector,
        "templates": {"Generic": {"*": cell}},
        "flows": {"signUp": {"email": number % 2 == 0}},
    }
    return TenantDocument(setup).to_json(), {SLOT: {"value": f"{CANARY}-{number}"}}


def apply(house: House, number: int) -> None:
    """Plan and apply one document."""
    access = house.tenants.access(ADA, "dev")
    document, secrets = numbered(number)
    plan = house.importing.plan(access, GivenDocument(document, secrets)).transfer
    house.planning.apply(access, plan.id, SAID)


def opened(database_file: Path, keys: list[str]) -> House:
    db = Database(f"sqlite:///{database_file}")
    vault = vault_of(db, keys)
    return House(db, vault, Setups(db, vault, CONNECTORS), Tenants(db, vault))


def whole(house: House, tenant: TenantInfo) -> int:
    """Assert that pointer, revisions, secrets and events agree; answers the live number."""
    with house.db.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        number = session.scalars(select(TenantRow.active_revision).where(TenantRow.id == tenant.id)).one()
        revisions = session.scalars(select(RevisionRow.number).filter_by(tenant_id=tenant.id)).all()
        events = session.scalars(select(AuditRow.detail).filter_by(tenant_id=tenant.id, action="setup.imported")).all()
    assert sorted(revisions) == list(range(1, number + 1))
    assert sorted(each["revision"] for each in events) == list(range(1, number + 1))
    if number:
        live = house.setups.active(tenant)
        config = house.setups.resolve(tenant).config
        said = config.host.removeprefix("smtp-").removesuffix(".example.com")  # type: ignore[attr-defined]
        assert config.auth.password.get_secret_value() == f"{CANARY}-{said}"  # type: ignore[attr-defined]
        assert live.document["templates"]["Generic"]["*"]["subject"] == f"Mail {said}"
        assert live.document["flows"]["signUp"]["email"] == (int(said) % 2 == 0)
    return int(number)


@pytest.fixture
def processes():
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_all_or_nothing_was_applied(house, dev, keys, database_file, processes, step):
    apply(house, 1)

    child = processes.Process(target=apply_until, args=(database_file, keys, STEPS[step]))
    child.start()
    child.join(60)

    assert child.exitcode == -signal.SIGKILL
    assert whole(house, dev) == (2 if step == "after the commit" else 1)
    apply(house, 7)
    assert whole(house, dev) == (3 if step == "after the commit" else 2)


@pytest.mark.timeout(60 + ROUNDS * 5)
def test_killed_at_any_moment_all_or_nothing_was_applied(house, dev, keys, database_file, processes):
    moments = random.Random(SEED)  # noqa: S311  reproducible, not secret
    reached, hit = 0, Counter[str]()

    for round_ in range(ROUNDS):
        begun, stage = processes.Event(), processes.Value("i", OUTSIDE)
        child = processes.Process(target=apply_on_and_on, args=(database_file, keys, round_ * 1000, begun, stage))
        child.start()
        assert begun.wait(60)
        # Most moments are those of planning; of three kills one waits for a transaction, and one for its end.
        awaited, longest = ((None, 0.1), (INSIDE, 0.001), (DONE, 0.05))[round_ % 3]
        deadline = time.monotonic() + 30
        while awaited is not None and stage.value != awaited and time.monotonic() < deadline:
            time.sleep(0.0002)
        time.sleep(moments.uniform(0, longest))
        os.kill(child.pid, signal.SIGKILL)
        child.join(30)
        assert child.exitcode == -signal.SIGKILL
        hit["inside" if stage.value == INSIDE else "outside"] += 1

        number = whole(house, dev)
        assert number >= reached
        reached = number

    apply(house, -1)
    assert whole(house, dev) == reached + 1
    assert reached > 0, "nothing was ever applied, so nothing was tested"
    assert hit["inside"] >= ROUNDS // 8, hit
    assert hit["outside"] >= ROUNDS // 8, hit


def apply_until(database_file: Path, keys: list[str], step: tuple[str, str]) -> None:
    """What a child does that ends itself at a step."""
    end_at(*step)
    apply(opened(database_file, keys), 2)


def end_at(when: str, what: str) -> None:
    """Kill this process around a statement of the transaction that moves the pointer, or of its commit."""
    moving = [False]

    def end(*_: Any) -> None:
        if moving[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        moving[0] = moving[0] or statement.startswith(MOVES)
        if statement.startswith(what):
            end()

    match when:
        case "before" | "after":
            event.listen(Engine, f"{when}_cursor_execute", around)
        case _:
            what = "no statement"
            event.listen(Engine, "before_cursor_execute", around)
            event.listen(*((Engine, "commit") if when == "commit" else (Session, "after_commit")), end)


def apply_on_and_on(database_file: Path, keys: list[str], start: int, begun: Any, stage: Any) -> None:
    """What a child does that is killed: plan after plan, each of another document, saying when it writes."""
    house = opened(database_file, keys)

    def writes(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(MOVES):
            stage.value = INSIDE

    def wrote(*_: Any) -> None:
        stage.value = DONE if stage.value == INSIDE else stage.value

    event.listen(Engine, "before_cursor_execute", writes)
    event.listen(Session, "after_commit", wrote)
    begun.set()
    for number in range(start, start + 1000):
        apply(house, number)
