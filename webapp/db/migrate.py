"""Bring a database to this version's tables, whoever starts first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from webapp.db.session import Database
from webapp.resources import resource

_LOCK = 7_203_118_425
"""Any number that nobody else locks by in this PostgreSQL database."""


class MigrationError(Exception):
    """A migration would leave rows that point nowhere, so nothing of it was kept. Report it with the tables named."""


def upgrade(database: Database) -> None:
    """Migrate to the newest revision in one transaction. Processes that start together wait for each other."""
    with _migrating(database) as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def current(database: Database) -> str | None:
    """The revision that the database is at; None before the first migration."""
    with database.engine.execution_options(readonly=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision that this version of the code needs."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest, "migrations/versions is empty"  # noqa: S101  a broken installation, not a condition
    return newest


def _config() -> Config:
    config = Config()
    # The path may hold a percent sign, which the parser below would take for an interpolation.
    config.set_main_option("script_location", str(resource("migrations")).replace("%", "%%"))
    return config


@contextmanager
def _migrating(database: Database) -> Iterator[Connection]:
    if not database.sqlite:
        with database.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield connection
        return
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver  # noqa: S101  for the type checker
        # A table that a batch migration rebuilds is dropped, and with foreign keys on its children go with it.
        # SQLite ignores the switch inside a transaction, so it is flipped on the driver before BEGIN.
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("PRAGMA busy_timeout=60000")
        try:
            with connection.begin():
                yield connection
                orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if orphans:
                    tables = ", ".join(sorted({str(row[0]) for row in orphans}))
                    raise MigrationError(f"rows without their parent in: {tables}")
        finally:
            driver.execute("PRAGMA foreign_keys=ON")
            driver.execute("PRAGMA busy_timeout=5000")
