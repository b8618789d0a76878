"""Signing in and out, the first run, and one's own account."""

from __future__ import annotations

from secrets import token_hex
from typing import Any, Final

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from webapp.accounts import TIME_ZONES, AccountError, Person, User, first_run
from webapp.domain.errors import LimitedError, NotFoundError
from webapp.domain.password import SHORTEST
from webapp.web import resume
from webapp.web.browsers import browser_name
from webapp.web.context import accounts, current_person, installation, request_id, services
from webapp.web.frame import translated
from webapp.web.security import person_route, public_route, safe_next

bp = Blueprint("account", __name__)

SIGN_IN_WINDOW: Final = 600
TRIES_PER_ADDRESS_HERE: Final = 10
TRIES_PER_ADDRESS: Final = 50
TRIES_FROM_HERE: Final = 60


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Who is there?"""

    email = EmailField("Email address", [InputRequired()])
    password = PasswordField("Password", [InputRequired()])


class FirstRunForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What makes an installation somebody's."""

    organisation = StringField("Organization", [InputRequired(), Length(max=120)])
    email = EmailField("Your email address", [InputRequired()])
    password = PasswordField("Password", [InputRequired()])


class PasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A new password, by someone who knows the old one."""

    current = PasswordField("Current password", [InputRequired()])
    new = PasswordField("New password", [InputRequired()])


class ZoneForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Where the person's clock hangs."""

    zone = StringField("Time zone")


@public_route(bp, "/setup/<token>")
def first_run_page(token: str) -> ResponseReturnValue:
    """Show the page of the one-time link."""
    _refuse_used_link(token)
    return _first_run(FirstRunForm())


@public_route(bp, "/setup/<token>", methods=("POST",))
def first_run_save(token: str) -> ResponseReturnValue:
    """Make the first administrator and the two tenants, and go to the first of them."""
    _refuse_used_link(token)
    form = FirstRunForm()
    if not form.validate():
        return _first_run(form), 422
    organisation = form.organisation.data.strip()
    try:
        accounts().check_new(form.email.data, form.password.data, organisation)
        installation().use_setup_link(token)
    except AccountError as error:
        _refuse(form, error)
        return _first_run(form), 422
    person = first_run(services(), form.email.data, form.password.data, organisation)
    begin_session(accounts().user(person.id))
    return redirect(url_for("overview.overview", tenant="dev"))


@public_route(bp, "/sign-in")
def sign_in() -> ResponseReturnValue:
    """Ask who is there."""
    if current_person():
        return redirect(safe_next(request.args.get("next")) or url_for("frame.home"))
    return _sign_in(SignInForm(formdata=None))


