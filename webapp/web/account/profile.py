"""One's own account: the password, where one is signed in, the time zone and the theme."""

from __future__ import annotations

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from webapp.accounts import TIME_ZONES, AccountError
from webapp.domain.password import SHORTEST
from webapp.web.account.blueprint import bp, refuse, somebody
from webapp.web.account.sign_in import SIGN_IN_WINDOW, TRIES_PER_ADDRESS_HERE
from webapp.web.browsers import browser_name
from webapp.web.context import accounts, installation, passkeys, request_id, second_factor, services
from webapp.web.relying_party import obstacle
from webapp.web.security import person_route
from webapp.web.signing_in import begin_session, confirm


class PasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A new password, by someone who knows the old one."""

    current = PasswordField("Current password", [InputRequired()])
    new = PasswordField("New password", [InputRequired()])


class ZoneForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Where the person's clock hangs."""

    zone = StringField("Time zone")


@person_route(bp, "/account")
def account() -> ResponseReturnValue:
    """Show one's own account."""
    return _account(PasswordForm(formdata=None))


@person_route(bp, "/account/password", methods=("POST",))
def change_password() -> ResponseReturnValue:
    """Change one's own password; every other session ends."""
    form, person = PasswordForm(), somebody()
    if not form.validate():
        return _account(form), 422
    services().limits.hit("password", str(person.id), amount=TRIES_PER_ADDRESS_HERE, seconds=SIGN_IN_WINDOW)
    try:
        accounts().change_password(
            person.id, form.current.data, form.new.data, organisation=installation().organisation
        )
    except AccountError as error:
        refuse(form, error)
        return _account(form), 422
    begin_session(accounts().user(person.id))
    confirm()
    flash(_("Your password is changed. Everywhere else you are signed out."), "good")
    return redirect(url_for("account.account"))


@person_route(bp, "/account/time-zone", methods=("POST",))
def time_zone() -> ResponseReturnValue:
    """Remember in which zone the person reads times."""
    form, person = ZoneForm(), somebody()
    try:
        accounts().set_time_zone(person.id, (form.zone.data or "").strip())
    except AccountError as error:
        refuse(form, error)
        return _account(PasswordForm(formdata=None), form), 422
    flash(_("Times are shown in your time zone."), "good")
    return redirect(url_for("account.account"))


@person_route(bp, "/account/sessions/<int:number>/end", methods=("POST",))
def session_end(number: int) -> ResponseReturnValue:
    """Sign out elsewhere."""
    services().sessions.end_one(somebody().id, number)
    flash(_("That browser is signed out."), "good")
    return redirect(url_for("account.account", _anchor="sessions"))


@person_route(bp, "/account/sessions/end-others", methods=("POST",))
def sessions_end() -> ResponseReturnValue:
    """Sign out everywhere else."""
    person = somebody()
    accounts().end_sessions(person.id, request_id())
    begin_session(accounts().user(person.id))
    flash(_("Everywhere else you are signed out."), "good")
    return redirect(url_for("account.account", _anchor="sessions"))


def _account(form: PasswordForm, zone: ZoneForm | None = None) -> str:
    person = somebody()
    return render_template(
        "pages/account/account.html",
        form=form,
        zone=zone or ZoneForm(formdata=None, data={"zone": person.time_zone or ""}),
        zones=sorted(TIME_ZONES),
        person=person,
        standing=second_factor().standing(person.id),
        passkeys=passkeys().of_person(person.id),
        obstacle=obstacle(),
        sessions=services().sessions.of_person(person.id, session.get("sid", "")),
        browser_name=browser_name,
        shortest=SHORTEST,
    )
