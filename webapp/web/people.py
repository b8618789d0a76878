"""People, for the administrators of the installation: who is in, as what, how they sign in, and links for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import EmailField, SelectField
from wtforms.validators import InputRequired

from webapp.accounts import AccountError, Entry, LastAdministratorError, LinkKind, Standing
from webapp.accounts.directory import VALID
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import Role, TenantInfo
from webapp.services.console_mail import Letter
from webapp.services.deeds import told
from webapp.web.account.confirm import only_fresh
from webapp.web.context import (
    current_actor,
    directory,
    installation,
    request_id,
    second_factor,
    services,
)
from webapp.web.frame import ROLE_TITLES, translated
from webapp.web.passing_on import FreshLink, forget
from webapp.web.security import administrator_route

bp = Blueprint("people", __name__)

PAGE: Final = 50
_LETTERS = {LinkKind.ACCOUNT: Letter.ACCOUNT, LinkKind.PASSWORD: Letter.PASSWORD}


class AddForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Somebody new."""

    email = EmailField("Email address", [InputRequired()])
    place = SelectField("Member of")


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody as the list shows them."""

    entry: Entry
    second: Standing
    you: bool


@administrator_route(bp, "/people")
def people() -> ResponseReturnValue:
    """List everybody."""
    forget()
    lines = [_line(entry) for entry in directory().entries()]
    return render_template("pages/people/list.html", lines=lines, roles=ROLE_TITLES, **_provider())


@administrator_route(bp, "/people/log")
def log() -> ResponseReturnValue:
    """What happened to accounts and to the installation, newest first."""
    before = request.args.get("before", "")
    number = int(before) if before.isdecimal() and len(before) < 19 else None
    found = services().audit.events(services().db, None, PAGE + 1, number)
    return render_template(
        "pages/people/log.html",
        events=[(event, told(event)) for event in found[:PAGE]],
        older=url_for("people.log", before=found[PAGE - 1].id) if len(found) > PAGE else None,
        newest=url_for("people.log") if number else None,
    )


@administrator_route(bp, "/people/add")
def add() -> ResponseReturnValue:
    """Ask for whom to make an account."""
    return _add(_places(AddForm(formdata=None)))


@administrator_route(bp, "/people/add", methods=("POST",))
@only_fresh
def add_make() -> ResponseReturnValue:
    """Make the account, and go to the link that goes with it."""
    form = _places(AddForm())
    if not form.validate():
        return _add(form), 422
    try:
        person = directory().add(form.email.data, current_actor(), request_id())
    except AccountError as error:
        form.email.errors = [translated(each.message) for each in error.errors]
        return _add(form), 422
    slug, _colon, role = form.place.data.partition(":")
    if slug:
        tenant = next(each for each in _owned() if each.slug == slug)
        services().tenants.add_member(tenant.id, person.id, Role(role), by=current_actor())
    if services().settings.oidc_only:
        words = {"person": person.email, "name": services().settings.oidc_name}
        flash(_("%(person)s has an account, and signs in with %(name)s.", **words), "good")
        return redirect(url_for("people.people"), 303)
    return _with_link(person.id, person.email, LinkKind.ACCOUNT)


@administrator_route(bp, "/people/<int:number>")
def person(number: int) -> ResponseReturnValue:
    """One person, and what can be done."""
    return _person(directory().entry(number))


@administrator_route(bp, "/people/<int:number>/switch", methods=("POST",))
@only_fresh
def switch(number: int) -> ResponseReturnValue:
    """Switch an account off, or on again."""
    on = request.form.get("on") == "true"
    try:
        found = directory().switch(number, current_actor(), request_id(), on=on)
    except LastAdministratorError as error:
        return _person(directory().entry(number), translated(error.detail)), error.status
    if on:
        flash(_("%(person)s can sign in again.", person=found.email), "good")
    else:
        flash(_("%(person)s is switched off and signed out everywhere.", person=found.email), "good")
    return redirect(url_for("people.person", number=number), 303)


@administrator_route(bp, "/people/<int:number>/administrator", methods=("POST",))
@only_fresh
def administrator(number: int) -> ResponseReturnValue:
    """Make somebody an administrator, or no longer one."""
    make = request.form.get("make") == "true"
    try:
        found = directory().administer(number, current_actor(), request_id(), administrator=make)
    except LastAdministratorError as error:
        return _person(directory().entry(number), translated(error.detail)), error.status
    if make:
        flash(_("%(person)s is an administrator now.", person=found.email), "good")
    else:
        flash(_("%(person)s is no longer an administrator.", person=found.email), "good")
    left = number == current_actor().id and not make
    return redirect(url_for("frame.home") if left else url_for("people.person", number=number), 303)


@administrator_route(bp, "/people/<int:number>/link", methods=("POST",))
@only_fresh
def link_make(number: int) -> ResponseReturnValue:
    """Make a link with which somebody chooses a password."""
    entry = directory().entry(number)
    if services().settings.oidc_only:
        raise NotFoundError
    kind = LinkKind.PASSWORD if entry.has_password else LinkKind.ACCOUNT
    return _with_link(number, entry.person.email, kind)


@administrator_route(bp, "/people/link")
def link() -> ResponseReturnValue:
    """Show the fresh link, this once."""
    fresh = FreshLink.kept(Letter.ACCOUNT, Letter.PASSWORD)
    if not fresh:
        return redirect(url_for("people.people"))
    return render_template(
        "pages/people/link.html",
        fresh=fresh,
        link=_address(fresh),
        valid=_valid(LinkKind(fresh.letter.value)),
        mailing=services().console_mail.available,
    )


@administrator_route(bp, "/people/link", methods=("POST",))
def link_mail() -> ResponseReturnValue:
    """Mail the fresh link to whom it is for."""
    fresh = FreshLink.kept(Letter.ACCOUNT, Letter.PASSWORD)
    if not fresh or not services().console_mail.available:
        return redirect(url_for("people.people"), 303)
    found = directory().open(fresh.token, LinkKind(fresh.letter.value))
    fresh.mail(_address(fresh), found.expires_at)
    return redirect(url_for("people.link"), 303)


@administrator_route(bp, "/people/<int:number>/second-factor", methods=("POST",))
@only_fresh
def second_factor_reset(number: int) -> ResponseReturnValue:
    """Take the second factor from somebody who has lost it."""
    found = second_factor().reset(directory().entry(number).person.email, current_actor())
    flash(_("%(person)s signs in without a second step until they set one up again.", person=found.email), "good")
    return redirect(url_for("people.person", number=number), 303)


@administrator_route(bp, "/people/<int:number>/unlink", methods=("POST",))
@only_fresh
def unlink(number: int) -> ResponseReturnValue:
    """Forget how the sign-in provider knows somebody."""
    directory().unlink(number, current_actor(), request_id())
    flash(_("The old sign-in is forgotten. The next one with this address is taken for them."), "good")
    return redirect(url_for("people.person", number=number), 303)


def _with_link(number: int, email: str, kind: LinkKind) -> ResponseReturnValue:
    token, _expires_at = directory().link(number, kind, current_actor(), request_id())
    FreshLink(_LETTERS[kind], token, email).keep()
    return redirect(url_for("people.link"), 303)


def _address(fresh: FreshLink) -> str:
    return services().settings.base_url + url_for("links.password", token=fresh.token)


def _valid(kind: LinkKind) -> str:
    # Whole days are said as days.
    return str(format_timedelta(VALID[kind] - timedelta(seconds=1), threshold=1.0 if kind is LinkKind.ACCOUNT else 0.5))


def _line(entry: Entry) -> Line:
    return Line(entry, second_factor().standing(entry.person.id), entry.person.id == current_actor().id)


def _person(entry: Entry, sentence: str = "") -> str:
    return render_template(
        "pages/people/person.html",
        line=_line(entry),
        roles=ROLE_TITLES,
        sentence=sentence,
        organisation=installation().organisation,
        **_provider(),
    )


def _provider() -> dict[str, Any]:
    settings = services().settings
    return {"provider": settings.oidc_name if settings.oidc_issuer else "", "only": settings.oidc_only}


def _owned() -> list[TenantInfo]:
    """The tenants whose members the administrator may choose: those that are theirs."""
    of_person = services().tenants.of_person(current_actor().id or 0)
    return [tenant for tenant, role in of_person if role is Role.OWNER]


def _places(form: AddForm) -> AddForm:
    each = [
        (f"{tenant.slug}:{role.value}", f"{tenant.name} · {translated(title)}")
        for tenant in _owned()
        for role, title in ROLE_TITLES.items()
    ]
    form.place.choices = [("", _("No tenant yet")), *each]
    return form


def _add(form: AddForm) -> str:
    return render_template("pages/people/add.html", form=form, **_provider())
