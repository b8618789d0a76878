"""Signing in by the operator's OpenID Connect provider: the way there, the way back, and what can go wrong between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from webapp.accounts import User, Visitor
from webapp.connectors.openid import OpenIDError, OpenIDProvider, Request
from webapp.connectors.openid_problems import not_begun_here
from webapp.domain.errors import NotFoundError, PayloadTooLargeError
from webapp.domain.problem import Problem
from webapp.domain.text import T
from webapp.services.keeping import LARGEST
from webapp.services.mapping import groups_of, standing_of
from webapp.web import signing_in
from webapp.web.context import (
    accounts,
    current_person,
    federation,
    openid_provider,
    request_id,
    services,
    waiting_place,
)
from webapp.web.security import public_route, safe_next

bp = Blueprint("openid", __name__)

BEGUN: Final = "openid"
"""Where the session keeps what was begun, sealed."""
PATIENCE: Final = 900
"""Seconds that somebody may take at the provider."""
TRIES: Final = 60
"""From one address, in ten minutes."""
_INVITATION: Final = "/invitation/"
_STATUS: Final = {
    "openid.unreachable": 503,
    "openid.not_understood": 502,
    "openid.other_issuer": 502,
    "openid.not_begun_here": 400,
    "openid.busy": 503,
}


@public_route(bp, "/sign-in/openid")
def begin() -> ResponseReturnValue:
    """Lead to the provider. A link, not a form: the content policy lets no form leave this site."""
    target = safe_next(request.args.get("next"))
    again = "again" in request.args
    if current_person() and not again:
        return redirect(target or url_for("frame.home"))
    return _led(target, again=again)


@public_route(bp, "/sign-in/openid", methods=("POST",))
def begin_keeping() -> ResponseReturnValue:
    """Lead to the provider, and keep what was typed into a session that was over."""
    sealed = request.form.get("sealed", "")
    if len(sealed) > LARGEST:
        raise PayloadTooLargeError
    return _led(safe_next(request.form.get("next")), sealed=sealed)


@public_route(bp, "/sign-in/openid/done")
def done() -> ResponseReturnValue:
    """Take whom the provider sends back, if it proves who they are."""
    provider = _provider()
    _count()
    target = None
    try:
        begun = _begun()
        target = safe_next(begun["next"])
        asked = Request(begun["state"], begun["nonce"], begun["verifier"])
        with _place():
            user = _known(provider, asked, target)
    except OpenIDError as error:
        return _failed(error.problem, target)
    sealed = services().keeping.take(begun["kept"]) if begun["kept"] else ""
    return signing_in.finish(user, signing_in.Via.OPENID, then=target, sealed=sealed)


def _led(target: str | None, *, sealed: str = "", again: bool = False) -> ResponseReturnValue:
    provider = _provider()
    _count()
    asked = Request.new()
    try:
        with _place():
            address = provider.begin(asked, again=again)
    except OpenIDError as error:
        return _failed(error.problem, target)
    kept = services().keeping.put(sealed) if sealed else ""
    begun = {**asdict(asked), "next": target or "", "at": int(time.time()), "kept": kept}
    session[BEGUN] = services().vault.seal(begun).decode()
    if sealed:
        # A form may not lead to another site, not even by a redirect; a page may.
        return render_template("pages/account/openid_go.html", address=address, name=services().settings.oidc_name)
    return redirect(address)


def on_offer() -> dict[str, Any]:
    """What pages say of the provider: its name, nothing where there is none, and whether it is the only way in."""
    settings = services().settings
    return {"name": settings.oidc_name if settings.oidc_issuer else "", "only": settings.oidc_only}


def signed_out_there() -> str | None:
    """Where the provider offers to sign out too."""
    provider = openid_provider()
    return provider.way_out(services().settings.base_url + url_for("account.sign_in")) if provider else None


def _begun() -> dict[str, Any]:
    """What this browser began, and where it wanted to go. Used up at once: a second time it was not begun."""
    begun: dict[str, Any] | None = services().vault.open(session.pop(BEGUN).encode()) if BEGUN in session else None
    if not begun or begun["at"] < time.time() - PATIENCE:
        raise OpenIDError(not_begun_here())
    return begun


@contextmanager
def _place() -> Iterator[None]:
    with waiting_place() as free:
        if not free:
            raise OpenIDError(_busy())
        yield


def _known(provider: OpenIDProvider, asked: Request, target: str | None) -> User:
    settings = services().settings
    claims = provider.finish(asked, request.args.to_dict())
    groups = groups_of(claims, settings.oidc_groups_claim)
    if groups is None:
        raise OpenIDError(_too_many_groups(settings.oidc_groups_claim))
    standing = standing_of(groups, settings.oidc_roles)
    visitor = Visitor.of(provider.issuer, claims, standing, trusted=settings.oidc_trust_emails)
    invited = _invited(target) if visitor.verified else None
    person = federation().welcome(visitor, invited=invited, request_id=request_id())
    return accounts().user(person.id)


def _invited(target: str | None) -> str | None:
    """For whom the invitation is that somebody comes to accept."""
    if not target or not target.startswith(_INVITATION):
        return None
    try:
        return services().invitations.open(target.removeprefix(_INVITATION)).email
    except NotFoundError:
        return None


def _provider() -> OpenIDProvider:
    provider = openid_provider()
    if provider is None:
        raise NotFoundError
    return provider


def _count() -> None:
    services().limits.hit("openid_from", request.remote_addr or "", amount=TRIES, seconds=600)


def _failed(problem: Problem, target: str | None) -> ResponseReturnValue:
    settings = services().settings
    page = render_template(
        "pages/account/openid_failed.html",
        problem=problem,
        next=target,
        name=settings.oidc_name,
        passwords=not settings.oidc_only,
    )
    return page, _STATUS.get(problem.code, 403)


def _busy() -> Problem:
    return Problem(
        "openid.busy",
        T("Many sign in just now"),
        T("Too many requests wait for another system. Nobody was signed in."),
        (T("Try again in a moment."),),
        temporary=True,
    )


def _too_many_groups(claim: str) -> Problem:
    return Problem(
        "openid.too_many_groups",
        T("You belong to too many groups"),
        T(
            "The sign-in provider left the list “%(claim)s” out because it is long, so your roles are unknown.",
            claim=claim,
        ),
        (T("Operator: let the provider list only the groups that are assigned to this application."),),
    )
