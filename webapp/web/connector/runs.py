"""Check and test send over the values on the page: live with scripts, waited for without."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue

from webapp.domain.errors import LimitedError, NotFoundError
from webapp.domain.roles import Permission
from webapp.domain.usage import UsageType
from webapp.services.testing import RunView
from webapp.web.connector.as_json import back, unusable
from webapp.web.connector.blueprint import bp
from webapp.web.connector.editor import Editor
from webapp.web.connector.outcome import run_context, seen
from webapp.web.connector.telling import CONFIG
from webapp.web.context import current_access, request_id, services, waiting_place
from webapp.web.security import tenant_route

ONE_PRESS = 60
"""Seconds in which one drawn button starts one run, however often it is pressed."""


@tenant_route(bp, "/connector/check", methods=["POST"], permission=Permission.TEST)
def check() -> ResponseReturnValue:
    """Connect and log in with the values on the page."""
    editor = _posted()
    return _started(
        editor,
        lambda: services().testing.start_check(
            editor.access, editor.connector, editor.draft.secrets, request_id=request_id()
        ),
    )


@tenant_route(bp, "/connector/test", methods=["POST"], permission=Permission.TEST)
def test_send() -> ResponseReturnValue:
    """Send one real mail with the values on the page."""
    editor = _posted()
    return _started(
        editor,
        lambda: services().testing.start_test_send(
            editor.access,
            editor.remarks.to,
            connector_json=editor.connector,
            draft_secrets=editor.draft.secrets,
            templates=editor.document.get("templates"),
            usage_type=UsageType(editor.remarks.usage_type),
            capture=editor.remarks.capture and not editor.access.tenant.production,
            request_id=request_id(),
        ),
    )


@tenant_route(bp, "/connector/runs/<run_id>", permission=Permission.READ)
def run(run_id: str) -> ResponseReturnValue:
    """Tell how a run stands; nothing where the page has seen all there is."""
    view = services().testing.run(current_access(), run_id)
    if not request.headers.get("HX-Request"):
        return redirect(back(Editor(services(), current_access()), "test"))
    if request.args.get("seen") == seen(view):
        return "", 204
    return _panel(Editor(services(), current_access()), view)


@tenant_route(bp, "/connector/runs/<run_id>/cancel", methods=["POST"], permission=Permission.TEST)
def cancel(run_id: str) -> ResponseReturnValue:
    """Stop a run."""
    view = services().testing.cancel(current_access(), run_id)
    if request.headers.get("HX-Request"):
        return _panel(Editor(services(), current_access()), view)
    return redirect(back(Editor(services(), current_access()), "test"), 303)


@tenant_route(bp, "/connector/runs/<run_id>/fix", methods=["POST"], permission=Permission.EDIT)
def fix(run_id: str) -> ResponseReturnValue:
    """Put the correction of a failure into the form, marked, to be looked at before it is tested or saved."""
    editor = _posted()
    view = services().testing.run(current_access(), run_id)
    if view.problem is None or not view.problem.patch:
        raise NotFoundError
    editor.apply(view.problem.patch)
    editor.keep()
    field, _ = editor.form.at(view.problem.patch[0].path.removeprefix(CONFIG)) if editor.form else (None, "")
    return redirect(back(editor, field.id if field else None), 303)


def _posted() -> Editor:
    editor = Editor(services(), current_access())
    if not editor.connector:
        raise NotFoundError
    editor.read(request.form)
    editor.keep()
    refusal = unusable(editor)
    if refusal:
        raise refusal
    return editor


def _started(editor: Editor, start: Callable[[], RunView]) -> ResponseReturnValue:
    """Begin a run, once for each drawn page however often the button is pressed."""
    live = bool(request.headers.get("HX-Request"))
    press = request.form.get("press", "")
    try:
        if press and not live:
            services().limits.hit("run.press", str(editor.access.actor.id), press, amount=1, seconds=ONE_PRESS)
    except LimitedError:
        return redirect(back(editor, "test"), 303)
    view = start()
    editor.remarks.run = view.id
    editor.keep()
    if live:
        return _panel(editor, view)
    # Without a place to wait the page shows how the run stands; the rest of the threads keep answering.
    with waiting_place() as free:
        if free:
            services().testing.wait(editor.access, view)
    return redirect(back(editor, "test"), 303)


def _panel(editor: Editor, view: RunView) -> ResponseReturnValue:
    return render_template("pages/connector/_run.html", editor=editor, live_run=True, **run_context(editor, view))
