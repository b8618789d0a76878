"""The setup: read, save as a whole, patch; the connector: delete."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from webapp.answers.base import PatchJSON, SetupJSON
from webapp.answers.setups import PlanAnswer
from webapp.api.answering import answer, nothing
from webapp.api.context import request_id, services
from webapp.api.reading import PATCH_TYPES, Given, Sentence, Switch, read_if_match
from webapp.api.security import api_route
from webapp.domain.roles import Access, Permission, Scope
from webapp.domain.setup import Setup
from webapp.services.setups import Plan, Saved


class SaveQuery(Given):
    dry_run: Switch = False
    """Only answer what would change; the answer is a plan."""
    note: Sentence | None = None
    """What the change is for, shown in the history."""
    reason: Sentence | None = None
    """Why unproven values go into production; audited."""


class DeleteQuery(Given):
    force: Switch = False
    """Delete although flows that are on depend on the connector."""


@api_route(
    "GET",
    "/tenants/<tenant>/setup",
    permission=Permission.READ,
    scope=Scope.CONFIG_READ,
    answers={200: SetupJSON},
    problems=(404,),
)
def show_setup(access: Access) -> Response:
    """Show the active setup, secrets masked. The ETag is the revision's number, 0 before the first save."""
    stored = services().setups.active(access.tenant)
    response = answer(stored.document, revision=stored.number)
    response.make_conditional(request)
    return response


@api_route(
    "PUT",
    "/tenants/<tenant>/setup",
    permission=Permission.SAVE,
    dry_run=Permission.EDIT,
    scope=Scope.CONFIG_WRITE,
    documented_body=Setup,
    answers={200: SetupJSON | PlanAnswer, 201: SetupJSON},
    problems=(404, 409, 412, 422),
)
def save_setup(access: Access, query: SaveQuery, body: dict[str, Any]) -> Response:
    """Save a whole setup. With If-Match only where nobody saved since; saving what is there makes no revision."""
    base = read_if_match()
    setups = services().setups
    if query.dry_run:
        return answer(PlanAnswer.of(setups.plan(access, body, base=base)))
    saved = setups.save(access, body, base=base, note=query.note, reason=query.reason, request_id=request_id())
    return _saved(saved)


@api_route(
    "PATCH",
    "/tenants/<tenant>/setup",
    permission=Permission.SAVE,
    dry_run=Permission.EDIT,
    scope=Scope.CONFIG_WRITE,
    body_types=PATCH_TYPES,
    documented_body=list[PatchJSON],
    answers={200: SetupJSON | PlanAnswer, 201: SetupJSON},
    problems=(404, 409, 412, 422),
)
def patch_setup(access: Access, query: SaveQuery, body: list[Any]) -> Response:
    """Change the setup by a JSON Patch (RFC 6902), such as a problem's ``patch``; otherwise as PUT."""
    done = services().setups.patch(
        access,
        body,
        base=read_if_match(),
        note=query.note,
        reason=query.reason,
        dry_run=query.dry_run,
        request_id=request_id(),
    )
    return answer(PlanAnswer.of(done)) if isinstance(done, Plan) else _saved(done)


@api_route(
    "DELETE",
    "/tenants/<tenant>/setup/connector",
    permission=Permission.SAVE,
    scope=Scope.CONFIG_WRITE,
    answers={204: None},
    problems=(404, 409, 412),
)
def delete_connector(access: Access, query: DeleteQuery) -> Response:
    """Delete the connector; the rest of the setup stays."""
    saved = services().setups.remove_connector(access, base=read_if_match(), force=query.force, request_id=request_id())
    return nothing(revision=saved.number)


def _saved(saved: Saved) -> Response:
    first = saved.created and saved.number == 1
    return answer(saved.stored.document, status=201 if first else 200, revision=saved.number)
