"""Signing in by passkey, and the second step after the password: a code, a passkey, or a recovery code."""

from __future__ import annotations

from typing import Final

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.accounts import PasskeyError, Person
from webapp.domain.errors import LimitedError
from webapp.web.account.blueprint import bp
from webapp.web.account.sign_in import SIGN_IN_WINDOW, TRIES_FROM_HERE, TRIES_PER_ADDRESS_HERE, sign_in_page
from webapp.web.context import current_person, passkeys, request_id, second_factor, services
from webapp.web.frame import translated
from webapp.web.relying_party import relying_party
from webapp.web.security import public_route, safe_next
from webapp.web.signing_in import (
    Half,
    SecondStepForm,
    Via,
    ceremony_key,
    complete,
    half_signed_in,
    second_step_page,
)

TRIES_PER_PERSON: Final = 30
"""From everywhere in an hour: so few codes hit one of a million that is right for a minute and a half hardly ever."""
APP_DIGITS: Final = 6
_HOUR: Final = 3600


@public_route(bp, "/sign-in/second-step")
def second_step() -> ResponseReturnValue:
    """Ask a half-signed-in person for the second step."""
    half = half_signed_in()
    then = request.args.get("next")
    if half is None:
        return redirect(safe_next(then) or url_for("frame.home"))
    return second_step_page(half.person, SecondStepForm(formdata=None), then=then)


@public_route(bp, "/sign-in/second-step", methods=("POST",))
def second_step_check() -> ResponseReturnValue:
    """Let in whoever has the second factor too."""
    half = half_signed_in()
    if half is None:
        if current_person():
            return redirect(safe_next(request.form.get("next")) or url_for("frame.home"))
        late = _("The second step took too long, or your sessions were ended meanwhile. Sign in again.")
        return sign_in_page(sentence=late), 422
    form = SecondStepForm()
    if "passkey" not in request.form and not form.validate():
        return _again(half, form), 422
    try:
        count_second_step(half.person)
    except LimitedError as error:
        return _again(half, form, too_many(error)), 429, {"Retry-After": str(error.retry_after)}
    try:
        wrong = _wrong(half, (form.code.data or "").strip())
    except PasskeyError as error:
        wrong = translated(error.detail)
    if wrong:
        # A code that was right a moment ago never is again; a recovery code may only have been mistyped.
        kept = form if _recovery(form.code.data or "") else SecondStepForm(formdata=None)
        return _again(half, kept, wrong), 422
    services().limits.clear("second_step", str(half.user.id), request.remote_addr or "")
    answer = complete(half.user, half.via, then=request.form.get("next"), sealed=request.form.get("sealed", ""))
    if "passkey" not in request.form and _recovery(form.code.data):
        left = second_factor().standing(half.user.id).codes_left
        flash(ngettext("You have %(num)s recovery code left.", "You have %(num)s recovery codes left.", left), "good")
    return answer


@public_route(bp, "/sign-in/passkey", methods=("POST",))
def sign_in_passkey() -> ResponseReturnValue:
    """Let in whoever holds a passkey of an account, without a password."""
    if services().settings.oidc_only:
        return sign_in_page(_("Signing in with a passkey is off here.")), 403
    try:
        services().limits.hit("sign_in_from", request.remote_addr or "", amount=TRIES_FROM_HERE, seconds=SIGN_IN_WINDOW)
        user = passkeys().use(
            relying_party(), ceremony_key(), request.form.get("state", ""), request.form.get("passkey", "")
        )
    except LimitedError as error:
        return sign_in_page(sentence=too_many(error)), 429, {"Retry-After": str(error.retry_after)}
    except PasskeyError as error:
        return sign_in_page(sentence=translated(error.detail)), 422
    return complete(user, Via.PASSKEY, then=request.form.get("next"), sealed=request.form.get("sealed", ""))


def count_second_step(person: Person) -> None:
    """Count before the code is looked at, so that many tries at once are all counted. Raises LimitedError."""
    who, limits = str(person.id), services().limits
    limits.hit("second_step", who, request.remote_addr or "", amount=TRIES_PER_ADDRESS_HERE, seconds=SIGN_IN_WINDOW)
    limits.hit("second_step_of", who, amount=TRIES_PER_PERSON, seconds=_HOUR)


def too_many(error: LimitedError) -> str:
    """Say how long to wait."""
    return str(_("Too many tries. Wait %(minutes)s min, then try again.", minutes=-(-error.retry_after // 60)))


def _wrong(half: Half, code: str) -> str:
    """What is wrong with the second step; nothing if it is right. Raises PasskeyError."""
    if "passkey" in request.form:
        answer, state = request.form["passkey"], request.form.get("state", "")
        passkeys().use(relying_party(), ceremony_key(), state, answer, half.user.id)
        return ""
    # One field serves both: an app's code is six digits, a recovery code is longer.
    if not _recovery(code):
        right = second_factor().check_app(half.user.id, code)
        return "" if right else _("This code is not right, or was used before. Type the one that the app shows next.")
    if second_factor().use_recovery_code(half.user.id, code, request_id()):
        return ""
    return str(_("This is not one of your recovery codes, or it was used before."))


def _recovery(code: str) -> bool:
    return len(code.replace(" ", "")) > APP_DIGITS


def _again(half: Half, form: SecondStepForm, sentence: str = "") -> str:
    return second_step_page(
        half.person, form, sentence=sentence, then=request.form.get("next"), sealed=request.form.get("sealed", "")
    )
