"""What is past its time goes, in one process of the machine, and that process may die."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import time_machine
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from webapp.db.models import LinkRow, SessionRow
from webapp.db.types import now
from webapp.domain.roles import OPERATOR, Access, Environment, Role
from webapp.services.housekeeping import Housekeeping
from webapp.services.lock import ProcessLock, alone
from webapp.services.wiring import build
from webapp.settings import Settings

HOLDER = """
import sys, time
from pathlib import Path
from webapp.services.lock import ProcessLock
print(ProcessLock(Path(sys.argv[1])).acquire(), flush=True)
time.sleep(60)
"""


class TestTheLock:
    def test_one_holds_it_at_a_time(self, tmp_path: Path) -> None:
        first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")

        assert first.acquire()
        assert not second.acquire()
        assert second.taken()
        first.release()
        assert not first.taken()
        assert second.acquire()
        second.release()

    def test_it_is_free_when_its_process_is_killed(self, tmp_path: Path) -> None:
        path = tmp_path / "lock"
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        with holder:
            assert holder.stdout
            assert holder.stdout.readline().strip() == "True"
            lock = ProcessLock(path)
            assert not lock.acquire()

            holder.kill()
            holder.wait(10)

        assert lock.acquire()
        lock.release()

    def test_alone_lets_one_in_after_the_other(self, tmp_path: Path) -> None:
        inside, most = 0, 0

        def enter() -> None:
            nonlocal inside, most
            with alone(tmp_path / "deep" / "lock"):
                inside += 1
                most = max(most, inside)
                inside -= 1

        threads = [threading.Thread(target=enter) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert most == 1


class TestWhatIsPastItsTime:
    def test_goes_and_the_rest_stays(self, database_file: Path) -> None:
        settings = Settings(data_dir=database_file.parent, sandbox_smtp_port=0, retention_days=30)
        services = build(settings)
        tenant = services.tenants.add("dev", "Development", Environment.DEVELOPMENT, OPERATOR)
        for days in (31, 29):
            with time_machine.travel(now() - timedelta(days=days), tick=False), services.db.write() as session:
                services.audit.record(session, f"days.{days}", OPERATOR, tenant_id=tenant.id)
        for days in (8, 6):
            with time_machine.travel(now() - timedelta(days=days), tick=False):
                services.inbox.add(tenant.id, ["ada@example.com"], b"Subject: Hello\r\n\r\n")

        for days in (8, 6):
            with time_machine.travel(now() - timedelta(days=days), tick=False):
                owner = Access(OPERATOR, tenant, Role.OWNER)
                services.invitations.invite(owner, f"since-{days}-days@example.com", Role.VIEWER)
        for hours in (13, 11):
            with time_machine.travel(now() - timedelta(hours=hours), tick=False):
                services.sessions.begin(hours, f"session {hours}", "Firefox", "192.0.2.1")

        services.housekeeping.round()

        with services.db.read() as session:
            links = [row.payload["email"] for row in session.scalars(select(LinkRow))]
            sessions = [row.person_id for row in session.scalars(select(SessionRow))]
        assert (links, sessions) == (["since-6-days@example.com"], [11])
        actions = {event.action for event in services.audit.events(services.db, tenant.id)}
        assert actions & {"days.31", "days.29"} == {"days.29"}
        assert services.inbox.count(tenant) == 1
        services.close()


class TestTheRounds:
    def test_a_job_that_fails_does_not_keep_the_others_from_running(self, tmp_path: Path) -> None:
        done: list[str] = []

        def fails() -> int:
            raise OperationalError("DELETE", {}, Exception("database is locked"))

        def works() -> int:
            done.append("works")
            return 3

        Housekeeping(ProcessLock(tmp_path / "lock"), {"fails": fails, "works": works}).round()

        assert done == ["works"]

    def test_they_begin_with_the_lock_and_end_when_stopped(self, tmp_path: Path) -> None:
        ran = threading.Event()

        def job() -> int:
            ran.set()
            return 0

        housekeeping = Housekeeping(ProcessLock(tmp_path / "lock"), {"job": job})
        housekeeping.start()
        assert ran.wait(10)
        assert ProcessLock(tmp_path / "lock").taken()

        housekeeping.stop()

        assert not ProcessLock(tmp_path / "lock").taken()
