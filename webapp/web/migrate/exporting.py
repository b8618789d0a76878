"""The three doors, and the first of them: a tenant's setup as a file to take away."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from webapp.domain.errors import InputError
from webapp.domain.roles import Permission
from webapp.domain.tenant_document import TenantDocument, slots
from webapp.domain.text import T, Text
from webapp.services.transfer.sealing import PASSPHRASE_LENGTH
from webapp.services.transfer.writing import as_json, as_yaml
from webapp.web.context import current_access, current_tenant, request_id, services
from webapp.web.migrate.blueprint import bp
from webapp.web.migrate.pairs import pair_of, pairable
from webapp.web.migrate.secrets import title_of
from webapp.web.security import tenant_route


@tenant_route(bp, "/migrate", permission=Permission.READ)
def migrate() -> ResponseReturnValue:
    """Show the three doors."""
    return render_template(
        "pages/migrate/doors.html",
        tenants=pairable(),
        pair=pair_of(current_tenant()),
        waits=services().proposals.count(current_access()),
        declined=services().proposals.declined(current_access()),
    )


@tenant_route(bp, "/migrate/export", permission=Permission.READ)
def export() -> ResponseReturnValue:
    """Say what is in an export and what is not."""
    return _page()


@tenant_route(bp, "/migrate/export/file", permission=Permission.READ)
def export_file() -> ResponseReturnValue:
    """Give the live setup as a file without secrets."""
    return _file(services().exporting.shown(current_access()), request.args.get("format"))


@tenant_route(bp, "/migrate/export/sealed", methods=["POST"], permission=Permission.MANAGE)
def export_sealed() -> ResponseReturnValue:
    """Give the live setup as a file, its secrets sealed with a passphrase."""
    phrase = request.form.get("passphrase", "")
    if len(phrase) < PASSPHRASE_LENGTH:
        return _page(short=[T("A passphrase has at least %(least)s characters.", least=PASSPHRASE_LENGTH)]), 422
    if phrase != request.form.get("again"):
        return _page(unlike=[T("This is not the same passphrase. Type both again.")]), 422
    document = services().exporting.export(current_access(), phrase=phrase, request_id=request_id())
    return _file(document, request.form.get("format"))


def _page(short: Sequence[Text] = (), unlike: Sequence[Text] = ()) -> str:
    stored = services().setups.active(current_tenant())
    return render_template(
        "pages/migrate/export.html",
        revision=stored.number,
        connector=stored.setup.connector,
        fallback=stored.setup.fallback,
        secrets=[title_of(stored.document, pointer) for pointer in slots(stored.document)],
        templates=sum(len(cells) for cells in stored.setup.templates.values()),
        least=PASSPHRASE_LENGTH,
        short=short,
        unlike=unlike,
        format=request.form.get("format", "json"),
    )


def _file(document: TenantDocument, wanted: str | None) -> Response:
    if wanted not in (None, "json", "yaml"):
        raise InputError(T("An export is written as JSON or as YAML."))
    name = f"{current_tenant().slug}{'-sealed' if document.sealed else ''}.{wanted or 'json'}"
    yaml = wanted == "yaml"
    content, kind = (as_yaml(document), "yaml") if yaml else (as_json(document), "json")
    answer = Response(content, content_type=f"application/{kind}; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
