"""The mails that were caught, and requests that would have carried some. Development tenants only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from typing import Any, Final

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.domain.errors import NotFoundError, SetupUnreadableError
from webapp.domain.roles import Permission
from webapp.services.inbox import InboxItem, InboxMail
from webapp.services.sandbox import SandboxState
from webapp.web.context import current_tenant, services
from webapp.web.security import tenant_route

bp = Blueprint("inbox", __name__)

PAGE: Final = 50
SHOWN_LIMIT: Final = 40_000
"""Characters of source and text that a page shows; the rest is one link away."""

COLOURED_LIMIT: Final = 8_000
"""Characters of JSON whose parts are told apart; each part costs a page some markup."""
_JSON: Final = re.compile(
    r'(?P<name>"(?:\\.|[^"\\])*")(?=:)|(?P<text>"(?:\\.|[^"\\])*")|(?P<value>-?\b\d[\d.eE+-]*|\b(?:true|false|null)\b)'
)

_SEALED_OFF: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""A caught mail cannot run scripts, load anything, send forms or leave its frame."""
_HEAD: Final = re.compile(r"<head\b[^>]{0,2000}>|<html\b[^>]{0,2000}>|<!doctype\b[^>]{0,2000}>", re.IGNORECASE)
_LINKS_GO_NOWHERE: Final = '<base target="_blank">'
"""The frame may open no window, so a link that wants one does nothing, instead of filling the frame with an error."""
_ENTICING: Final = re.compile(r"<(?=/?(?:link|iframe|frame|object|embed|portal|fencedframe)\b)", re.IGNORECASE)
"""Browsers connect for <link rel=preconnect> whatever the policy says, and frames may hold one in disguise."""
_REMOTE: Final = re.compile(
    r"""<(?:img|link|video|source)\b[^<>]{0,2000}?(?:src|href)\s{0,9}=\s{0,9}["']?(?:https?:)?//|url\(\s{0,9}["']?https?:""",
    re.IGNORECASE,
)


class View(StrEnum):
    """How a mail is shown."""

    HTML = "html"
    BODY = "body"
    """What a request carries: JSON, as people read it."""
    TEXT = "text"
    SOURCE = "source"
    HEADERS = "headers"


@dataclass(frozen=True, slots=True)
class Reading:
    """One mail in the reading pane."""

    mail: InboxMail
    view: View
    remote: bool
    """Whether the HTML wants something from the web that is not loaded."""

    @property
    def views(self) -> tuple[View, ...]:
        """The ways to look at it: a request has a body where a mail has HTML and text."""
        parts = (View.BODY,) if self.mail.request else (View.HTML, View.TEXT)
        return (*parts, View.SOURCE, View.HEADERS)

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """The body in pieces to be told apart at a glance: (name, text or value; empty for what is neither, words)."""
        request = self.mail.request
        body = request.body[:SHOWN_LIMIT] if request else ""
        if request is None or not request.is_json or len(body) > COLOURED_LIMIT:
            return [("", body)]
        return list(_in_pieces(body))

    @property
    def has_html(self) -> bool:
        return bool(self.mail.html and self.mail.html.strip())


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list."""

    items: list[InboxItem]
    older: str | None
    """The last mail of this page, where there are older ones."""
    state: str
    """A mark that changes whenever the list does."""
    to: str
    before: str | None

    @property
    def live(self) -> bool:
        """Whether new mails appear by themselves; on older pages they would push the list about."""
        return self.before is None


def _development_only(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Production has no inbox: its mail goes out."""

    @wraps(view)
    def guarded(**values: Any) -> ResponseReturnValue:
        if current_tenant().production:
            raise NotFoundError
        return view(**values)

    return guarded


@tenant_route(bp, "/inbox", permission=Permission.READ)
@_development_only
def inbox() -> ResponseReturnValue:
    """The list, and beside it the newest mail, which follows what comes in."""
    listing = _listing()
    newest = listing.items[0].id if listing.items else None
    return _page(listing, _reading(newest) if newest else None, following=True)


@tenant_route(bp, "/inbox/<mail_id>", permission=Permission.READ)
@_development_only
def mail(mail_id: str) -> ResponseReturnValue:
    """One mail beside the list."""
    return _page(_listing(), _reading(mail_id), following=False)


