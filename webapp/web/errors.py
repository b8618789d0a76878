"""Everything that can go wrong, on a page: the same frame, one sentence, one way on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask import Response, g, make_response, render_template, request, url_for
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from webapp.domain.errors import (
    ConflictError,
    LimitedError,
    PostroomError,
    ProviderNotInstalledError,
    SetupUnreadableError,
)
from webapp.domain.roles import Access, Permission
from webapp.domain.text import T, Text
from webapp.web import resume
from webapp.web.account.sign_in import SignInForm
from webapp.web.context import current_person, passkeys
from webapp.web.openid import on_offer
from webapp.web.security import safe_next


@dataclass(frozen=True, slots=True)
class Sorry:
    """What an error page says."""

    title: Text
    sentence: Text
    icon: str


@dataclass(frozen=True, slots=True)
class WayOn:
    """The page that helps after this error."""

    label: Text
    url: str


_SORRY: Final[dict[int, Sorry]] = {
    400: Sorry(T("This request cannot be read"), T("Something in the address or the form is broken."), "alert-circle"),
    403: Sorry(T("Your role does not allow this"), T("Ask an owner of the tenant to do it, or for the role."), "lock"),
    404: Sorry(T("There is nothing here"), T("It was moved or deleted, or it is not yours to see."), "search"),
    405: Sorry(
        T("This page does not do that"), T("The address is right, but not for this kind of request."), "alert-circle"
    ),
    413: Sorry(T("That is too large"), T("At most 5 MB can be sent at once. Nothing was saved."), "alert-circle"),
    419: Sorry(
        T("Your session is over"), T("Nothing was changed. Sign in, and you come back to what you typed."), "clock"
    ),
    429: Sorry(T("Too many, too fast"), T("Wait a moment, then try again."), "clock"),
    500: Sorry(
        T("Something broke on our side"), T("Nothing was half saved. The log has more under this id."), "alert-triangle"
    ),
}


def of_domain(error: PostroomError) -> ResponseReturnValue:
    """Answer a refusal of the services that no page has turned into words beside a field."""
    if request_ctx.url_adapter is None:
        # The host that was asked for is no name at all, so that no page of ours has an address.
        return Response(f"{error.title}\n", error.status, mimetype="text/plain")
    unexplained = error.status == 404 or error.code == PostroomError.code
    title = error.title if isinstance(error, ConflictError | SetupUnreadableError) else None
    drawn = page(error.status, None if unexplained else error.detail, title=title, way_on=_way_on(error))
    response = make_response(drawn, error.status)
    if isinstance(error, LimitedError):
        response.headers["Retry-After"] = str(error.retry_after)
    return _for_htmx(response, error.status)


def of_http(error: HTTPException) -> ResponseReturnValue:
    """Answer what Flask refused. A missing or foreign form token means that the session is another one now."""
    if error.response is not None:
        return error.response
    status = 419 if isinstance(error, CSRFError) else error.code or 500
    response = make_response(page(status), status)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return _for_htmx(response, status)


def page(status: int, detail: Text | None = None, *, title: Text | None = None, way_on: WayOn | None = None) -> str:
    """Draw the page of a status; on 419 it holds what was typed, sealed."""
    sorry = _SORRY.get(status, _SORRY[500] if status >= 500 else _SORRY[400])
    if status == 419:
        return _session_over(sorry)
    template = "pages/errors/fragment.html" if request.headers.get("HX-Request") else "pages/errors/error.html"
    return render_template(
        template,
        sorry=sorry,
        title=title or sorry.title,
        sentence=detail or sorry.sentence,
        status=status,
        request_id=g.get("request_id", "") if status >= 500 else "",
        way_on=way_on,
        back=_back(),
    )


def _session_over(sorry: Sorry) -> str:
    if request.headers.get("HX-Request") and request.method == "GET":
        # A part of a page that keeps itself up to date: the page around it, and what is typed there, stays.
        return render_template("pages/errors/session_over_fragment.html", sorry=sorry, target=resume.origin_page())
    posted = request.method == "POST"
    return render_template(
        "pages/errors/session_over.html",
        sorry=sorry,
        sealed=resume.seal_request() if posted else "",
        target=resume.origin_page() or url_for("frame.home"),
        signed_in=current_person() is not None,
        form=SignInForm(formdata=None),
        passkeys=passkeys().any(),
        openid=on_offer(),
    )


def _for_htmx(response: Response, status: int) -> Response:
    if status == 419 and request.headers.get("HX-Request") and request.method != "GET":
        # What was typed is in the answer now; it takes the place of the page rather than of a part of it.
        response.headers["HX-Retarget"] = "body"
        response.headers["HX-Reswap"] = "innerHTML show:top"
    return response


def _way_on(error: PostroomError) -> WayOn | None:
    access: Access | None = g.get("access")
    if access and isinstance(error, SetupUnreadableError):
        return WayOn(T("Open History"), url_for("history.history"))
    if access and access.may(Permission.EDIT) and isinstance(error, ProviderNotInstalledError):
        return WayOn(T("Choose a provider"), url_for("connector.choose"))
    return None


def _back() -> str | None:
    """The page of this site that one came from, when it is another one."""
    here = urlsplit(request.referrer or "")
    same_site = here.netloc == request.host and here.path != request.path
    return safe_next(here.path) if same_site and request.method == "GET" else None
