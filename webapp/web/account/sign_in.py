"""Signing in and out."""

from __future__ import annotations

from typing import Final

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import logout_user
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from webapp.domain.errors import LimitedError
from webapp.web import resume, signing_in
from webapp.web.account.blueprint import bp
from webapp.web.context import accounts, current_person, passkeys, services
from webapp.web.demanded import VIA, Via
from webapp.web.openid import on_offer, signed_out_there
from webapp.web.relying_party import obstacle, relying_party
from webapp.web.security import person_route, public_route, safe_next

SIGN_IN_WINDOW: Final = 600
TRIES_PER_ADDRESS_HERE: Final = 10
TRIES_PER_ADDRESS: Final = 50
TRIES_FROM_HERE: Final = 60


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Who is there?"""

    email = EmailField("Email address", [InputRequired()])
    password = PasswordField("Password", [InputRequired()])


@public_route(bp, "/sign-in")
def sign_in() -> ResponseReturnValue:
    """Ask who is there."""
    if current_person():
        return redirect(safe_next(request.args.get("next")) or url_for("frame.home"))
    return _sign_in(SignInForm(formdata=None))


@public_route(bp, "/sign-in", methods=("POST",))
def sign_in_check() -> ResponseReturnValue:
    """Let in whoever knows the password; say the same to everybody else."""
    if "other" in request.form:
        # From the page that keeps what was typed into a session that was over, where only the password is asked for.
        return sign_in_page()
    form = SignInForm()
    if services().settings.oidc_only:
        return sign_in_page(_("Signing in with a password is off here.")), 403
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
    return signing_in.finish(
        user, signing_in.Via.PASSWORD, then=request.form.get("next"), sealed=request.form.get("sealed", "")
    )


@person_route(bp, "/resume", methods=("POST",))
def resume_form() -> ResponseReturnValue:
    """Do what a form asked for when its session was over."""
    return resume.send_again(resume.open_sealed(request.form.get("sealed", "")))


@public_route(bp, "/sign-out", methods=("POST",))
def sign_out() -> ResponseReturnValue:
    """End this session, in whatever copy of its cookie."""
    if current_person() and "sid" in session:
        services().sessions.end(session["sid"])
    # No form may lead to another site, so that a page offers the way to sign out there.
    elsewhere = signed_out_there() if session.get(VIA) == Via.OPENID else None
    logout_user()
    session.clear()
    if elsewhere:
        return render_template("pages/account/signed_out.html", elsewhere=elsewhere, name=services().settings.oidc_name)
    return redirect(url_for("account.sign_in"))


def sign_in_page(sentence: str = "") -> str:
    """The sign-in page anew, with what went wrong and what is kept for afterwards."""
    return _sign_in(SignInForm(formdata=None), sentence)


def _count_try(email: str, here: str) -> None:
    """Count before the password is looked at, so that many tries at once are all counted."""
    limits = services().limits
    limits.hit("sign_in", email, here, amount=TRIES_PER_ADDRESS_HERE, seconds=SIGN_IN_WINDOW)
    limits.hit("sign_in_from", here, amount=TRIES_FROM_HERE, seconds=SIGN_IN_WINDOW)
    limits.hit("sign_in_to", email, amount=TRIES_PER_ADDRESS, seconds=SIGN_IN_WINDOW)


def _sign_in(form: SignInForm, sentence: str = "") -> str:
    values = request.form if request.method == "POST" else request.args
    offered = passkeys().any() and not services().settings.oidc_only
    in_the_way = obstacle() if offered else None
    return render_template(
        "pages/account/sign_in.html",
        form=form,
        sentence=sentence,
        kept={"next": safe_next(values.get("next")) or "", "sealed": request.form.get("sealed", "")},
        obstacle=in_the_way,
        openid=on_offer(),
        origin=relying_party().origin,
        ceremony=signing_in.use_passkey() if offered and not in_the_way else None,
    )
