"""What a tenant is called, and how much its editors may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, StringField
from wtforms.validators import InputRequired, Length, Optional

from webapp.domain.roles import ChangesBy, Permission, Role
from webapp.domain.text import T, Text
from webapp.web.context import accounts, current_actor, current_tenant, request_id, services
from webapp.web.deciders import savers
from webapp.web.security import tenant_route

bp = Blueprint("general", __name__)

WAYS: Final[Mapping[ChangesBy, tuple[Text, Text]]] = {
    ChangesBy.ALL: (T("In every way"), T("By editing, importing and promoting.")),
    ChangesBy.PROMOTION: (
        T("Only by promotion"),
        T("What was set up and tested in another tenant is promoted here. Editing and importing are closed."),
    ),
    ChangesBy.APPROVAL: (
        T("Only with the approval of a second person"),
        T("Promotions and imports are proposed. Another person who may save here makes them live. Editing is closed."),
    ),
}


class SwitchField(BooleanField):  # type: ignore[misc]  # WTForms has no types
    """A switch as the page draws it: a hidden "false" before the box, so that off is sent too."""

    kind = "switch"

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist[-1:])


class GeneralForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A tenant's name, the switch for its editors and, in production, how it changes."""

    name = StringField("Name", [InputRequired(), Length(max=120)])
    editors = SwitchField("Editors")
    changes = RadioField("Changes", [Optional()], validate_choice=False)
    editors_seen = HiddenField()
    """How it was when the page was drawn: what is sent as it was seen is left as it is by now."""
    changes_seen = HiddenField()

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.changes.choices = [(way.value, words) for way, (words, _sentence) in WAYS.items()]


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
    if form.changes.data and form.changes.data not in list(ChangesBy):
        form.changes.errors = [_("Choose one of these.")]
    if form.name.errors or form.errors or form.changes.errors:
        return _page(form, name=tenant.name), 422
    # Another owner may have closed the tenant since: whoever only renames it does not open it again.
    editors, way = form.editors.data, form.changes.data
    untouched = form.editors_seen.data == _word(editors)
    services().tenants.change(
        tenant.slug,
        current_actor(),
        name=form.name.data,
        editors_may_save_production=tenant.editors_may_save_production if untouched else editors,
        changes_by=ChangesBy(way) if way and way != form.changes_seen.data else None,
        request_id=request_id(),
    )
    flash(_("The settings are saved."), "good")
    return redirect(url_for("general.general"), 303)


def _values() -> dict[str, object]:
    tenant = current_tenant()
    editors, changes = tenant.editors_may_save_production, tenant.changes_by.value
    seen = {"editors_seen": _word(editors), "changes_seen": changes}
    return {"name": tenant.name, "editors": editors, "changes": changes, **seen}


def _word(switch: bool) -> str:
    return "true" if switch else "false"


def _page(form: GeneralForm, name: str) -> str:
    tenant, people = current_tenant(), {person.id: person.email for person in accounts().list()}
    owners = [
        people[member.person_id]
        for member in services().tenants.members(tenant.id)
        if member.role is Role.OWNER and member.person_id in people
    ]
    return render_template(
        "pages/settings/general.html",
        form=form,
        name=name,
        tenant=tenant,
        owners=sorted(owners),
        alone=len(savers(tenant)) < 2,
        way=WAYS[tenant.changes_by],
        meanings={way.value: sentence for way, (_words, sentence) in WAYS.items()},
    )
