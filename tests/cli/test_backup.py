"""backup, and the way back that its help describes."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from cryptography.fernet import Fernet

from tests.canary import CANARY, leaks
from tests.cli.conftest import Run, Save, Shell, Start, token
from tests.cli.test_keys import opened, password, settle, setup


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def restored(shell: Shell, copy: Path, *, keys: bool = True) -> Shell:
    """Another machine on which the backup was put where the database stands, with the keys or without."""
    there = Shell(copy.parent / "restored", {"POSTROOM_DATA_DIR": str(copy.parent / "restored")})
    there.folder.mkdir()
    shutil.copy(copy, there.folder / "postroom.db")
    if keys:
        shutil.copy(shell.folder / "secret.keys", there.folder / "secret.keys")
    return there


class TestACopy:
    def test_is_one_whole_file_for_its_owner_only(self, run: Run, save: Save, copy: Path) -> None:
        save(setup())

        done = run("backup", str(copy), "--json")

        assert done.code == 0
        assert (done.json["holdsKeys"], done.json["bytes"]) == (False, copy.stat().st_size)
        assert copy.stat().st_mode & 0o777 == 0o600
        assert rows(copy, "SELECT number FROM revisions") == [(1,)]
        assert [path.name for path in copy.parent.iterdir() if path.name.startswith(("copy", ".copy"))] == ["copy.db"]

    def test_holds_no_keys_and_says_so(self, run: Run, save: Save, copy: Path) -> None:
        save(setup())

        done = run("backup", str(copy))

        key = (run.shell.folder / "secret.keys").read_bytes().strip()
        assert "holds no keys" in done.out
        assert str(run.shell.folder / "secret.keys") in done.out
        assert key not in copy.read_bytes()
        assert not leaks(copy.read_bytes())

    def test_overwrites_nothing(self, run: Run, copy: Path) -> None:
        copy.write_text("something else")

        done = run("backup", str(copy))

        assert done.code == 2
        assert copy.read_text() == "something else"

    def test_needs_a_folder(self, run: Run, copy: Path) -> None:
        done = run("backup", str(copy / "nowhere" / "copy.db"))

        assert done.code == 2
        assert not copy.exists()

    def test_of_a_damaged_database_is_none(self, run: Run, save: Save, copy: Path) -> None:
        save(setup())
        database = run.shell.folder / "postroom.db"
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
            (page,) = connection.execute(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'audit_events' AND type = 'table'"
            ).fetchone()
            (size,) = connection.execute("PRAGMA page_size").fetchone()
        with database.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xff" * 200)

        done = run("backup", str(copy))

        assert done.code == 1
        assert "malformed" in done.err
        assert not copy.exists()


def test_a_database_that_waits_for_its_migration_can_be_copied(run: Run, copy: Path) -> None:
    with closing(sqlite3.connect(run.shell.folder / "postroom.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        connection.commit()

    assert run("backup", str(copy)).code == 0


def test_what_is_not_there_is_not_copied(bare: Run, copy: Path) -> None:
    done = bare("backup", str(copy))

    assert done.code == 1
    assert not copy.exists()
    assert not bare.shell.folder.exists()


def test_a_postgresql_has_tools_of_its_own(run: Run, copy: Path) -> None:
    done = run("backup", str(copy), DATABASE_URL="postgresql+psycopg://u:pw@127.0.0.1:1/x")

    assert done.code == 2
    assert "pg_dump" in done.err
    assert "pw@" not in done.err


def test_a_copy_made_while_others_write_is_of_one_moment(ready: Shell, run: Run, start: Start, copy: Path) -> None:
    headers = {"Authorization": f"Bearer {token(ready, 'config:write')}"}
    server = start(ready)
    url = f"{server.url}/api/v1/tenants/dev/setup"
    saved: list[int] = []
    some, enough = threading.Event(), threading.Event()

    def keep_saving() -> None:
        with httpx2.Client(headers=headers, timeout=60) as client:
            while not enough.is_set():
                saved.append(client.put(url, json=setup(len(saved))).status_code)
                if len(saved) > 3:
                    some.set()

    saving = threading.Thread(target=keep_saving)
    saving.start()
    assert some.wait(60)
    done = run("backup", str(copy))
    enough.set()
    saving.join(60)
    server.stop()

    assert done.code == 0
    assert set(saved) <= {200, 201}
    ((revisions, newest),) = rows(copy, "SELECT count(*), max(number) FROM revisions")
    ((active,),) = rows(copy, "SELECT active_revision FROM tenants WHERE slug = 'dev'")
    ((audited,),) = rows(copy, "SELECT count(*) FROM audit_events WHERE action = 'setup.saved'")
    assert revisions == newest == active == audited > 0


class TestRestoring:
    def test_brings_everything_back(self, ready: Shell, run: Run, save: Save, start: Start, copy: Path) -> None:
        save(setup(), note="before the flood")
        headers = {"Authorization": f"Bearer {token(ready, 'config:read')}"}
        run("backup", str(copy))

        there = restored(ready, copy)
        server = start(there)

        answer = httpx2.get(f"{server.url}/api/v1/tenants/dev/setup", headers=headers)
        assert answer.headers["ETag"] == '"1"'
        services = opened(there)
        assert password(services) == f"{CANARY}-0"
        services.close()
        assert Run(there)("doctor").code == 0

    @pytest.mark.parametrize("command", ["doctor", "serve"])
    def test_without_the_keys_is_told(self, ready: Shell, run: Run, save: Save, copy: Path, command: str) -> None:
        save(setup())
        run("backup", str(copy))
        there = restored(ready, copy, keys=False)

        done = Run(there)(command)

        assert done.code == 1
        assert "key file" in done.out + done.err
        assert not (there.folder / "secret.keys").exists()

    def test_with_other_keys_is_told(self, ready: Shell, run: Run, save: Save, copy: Path) -> None:
        save(setup())
        run("backup", str(copy))
        there = restored(ready, copy, keys=False)
        (there.folder / "secret.keys").write_text(Fernet.generate_key().decode())

        done = Run(there)("doctor")

        assert done.code == 1
        assert "key file that belongs to this database" in done.out

    def test_of_a_copy_from_before_a_rotation_works_until_the_old_key_is_gone(
        self, ready: Shell, run: Run, save: Save, copy: Path
    ) -> None:
        save(setup())
        run("backup", str(copy))
        run("keys", "rotate")
        with_both = restored(ready, copy)
        before = Run(with_both)("doctor").code
        settle(run)
        run("keys", "prune")

        shutil.copy(ready.folder / "secret.keys", with_both.folder / "secret.keys")

        assert before == 0
        assert Run(with_both)("doctor").code == 1
