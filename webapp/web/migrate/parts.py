"""What folds on the page of a promotion fetch: a text, the lines of a mail, the mails of a usage type."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Access, Permission
from webapp.services.transfer.promoting import Comparison
from webapp.web.context import current_access, current_tenant, services
from webapp.web.folds import Address, part_page, sheet_of
from webapp.web.migrate.blueprint import bp
from webapp.web.migrate.pairs import source_of
from webapp.web.migrate.standing import mails_of
from webapp.web.security import tenant_route


@tenant_route(bp, "/migrate/promote/text", permission=Permission.EDIT)
def promotion_text() -> ResponseReturnValue:
    """A part of what differs between revisions of two tenants: a text, or the mails of a usage type."""
    source = source_of(request.args.get("from"))
    theirs, ours = request.args.get("revision", type=int), request.args.get("base", type=int)
    if source is None or theirs is None or ours is None:
        raise NotFoundError
    found = services().promoting.between(source, current_access(), theirs, ours)
    address = _addresses("migrate.promotion_text", "pointer", source, (theirs, ours))
    back = url_for("migrate.promote", **{"from": source.tenant.slug})  # type: ignore[arg-type]
    return part_page(found, address, back)


@tenant_route(bp, "/migrate/promote/mails", permission=Permission.EDIT)
def promotion_mails() -> ResponseReturnValue:
    """Give the mails of a fold one by one, ticked as the fold is."""
    source = source_of(request.args.get("from"))
    if source is None:
        raise NotFoundError
    compared = services().promoting.compared(source, current_access())
    numbers = str(compared.source_revision), str(compared.target_revision)
    same = numbers == (request.args.get("revision"), request.args.get("base"))
    group = mails_of(compared.drift, source.tenant, request.args.get("group", "")) if same else None
    drawn = render_template(
        "pages/migrate/_mails.html",
        group=group,
        sheet=sheet_of((), addresses_of("migrate.promotion_text", "pointer", source, compared)),
        source=source.tenant,
        target=current_tenant(),
    )
    return drawn, 200 if group else 404


def addresses_of(endpoint: str, name: str, source: Access, compared: Comparison) -> Address:
    """Where parts of a comparison are asked for; ``name`` is what is asked by."""
    return _addresses(endpoint, name, source, (compared.source_revision, compared.target_revision))


def _addresses(endpoint: str, name: str, source: Access, revisions: tuple[int, int]) -> Address:
    query: dict[str, Any] = {"from": source.tenant.slug, "revision": revisions[0], "base": revisions[1]}
    return lambda value: url_for(endpoint, **{**query, name: value})
