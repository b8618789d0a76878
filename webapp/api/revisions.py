"""What was saved before: list, show, compare, restore."""

from __future__ import annotations

from flask import Response

from webapp.answers.setups import DiffAnswer, PlanAnswer, RevisionAnswer, SavedAnswer
from webapp.api.answering import answer
from webapp.api.context import request_id, services
from webapp.api.reading import Given, Number, read_if_match
from webapp.api.security import api_route
from webapp.api.setup import SaveQuery
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Access, Permission, Scope
from webapp.services.setups import Plan

REVISION = "<int(max=2147483647):number>"
PAGE_LIMIT = 200


class HistoryQuery(Given):
    before: Number | None = None
    """Only revisions older than this number: the next page."""
    limit: Number = 50
    """At most 200."""


class DiffQuery(Given):
    against: Number | None = None
    """The other revision; by default the one before."""


@api_route(
    "GET",
    "/tenants/<tenant>/revisions",
    permission=Permission.READ,
    scope=Scope.CONFIG_READ,
    answers={200: list[RevisionAnswer]},
    problems=(404,),
)
def list_revisions(access: Access, query: HistoryQuery) -> Response:
    """List the revisions, newest first."""
    found = services().setups.history(access.tenant, before=query.before, limit=min(query.limit, PAGE_LIMIT))
    return answer([RevisionAnswer.of(info) for info in found])


@api_route(
    "GET",
    f"/tenants/<tenant>/revisions/{REVISION}",
    permission=Permission.READ,
    scope=Scope.CONFIG_READ,
    answers={200: RevisionAnswer},
    problems=(404,),
)
def show_revision(access: Access, number: int) -> Response:
    """Show one revision with its whole setup, secrets masked."""
    setups = services().setups
    stored = setups.revision(access.tenant, number)
    info = next(iter(setups.history(access.tenant, before=number + 1, limit=1)), None)
    if info is None or info.number != number:
        raise NotFoundError
    return answer(RevisionAnswer.of(info, stored.document))


@api_route(
    "GET",
    f"/tenants/<tenant>/revisions/{REVISION}/diff",
    permission=Permission.READ,
    scope=Scope.CONFIG_READ,
    answers={200: DiffAnswer},
    problems=(404,),
)
def diff_revision(access: Access, number: int, query: DiffQuery) -> Response:
    """Show what leads from the revision ``against`` to this one."""
    old = max(number - 1, 0) if query.against is None else query.against
    return answer(DiffAnswer.of(old, number, services().setups.diff(access.tenant, old, number)))


@api_route(
    "POST",
    f"/tenants/<tenant>/revisions/{REVISION}/restore",
    permission=Permission.RESTORE,
    dry_run=Permission.EDIT,
    scope=Scope.CONFIG_WRITE,
    answers={200: SavedAnswer | PlanAnswer},
    problems=(404, 409, 412, 422),
)
def restore_revision(access: Access, number: int, query: SaveQuery) -> Response:
    """Make an old setup live again, as a new revision. What was live here before needs no proof."""
    done = services().setups.restore(
        access,
        number,
        base=read_if_match(),
        note=query.note,
        reason=query.reason,
        dry_run=query.dry_run,
        request_id=request_id(),
    )
    if isinstance(done, Plan):
        return answer(PlanAnswer.of(done))
    return answer(SavedAnswer.of(done), revision=done.number)
