"""A form sent into a session that had ended is not lost: its page keeps it, sealed, and sends it again after sign-in.

What was typed may hold secrets, so that it never stands in the page in clear: the server seals it with its keys, the
page carries the sealed text through the sign-in, and the server opens it again and does the request as it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from flask import current_app, g, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.test import EnvironBuilder

from webapp.db.vault import VaultKeyError
from webapp.domain.errors import NotFoundError
from webapp.domain.text import T
from webapp.web.context import current_person, services
from webapp.web.security import safe_next

SEALED_FOR: Final = 24 * 3600
_PURPOSE: Final = "resume"
_NOT_KEPT: Final = ("csrf_token", "sealed")


@dataclass(frozen=True, slots=True)
class Resumed:
    """A request that waited for its sender to sign in."""

    path: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    """What was typed, secrets too."""


def form_secret(person_id: int) -> str:
    """Make what a session's form tokens are made of; they tell whose page it was when the session is long over."""
    return f"{token_hex(20)}.{person_id}"


def seal_request() -> str:
    """Seal the form of this request, or say nothing where it is not certain that a page of ours sent it.

    Only the person whose page it was can have it sent again.
    """
    if not _sent_by_us() or (request.mimetype != "application/x-www-form-urlencoded" and not request.form):
        return ""
    if "sealed" in request.form:
        return request.form["sealed"]
    owner, person = _whose_page(), current_person()
    if owner is not None and person is not None and owner != person.id:
        return ""
    fields = [[name, value] for name, value in request.form.items(multi=True) if name not in _NOT_KEPT]
    content: dict[str, Any] = {"for": _PURPOSE, "at": int(time.time()), "path": request.full_path.rstrip("?")}
    content |= {"fields": fields, "by": person.id if person else owner}
    return services().vault.seal(content).decode()


def open_sealed(sealed: str) -> Resumed:
    """Open what ``seal_request`` sealed. Raises NotFoundError when it is not ours, too old or somebody else's."""
    try:
        content = services().vault.open(sealed.encode())
    except VaultKeyError as exc:
        raise NotFoundError(T("What was kept of the form cannot be read any more.")) from exc
    fresh = isinstance(content, dict) and content.get("for") == _PURPOSE and time.time() - content["at"] < SEALED_FOR
    if not fresh or not safe_next(content["path"]):
        raise NotFoundError(T("What was kept of the form cannot be read any more."))
    person = current_person()
    if content["by"] is not None and (person is None or content["by"] != person.id):
        raise NotFoundError(T("What was kept of the form was typed by somebody else."))
    return Resumed(content["path"], tuple((name, value) for name, value in content["fields"]))


def send_again(resumed: Resumed, **known: bool) -> ResponseReturnValue:
    """Do the request as the person who is signed in now, with this session's token.

    ``known`` is what the pages on the way have found out; the request finds it in its environment, where no header
    of a browser gets to.
    """
    fields = [*resumed.fields, ("csrf_token", request.form["csrf_token"])]
    builder = EnvironBuilder(
        path=resumed.path.partition("?")[0],
        query_string=resumed.path.partition("?")[2],
        base_url=request.host_url,
        method="POST",
        content_type="application/x-www-form-urlencoded",
        data=urlencode(fields).encode(),
        headers=[
            (name, value) for name, value in request.headers if name in ("Cookie", "Referer", "Origin", "User-Agent")
        ],
        environ_overrides={"REMOTE_ADDR": request.remote_addr}
        | {f"postroom.{name}": value for name, value in known.items()},
    )
    with current_app.request_context(builder.get_environ()):
        answer = current_app.full_dispatch_request()
    # That answer carries the session as it is now; this request's own must not be written over it.
    g.session_is_answered = True
    return answer


def origin_page() -> str | None:
    """The path of the page of ours that this request came from."""
    current = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if current.netloc != request.host:
        return None
    return safe_next(current.path + (f"?{current.query}" if current.query else ""))


def _whose_page() -> int | None:
    """Who was signed in when the page was drawn; nothing for a page that nobody signed in for."""
    given = request.form.get("csrf_token") or request.headers.get("X-CSRFToken", "")
    # As Flask-WTF signs its tokens, of whatever age.
    signer = URLSafeTimedSerializer(str(current_app.secret_key), salt="wtf-csrf-token")
    try:
        content = str(signer.loads(given))
    except BadData:
        return None
    person = content.rpartition(".")[2] if "." in content else ""
    return int(person) if person.isdecimal() else None


def _sent_by_us() -> bool:
    """Whether a page of this site sent the form: another site's must not come to life after a sign-in."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host
