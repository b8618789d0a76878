"""Signing in, once somebody has shown who they are: by password, by passkey, by another system, by a link.

Where the account has a second factor, knowing the password (or being known to another system) makes a half-signed-in
session: it is worth nothing but the page that asks for the second step, and that for a few minutes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

from flask import flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import login_user
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from webapp.accounts import Ceremony, Person, User, person_of
from webapp.domain.errors import NotFoundError
from webapp.web import resume
from webapp.web.context import UNTIL, accounts, passkeys, request_id, second_factor, services
from webapp.web.demanded import VIA, Via
from webapp.web.frame import translated
from webapp.web.relying_party import obstacle, relying_party
from webapp.web.security import safe_next

__all__ = ["Via", "begin_session", "complete", "confirm", "finish", "fresh", "half_signed_in"]

HALF_SIGNED_IN: Final = 600
"""Seconds to take the second step in."""
FRESH: Final = 600
"""Seconds after a sign-in in which a person need not show again who they are."""
PROVIDERS_WORD: Final = 12 * 3600
"""Seconds for which another system's word is taken: groups and accounts may have gone there since."""
_HALF: Final = "half"
_AUTHENTICATED_AT: Final = "fs_paa"
"""Flask-Security's own, written by its ``login_user``."""


class SecondStepForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The second step after the password."""

    code = StringField("Code", [InputRequired(), Length(max=64)])


@dataclass(frozen=True, slots=True)
class Half:
    """Who is half signed in, and how."""

    user: User
    via: Via

    @property
    def person(self) -> Person:
        return person_of(self.user)


def finish(user: User, via: Via, *, then: str | None = None, sealed: str = "") -> ResponseReturnValue:
    """Sign this person in, or ask for the second step first; every way in ends here.

    ``then`` is a path of ours to go on to, checked here; ``sealed`` the form that waited for the sign-in
    (``webapp.web.resume``). A passkey is two factors in itself: the device, and what unlocks it. Whoever comes by
    OpenID Connect has been asked by the provider, and again here only if they set up a second step here.
    """
    if via is not Via.PASSKEY and second_factor().standing(user.id).on:
        _begin_half(user, via)
        if not sealed:
            return redirect(url_for("account.second_step", next=safe_next(then)))
        # The form is too large for an address, so that it goes from page to page.
        return second_step_page(person_of(user), SecondStepForm(formdata=None), then=then, sealed=sealed)
    return complete(user, via, then=then, sealed=sealed)


def complete(user: User, via: Via, *, then: str | None = None, sealed: str = "") -> ResponseReturnValue:
    """Sign this person in, who has shown everything that is asked for, and go on."""
    begin_session(user, via)
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


def second_step_page(
    person: Person, form: SecondStepForm, *, sentence: str = "", then: str | None = None, sealed: str = ""
) -> str:
    """The page that asks a half-signed-in person for a code, a passkey or a recovery code."""
    standing = second_factor().standing(person.id)
    in_the_way = obstacle() if standing.passkeys else None
    return render_template(
        "pages/account/second_step.html",
        form=form,
        person=person,
        sentence=sentence,
        standing=standing,
        obstacle=in_the_way,
        origin=relying_party().origin,
        ceremony=use_passkey(person.id) if standing.passkeys and not in_the_way else None,
        kept={"next": safe_next(then) or "", "sealed": sealed},
    )


def use_passkey(person_id: int | None = None) -> Ceremony:
    """Have this browser use a passkey, any or one of this person's."""
    return passkeys().begin_using(relying_party(), ceremony_key(), person_id)


def ceremony_key() -> str:
    """What binds a passkey's answer to this session."""
    generate_csrf()
    return str(session["csrf_token"])


def half_signed_in() -> Half | None:
    """Who has taken the first step in this session, a short while ago."""
    kept: Mapping[str, Any] | None = session.get(_HALF)
    if not kept or time.time() - kept["at"] > HALF_SIGNED_IN:
        return None
    try:
        user = accounts().user(kept["person"])
    except NotFoundError:
        return None
    # A password changed meanwhile, or sessions ended, end this one too.
    return Half(user, Via(kept[VIA])) if user.active and kept["mark"] == _mark(user) else None


def begin_session(user: User, via: Via | None = None) -> None:
    """Start anew: nothing of the session before, such as its form token, lives on.

    Without ``via`` the person goes on: how they came in, and when they last showed who they are, stays as it was.
    """
    before = session.get(VIA, Via.PASSWORD), session.get(_AUTHENTICATED_AT, 0)
    until = session.get(UNTIL) if via is None else None
    _start_over()
    login_user(user)
    session["csrf_token"] = resume.form_secret(user.id)
    session.permanent = True
    if via is None:
        session[VIA], session[_AUTHENTICATED_AT] = before
    else:
        session[VIA] = str(via)
    if via is Via.OPENID:
        until = int(time.time()) + PROVIDERS_WORD
    if until:
        session[UNTIL] = until
    session["sid"] = token_hex(16)
    services().sessions.begin(user.id, session["sid"], request.user_agent.string, request.remote_addr or "")


def fresh() -> bool:
    """Whether the person has shown only just who they are."""
    if request.environ.get("postroom.confirmed"):
        confirm()
    return bool(abs(time.time() - session.get(_AUTHENTICATED_AT, 0)) < FRESH)


def confirm() -> None:
    """Note that the person has shown again who they are."""
    session[_AUTHENTICATED_AT] = time.time()


def _begin_half(user: User, via: Via) -> None:
    _start_over()
    session[_HALF] = {"person": user.id, "at": time.time(), "mark": _mark(user), VIA: str(via)}


def _start_over() -> None:
    last = session.get("tenant")
    session.clear()
    g.pop("csrf_token", None)
    if last:
        session["tenant"] = last


def _mark(user: User) -> str:
    """Changes when the person's sessions are ended."""
    return services().vault.tag("half-signed-in", user.fs_uniquifier)
