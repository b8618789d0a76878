"""Signing in, once somebody has shown who they are: by password, by passkey, by another system, by a link."""

from __future__ import annotations

from enum import StrEnum
from secrets import token_hex

from flask import flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import login_user

from webapp.accounts import User
from webapp.domain.errors import NotFoundError
from webapp.web import resume
from webapp.web.context import accounts, request_id, services
from webapp.web.frame import translated
from webapp.web.security import safe_next


class Via(StrEnum):
    """How somebody has shown who they are."""

    PASSWORD = "password"  # noqa: S105  the name of a way in
    PASSKEY = "passkey"
    OPENID = "openid"
    INVITATION = "invitation"
    FIRST_RUN = "first_run"


def finish(user: User, via: Via, *, then: str | None = None, sealed: str = "") -> ResponseReturnValue:
    """Sign this person in and go on; every way in ends here.

    ``then`` is a path of ours to go on to, checked here; ``sealed`` the form that waited for the sign-in
    (``webapp.web.resume``).
    """
    begin_session(user)
    accounts().signed_in(user, via, request_id())
    if sealed:
        try:
            resumed = resume.open_sealed(sealed)
        except NotFoundError as gone:
            flash(translated(gone.detail))
            return redirect(url_for("frame.home"))
        # One more click, on purpose: what was typed may be about to go live.
        return render_template("pages/account/resume.html", sealed=sealed, resumed=resumed)
    return redirect(safe_next(then) or url_for("frame.home"))


def begin_session(user: User) -> None:
    """Start anew: nothing of the session before, such as its form token, lives on."""
    last = session.get("tenant")
    session.clear()
    g.pop("csrf_token", None)
    login_user(user)
    session["csrf_token"] = resume.form_secret(user.id)
    session.permanent = True
    session["sid"] = token_hex(16)
    services().sessions.begin(user.id, session["sid"], request.user_agent.string, request.remote_addr or "")
    if last:
        session["tenant"] = last