@public_route(bp, "/sign-in", methods=("POST",))
def sign_in_check() -> ResponseReturnValue:
    """Let in whoever knows the password; say the same to everybody else."""
    form = SignInForm()
    if not form.validate():
        return _sign_in(form), 422
    email, here = form.email.data.strip().lower(), request.remote_addr or ""
    try:
        _count_try(email, here)
    except LimitedError as error:
        page = _sign_in(
            form, _("Too many tries. Wait %(minutes)s min, then try again.", minutes=-(-error.retry_after // 60))
        )
        return page, 429, {"Retry-After": str(error.retry_after)}
    user = accounts().authenticate(email, form.password.data)
    if user is None:
        return _sign_in(form, _("This address and password do not go together.")), 422
    services().limits.clear("sign_in", email, here)
    begin_session(user)
    accounts().signed_in(user, request_id())
    sealed = request.form.get("sealed")
    if sealed:
        # One more click, on purpose: what was typed may be about to go live.
        return render_template("pages/account/resume.html", sealed=sealed, resumed=resume.open_sealed(sealed))
    return redirect(safe_next(request.form.get("next")) or url_for("frame.home"))


@person_route(bp, "/resume", methods=("POST",))
def resume_form() -> ResponseReturnValue:
    """Do what a form asked for when its session was over."""
    return resume.send_again(resume.open_sealed(request.form.get("sealed", "")))


@public_route(bp, "/sign-out", methods=("POST",))
def sign_out() -> ResponseReturnValue:
    """End this session, in whatever copy of its cookie."""
    if current_person() and "sid" in session:
        services().sessions.end(session["sid"])
    logout_user()
    session.clear()
    return redirect(url_for("account.sign_in"))


@person_route(bp, "/account")
def account() -> ResponseReturnValue:
    """Show one's own account."""
    return _account(PasswordForm(formdata=None))


@person_route(bp, "/account/password", methods=("POST",))
def change_password() -> ResponseReturnValue:
    """Change one's own password; every other session ends."""
    form, person = PasswordForm(), _somebody()
    if not form.validate():
        return _account(form), 422
    services().limits.hit("password", str(person.id), amount=TRIES_PER_ADDRESS_HERE, seconds=SIGN_IN_WINDOW)
    try:
        accounts().change_password(
            person.id, form.current.data, form.new.data, organisation=installation().organisation
        )
    except AccountError as error:
        _refuse(form, error)
        return _account(form), 422
    begin_session(accounts().user(person.id))
    flash(_("Your password is changed. Everywhere else you are signed out."), "good")
    return redirect(url_for("account.account"))


@person_route(bp, "/account/time-zone", methods=("POST",))
def time_zone() -> ResponseReturnValue:
    """Remember in which zone the person reads times."""
    form, person = ZoneForm(), _somebody()
    try:
        accounts().set_time_zone(person.id, (form.zone.data or "").strip())
    except AccountError as error:
        _refuse(form, error)
        return _account(PasswordForm(formdata=None), form), 422
    flash(_("Times are shown in your time zone."), "good")
    return redirect(url_for("account.account"))


@person_route(bp, "/account/sessions/<int:number>/end", methods=("POST",))
def session_end(number: int) -> ResponseReturnValue:
    """Sign out elsewhere."""
    services().sessions.end_one(_somebody().id, number)
    flash(_("That browser is signed out."), "good")
    return redirect(url_for("account.account", _anchor="sessions"))


@person_route(bp, "/account/sessions/end-others", methods=("POST",))
def sessions_end() -> ResponseReturnValue:
    """Sign out everywhere else."""
    person = _somebody()
    accounts().end_sessions(person.id, request_id())
    begin_session(accounts().user(person.id))
    flash(_("Everywhere else you are signed out."), "good")
    return redirect(url_for("account.account", _anchor="sessions"))


def _somebody() -> Person:
    person = current_person()
    if person is None:
        abort(403)
    return person


def _count_try(email: str, here: str) -> None:
    """Count before the password is looked at, so that many tries at once are all counted."""
    limits = services().limits
    limits.hit("sign_in", email, here, amount=TRIES_PER_ADDRESS_HERE, seconds=SIGN_IN_WINDOW)
    limits.hit("sign_in_from", here, amount=TRIES_FROM_HERE, seconds=SIGN_IN_WINDOW)
    limits.hit("sign_in_to", email, amount=TRIES_PER_ADDRESS, seconds=SIGN_IN_WINDOW)


def begin_session(user: User) -> None:
    """Start anew: nothing of the session before, such as its form token, lives on."""
    last = session.get("tenant")
    session.clear()
    g.pop("csrf_token", None)
    login_user(user)
    session.permanent = True
    session["sid"] = token_hex(16)
    services().sessions.begin(user.id, session["sid"], request.user_agent.string, request.remote_addr or "")
    if last:
        session["tenant"] = last


def _sign_in(form: SignInForm, sentence: str = "") -> str:
    values = request.form if request.method == "POST" else request.args
    kept = {"next": safe_next(values.get("next")) or "", "sealed": request.form.get("sealed", "")}
    return render_template("pages/account/sign_in.html", form=form, sentence=sentence, kept=kept)


def _first_run(form: FirstRunForm) -> str:
    return render_template("pages/account/first_run.html", form=form, shortest=SHORTEST)


def _account(form: PasswordForm, zone: ZoneForm | None = None) -> str:
    person = _somebody()
    return render_template(
        "pages/account/account.html",
        form=form,
        zone=zone or ZoneForm(formdata=None, data={"zone": person.time_zone or ""}),
        zones=sorted(TIME_ZONES),
        person=person,
        sessions=services().sessions.of_person(person.id, session.get("sid", "")),
        browser_name=browser_name,
        shortest=SHORTEST,
    )


def _refuse_used_link(token: str) -> None:
    if accounts().has_administrator() or not installation().setup_link_valid(token):
        raise NotFoundError


def _refuse(form: Any, error: AccountError) -> None:
    """Put what the accounts refused beside its field."""
    for each in error.errors:
        field = form[each.pointer.removeprefix("/")]
        field.errors = [*field.errors, translated(each.message)]
