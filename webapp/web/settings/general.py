"""What a tenant is called, and how much its editors may do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from webapp.domain.roles import Permission, Role
from webapp.web.context import accounts, current_actor, current_tenant, request_id, services
from webapp.web.security import tenant_route

bp = Blueprint("general", __name__)


class SwitchField(BooleanField):  # type: ignore[misc]  # WTForms has no types
    """A switch as the page draws it: a hidden "false" before the box, so that off is sent too."""

    kind = "switch"

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist[-1:])


class GeneralForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A tenant's name and the switch for its editors."""

    name = StringField("Name", [InputRequired(), Length(max=120)])
    editors = SwitchField("Editors")


@tenant_route(bp, "/settings", permission=Permission.READ)
def general() -> ResponseReturnValue:
    """Show what the tenant is; owners can change it here."""
    tenant = current_tenant()
    return _page(GeneralForm(formdata=None, data=_values()), name=tenant.name)


@tenant_route(bp, "/settings", methods=("POST",), permission=Permission.MANAGE)
def general_save() -> ResponseReturnValue:
    """Save name and switch."""
    tenant, form = current_tenant(), GeneralForm()
    if form.validate() and not form.name.data.isprintable():
        form.name.errors = [_("A name stands on one line.")]
    if form.errors:
        return _page(form, name=tenant.name), 422
    services().tenants.change(
        tenant.slug,
        current_actor(),
        name=form.name.data,
        editors_may_save_production=form.editors.data,
        request_id=request_id(),
    )
    flash(_("The settings are saved."), "good")
    return redirect(url_for("general.general"), 303)


def _values() -> dict[str, object]:
    tenant = current_tenant()
    return {"name": tenant.name, "editors": tenant.editors_may_save_production}


def _page(form: GeneralForm, name: str) -> str:
    people = {person.id: person.email for person in accounts().list()}
    owners = [
        people[member.person_id]
        for member in services().tenants.members(current_tenant().id)
        if member.role is Role.OWNER and member.person_id in people
    ]
    return render_template(
        "pages/settings/general.html", form=form, name=name, tenant=current_tenant(), owners=sorted(owners)
    )
