from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from webapp.db import migrate
from webapp.db.models import LinkRow, MembershipRow, TenantRow
from webapp.db.session import Database


@pytest.fixture
def database(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'postroom.db'}")
    migrate.upgrade(database)
    yield database
    database.dispose()


def add_tenant(database: Database) -> None:
    with database.write() as session:
        session.add(TenantRow(slug="dev", name="Development", environment="development"))


class TestTransactions:
    def test_none_of_200_concurrent_increments_is_lost(self, database):
        add_tenant(database)

        def increment(_):
            with database.write() as session:
                row = session.scalars(select(TenantRow)).one()
                row.active_revision += 1

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(increment, range(200)))

        with database.read() as session:
            assert session.scalars(select(TenantRow.active_revision)).one() == 200

    def test_what_raises_is_rolled_back(self, database):
        def break_off() -> None:
            with database.write() as session:
                session.add(TenantRow(slug="dev", name="Development", environment="development"))
                session.flush()
                raise KeyError

        with pytest.raises(KeyError):
            break_off()

        with database.read() as session:
            assert session.scalars(select(TenantRow)).all() == []

    def test_readers_do_not_wait_for_a_writer(self, database):
        add_tenant(database)

        with database.write() as writer:
            writer.execute(text("UPDATE tenants SET name = 'Other'"))
            with database.read() as reader:
                assert reader.scalars(select(TenantRow.name)).one() == "Development"

    def test_a_child_needs_its_parent(self, database):
        with pytest.raises(IntegrityError), database.write() as session:
            session.add(MembershipRow(tenant_id=99, person_id=1, role="owner"))

    @pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("busy_timeout", 5000)])
    def test_the_database_is_tuned(self, database, pragma, value):
        with database.read() as session:
            assert session.scalar(text(f"PRAGMA {pragma}")) == value


class TestMoments:
    def test_they_come_back_in_utc(self, database):
        noon = datetime(2026, 11, 21, 12, 0, tzinfo=timezone(timedelta(hours=8)))
        with database.write() as session:
            session.add(LinkRow(purpose="test", digest="x", expires_at=noon))

        with database.read() as session:
            found = session.scalars(select(LinkRow.expires_at)).one()
        assert (found, found.tzinfo) == (noon, UTC)

    def test_one_without_zone_is_refused(self, database):
        with pytest.raises(StatementError), database.write() as session:
            session.add(LinkRow(purpose="test", digest="x", expires_at=datetime(2026, 11, 21)))  # noqa: DTZ001
