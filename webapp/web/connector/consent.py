"""Sign in with Google or Microsoft: the way there with what is on the form, and the way back into the draft."""

from __future__ import annotations

import hmac
from typing import Any, Final

from flask import flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.granting import REFRESH
from webapp.connectors.smtp.oauth import OAuth2Auth
from webapp.domain.errors import FieldError, InputError, LimitedError, NotFoundError, PreconditionError
from webapp.domain.roles import Access, Permission
from webapp.domain.text import T
from webapp.services.consents import Consent, ConsentError, Granted, refused_there
from webapp.services.drafts import DRAFT
from webapp.web.connector.blueprint import bp
from webapp.web.connector.editor import Editor
from webapp.web.connector.form import consent_uri, page
from webapp.web.connector.telling import CONFIG
from webapp.web.context import current_access, current_actor, request_id, services, waiting_place
from webapp.web.frame import translated
from webapp.web.security import person_route, tenant_route

BEGUN: Final = "consent"
"""Where the session keeps what was begun, sealed."""
_PURPOSE: Final = "consent"
_AUTH: Final = f"{CONFIG}/auth"
_PLACE: Final = "consent"
_CHANGED: Final = T("The settings changed while you were signing in, so nothing was taken over. Begin again.")
_LOST: Final = T(
    "This consent was not begun in this session, was used already, or took longer than ten minutes. "
    "Nothing was changed; begin again from the form."
)


@tenant_route(bp, "/connector/consent", methods=["POST"], permission=Permission.EDIT)
def consent() -> ResponseReturnValue:
    """Keep what is typed, and show the way to the provider. A link leads there: no form may leave this site."""
    editor = Editor(services(), current_access())
    if not editor.connector:
        raise NotFoundError
    editor.read(request.form)
    editor.remarks.consent = {}
    editor.keep()
    errors = _lacking(editor)
    if errors:
        return page(editor, errors, 422, refusal=T("Before you can sign in there, some settings are needed."))
    try:
        auth, _ = _login(editor)
        begun = Consent.begin(auth, editor.access.tenant.id, editor.access.tenant.slug, current_actor().id or 0)
    except ConsentError as error:
        return page(editor, [FieldError(f"{_AUTH}/authorizeUrl", "value.missing", error.text)], 422)
    except (InputError, PreconditionError) as refusal:
        return page(editor, refusal.errors, 422)
    session[BEGUN] = services().vault.seal({"for": _PURPOSE, "sid": session.get("sid"), **begun.to_json()}).decode()
    return render_template(
        "pages/connector/consent.html",
        begun=begun,
        address=begun.address(consent_uri()),
        redirect_uri=consent_uri(),
        editor=editor,
    )


@person_route(bp, "/oauth/callback")
def consented() -> ResponseReturnValue:
    """Take the code that the provider sent back, and put the refresh token into the draft. Good once."""
    slug, _, _ = request.args.get("state", "").partition(".")
    try:
        g.access = services().tenants.access(current_actor(), slug)
    except NotFoundError:
        flash(gettext("Nothing here waits for this consent. Begin it from the form of the connector."), "bad")
        return redirect(url_for("frame.home"))
    editor = Editor(services(), current_access())
    if not editor.access.may(Permission.EDIT) or not editor.connector:
        flash(gettext("Nothing here waits for this consent. Begin it from the form of the connector."), "bad")
        return redirect(url_for("overview.overview"))
    begun = _begun(editor.access)
    if begun is None:
        # Whoever leads somebody here with a made-up address changes nothing.
        flash(translated(_LOST), "bad")
        return redirect(url_for("connector.form"))
    failed, granted = "", None
    try:
        granted = _granted(editor, begun)
    except ConsentError as error:
        failed = translated(error.text)
    # It took its time, and the form may have been typed into meanwhile: what came goes into the draft as it is now.
    editor = Editor(services(), current_access())
    if granted and not _may_take(editor, begun):
        failed, granted = translated(_CHANGED), None
    if granted:
        _take(editor, begun, granted)
    else:
        editor.remarks.consent = {"failed": failed}
        editor.keep()
    return redirect(url_for("connector.form", _anchor=_PLACE))


