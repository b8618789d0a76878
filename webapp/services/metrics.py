"""What Prometheus asks for: counted as it happens, and read from the database when asked.

With several server processes on a machine, ``postroom serve`` names a folder in PROMETHEUS_MULTIPROC_DIR: each process
counts into a file of its own there, and whichever is asked answers the sum of all.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from webapp import __version__
from webapp.db.models import DailyUsageRow, InboxRow, RevisionRow, RunRow, TenantRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.roles import TenantInfo

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of one server count together."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONGEST_RUN: Final = timedelta(minutes=11)
"""A run that says to be under way for longer has lost its process."""

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Counts requests and runs. No label holds what somebody typed: routes are templates, codes are ours."""

    def __init__(self, db: Database) -> None:
        self._db = db
        # The library chooses when it is imported, and server processes are forked from one that imported it before
        # there was a folder to count in.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "postroom_http_requests",
            "Requests answered, by route template.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "postroom_http_request_duration_seconds",
            "Time to answer.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._runs = Counter(
            "postroom_runs",
            "Checks and test sends that ended; code is that of the problem, if there was one.",
            ("tenant", "kind", "provider", "outcome", "code"),
            registry=self._registry,
        )

    def request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count an answer. Without a route: nothing stands at that address."""
        known, where = method if method in _METHODS else "other", route or "none"
        self._requests.labels(known, where, str(status)).inc()
        self._seconds.labels(known, where).observe(seconds)

    def run_ended(self, tenant_id: int, kind: str, provider: str, outcome: str, code: str) -> None:
        """Count the end of a check or test send."""
        self._runs.labels(str(tenant_id), kind, provider, outcome, code).inc()

    def text(self, tenant: TenantInfo | None) -> bytes:
        """Answer in Prometheus' format: for a tenant its own runs, mails and revision, otherwise sums and no names."""
        shown = CollectorRegistry()
        shown.register(_Shown(self._registry, self._db, tenant))
        return generate_latest(shown)


class _Shown(Collector):
    """The metrics as one asker may see them."""

    def __init__(self, counted: CollectorRegistry, db: Database, tenant: TenantInfo | None) -> None:
        self._counted = counted
        self._db = db
        self._tenant = tenant

    def collect(self) -> Iterator[Metric]:
        together = CollectorRegistry()
        if os.environ.get(FOLDER_VARIABLE):
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        for metric in (together if os.environ.get(FOLDER_VARIABLE) else self._counted).collect():
            yield _of_tenant(metric, self._tenant) if metric.name == "postroom_runs" else metric
        build = GaugeMetricFamily("postroom_build_info", "The version that runs.", labels=("version",))
        build.add_metric((__version__,), 1)
        yield build
        yield from self._stored()

    def _stored(self) -> Iterator[Metric]:
        answers = GaugeMetricFamily("postroom_database_up", "Whether the database answers.")
        try:
            with self._db.read() as session:
                found = [*_of_rows(session, self._tenant)]
        except SQLAlchemyError:
            found = []
        answers.add_metric((), 1 if found else 0)
        yield answers
        yield from found


def _of_rows(session: Session, tenant: TenantInfo | None) -> Iterable[Metric]:
    mine = [] if tenant is None else [tenant.id]
    runs = GaugeMetricFamily("postroom_runs_under_way", "Checks and test sends that run now.", labels=("kind",))
    query = select(RunRow.kind, func.count()).where(RunRow.state == "running", RunRow.started_at > now() - _LONGEST_RUN)
    rows = session.execute(query.where(*(RunRow.tenant_id == each for each in mine)).group_by(RunRow.kind))
    under_way = {row.kind: row[1] for row in rows}
    for kind in ("check", "test_send"):
        runs.add_metric((kind,), under_way.get(kind, 0))
    yield runs

    mails = GaugeMetricFamily("postroom_sandbox_mails", "Mails that lie in the sandbox's inboxes.")
    kept = select(func.count()).select_from(InboxRow).where(*(InboxRow.tenant_id == each for each in mine))
    mails.add_metric((), session.scalar(kept) or 0)
    yield mails

    sent = GaugeMetricFamily("postroom_builtin_mails_today", "Mails of this day (UTC) by the built-in service.")
    today = select(func.sum(DailyUsageRow.mails)).where(
        DailyUsageRow.day == now().date(), *(DailyUsageRow.tenant_id == each for each in mine)
    )
    sent.add_metric((), session.scalar(today) or 0)
    yield sent

    if tenant is not None:
        active = GaugeMetricFamily("postroom_active_revision", "The number of the live revision.", labels=("tenant",))
        number = session.scalar(select(TenantRow.active_revision).where(TenantRow.id == tenant.id))
        active.add_metric((tenant.slug,), number or 0)
        yield active
        return
    tenants = GaugeMetricFamily("postroom_tenants", "Tenants, without archived ones.", labels=("environment",))
    counted = select(TenantRow.environment, func.count()).where(TenantRow.archived_at.is_(None))
    for environment, count in session.execute(counted.group_by(TenantRow.environment)):
        tenants.add_metric((environment,), count)
    yield tenants
    revisions = GaugeMetricFamily("postroom_revisions", "Revisions saved in all tenants.")
    revisions.add_metric((), session.scalar(select(func.count()).select_from(RevisionRow)) or 0)
    yield revisions


def _of_tenant(metric: Metric, tenant: TenantInfo | None) -> Metric:
    """The runs of one tenant under its name, or those of all without one."""
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = defaultdict(float)
    for sample in metric.samples:
        labels = dict(sample.labels)
        whose = labels.pop("tenant")
        if tenant is None or whose == str(tenant.id):
            named = labels if tenant is None else {"tenant": tenant.slug, **labels}
            sums[sample.name, tuple(named.items())] += sample.value
    shown = Metric(metric.name, metric.documentation, metric.type)
    for (name, pairs), value in sums.items():
        shown.add_sample(name, dict(pairs), value)
    return shown
