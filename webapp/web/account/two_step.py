"""Two-step verification on one's own account: the authenticator app and the recovery codes."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from webapp.accounts import AccountError
from webapp.domain.errors import LimitedError, NotFoundError
from webapp.web.account.blueprint import bp, refuse, somebody
from webapp.web.account.confirm import only_fresh
from webapp.web.account.second_step import count_second_step, too_many
from webapp.web.context import accounts, request_id, second_factor
from webapp.web.demanded import owes_second_factor
from webapp.web.relying_party import obstacle
from webapp.web.security import person_route, safe_next
from webapp.web.signing_in import begin_session, confirm

_THEN = "then"
"""Where the session keeps what somebody was about to see when a second factor was demanded."""


class CodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Proof that the app has the secret."""

    code = StringField("Code", [InputRequired(), Length(max=16)])


@person_route(bp, "/account/secure", pays_debt=True)
def secure() -> ResponseReturnValue:
    """Lead somebody of whom a second factor is demanded to set one up."""
    then = safe_next(request.args.get("next"))
    if not owes_second_factor():
        return redirect(then or url_for("account.account"))
    if then:
        session[_THEN] = then
    return render_template("pages/account/secure.html", person=somebody(), obstacle=obstacle())


@person_route(bp, "/account/two-step", pays_debt=True)
@only_fresh
def two_step() -> ResponseReturnValue:
    """Show a new secret for an app."""
    if second_factor().standing(somebody().id).app_since:
        return redirect(url_for("account.account", _anchor="two-step"))
    return _app_page(CodeForm(formdata=None))


@person_route(bp, "/account/two-step", methods=("POST",), pays_debt=True)
@only_fresh
def two_step_enable() -> ResponseReturnValue:
    """Ask for the app's codes from now on, once it has shown one."""
    form, person, state = CodeForm(), somebody(), request.form.get("state", "")
    if not form.validate():
        return _app_page(form, state=state), 422
    try:
        count_second_step(person)
        codes = second_factor().enable_app(person, state, form.code.data, request_id())
    except LimitedError as error:
        return _app_page(form, too_many(error), state), 429, {"Retry-After": str(error.retry_after)}
    except AccountError as error:
        refuse(form, error)
        return _app_page(form, state=state), 422
    except NotFoundError:
        late = _("This page has waited too long. Scan the new code: delete the earlier entry from the app.")
        return _app_page(CodeForm(formdata=None), late), 422
    return factor_added(codes, _("Two-step verification is on. Everywhere else you are signed out."))


@person_route(bp, "/account/two-step/off")
@only_fresh
def two_step_off() -> ResponseReturnValue:
    """Ask whether the app is to be forgotten."""
    standing = second_factor().standing(somebody().id)
    if not standing.app_since:
        return redirect(url_for("account.account", _anchor="two-step"))
    return render_template("pages/account/two_step_off.html", standing=standing)


@person_route(bp, "/account/two-step/off", methods=("POST",))
@only_fresh
def two_step_disable() -> ResponseReturnValue:
    """Forget the app."""
    second_factor().disable_app(somebody(), request_id())
    go_on_in_new_session()
    flash(_("The authenticator app is removed. Everywhere else you are signed out."), "good")
    return redirect(url_for("account.account", _anchor="two-step"))


@person_route(bp, "/account/recovery-codes")
@only_fresh
def recovery_codes() -> ResponseReturnValue:
    """Ask whether to replace the recovery codes."""
    standing = second_factor().standing(somebody().id)
    if not standing.on:
        return redirect(url_for("account.account", _anchor="two-step"))
    return render_template("pages/account/recovery_codes_new.html", standing=standing)


@person_route(bp, "/account/recovery-codes", methods=("POST",))
@only_fresh
def recovery_codes_make() -> ResponseReturnValue:
    """Make new recovery codes and show them, this once."""
    person = somebody()
    if not second_factor().standing(person.id).on:
        raise NotFoundError
    return _codes_page(second_factor().new_recovery_codes(person, request_id()))


@person_route(bp, "/account/recovery-codes/file", methods=("POST",))
def recovery_codes_file() -> ResponseReturnValue:
    """Give the codes of the page back as a file. Only codes that are the person's own: nobody's text is echoed."""
    codes = request.form.get("codes", "").split()
    if not second_factor().are_recovery_codes(somebody().id, codes):
        raise NotFoundError
    host = request.host
    lines = [_("Recovery codes for Postroom at %(host)s", host=host), somebody().email, "", *codes, ""]
    lines.append(_("Each lets you in once, in place of your authenticator app or passkey."))
    file = Response("\r\n".join([*lines, ""]), mimetype="text/plain")
    file.headers["Content-Disposition"] = 'attachment; filename="postroom-recovery-codes.txt"'
    return file


def factor_added(codes: list[str], sentence: str) -> ResponseReturnValue:
    """Go on after a factor was added, in a session begun with it; show new recovery codes where there are any."""
    then = session.get(_THEN)
    go_on_in_new_session()
    if then:
        session[_THEN] = then
    if codes:
        return _codes_page(codes, sentence)
    flash(sentence, "good")
    return redirect(url_for("account.account", _anchor="two-step"))


def go_on_in_new_session() -> None:
    """Stay signed in where every session of the person has just ended."""
    begin_session(accounts().user(somebody().id))
    confirm()


def _codes_page(codes: list[str], sentence: str = "") -> str:
    return render_template(
        "pages/account/recovery_codes.html",
        codes=codes,
        sentence=sentence,
        then=session.pop(_THEN, None) or url_for("account.account", _anchor="two-step"),
    )


def _app_page(form: CodeForm, sentence: str = "", state: str = "") -> str:
    person = somebody()
    try:
        offer = second_factor().offer(person, state)
    except NotFoundError:
        offer = second_factor().offer(person)
    return render_template("pages/account/two_step.html", form=form, offer=offer, person=person, sentence=sentence)