def _begun(access: Access) -> Consent | None:
    """What this session began and this answer belongs to; None for one that is foreign, used or too old."""
    content = services().vault.open(session[BEGUN].encode()) if BEGUN in session else None
    if not isinstance(content, dict) or content.pop("for", None) != _PURPOSE:
        return None
    same_session = content.pop("sid", None) == session.get("sid")
    begun = Consent.kept(content)
    if begun is None or not same_session:
        return None
    if not hmac.compare_digest(begun.state.encode(), request.args.get("state", "").encode()):
        return None
    if (begun.tenant, begun.person) != (access.tenant.id, access.actor.id):
        return None
    session.pop(BEGUN)
    try:
        # A cookie can be put back to what it was; a consent is good once all the same.
        services().limits.hit("consent.used", begun.state, amount=1, seconds=1200)
    except LimitedError:
        return None
    return begun


def _granted(editor: Editor, begun: Consent) -> Granted:
    error, code = request.args.get("error"), request.args.get("code", "")
    if error or not code:
        raise ConsentError(refused_there(error or "?", begun))
    try:
        auth, config = _login(editor)
    except (InputError, PreconditionError):
        raise ConsentError(_CHANGED) from None
    if not begun.still_asked(auth):
        raise ConsentError(_CHANGED)
    network = services().delivery.network(editor.access.tenant)
    with waiting_place() as free:
        if not free:
            raise ConsentError(T("The console is busy just now, so the code was not used. Begin again."))
        return services().consents.exchange(begun, config, code, consent_uri(), network)


def _may_take(editor: Editor, begun: Consent) -> bool:
    """Whether the draft still holds the login that somebody consented for."""
    if not editor.connector or editor.connector["config"].get("auth", {}).get("type") != "oauth2":
        return False
    try:
        return begun.still_asked(_login(editor)[0])
    except (InputError, PreconditionError):
        return False


def _take(editor: Editor, begun: Consent, granted: Granted) -> None:
    connector = editor.document["connector"]
    auth = {**connector["config"]["auth"], "refreshToken": dict(DRAFT)}
    document = {**editor.document, "connector": {**connector, "config": {**connector["config"], "auth": auth}}}
    pointer = f"{_AUTH}/refreshToken"
    # Typed just now, for the places that the form names.
    editor.put(document, {**editor.draft.secrets, pointer: granted.refresh_token.get_secret_value()})
    editor.remarks.turn += 1
    editor.remarks.consent = {"account": granted.account, "scope": granted.scope, "another": granted.another}
    editor.keep()
    services().consents.record(begun, granted, editor.access, request_id())


def _login(editor: Editor) -> tuple[OAuth2Auth, SmtpConfig]:
    """The login on the form with its client secret, by the rules of saving; what the consent brings is stood in for."""
    connector: dict[str, Any] = editor.document["connector"]
    config = {"fromEmail": "consent@example.com", **connector["config"]}
    config["auth"] = {**(config.get("auth") or {}), "refreshToken": "stand-in"}
    resolved = services().setups.resolve(
        editor.access.tenant, {**connector, "config": config}, draft_secrets=editor.draft.secrets
    )
    found = resolved.config
    if not isinstance(found, SmtpConfig) or not isinstance(found.auth, OAuth2Auth):
        raise InputError
    return found.auth, found


def _lacking(editor: Editor) -> list[FieldError]:
    """What has to be typed first."""
    auth = editor.document["connector"]["config"].get("auth") or {}
    if auth.get("type") != "oauth2" or auth.get("grant", REFRESH) != REFRESH:
        return [FieldError(f"{_AUTH}/type", "value.invalid", T("Only a refresh token comes from a consent."))]
    needed = {
        "user": T("Type the mailbox first: it is who has to sign in and consent."),
        "clientId": T("Type the client ID first: the provider has to know which application asks."),
    }
    if auth.get("provider", "google") != "other":
        needed["clientSecret"] = T("Type the client secret first: without it the provider gives no token.")
    return [
        FieldError(f"{_AUTH}/{name}", "value.missing", words) for name, words in needed.items() if not auth.get(name)
    ]
