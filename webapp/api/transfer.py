"""Moving a setup: export, import, promote, and the plans between."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from flask import Response
from pydantic import Field

from webapp.answers.drift import DriftAnswer
from webapp.answers.setups import SavedAnswer
from webapp.answers.transfer import DocumentJSON, TransferAnswer
from webapp.api.answering import answer
from webapp.api.context import request_id, services
from webapp.api.reading import Given, Sentence, Switch, read_if_match
from webapp.api.security import api_route, readable
from webapp.domain.roles import Access, Permission, Scope
from webapp.services.transfer.importing import GivenDocument
from webapp.services.transfer.planning import Confirmation
from webapp.services.transfer.promoting import Promotion
from webapp.services.transfer.writing import as_json, as_yaml

POINTERS_LIMIT: Final = 1000
"""They are written down with the promotion, and read again wherever the two tenants are compared."""

Pointer = Annotated[str, Field(min_length=1, max_length=500, pattern="^/")]


class ExportQuery(Given):
    format: Literal["json", "yaml"] = "json"
    """Which way to write it; both read back as the same."""


@api_route(
    "GET",
    "/tenants/<tenant>/export",
    permission=Permission.READ,
    scope=Scope.CONFIG_READ,
    answers={200: DocumentJSON},
    problems=(404, 422),
)
def export_setup(access: Access, query: ExportQuery) -> Response:
    """Export the live setup as a tenant document: canonical, without secrets, the same bytes for the same setup."""
    document = services().exporting.export(access, request_id=request_id())
    if query.format == "yaml":
        return Response(as_yaml(document), content_type="application/yaml; charset=utf-8")
    return Response(as_json(document), content_type="application/json")


class ImportQuery(Given):
    dry_run: Switch = False
    """Only answer what would change."""


class ApplyBody(Given):
    note: Sentence | None = None
    """What the change is for, shown in the history."""
    reason: Sentence | None = None
    """Why unproven values go into production; audited."""
    allow_breaking: Switch = False
    """Apply although flows that are on would lose their mail."""


class ImportBody(ApplyBody):
    document: Any
    """A tenant document, a setup, or what Logto's Management API gives; as JSON, or as text in JSON or YAML."""
    secrets: dict[str, Any] | None = None
    """Slot to {"value": "…"}, {"env": "NAME"} for one that the operator lends, or "keep"."""
    passphrase: str | None = None
    """Opens the sealed secrets."""


@api_route(
    "POST",
    "/tenants/<tenant>/import",
    permission=Permission.SAVE,
    dry_run=Permission.EDIT,
    scope=Scope.CONFIG_WRITE,
    answers={200: TransferAnswer},
    problems=(404, 409, 412, 422, 429),
)
def import_setup(access: Access, query: ImportQuery, body: ImportBody) -> Response:
    """Plan an import, and apply it unless only the plan is asked for. Nothing is applied in part."""
    given = GivenDocument(body.document, body.secrets, body.passphrase)
    plan = services().importing.plan(access, given, base=read_if_match())
    saved = None if query.dry_run else services().planning.apply(access, plan.transfer.id, confirmation(body))
    return answer(TransferAnswer.of(plan.transfer, saved, moved=plan.moved))


class PromoteBody(ApplyBody):
    source: str = Field(alias="from")
    """The tenant to promote from: one that this token may read."""
    only: list[Pointer] = Field(default_factory=list, max_length=POINTERS_LIMIT)
    """What to promote, as pointers into the setup; by default all but flows, verificationCode and addressPolicy."""
    leave: list[Pointer] = Field(default_factory=list, alias="except", max_length=POINTERS_LIMIT)
    """What stays as it is in the target, as pointers into the setup."""
    secrets: dict[str, Any] | None = None
    """Slot to {"value": "…"}, {"env": "NAME"} for one that the operator lends, "keep" or "copy"."""
    merge: Switch = False
    """Keep what the target has of its own since the last promotion. What changed on both sides is refused with its
    pointers, unless ``only`` or ``except`` names it."""


@api_route(
    "POST",
    "/tenants/<tenant>/promote",
    permission=Permission.SAVE,
    dry_run=Permission.EDIT,
    scope=Scope.CONFIG_WRITE,
    answers={200: TransferAnswer},
    problems=(403, 404, 409, 412, 422, 429),
)
def promote_setup(access: Access, query: ImportQuery, body: PromoteBody) -> Response:
    """Plan what another tenant's live setup would change here, and apply it unless only the plan is asked for."""
    wanted = Promotion(body.only, body.leave, body.secrets, merge=body.merge)
    plan = services().promoting.plan(readable(body.source), access, wanted, base=read_if_match())
    saved = None if query.dry_run else services().planning.apply(access, plan.id, confirmation(body))
    return answer(TransferAnswer.of(plan, saved))


class DriftQuery(Given):
    source: str = Field(alias="from")
    """The tenant that is promoted from: one that this token may read."""


@api_route(
    "GET",
    "/tenants/<tenant>/drift",
    permission=Permission.READ,
    scope=Scope.CONFIG_READ,
    answers={200: DriftAnswer},
    problems=(404, 422),
)
def drift(access: Access, query: DriftQuery) -> Response:
    """Say what changed in two tenants since the one was promoted into the other: here, there, and on both sides."""
    return answer(DriftAnswer.of(services().promoting.drift(readable(query.source), access)))


@api_route(
    "POST",
    "/tenants/<tenant>/plans/<plan_id>/apply",
    permission=Permission.SAVE,
    scope=Scope.CONFIG_WRITE,
    answers={200: SavedAnswer},
    problems=(404, 409, 412, 422),
)
def apply_plan(access: Access, plan_id: str, body: ApplyBody) -> Response:
    """Apply exactly the plan that was seen, by whoever asked for it; 412 if somebody saved since."""
    return answer(SavedAnswer.of(services().planning.apply(access, plan_id, confirmation(body))))


def confirmation(body: ApplyBody) -> Confirmation:
    """What is said with the applying of a plan, as the services take it."""
    return Confirmation(body.note, body.reason, body.allow_breaking, request_id())
