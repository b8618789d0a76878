"""Delete the connector: says what breaks, and wants the tenant's name typed."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.errors import ConnectorNotSetUpError
from webapp.domain.roles import Permission
from webapp.domain.usage import FLOW_TITLES
from webapp.web.connector.blueprint import bp
from webapp.web.connector.cards import card_of
from webapp.web.context import current_access, current_tenant, request_id, services
from webapp.web.security import tenant_route


@tenant_route(bp, "/connector/delete", permission=Permission.MANAGE)
def delete() -> ResponseReturnValue:
    """Say what deleting means."""
    return delete_page()


@tenant_route(bp, "/connector/delete", methods=["POST"], permission=Permission.MANAGE)
def deleted() -> ResponseReturnValue:
    """Delete it, where the name was typed."""
    typed = request.form.get("name", "").strip()
    if typed.casefold() != current_tenant().name.casefold():
        return delete_page(typed, wrong=True), 422
    base = request.form.get("base", "")
    seen = int(base) if base.isdecimal() and len(base) < 10 else None
    saved = services().setups.remove_connector(current_access(), base=seen, force=True, request_id=request_id())
    services().drafts.discard(current_access())
    return redirect(url_for("connector.saved", number=saved.number), 303)


def delete_page(typed: str = "", *, wrong: bool = False) -> str:
    """Draw the page that says what deleting means."""
    active = services().setups.active(current_tenant())
    connector = active.setup.connector
    if connector is None:
        raise ConnectorNotSetUpError
    card = card_of(services(), connector.model_dump())
    return render_template(
        "pages/connector/delete.html",
        title=card.title if card else connector.provider,
        flows=[FLOW_TITLES[name] for name in active.setup.flows.enabled()],
        base=active.number,
        typed=typed,
        wrong=wrong,
    )
