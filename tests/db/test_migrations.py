import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import webapp.accounts  # noqa: F401  its tables belong to the metadata
from webapp.db import migrate
from webapp.db.models import Base
from webapp.db.session import Database


@pytest.fixture
def database(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'postroom.db'}")
    yield database
    database.dispose()


class TestMigrations:
    def test_an_empty_database_knows_no_revision(self, database):
        assert migrate.current(database) is None

    def test_upgrading_from_empty_reaches_the_head(self, database):
        migrate.upgrade(database)

        assert migrate.current(database) == migrate.head()

    def test_upgrading_twice_changes_nothing(self, database):
        migrate.upgrade(database)

        migrate.upgrade(database)

        assert migrate.current(database) == migrate.head()

    def test_models_and_migrations_do_not_differ(self, database):
        migrate.upgrade(database)

        with database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            differences = compare_metadata(context, Base.metadata)

        assert differences == []

    def test_foreign_keys_are_on_again_afterwards(self, database):
        migrate.upgrade(database)

        with database.read() as session:
            assert session.scalar(text("PRAGMA foreign_keys")) == 1

    def test_rows_that_lost_their_parent_stop_it(self, database, tmp_path):
        migrate.upgrade(database)
        with closing(sqlite3.connect(tmp_path / "postroom.db")) as connection, connection:
            connection.execute(
                "INSERT INTO memberships (tenant_id, person_id, role, created_at) VALUES (9, 1, 'x', 'y')"
            )

        with pytest.raises(migrate.MigrationError, match="memberships"):
            migrate.upgrade(database)

    def test_processes_that_start_together_wait_for_each_other(self, tmp_path):
        def start(_: int) -> str | None:
            database = Database(f"sqlite:///{tmp_path / 'shared.db'}")
            try:
                migrate.upgrade(database)
                return migrate.current(database)
            finally:
                database.dispose()

        with ThreadPoolExecutor(4) as pool:
            reached = list(pool.map(start, range(4)))

        assert reached == [migrate.head()] * 4
