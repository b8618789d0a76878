"""What one-time links to an account open: a page to choose a password, and the operator's way in."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired

from webapp.accounts import AccountError, LinkKind
from webapp.accounts.directory import AccountLink
from webapp.domain.errors import NotFoundError
from webapp.domain.password import SHORTEST
from webapp.web import signing_in
from webapp.web.context import accounts, directory, request_id, services
from webapp.web.frame import translated
from webapp.web.security import public_route

bp = Blueprint("links", __name__)

PASSWORDS: Final = (LinkKind.ACCOUNT, LinkKind.PASSWORD)
TRIES: Final = 30
"""From one address, in ten minutes."""


class PasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A password for an account."""

    password = PasswordField("Password", [InputRequired()])


@public_route(bp, "/password/<token>")
def password(token: str) -> ResponseReturnValue:
    """Ask for the new password."""
    _count()
    try:
        found = directory().open(token, *PASSWORDS)
    except NotFoundError:
        return _over()
    return _page(found, PasswordForm(formdata=None))


@public_route(bp, "/password/<token>", methods=("POST",))
def password_save(token: str) -> ResponseReturnValue:
    """Set the password; every session of the person ends."""
    _count()
    form = PasswordForm()
    try:
        found = directory().open(token, *PASSWORDS)
        if not form.validate():
            return _page(found, form), 422
        directory().set_password(token, form.password.data, request_id())
    except AccountError as error:
        form.password.errors = [translated(each.message) for each in error.errors]
        return _page(found, form), 422
    except NotFoundError:
        return _over()
    # Whoever is signed in here may be somebody else.
    logout_user()
    session.clear()
    flash(_("Your password is set. Sign in with it."), "good")
    return redirect(url_for("account.sign_in"), 303)


@public_route(bp, "/sign-in/link/<token>")
def sign_in(token: str) -> ResponseReturnValue:
    """Ask before signing in: programs that look into mails open links too."""
    _count()
    try:
        found = directory().open(token, LinkKind.SIGN_IN)
    except NotFoundError:
        return _over()
    return render_template("pages/account/sign_in_link.html", link=found)


@public_route(bp, "/sign-in/link/<token>", methods=("POST",))
def sign_in_now(token: str) -> ResponseReturnValue:
    """Sign in whom the operator's link is for."""
    _count()
    try:
        found = directory().take(token, LinkKind.SIGN_IN)
    except NotFoundError:
        return _over()
    return signing_in.finish(accounts().user(found.person.id), signing_in.Via.LINK)


def _count() -> None:
    services().limits.hit("links_from", request.remote_addr or "", amount=TRIES, seconds=600)


def _page(found: AccountLink, form: PasswordForm) -> str:
    return render_template("pages/account/password_link.html", link=found, form=form, shortest=SHORTEST)


def _over() -> ResponseReturnValue:
    return render_template("pages/account/link_over.html"), 404
