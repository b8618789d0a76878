"""Showing once more who one is, before what protects the account is changed. Nothing that was typed is lost by it."""

from __future__ import annotations

from functools import wraps
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import Length

from webapp.accounts import PasskeyError
from webapp.domain.errors import LimitedError
from webapp.web import resume
from webapp.web.account.blueprint import bp, somebody
from webapp.web.account.second_step import count_second_step, too_many
from webapp.web.account.sign_in import SIGN_IN_WINDOW, TRIES_PER_ADDRESS_HERE
from webapp.web.context import accounts, passkeys, second_factor, services
from webapp.web.frame import translated
from webapp.web.openid import on_offer
from webapp.web.relying_party import obstacle, relying_party
from webapp.web.security import View, person_route, safe_next
from webapp.web.signing_in import ceremony_key, confirm, fresh, use_passkey


class ConfirmForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Is it still you?"""

    password = PasswordField("Password", [Length(max=1000)])
    code = StringField("Code", [Length(max=64)])


def only_fresh(view: View) -> View:
    """Ask first who is there, unless the person has shown it a short while ago."""

    @wraps(view)
    def guarded(**values: Any) -> ResponseReturnValue:
        if fresh():
            return view(**values)
        if request.method == "GET":
            return redirect(url_for("account.confirm_page", next=request.full_path.rstrip("?")))
        return _page(ConfirmForm(formdata=None), sealed=resume.seal_request()), 403

    return guarded


@person_route(bp, "/account/confirm", pays_debt=True)
def confirm_page() -> ResponseReturnValue:
    """Ask for the password, a code or a passkey."""
    return _page(ConfirmForm(formdata=None))


@person_route(bp, "/account/confirm", methods=("POST",), pays_debt=True)
def confirm_check() -> ResponseReturnValue:
    """Go on to what was asked for, as whoever is there has shown who they are."""
    form, sealed = ConfirmForm(), request.form.get("sealed", "")
    try:
        wrong = _wrong(form)
    except LimitedError as error:
        return _page(form, too_many(error), sealed), 429, {"Retry-After": str(error.retry_after)}
    except PasskeyError as error:
        wrong = translated(error.detail)
    if wrong:
        return _page(form, wrong, sealed), 422
    confirm()
    if sealed:
        return resume.send_again(resume.open_sealed(sealed), confirmed=True)
    return redirect(safe_next(request.form.get("next")) or url_for("account.account"))


def _wrong(form: ConfirmForm) -> str:
    """What is wrong with what was given; nothing if it is right. Raises LimitedError, PasskeyError."""
    person = somebody()
    if "passkey" in request.form:
        count_second_step(person)
        answer, state = request.form["passkey"], request.form.get("state", "")
        passkeys().use(relying_party(), ceremony_key(), state, answer, person.id)
        return ""
    if not form.validate():
        return str(_("Type your password, then try again."))
    if form.code.data:
        count_second_step(person)
        right = second_factor().check_app(person.id, form.code.data)
        return "" if right else _("This code is not right, or was used before. Type the one that the app shows next.")
    if not form.password.data:
        return str(_("Type your password, then try again."))
    services().limits.hit("password", str(person.id), amount=TRIES_PER_ADDRESS_HERE, seconds=SIGN_IN_WINDOW)
    return "" if accounts().authenticate(person.email, form.password.data) else _("This is not your password.")


def _page(form: ConfirmForm, sentence: str = "", sealed: str = "") -> str:
    person = somebody()
    # Each stands in a form of its own, where it is all that is asked for.
    form.password.flags.required = form.code.flags.required = True
    standing = second_factor().standing(person.id)
    in_the_way = obstacle() if standing.passkeys else None
    values = request.form if request.method == "POST" else request.args
    return render_template(
        "pages/account/confirm.html",
        form=form,
        person=person,
        sentence=sentence,
        standing=standing,
        has_password=accounts().has_password(person.id),
        openid=on_offer(),
        obstacle=in_the_way,
        origin=relying_party().origin,
        ceremony=use_passkey(person.id) if standing.passkeys and not in_the_way else None,
        kept={"next": safe_next(values.get("next")) or "", "sealed": sealed},
    )
