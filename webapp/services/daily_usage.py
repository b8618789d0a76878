"""How many mails each tenant sends on a day at the operator's expense: counted, limited where the operator wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.db.models import DailyUsageRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.problem import Problem
from webapp.domain.roles import TenantInfo
from webapp.domain.text import T

NEAR: Final = 0.8
"""The part of the limit from which on it is spoken of."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tenant sent today."""

    mails: int
    limit: int = 0
    """Mails that a tenant may send on a day; 0 for as many as it likes."""

    @property
    def used_up(self) -> bool:
        return bool(self.limit) and self.mails >= self.limit

    @property
    def problem(self) -> Problem | None:
        """What there is to say about it: nothing, that the limit is near, or that it is reached."""
        if self.used_up:
            return daily_limit(self.limit)
        if not self.limit or self.mails < NEAR * self.limit:
            return None
        return Problem(
            "built_in.daily_limit_near",
            T("The built-in service is nearly used up for today"),
            T("%(mails)s of %(limit)s mails of this day (UTC) are sent.", mails=self.mails, limit=self.limit),
            _STEPS,
            temporary=True,
        )


_STEPS: Final = (
    T("Wait until midnight UTC: then the count begins anew."),
    T("Ask the operator for a higher limit (POSTROOM_BUILTIN_DAILY_LIMIT), or choose a provider of your own."),
)


def daily_limit(limit: int) -> Problem:
    """Say that no more goes today."""
    return Problem(
        "built_in.daily_limit",
        T("The daily limit of the built-in service is reached"),
        T("This tenant has sent %(limit)s mails today (UTC), which is as many as the operator allows.", limit=limit),
        _STEPS,
        temporary=True,
    )


class DailyUsage:
    """Counts by tenant and day (UTC), in any number of processes: the row itself says whether one more goes."""

    def __init__(self, db: Database, limit: int = 0, clock: Callable[[], datetime] = now) -> None:
        self._db = db
        self._limit = limit
        self._clock = clock

    def take(self, tenant: TenantInfo) -> date | None:
        """Count one mail before it goes; gives the day on which it counts, None where the limit is reached."""
        today = self._clock().date()
        while True:
            try:
                with self._db.write() as session:
                    return today if self._counted(session, tenant, today) else None
            except IntegrityError:
                # Another process made the day's row in the same moment; now there is one to count in.
                continue

    def give_back(self, tenant: TenantInfo, day: date) -> None:
        """Take one mail out of the count again, which did not go after all."""
        with self._db.write() as session:
            session.execute(
                update(DailyUsageRow)
                .where(*_of(tenant, day), DailyUsageRow.mails > 0)
                .values(mails=DailyUsageRow.mails - 1)
            )

    def today(self, tenant: TenantInfo) -> Usage:
        """What the tenant sent today."""
        with self._db.read() as session:
            mails = session.scalar(select(DailyUsageRow.mails).where(*_of(tenant, self._clock().date())))
        return Usage(mails or 0, self._limit)

    def purge(self, older_than: timedelta) -> int:
        """Forget days that are long past; returns how many."""
        last = (self._clock() - older_than).date()
        with self._db.write() as session:
            return _rows(session, delete(DailyUsageRow).where(DailyUsageRow.day < last))

    def _counted(self, session: Session, tenant: TenantInfo, day: date) -> bool:
        one_more = update(DailyUsageRow).where(*_of(tenant, day)).values(mails=DailyUsageRow.mails + 1)
        if self._limit:
            one_more = one_more.where(DailyUsageRow.mails < self._limit)
        if _rows(session, one_more):
            return True
        if session.scalar(select(DailyUsageRow.mails).where(*_of(tenant, day))) is not None:
            return False
        session.add(DailyUsageRow(tenant_id=tenant.id, day=day, mails=1))
        return True


def _of(tenant: TenantInfo, day: date) -> tuple[Any, Any]:
    return DailyUsageRow.tenant_id == tenant.id, DailyUsageRow.day == day


def _rows(session: Session, statement: Any) -> int:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
