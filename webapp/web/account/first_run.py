"""The first run: the page of the one-time link."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from webapp.accounts import AccountError, first_run
from webapp.domain.errors import NotFoundError
from webapp.domain.password import SHORTEST
from webapp.web import signing_in
from webapp.web.account.blueprint import bp, refuse
from webapp.web.context import accounts, installation, services
from webapp.web.security import public_route


class FirstRunForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What makes an installation somebody's."""

    organisation = StringField("Organization", [InputRequired(), Length(max=120)])
    email = EmailField("Your email address", [InputRequired()])
    password = PasswordField("Password", [InputRequired()])


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
        refuse(form, error)
        return _first_run(form), 422
    person = first_run(services(), form.email.data, form.password.data, organisation)
    user = accounts().user(person.id)
    return signing_in.finish(user, signing_in.Via.FIRST_RUN, then=url_for("overview.overview", tenant="dev"))


def _first_run(form: FirstRunForm) -> str:
    return render_template("pages/account/first_run.html", form=form, shortest=SHORTEST)


def _refuse_used_link(token: str) -> None:
    if accounts().has_administrator() or not installation().setup_link_valid(token):
        raise NotFoundError
