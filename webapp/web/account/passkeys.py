"""Passkeys on one's own account: add, rename, remove."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from webapp.accounts import AccountError, PasskeyError
from webapp.accounts.passkeys import LONGEST_NAME
from webapp.web.account.blueprint import bp, refuse, somebody
from webapp.web.account.confirm import only_fresh
from webapp.web.account.two_step import factor_added, go_on_in_new_session
from webapp.web.browsers import browser_name
from webapp.web.context import passkeys, request_id, second_factor
from webapp.web.frame import translated
from webapp.web.relying_party import obstacle, relying_party
from webapp.web.security import person_route
from webapp.web.signing_in import ceremony_key


class NameForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What its owner calls it."""

    name = StringField("Name", [InputRequired(), Length(max=LONGEST_NAME)])


@person_route(bp, "/account/passkeys/new", pays_debt=True)
@only_fresh
def passkey_new() -> ResponseReturnValue:
    """Have the browser make a passkey."""
    return _new_page(NameForm(formdata=None, data={"name": browser_name(request.user_agent.string)}))


@person_route(bp, "/account/passkeys/new", methods=("POST",), pays_debt=True)
@only_fresh
def passkey_add() -> ResponseReturnValue:
    """Keep what the browser made."""
    form, person = NameForm(), somebody()
    if not form.validate():
        return _new_page(form), 422
    answer, state = request.form.get("passkey", ""), request.form.get("state", "")
    if not answer:
        return _new_page(form, _("Passkeys need JavaScript and a browser that knows them. Nothing was added.")), 422
    name = form.name.data
    try:
        codes = passkeys().add(person, relying_party(), ceremony_key(), state, answer, name, request_id())
    except AccountError as error:
        refuse(form, error)
        return _new_page(form), 422
    except PasskeyError as error:
        return _new_page(form, translated(error.detail)), 422
    return factor_added(
        codes, _("The passkey “%(name)s” is added. Everywhere else you are signed out.", name=name.strip())
    )


@person_route(bp, "/account/passkeys/<int:number>")
def passkey(number: int) -> ResponseReturnValue:
    """One passkey, to be renamed or removed."""
    return _page(number, NameForm(formdata=None))


@person_route(bp, "/account/passkeys/<int:number>", methods=("POST",))
@only_fresh
def passkey_rename(number: int) -> ResponseReturnValue:
    """Call it something else."""
    form, person = NameForm(), somebody()
    if not form.validate():
        return _page(number, form), 422
    try:
        passkeys().rename(person, number, form.name.data, request_id())
    except AccountError as error:
        refuse(form, error)
        return _page(number, form), 422
    flash(_("The passkey has its new name."), "good")
    return redirect(url_for("account.account", _anchor="passkeys"))


@person_route(bp, "/account/passkeys/<int:number>/remove", methods=("POST",))
@only_fresh
def passkey_remove(number: int) -> ResponseReturnValue:
    """Let it sign in no more."""
    gone = passkeys().remove(somebody(), number, request_id())
    go_on_in_new_session()
    flash(_("The passkey “%(name)s” is removed. Everywhere else you are signed out.", name=gone.name), "good")
    return redirect(url_for("account.account", _anchor="passkeys"))


def _new_page(form: NameForm, sentence: str = "") -> str:
    in_the_way = obstacle()
    return render_template(
        "pages/account/passkey_new.html",
        form=form,
        sentence=sentence,
        obstacle=in_the_way,
        origin=relying_party().origin,
        ceremony=None if in_the_way else passkeys().begin_adding(somebody(), relying_party(), ceremony_key()),
    )


def _page(number: int, form: NameForm) -> str:
    person = somebody()
    found = passkeys().one(person.id, number)
    if not form.is_submitted():
        form.name.data = found.name
    return render_template(
        "pages/account/passkey.html",
        form=form,
        passkey=found,
        standing=second_factor().standing(person.id),
        obstacle=obstacle(),
    )