@tenant_route(bp, "/inbox/news", permission=Permission.READ)
@_development_only
def news() -> ResponseReturnValue:
    """The list if it is not as the page knows it, and the newest mail where the page follows it."""
    state = services().inbox.state(current_tenant())
    if request.args.get("state") == state:
        return "", 204
    listing, opened, known = _listing(), request.args.get("mail"), request.args.get("newest")
    newest = listing.items[0] if listing.items else None
    whole = not opened or not known or not newest
    reading = _reading(newest.id) if newest and whole else None
    answer = make_response(
        render_template(
            "pages/inbox/_news.html",
            whole=whole,
            arrived=newest if newest and newest.id != known else None,
            **_context(listing, reading, following=not opened, selected=opened),
        )
    )
    if whole:
        answer.headers["HX-Retarget"] = "#inbox"
    return answer


@tenant_route(bp, "/inbox/<mail_id>/html", permission=Permission.READ)
@_development_only
def html(mail_id: str) -> ResponseReturnValue:
    """The HTML of a mail as a document of its own, for the sealed-off frame."""
    # Renamed, not cut out: what is left around a cut could join to a new one.
    body = _ENTICING.sub("<x-", services().inbox.mail(current_tenant(), mail_id).html or "")
    head = _HEAD.search(body)
    at = head.end() if head else 0
    return _sealed_off(body[:at] + _LINKS_GO_NOWHERE + body[at:], "text/html")


@tenant_route(bp, "/inbox/<mail_id>/source", permission=Permission.READ)
@_development_only
def source(mail_id: str) -> ResponseReturnValue:
    """The whole source of a mail as plain text."""
    return _sealed_off(services().inbox.mail(current_tenant(), mail_id).source, "text/plain")


@tenant_route(bp, "/inbox/clear", permission=Permission.TEST)
@_development_only
def clear() -> ResponseReturnValue:
    """Ask before everything is deleted."""
    return render_template("pages/inbox/clear.html", count=services().inbox.count(current_tenant()))


@tenant_route(bp, "/inbox/clear", methods=("POST",), permission=Permission.TEST)
@_development_only
def cleared() -> ResponseReturnValue:
    """Delete all mails."""
    services().inbox.clear(current_tenant())
    flash(gettext("The inbox is empty now."), "good")
    return redirect(url_for("inbox.inbox"), 303)


def _in_pieces(body: str) -> Iterator[tuple[str, str]]:
    end = 0
    for found in _JSON.finditer(body):
        yield "", body[end : found.start()]
        yield found.lastgroup or "", found[0]
        end = found.end()
    yield "", body[end:]


def _page(listing: Listing, reading: Reading | None, *, following: bool) -> str:
    context = _context(listing, reading, following=following)
    return render_template(
        "pages/inbox/inbox.html", sandbox=_sandbox_trouble(), sandbox_port=services().sandbox.port, **context
    )


def _context(
    listing: Listing, reading: Reading | None, *, following: bool, selected: str | None = None
) -> dict[str, Any]:
    return {
        "listing": listing,
        "reading": reading,
        "selected": reading.mail.id if reading else selected,
        "following": following,
        "through_sandbox": _through_sandbox(),
        "shown_limit": SHOWN_LIMIT,
    }


def _listing() -> Listing:
    tenant, inbox = current_tenant(), services().inbox
    to, before = request.args.get("to", "").strip()[:320], request.args.get("before")
    # The mark first: a mail that comes between the two is then news, and not missed.
    state = inbox.state(tenant)
    found = inbox.mails(tenant, limit=PAGE + 1, before=before, to=to or None)
    return Listing(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None, state, to, before)


def _reading(mail_id: str) -> Reading:
    found = services().inbox.mail(current_tenant(), mail_id)
    wanted = request.args.get("view", "")
    usual = View.BODY if found.request else View.HTML if found.html else View.TEXT
    reading = Reading(found, usual, bool(found.html and _REMOTE.search(found.html)))
    return replace(reading, view=View(wanted)) if wanted in reading.views else reading


def _sandbox_trouble() -> SandboxState | None:
    """Why no mail can come in now, if so."""
    state = services().sandbox.state()
    return None if state is SandboxState.LISTENING else state


def _through_sandbox() -> bool:
    """Whether the live connector hands its mail to our own server."""
    peer = services().sandbox.peer
    try:
        connector = services().setups.active(current_tenant()).setup.connector
    except SetupUnreadableError:
        return False
    return bool(
        connector
        and peer
        and str(connector.config.get("host")) in (peer.address, "localhost")
        and str(connector.config.get("port")) == str(peer.port)
    )


def _sealed_off(body: str, mimetype: str) -> Response:
    response = make_response(body)
    response.content_type = f"{mimetype}; charset=utf-8"
    response.headers["Content-Security-Policy"] = _SEALED_OFF
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["X-DNS-Prefetch-Control"] = "off"
    return response
