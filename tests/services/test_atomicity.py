"""A save is whole or it never was: with 32 at once, and with the process killed at any moment."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from tests.services.conftest import ADA, smtp
from webapp.connectors import CONNECTORS
from webapp.db.models import AuditRow, RevisionRow, TenantRow
from webapp.db.session import Database
from webapp.db.vault import vault_of
from webapp.domain.errors import SetupChangedMeanwhileError
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants

AT_ONCE = 32
ROUNDS = 200 if os.environ.get("POSTROOM_TORTURE") else 20
SEED = 20_26


def numbered(document, number):
    """A setup that says the same number in its connector, its secret, a template and a flow."""
    wanted = deepcopy(document)
    auth = {"type": "login", "user": f"user-{number}", "pass": f"secret-{number}"}
    wanted["connector"] = smtp(host=f"smtp-{number}.example.com", auth=auth)
    wanted["templates"]["SignIn"]["*"]["subject"] = f"Mail {number}"
    wanted["flows"]["signUp"]["email"] = number % 2 == 0
    return wanted


class TestAtOnce:
    def test_of_32_saves_on_one_base_exactly_one_wins(self, setups, ada, document, db):
        setups.save(ada, numbered(document(), 0), base=0)
        line = threading.Barrier(AT_ONCE)

        def save(number):
            wanted = numbered(document(), number)
            line.wait()
            try:
                return number, setups.save(ada, wanted, base=1)
            except SetupChangedMeanwhileError as lost:
                return number, lost

        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(save, range(1, AT_ONCE + 1)))

        winners = [number for number, result in results if not isinstance(result, SetupChangedMeanwhileError)]
        losers = [(number, result) for number, result in results if isinstance(result, SetupChangedMeanwhileError)]
        assert len(winners) == 1
        assert len(losers) == AT_ONCE - 1
        for number, lost in losers:
            hosts = {change.pointer: change.new for change in (*lost.theirs,)}
            assert hosts["/connector/config/host"] == f"smtp-{winners[0]}.example.com"
            mine = {change.pointer: change.new for change in (*lost.yours,)}
            assert mine["/connector/config/host"] == f"smtp-{number}.example.com"
        assert is_whole(setups, ada.tenant, db) == 2

    def test_of_saves_without_a_base_each_one_is_a_revision(self, setups, ada, document, db):
        line = threading.Barrier(8)

        def save(number):
            line.wait()
            return setups.save(ada, numbered(document(), number), base=None).number

        with ThreadPoolExecutor(8) as pool:
            numbers = list(pool.map(save, range(8)))

        assert sorted(numbers) == list(range(1, 9))
        assert is_whole(setups, ada.tenant, db) == 8

    def test_concurrent_patches_of_different_places_lose_nothing(self, setups, ada, document):
        setups.save(ada, document(), base=0)
        usages = list(document()["templates"])
        line = threading.Barrier(len(usages))

        def patch(usage):
            line.wait()
            setups.patch(ada, [{"op": "replace", "path": f"/templates/{usage}/*/subject", "value": f"Mine: {usage}"}])

        with ThreadPoolExecutor(len(usages)) as pool:
            list(pool.map(patch, usages))

        active = setups.active(ada.tenant)
        assert active.number == 1 + len(usages)
        assert {usage: cells["*"]["subject"] for usage, cells in active.document["templates"].items()} == {
            usage: f"Mine: {usage}" for usage in usages
        }

    def test_of_4_processes_on_one_base_exactly_one_wins(self, setups, ada, keys, db, database_file, document):
        setups.save(ada, numbered(document(), 0), base=0)
        processes = get_context("forkserver")
        processes.set_forkserver_preload([__name__])
        line, wins = processes.Barrier(4), processes.Value("i", 0)

        children = [
            processes.Process(target=save_once, args=(database_file, keys, number, line, wins))
            for number in range(1, 5)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(60)

        assert [child.exitcode for child in children] == [0] * 4
        assert wins.value == 1
        assert is_whole(setups, ada.tenant, db) == 2


class TestKilled:
    @pytest.mark.timeout(60 + ROUNDS * 5)
    def test_after_a_kill_at_any_moment_the_active_setup_is_one_saved_whole(self, setups, ada, keys, db, database_file):
        moments = random.Random(SEED)  # noqa: S311  reproducible, not secret
        spawn = get_context("forkserver")
        spawn.set_forkserver_preload([__name__])
        reached = 0

        for round_ in range(ROUNDS):
            begun = spawn.Event()
            child = spawn.Process(target=save_on_and_on, args=(database_file, keys, round_ * 1000, begun))
            child.start()
            assert begun.wait(30)
            time.sleep(moments.uniform(0, 0.15))
            os.kill(child.pid, signal.SIGKILL)
            child.join(30)
            assert child.exitcode == -signal.SIGKILL

            number = is_whole(setups, ada.tenant, db)
            assert number >= reached
            reached = number

        assert reached > 0, "no save was ever finished, so nothing was tested"


def save_once(database_file: Path, keys: list[str], number: int, line, wins) -> None:
    """One of several processes that want to be the second revision."""
    database = Database(f"sqlite:///{database_file}")
    vault = vault_of(database, keys)
    setups, access = Setups(database, vault, CONNECTORS), Tenants(database, vault).access(ADA, "dev")
    wanted = numbered(setups.active(access.tenant).document, number)
    line.wait(60)
    try:
        setups.save(access, wanted, base=1)
    except SetupChangedMeanwhileError:
        return
    with wins.get_lock():
        wins.value += 1


def save_on_and_on(database_file: Path, keys: list[str], start: int, begun) -> None:
    """What the killed process does: save after save, each with another number."""
    database = Database(f"sqlite:///{database_file}")
    vault = vault_of(database, keys)
    setups, access = Setups(database, vault, CONNECTORS), Tenants(database, vault).access(ADA, "dev")
    document = setups.active(access.tenant).document
    begun.set()
    for number in range(start, start + 1000):
        setups.save(access, numbered(document, number), base=None)


def is_whole(setups, tenant, db) -> int:
    """Assert that pointer, revisions, secrets and audit agree; answers the active number."""
    with db.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        number = session.scalars(select(TenantRow.active_revision).where(TenantRow.id == tenant.id)).one()
        revisions = session.scalars(
            select(RevisionRow.number).where(RevisionRow.tenant_id == tenant.id).order_by(RevisionRow.number)
        ).all()
        events = session.scalars(
            select(AuditRow.detail).where(AuditRow.tenant_id == tenant.id, AuditRow.action == "setup.saved")
        ).all()
        assert session.scalar(select(func.count()).select_from(RevisionRow)) == len(revisions)
    assert list(revisions) == list(range(1, number + 1))
    assert sorted(event["revision"] for event in events) == list(revisions)
    if number:
        document = setups.active(tenant).document
        config = setups.resolve(tenant).config
        said = config.host.removeprefix("smtp-").removesuffix(".example.com")
        assert config.auth.user == f"user-{said}"
        assert config.auth.password.get_secret_value() == f"secret-{said}"
        assert document["templates"]["SignIn"]["*"]["subject"] == f"Mail {said}"
        assert document["flows"]["signUp"]["email"] == (int(said) % 2 == 0)
    return int(number)
