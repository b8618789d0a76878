"""The tenants: everybody's way to theirs; for administrators also making, duplicating and bringing back."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import InputRequired

from webapp.domain.errors import (
    ConflictError,
    FieldError,
    InputError,
    NotFoundError,
    PostroomError,
    SetupChangedMeanwhileError,
    SetupUnreadableError,
)
from webapp.domain.roles import Environment, Permission
from webapp.services.naming import suggested_slug
from webapp.services.transfer.duplicating import Made, Wish
from webapp.web import errors
from webapp.web.context import current_access, current_actor, current_tenant, request_id, services
from webapp.web.frame import ROLE_TITLES, translated
from webapp.web.migrate.secrets import title_of
from webapp.web.security import administrator_route, person_route, tenant_route

bp = Blueprint("tenants", __name__)

FEW: Final = 12
"""Tenants that are seen at a glance; more of them can be searched."""
SHOWN: Final = 100


class MakeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A tenant that is wanted."""

    name = StringField("Name", [InputRequired()])
    slug = StringField("Short name")
    environment = RadioField("Environment", validate_choice=False)
    copy = SelectField("Start with", validate_choice=False)


@person_route(bp, "/tenants")
def tenants() -> ResponseReturnValue:
    """List the tenants that the person can switch to, and as what."""
    actor, asked = current_actor(), request.args.get("q", "").strip()[:120]
    mine = services().tenants.of_person(actor.id or 0, actor.administrator)
    found = [(tenant, role) for tenant, role in mine if asked.casefold() in f"{tenant.name}\n{tenant.slug}".casefold()]
    everywhere = services().tenants.all(include_archived=True) if actor.administrator else []
    return render_template(
        "pages/overview/tenants.html",
        roles=ROLE_TITLES,
        lines=found[:SHOWN],
        more=len(found[SHOWN:]),
        asked=asked,
        many=len(mine) > FEW,
        administrator=actor.administrator,
        archived=[each for each in everywhere if each.archived],
    )


@administrator_route(bp, "/tenants/new")
def new() -> ResponseReturnValue:
    """Ask what the tenant is to be called and what it is for."""
    wanted = request.args.get("copy", "")
    source = next((each for each in services().tenants.all() if each.slug == wanted), None)
    environment = source.environment if source else Environment.DEVELOPMENT
    data = {"copy": source.slug if source else "", "environment": environment.value}
    return _new(MakeForm(formdata=None, data=data))


@administrator_route(bp, "/tenants/new", methods=("POST",))
def new_make() -> ResponseReturnValue:
    """Make the tenant, and go there."""
    form = MakeForm()
    name, slug = form.name.data or "", (form.slug.data or "").strip()
    source = services().tenants.access(current_actor(), form.copy.data) if form.copy.data else None
    wish = Wish(slug or suggested_slug(name), name, form.environment.data or "", source)
    made = services().duplicating.make(wish, current_actor(), owner=current_actor().id, request_id=request_id())
    session["tenant"] = made.tenant.slug
    return redirect(_next_of(made), 303)


@administrator_route(bp, "/tenants/<slug>/bring-back", methods=("POST",))
def bring_back(slug: str) -> ResponseReturnValue:
    """Bring an archived tenant back."""
    tenant = services().tenants.bring_back(slug, current_actor(), request_id())
    flash(_("%(tenant)s is back. Its API tokens stay ended.", tenant=tenant.name), "good")
    return redirect(url_for("overview.overview", tenant=tenant.slug), 303)


@tenant_route(bp, "/begun/<plan_id>", permission=Permission.EDIT)
def begun(plan_id: str) -> ResponseReturnValue:
    """Say what a tenant that was made as a copy has, and what stayed behind."""
    plan = services().importing.look(current_access(), plan_id).transfer
    document = plan.plan.document
    left = [(title_of(document, slot.pointer), slot.name) for slot in plan.slots if slot.name in plan.missing]
    return render_template(
        "pages/overview/begun.html",
        tenant=current_tenant(),
        source=_source(),
        provider=_provider(document),
        left=left,
        lent=[name for name in request.args.getlist("lent") if name.isascii()][:20],
        plan_id=plan_id,
    )


@bp.errorhandler(InputError)
@bp.errorhandler(ConflictError)
@bp.errorhandler(SetupChangedMeanwhileError)
@bp.errorhandler(SetupUnreadableError)
@bp.errorhandler(NotFoundError)
def refused(error: PostroomError) -> ResponseReturnValue:
    """Say beside the fields why no tenant was made; on other pages as everywhere."""
    if request.endpoint == "tenants.begun" and not isinstance(error, NotFoundError):
        # What was left to do is done, or something else was done in its place.
        return redirect(url_for("overview.overview"))
    if request.endpoint != "tenants.new_make":
        return errors.of_domain(error)
    form = MakeForm()
    for each in error.errors or [FieldError("/copy", error.code, error.detail)]:
        field = form._fields.get(each.pointer.removeprefix("/"), form.copy)
        field.errors = [*field.errors, _words(each, field is form.copy)]
    return _new(form), error.status


def _words(error: FieldError, of_source: bool) -> str:
    said = translated(error.message)
    if not of_source or error.pointer == "/copy":
        return said
    return str(_("Its setup cannot be copied as it is: %(why)s (%(place)s)", why=said, place=error.pointer))


def _new(form: MakeForm) -> str:
    titles = {Environment.DEVELOPMENT: _("Development"), Environment.PRODUCTION: _("Production")}
    form.environment.choices = [(each.value, title) for each, title in titles.items()]
    form.copy.choices = [("", _("Nothing"))] + [
        (each.slug, _("A copy of %(tenant)s", tenant=each.name)) for each in services().tenants.all()
    ]
    # One of them is always chosen, if only nothing: it is not called optional.
    form.copy.flags.required = True
    return render_template("pages/overview/tenant_new.html", form=form)


def _next_of(made: Made) -> str:
    tenant = made.tenant.slug
    if made.plan:
        return url_for("tenants.begun", tenant=tenant, plan_id=made.plan, lent=made.lent)
    flash(_("%(tenant)s is made, and you are its owner.", tenant=made.tenant.name), "good")
    if made.waits:
        flash(_("Its connector cannot be taken along. Set one up here."))
    return url_for("overview.overview", tenant=tenant)


def _source() -> str:
    """The tenant that this one was copied from, by its short name."""
    tenant = current_tenant()
    found = services().setups.history(tenant, before=2, limit=1)
    came: Any = (found[0].transfer or {}) if found else {}
    return str(came.get("from") or "")


def _provider(document: dict[str, Any]) -> str:
    section = document.get("connector") or {}
    kind = services().connectors.get(str(section.get("provider")))
    return str(kind.title) if kind else ""
