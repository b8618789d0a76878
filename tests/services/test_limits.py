from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from webapp.db.models import AttemptRow
from webapp.db.types import now
from webapp.domain.errors import LimitedError
from webapp.services.limits import Limit, Limits


@pytest.fixture
def limits(db, vault):
    return Limits(db, vault)


def attempts(db):
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(AttemptRow))


class TestLimits:
    def test_so_many_are_let_through_and_no_more(self, limits):
        for _ in range(3):
            limits.hit("send", "ada@example.com", amount=3, seconds=60)

        with pytest.raises(LimitedError):
            limits.hit("send", "ada@example.com", amount=3, seconds=60)

    def test_the_wait_is_until_the_oldest_one_leaves_the_window(self, limits):
        start = now()
        with time_machine.travel(start, tick=False):
            limits.hit("send", "ada", amount=2, seconds=60)
        with time_machine.travel(start + timedelta(seconds=20), tick=False):
            limits.hit("send", "ada", amount=2, seconds=60)
        with time_machine.travel(start + timedelta(seconds=30), tick=False), pytest.raises(LimitedError) as refusal:
            limits.hit("send", "ada", amount=2, seconds=60)

        assert refusal.value.retry_after == 30
        with time_machine.travel(start + timedelta(seconds=60), tick=False):
            limits.hit("send", "ada", amount=2, seconds=60)

    def test_a_refused_attempt_does_not_lengthen_the_wait(self, limits, db):
        limits.hit("send", "ada", amount=1, seconds=60)
        for _ in range(5):
            with pytest.raises(LimitedError):
                limits.hit("send", "ada", amount=1, seconds=60)

        assert attempts(db) == 1

    def test_kinds_and_keys_are_counted_apart(self, limits):
        limits.hit("send", "ada", amount=1, seconds=60)

        limits.hit("send", "bob", amount=1, seconds=60)
        limits.hit("check", "ada", amount=1, seconds=60)
        limits.hit("send", "a", "da", amount=1, seconds=60)

    def test_looking_counts_nothing(self, limits, db):
        limits.check("send", "ada", amount=1, seconds=60)

        assert attempts(db) == 0
        limits.hit("send", "ada", amount=1, seconds=60)
        with pytest.raises(LimitedError):
            limits.check("send", "ada", amount=1, seconds=60)

    def test_cleared_it_begins_anew(self, limits):
        limits.hit("sign-in", "ada", amount=1, seconds=60)

        limits.clear("sign-in", "ada")

        limits.hit("sign-in", "ada", amount=1, seconds=60)

    def test_at_once_no_more_get_through_than_one_by_one(self, limits, db):
        def hit(_):
            try:
                limits.hit("send", "ada", amount=5, seconds=60)
            except LimitedError:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(hit, range(16))) == 5

    def test_what_is_limited_cannot_be_read_off_the_rows(self, limits, db):
        limits.hit("send", "ada@example.com", amount=1, seconds=60)

        with db.read() as session:
            assert "ada" not in session.scalars(select(AttemptRow.key)).one()

    def test_old_attempts_are_purged(self, limits, db):
        with time_machine.travel(now() - timedelta(days=3), tick=False):
            limits.hit("send", "ada", amount=9, seconds=60)
        limits.hit("send", "bob", amount=9, seconds=60)

        assert limits.purge(timedelta(days=2)) == 1
        assert attempts(db) == 1


class TestLimit:
    @pytest.mark.parametrize(
        ("written", "amount", "seconds"),
        [("10/10 minutes", 10, 600), ("200/day", 200, 86400), ("5 per hour", 5, 3600), ("1/30 seconds", 1, 30)],
    )
    def test_it_is_read_from_a_setting(self, written, amount, seconds):
        assert Limit.parse(written) == Limit(amount, seconds)

    @pytest.mark.parametrize("written", ["", "ten/day", "10", "0/day", "10/0 days", "10/fortnight", "-1/day"])
    def test_odd_ones_are_refused(self, written):
        with pytest.raises(ValueError, match="a limit looks like"):
            Limit.parse(written)
