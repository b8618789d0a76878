"""API tokens: made with the scopes they need, shown once, revoked at once."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Permission, Scope, TenantInfo
from webapp.domain.text import T
from webapp.web.context import current_access, current_actor, current_tenant, request_id, services
from webapp.web.frame import translated
from webapp.web.security import tenant_route

bp = Blueprint("tokens", __name__)

SCOPE_TITLES: Final = {
    Scope.CONFIG_READ: T("Read the setup"),
    Scope.CONFIG_WRITE: T("Change the setup"),
    Scope.SEND: T("Send mail"),
    Scope.DELIVERIES_READ: T("Read deliveries"),
}
SCOPE_MEANINGS: Final = {
    Scope.CONFIG_READ: T("See connector, templates, flows and history. Secrets stay hidden."),
    Scope.CONFIG_WRITE: T("Save and restore setups, check the connection and send test mails. Includes reading."),
    Scope.SEND: T("Send verification codes and other mails through this tenant."),
    Scope.DELIVERIES_READ: T("See what was sent, and read the inbox of a development tenant."),
}
_FRESH: Final = "fresh_token"
"""Where the session keeps a new token, sealed, until its maker goes on."""


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What a token is for."""

    name = StringField("What is it for?", [InputRequired(), Length(max=120)])
    scopes = SelectMultipleField(
        "What may it do?", widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    read_from = SelectField("May it read from another tenant?", default="")


@tenant_route(bp, "/settings/tokens", permission=Permission.MANAGE)
def tokens() -> ResponseReturnValue:
    """List the tokens; the fresh one is not shown again from here on."""
    session.pop(_FRESH, None)
    found = services().tokens.list(current_tenant())
    names = {tenant.id: tenant.name for tenant in services().tenants.all(include_archived=True)}
    return render_template(
        "pages/settings/tokens.html",
        live=[token for token in found if token.revoked_at is None],
        revoked=[token for token in found if token.revoked_at],
        scopes=SCOPE_TITLES,
        names=names,
    )


@tenant_route(bp, "/settings/tokens/new", permission=Permission.MANAGE)
def token_new() -> ResponseReturnValue:
    """Ask what the token is for."""
    return _form(_choices(TokenForm(formdata=None)))


@tenant_route(bp, "/settings/tokens/new", methods=("POST",), permission=Permission.MANAGE)
def token_make() -> ResponseReturnValue:
    """Make it, and go to where it is shown."""
    form = _choices(TokenForm())
    form.validate()
    if form.name.data and not (form.name.data.strip() and form.name.data.isprintable()):
        form.name.errors = [_("A name has 1 to 120 characters on one line.")]
    if not form.scopes.data:
        form.scopes.errors = [_("Choose at least one.")]
    if form.errors:
        return _form(form), 422
    source = next((tenant for tenant in _sources() if tenant.slug == form.read_from.data), None)
    plain = services().tokens.create(
        current_access(), form.name.data, form.scopes.data, current_actor(), source, request_id()
    )
    # Sealed in the session, so that reloading the page does neither lose the token nor make another.
    fresh = {"token": plain, "name": form.name.data.strip(), "scopes": form.scopes.data, "tenant": current_tenant().id}
    session[_FRESH] = services().vault.seal(fresh).decode()
    return redirect(url_for("tokens.token_made"), 303)


@tenant_route(bp, "/settings/tokens/made", permission=Permission.MANAGE)
def token_made() -> ResponseReturnValue:
    """Show the fresh token, this once."""
    fresh = services().vault.open(session[_FRESH].encode()) if _FRESH in session else None
    if not fresh or fresh["tenant"] != current_tenant().id:
        return redirect(url_for("tokens.tokens"))
    example = f'curl -H "Authorization: Bearer {fresh["token"]}" {services().settings.base_url}/api/v1/tenants'
    return render_template("pages/settings/token_made.html", fresh=fresh, example=example, scopes=SCOPE_TITLES)


@tenant_route(bp, "/settings/tokens/<int:number>/revoke", permission=Permission.MANAGE)
def token_revoke(number: int) -> ResponseReturnValue:
    """Ask before a token ends."""
    info = services().tokens.find(current_tenant(), number)
    if info.revoked_at:
        raise NotFoundError
    return render_template("pages/settings/token_revoke.html", info=info, scopes=SCOPE_TITLES)


@tenant_route(bp, "/settings/tokens/<int:number>/revoke", methods=("POST",), permission=Permission.MANAGE)
def token_revoked(number: int) -> ResponseReturnValue:
    """End it."""
    info = services().tokens.find(current_tenant(), number)
    services().tokens.revoke(number, current_actor(), current_tenant(), request_id())
    flash(_("“%(name)s” is revoked. It opens nothing any more.", name=info.name), "good")
    return redirect(url_for("tokens.tokens"), 303)


def _sources() -> list[TenantInfo]:
    """The other tenants that the maker belongs to."""
    person = current_actor().id
    found = services().tenants.of_person(person) if person is not None else []
    return [tenant for tenant, _role in found if tenant.id != current_tenant().id]


def _choices(form: TokenForm) -> TokenForm:
    form.scopes.choices = [(scope.value, translated(title)) for scope, title in SCOPE_TITLES.items()]
    form.read_from.choices = [("", _("Only this tenant")), *((each.slug, each.name) for each in _sources())]
    return form


def _form(form: TokenForm) -> str:
    return render_template(
        "pages/settings/token_new.html",
        form=form,
        meanings={scope.value: meaning for scope, meaning in SCOPE_MEANINGS.items()},
        more=len(form.read_from.choices) > 1,
    )
