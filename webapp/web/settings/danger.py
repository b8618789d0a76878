"""How a tenant ends: archived, once its name was typed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired

from webapp.domain.errors import SetupUnreadableError
from webapp.domain.roles import Permission
from webapp.domain.setup import Setup
from webapp.domain.usage import FLOW_TITLES
from webapp.web.context import current_actor, current_tenant, request_id, services
from webapp.web.security import tenant_route

bp = Blueprint("danger", __name__)


class ArchiveForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The tenant's name, typed by somebody who means it."""

    name = StringField("Name of the tenant", [InputRequired()])


@tenant_route(bp, "/settings/danger", permission=Permission.MANAGE)
def danger() -> ResponseReturnValue:
    """Show what cannot be undone from here, and what each breaks."""
    return _page(ArchiveForm(formdata=None))


@tenant_route(bp, "/settings/archive", methods=("POST",), permission=Permission.MANAGE)
def archive() -> ResponseReturnValue:
    """Archive the tenant, where its name was typed."""
    tenant, form = current_tenant(), ArchiveForm()
    if form.validate() and form.name.data.strip().casefold() != tenant.name.casefold():
        form.name.errors = [_("This is not the name. Nothing was archived.")]
    if form.name.errors:
        return _page(form), 422
    services().tenants.archive(tenant.slug, current_actor(), request_id())
    session.pop("tenant", None)
    flash(_("%(tenant)s is archived.", tenant=tenant.name), "good")
    return redirect(url_for("frame.home"), 303)


def _page(form: ArchiveForm) -> str:
    tenant = current_tenant()
    try:
        setup = services().setups.active(tenant).setup
    except SetupUnreadableError:
        # The tenant can be archived all the same.
        setup = Setup()
    tokens = sum(token.revoked_at is None for token in services().tokens.list(tenant))
    return render_template(
        "pages/settings/danger.html",
        form=form,
        tenant=tenant,
        tokens=tokens,
        members=len(services().tenants.members(tenant.id)),
        has_connector=setup.connector is not None,
        flows=[FLOW_TITLES[name] for name in setup.flows.enabled()] if setup.connector else [],
    )
