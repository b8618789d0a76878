"""The page of an invitation: whoever it was made for sets a password, or signs in, and is a member."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired

from webapp.accounts import AccountError
from webapp.domain.errors import NotFoundError
from webapp.domain.password import SHORTEST
from webapp.services.invitations import Invitation
from webapp.web.context import accounts, current_person, request_id, services
from webapp.web.frame import ROLE_TITLES, translated
from webapp.web.security import public_route
from webapp.web.signing_in import Via, begin_session

bp = Blueprint("invitation", __name__)

OVER: Final = 404


class JoinForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A password for a new account."""

    password = PasswordField("Password", [InputRequired()])


@public_route(bp, "/invitation/<token>")
def invitation(token: str) -> ResponseReturnValue:
    """Say who invites to what, and ask for what is needed to come in."""
    return _answer(token, JoinForm(formdata=None))


@public_route(bp, "/invitation/<token>", methods=("POST",))
def invitation_accept(token: str) -> ResponseReturnValue:
    """Make the person a member: with the account of the session, or a new one."""
    person, form = current_person(), JoinForm()
    try:
        found = services().invitations.open(token)
        if person and person.email == found.email:
            services().invitations.accept(token, person.actor, request_id())
        elif person or _known(found.email) or services().settings.oidc_only:
            return _page(found, token, form), 409
        elif not form.validate():
            return _page(found, token, form), 422
        else:
            joined = accounts().join(services().invitations, token, form.password.data, request_id())
            begin_session(accounts().user(joined.id), Via.INVITATION)
    except AccountError as error:
        form.password.errors = [translated(each.message) for each in error.errors]
        return _page(found, token, form), 422
    except NotFoundError:
        return render_template("pages/account/invitation_over.html"), OVER
    flash(_("Welcome to %(tenant)s.", tenant=found.tenant.name), "good")
    return redirect(url_for("overview.overview", tenant=found.tenant.slug), 303)


def _answer(token: str, form: JoinForm) -> ResponseReturnValue:
    try:
        found = services().invitations.open(token)
    except NotFoundError:
        return render_template("pages/account/invitation_over.html"), OVER
    return _page(found, token, form)


def _page(found: Invitation, token: str, form: JoinForm) -> str:
    settings = services().settings
    return render_template(
        "pages/account/invitation.html",
        invitation=found,
        role=translated(ROLE_TITLES[found.role]),
        form=form,
        person=current_person(),
        known=_known(found.email),
        provider=settings.oidc_name if settings.oidc_issuer else "",
        only=settings.oidc_only,
        here=url_for("invitation.invitation", token=token),
        shortest=SHORTEST,
    )


def _known(email: str) -> bool:
    """Whether there is an account with the address. Only who holds the invitation gets to ask."""
    return any(person.email == email for person in accounts().list())
