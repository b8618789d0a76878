"""The audit log: who did what in the tenant, filtered by its address, and taken away as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import StringIO
from typing import Any, Final

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.roles import Permission
from webapp.domain.text import Text
from webapp.services.audit import AuditEvent, AuditFilter
from webapp.services.changes import in_short
from webapp.services.deeds import title, told
from webapp.web.context import current_tenant, services
from webapp.web.frame import reader_zone, translated
from webapp.web.security import tenant_route

bp = Blueprint("audit", __name__)

PAGE: Final = 50
COLUMNS: Final = ("time", "actor", "actor_kind", "action", "what", "request_id", "detail")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What spreadsheets take for the beginning of a formula."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The filter as it stands in the address."""

    who: str
    action: str
    since: str
    until: str

    @property
    def given(self) -> dict[str, Any]:
        """What is set, as the address says it."""
        each = {"who": self.who, "action": self.action, "since": self.since, "until": self.until}
        return {name: value for name, value in each.items() if value}

    def chosen(self) -> AuditFilter:
        since, until = _day(self.since), _day(self.until)
        return AuditFilter(
            who=self.who or None,
            action=self.action or None,
            since=_midnight(since) if since else None,
            until=_midnight(until + timedelta(days=1)) if until else None,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """An event as the list shows it."""

    event: AuditEvent
    what: Text
    changed: Sequence[Text]
    """What a revision changed, in a few words."""


@tenant_route(bp, "/settings/audit", permission=Permission.MANAGE)
def audit() -> ResponseReturnValue:
    """List the events, newest first."""
    tenant, log, db, asked = current_tenant(), services().audit, services().db, _asked()
    before = _number(request.args.get("before", ""))
    found = log.events(db, tenant.id, PAGE + 1, before, asked.chosen())
    who, actions = log.names(db, tenant.id)
    return render_template(
        "pages/settings/audit.html",
        lines=[_line(event) for event in found[:PAGE]],
        older=url_for("audit.audit", **asked.given, before=found[PAGE - 1].id) if len(found) > PAGE else None,
        newest=url_for("audit.audit", **asked.given) if before else None,
        asked=asked,
        # What the address asks for is shown as asked for, also where nobody did it.
        who=sorted({*who, asked.who} - {""}),
        actions={action: title(action) for action in sorted({*actions, asked.action} - {""})},
    )


@tenant_route(bp, "/settings/audit.csv", permission=Permission.MANAGE)
def audit_csv() -> ResponseReturnValue:
    """The chosen events for a spreadsheet."""
    return _file("csv", "text/csv; charset=utf-8", _csv_lines)


@tenant_route(bp, "/settings/audit.jsonl", permission=Permission.MANAGE)
def audit_jsonl() -> ResponseReturnValue:
    """The chosen events for programs, one JSON object a line."""
    return _file("jsonl", "application/jsonl; charset=utf-8", _json_lines)


def _file(ending: str, content_type: str, lines: Callable[[Iterator[AuditEvent]], Iterator[str]]) -> Response:
    tenant = current_tenant()
    events = services().audit.all(services().db, tenant.id, _asked().chosen())
    name = f"postroom-{tenant.slug}-audit.{ending}"
    return Response(
        stream_with_context(lines(events)),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _line(event: AuditEvent) -> Line:
    changed = event.detail.get("changed") if "revision" in event.detail else None
    pairs = (
        [(pointer, "changed") for pointer in changed if isinstance(pointer, str)] if isinstance(changed, list) else []
    )
    return Line(event, told(event), in_short(pairs, services().connectors))


def _csv_lines(events: Iterator[AuditEvent]) -> Iterator[str]:
    yield _csv(COLUMNS)
    for event in events:
        # A cell of a spreadsheet has no room for the changes themselves; the JSON lines have.
        shown = {name: value for name, value in event.detail.items() if name != "changes"}
        detail = json.dumps(shown, ensure_ascii=False) if shown else ""
        what = translated(told(event))
        yield _csv(
            (
                event.at.isoformat(),
                event.actor_name,
                event.actor_kind,
                event.action,
                what,
                event.request_id or "",
                detail,
            )
        )


def _csv(cells: tuple[str, ...]) -> str:
    text = StringIO()
    csv.writer(text).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return text.getvalue()


def _json_lines(events: Iterator[AuditEvent]) -> Iterator[str]:
    for event in events:
        line = {
            "at": event.at.isoformat(),
            "action": event.action,
            "actor": {"kind": event.actor_kind, "name": event.actor_name},
            "detail": dict(event.detail),
            "requestId": event.request_id,
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"


def _asked() -> Asked:
    given = {name: request.args.get(name, "").strip() for name in ("who", "action", "since", "until")}
    given = {name: value if value.isprintable() else "" for name, value in given.items()}
    # A date that is none filters nothing, and is not shown as if it did.
    days = {name: _day(given[name]) for name in ("since", "until")}
    return Asked(**given | {name: day.isoformat() if day else "" for name, day in days.items()})


def _number(written: str) -> int | None:
    return int(written) if written.isdecimal() and len(written) < 19 else None


def _day(written: str) -> date | None:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    # A day after the last one has no date.
    return day if date.min < day < date.max else None


def _midnight(day: date) -> datetime:
    """Where the reader's day begins."""
    return datetime.combine(day, time.min, reader_zone())
