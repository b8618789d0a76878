"""Ten thousand revisions: a page of them asks the database for no more than a page of ten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, text, update
from sqlalchemy.engine import Engine

from tests.web.conftest import Browser, House
from tests.web.test_frame import set_up
from tests.web.test_history import HISTORY
from webapp.db.models import RevisionRow, TenantRow
from webapp.domain.roles import OPERATOR
from webapp.web.history import PAGE

LONG = 10_000
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def put_revisions(house: House, count: int) -> None:
    """Give the development tenant a history, written as rows: every thousandth was restored, the rest was saved."""
    set_up(house)
    tenant = house.tenant("dev")
    with house.services.db.write() as session:
        first = session.query(RevisionRow).filter_by(tenant_id=tenant.id, number=1).one()
        same = {"secrets": first.secrets, "tags": first.tags, "values_tag": first.values_tag}
        document = {**first.document, "templates": {}}
        rows = [
            {
                **same,
                "tenant_id": tenant.id,
                "number": number,
                "document": document,
                "changed": [["/connector/config/port", "changed"]],
                "origin": "save" if number % 1000 else "restore",
                "origin_detail": None if number % 1000 else "1",
                "author_kind": "person",
                "author_name": "ada@example.com",
                "created_at": _BEGINNING + timedelta(minutes=number),
            }
            for number in range(2, count + 1)
        ]
        session.execute(insert(RevisionRow), rows)
        session.execute(update(TenantRow).where(TenantRow.id == tenant.id).values(active_revision=count))


@contextmanager
def asked(house: House) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent to the database meanwhile."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield statements
    event.remove(Engine, "before_cursor_execute", note)


def ways(house: House, statements: list[tuple[str, Any]]) -> list[str]:
    """How SQLite finds the revisions for these statements."""
    with house.services.db.read() as session:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        return [
            row[3]
            for statement, parameters in statements
            if "FROM revisions" in statement
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


@pytest.fixture
def long(house: House) -> House:
    put_revisions(house, LONG)
    return house


class TestPages:
    def test_as_many_statements_as_for_ten(self, house: House, long: House, ada: Browser) -> None:
        ada.get(HISTORY)
        with asked(long) as of_many:
            ada.get(HISTORY)
        with long.services.db.write() as session:
            session.execute(text("DELETE FROM revisions WHERE number > 10"))
            session.execute(update(TenantRow).values(active_revision=10).where(TenantRow.slug == "dev"))
        with asked(house) as of_ten:
            ada.get(HISTORY)

        assert len(of_many) == len(of_ten) < 20

    @pytest.mark.parametrize(
        "query", ["", "?before=5000", f"?before={PAGE + 1}", "?origin=restore", "?origin=restore&before=5000"]
    )
    def test_each_is_found_by_an_index_and_none_is_sorted(self, long: House, ada: Browser, query: str) -> None:
        with asked(long) as statements:
            assert ada.get(f"{HISTORY}{query}").status_code == 200

        found = ways(long, statements)
        assert found
        assert not [way for way in found if "SCAN revisions" in way or "TEMP B-TREE" in way]
        listed = [statement for statement, _ in statements if "ORDER BY revisions.number DESC" in statement]
        assert all("LIMIT" in statement for statement in listed)

    def test_no_document_is_read_for_the_list(self, long: House, ada: Browser) -> None:
        with asked(long) as statements:
            ada.get(f"{HISTORY}?before=5000")

        (listed,) = (statement for statement, _ in statements if "ORDER BY revisions.number DESC" in statement)
        assert "revisions.document" not in listed
        assert "revisions.secrets" not in listed

    def test_the_ends_are_one_step_away_and_so_are_the_pages_between(self, long: House, ada: Browser) -> None:
        newest = ada.get(HISTORY).text
        oldest = ada.get(_way(newest, "Oldest")).text
        newer = ada.get(_way(oldest, "Newer")).text

        assert _numbers(newest) == list(range(LONG, LONG - PAGE, -1))
        assert _numbers(oldest) == list(range(PAGE, 0, -1))
        assert _numbers(newer) == list(range(2 * PAGE, PAGE, -1))
        assert _numbers(ada.get(_way(oldest, "Newest")).text) == _numbers(newest)
        assert ">Older<" not in oldest

    def test_a_number_is_jumped_to(self, long: House, ada: Browser) -> None:
        assert ada.get(f"{HISTORY}/jump?revision=4321").location == f"{HISTORY}/4321"
        assert ada.get(f"{HISTORY}/jump?revision=x").status_code == 404
        assert ada.get(f"{HISTORY}/4321").status_code == 200

    def test_any_two_are_compared(self, long: House, ada: Browser) -> None:
        assert "No difference" in ada.get(f"{HISTORY}/diff?from=17&to={LONG}").text

    def test_of_one_origin_only_these_are_listed(self, long: House, ada: Browser) -> None:
        page = ada.get(f"{HISTORY}?origin=restore").text

        assert _numbers(page) == list(range(LONG, 0, -1000))
        assert '<option value="restore" selected>' in page
        assert _numbers(ada.get(f"{HISTORY}?origin=nonsense").text)[:2] == [LONG, LONG - 1]

    def test_a_save_reads_no_more_for_them(self, long: House) -> None:
        access = long.services.tenants.access(OPERATOR, "dev")
        document = long.services.setups.active(access.tenant).document
        document["connector"]["config"]["port"] = 2525

        with asked(long) as statements:
            long.services.setups.save(access, document, base=None)

        assert len(statements) < 20
        assert not [way for way in ways(long, statements) if "SCAN revisions" in way]


def _numbers(page: str) -> list[int]:
    """The revisions of a list."""
    return [int(number) for number in re.findall(r'<th scope="row"><a href="[^"]+/history/(\d+)"', page)]


def _way(page: str, name: str) -> str:
    found = re.search(rf'href="([^"]+)">{name}<', page)
    assert found, f"there is no way to {name}"
    return found[1].replace("&amp;", "&")
