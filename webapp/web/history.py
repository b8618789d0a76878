"""Every saved setup of a tenant: what changed, by whom, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from webapp.domain.diff import is_secret
from webapp.domain.errors import NotFoundError, SetupChangedMeanwhileError
from webapp.domain.roles import Permission
from webapp.domain.text import T, Text
from webapp.services.changes import in_short
from webapp.services.origins import ORIGINS, origin_words
from webapp.services.setups import Plan, RevisionInfo
from webapp.web.context import current_access, current_tenant, request_id, services
from webapp.web.folds import Address, part_page, sheet_of
from webapp.web.security import tenant_route

bp = Blueprint("history", __name__)

PAGE: Final = 30
NOTE_LIMIT: Final = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A revision as the list shows it."""

    info: RevisionInfo
    origin: Sequence[Text]
    changed: Sequence[Text]


@tenant_route(bp, "/history", permission=Permission.READ)
def history() -> ResponseReturnValue:
    """List the revisions, newest first."""
    tenant, before = current_tenant(), _number(request.args.get("before"))
    origin = request.args.get("origin", "")
    origin = origin if origin in ORIGINS else ""
    found = services().setups.history(tenant, before=before, limit=PAGE + 1, origins=(origin,) if origin else ())
    return render_template(
        "pages/history/list.html",
        lines=[_line(info) for info in found[:PAGE]],
        pages=_pages(found, before, origin),
        before=before,
        origin=origin,
        origins=ORIGINS,
        newest=tenant.active_revision,
    )


@tenant_route(bp, "/history/jump", permission=Permission.READ)
def jump() -> ResponseReturnValue:
    """Go to the revision whose number was typed."""
    number = _number(request.args.get("revision"))
    if number is None:
        raise NotFoundError
    return redirect(url_for("history.revision", number=number))


@tenant_route(bp, "/history/<int:number>", permission=Permission.READ)
def revision(number: int) -> ResponseReturnValue:
    """One revision beside the one before it, and the whole document."""
    tenant, setups = current_tenant(), services().setups
    info = _info(number)
    return render_template(
        "pages/history/revision.html",
        line=_line(info),
        sheet=sheet_of(setups.diff(tenant, number - 1, number), between(number - 1, number)),
        newest=tenant.active_revision,
    )


@tenant_route(bp, "/history/<int:number>/setup.yaml", permission=Permission.READ)
def document(number: int) -> ResponseReturnValue:
    """Give the whole document of a revision, without secrets: where it was unfolded, else as plain text."""
    written = as_yaml(services().setups.revision(current_tenant(), number).document)
    if request.headers.get("HX-Request"):
        return render_template("pages/history/_document.html", document=written)
    return Response(written, mimetype="text/plain")


@tenant_route(bp, "/history/diff", permission=Permission.READ)
def diff() -> ResponseReturnValue:
    """Compare any two revisions."""
    old, new = _two()
    return render_template(
        "pages/history/diff.html",
        old=old,
        new=new,
        sheet=sheet_of(services().setups.diff(current_tenant(), old, new), between(old, new)),
        newest=current_tenant().active_revision,
    )


@tenant_route(bp, "/history/text", permission=Permission.READ)
def text() -> ResponseReturnValue:
    """A part of what leads from one revision to another: a text, or the mails of a usage type."""
    old, new = _two()
    found = services().setups.diff(current_tenant(), old, new)
    return part_page(found, between(old, new), url_for("history.diff", **_query(old, new)))


@tenant_route(bp, "/history/<int:number>/restore", permission=Permission.RESTORE)
def restore(number: int) -> ResponseReturnValue:
    """Show what restoring would change, before it does."""
    return _restore_page(number)


@tenant_route(bp, "/history/<int:number>/restore", methods=["POST"], permission=Permission.RESTORE)
def restored(number: int) -> ResponseReturnValue:
    """Make an old revision live again, as a new one."""
    base = _number(request.form.get("base"))
    saved = services().setups.restore(
        current_access(),
        number,
        base=base,
        note=request.form.get("note", "").strip()[:NOTE_LIMIT] or None,
        request_id=request_id(),
    )
    return redirect(url_for("connector.saved", number=saved.number), 303)


@bp.errorhandler(SetupChangedMeanwhileError)
def changed_meanwhile(error: SetupChangedMeanwhileError) -> ResponseReturnValue:
    """Somebody saved between looking and restoring: show the difference as it is now."""
    number = (request.view_args or {}).get("number", 0)
    return _restore_page(number, moved=error), error.status


def between(old: int, new: int) -> Address:
    """Where parts of what leads from one revision to another are asked for."""
    return lambda pointer: url_for("history.text", **_query(old, new), pointer=pointer)


def as_yaml(document: dict[str, Any]) -> str:
    """Write a setup for reading: secrets as a word and their tag, long texts as blocks."""
    yaml = YAML()
    yaml.width = 10_000
    out = StringIO()
    yaml.dump(_readable(document), out)
    return out.getvalue()


def _restore_page(number: int, moved: SetupChangedMeanwhileError | None = None) -> str:
    plan = services().setups.restore(current_access(), number, dry_run=True)
    assert isinstance(plan, Plan)  # noqa: S101  a dry run saves nothing
    return render_template(
        "pages/history/restore.html",
        line=_line(_info(number)),
        plan=plan,
        sheet=sheet_of(plan.changes, between(plan.base, number)),
        moved=moved,
        note=request.form.get("note", ""),
    )


def _info(number: int) -> RevisionInfo:
    found = services().setups.history(current_tenant(), before=number + 1, limit=1)
    if not found or found[0].number != number:
        raise NotFoundError
    return found[0]


def _line(info: RevisionInfo) -> Line:
    origin = origin_words(info.origin, info.origin_detail, info.transfer)
    return Line(info, origin, in_short(info.changed, services().connectors))


def _pages(found: Sequence[RevisionInfo], before: int | None, origin: str) -> list[tuple[Text, str]]:
    """The ways to other pages of the list. Numbers have no gaps, so that each is an address by itself."""
    query: dict[str, Any] = {"origin": origin} if origin else {}
    ways = []
    if before is not None:
        ways.append((T("Newest"), url_for("history.history", **query)))
        if found and not origin:
            ways.append((T("Newer"), url_for("history.history", before=found[0].number + PAGE + 1)))
    if len(found) > PAGE:
        ways.append((T("Older"), url_for("history.history", **query, before=found[PAGE - 1].number)))
        if not origin:
            ways.append((T("Oldest"), url_for("history.history", before=PAGE + 1)))
    return ways


def _two() -> tuple[int, int]:
    old, new = _number(request.args.get("from")), _number(request.args.get("to"))
    if old is None or new is None:
        raise NotFoundError
    return old, new


def _query(old: int, new: int) -> dict[str, Any]:
    return {"from": old, "to": new}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


def _readable(value: Any) -> Any:
    if is_secret(value):
        mark = value["$secret"]
        if mark.get("env"):
            return f"(lent by the operator as {mark['env']})"
        return f"(secret {mark['fingerprint']})" if mark.get("fingerprint") else "(secret)"
    if isinstance(value, dict):
        return {key: _readable(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_readable(part) for part in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value
