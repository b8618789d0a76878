"""Engine and transactions: the same code on SQLite and PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session


class Database:
    """Hands out transactions: ``read()`` sees one state, ``write()`` commits whole or not at all.

    Never hold one while awaiting the network.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite and parsed.database:
            _make_private(Path(parsed.database))
        self.url = url
        # What is stored is nothing for a log, not even where a statement fails.
        self.engine = create_engine(url, pool_pre_ping=not self.sqlite, hide_parameters=True)
        if self.sqlite:
            _tune_sqlite(self.engine)
        self._reader = self.engine.execution_options(readonly=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads; takes no write lock."""
        with Session(self._reader) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits when the block ends and rolls back when it raises."""
        with Session(self.engine) as session, session.begin():
            yield session

    def dispose(self) -> None:
        self.engine.dispose()


def _make_private(path: Path) -> None:
    """Make the file, and its folder, for this user only; SQLite gives the files beside it the same rights."""
    if path.name == ":memory:" or path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def _tune_sqlite(engine: Engine) -> None:
    """Make SQLite safe for threads and processes that write at once.

    The driver's own transaction handling loses concurrent updates, and a plain BEGIN ends in "database is locked";
    BEGIN IMMEDIATE queues the writers.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:  # noqa: ARG001  the event's signature
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("busy_timeout=5000", "journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        readonly = connection.get_execution_options().get("readonly")
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")
