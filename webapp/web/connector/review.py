"""Review and save: what changes, in words; then one transaction, or what stands in its way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.connectors.base import Preset
from webapp.connectors.config import secrets_of
from webapp.domain.diff import SECRET, Change
from webapp.domain.errors import ClosedToChangesError, NotFoundError, SetupChangedMeanwhileError, SetupUnprovenError
from webapp.domain.roles import Permission
from webapp.domain.text import T, Text
from webapp.services.setups import Plan
from webapp.services.switching import Switch
from webapp.web.comparisons import onward_of
from webapp.web.connector.blueprint import bp
from webapp.web.connector.delete import delete_page
from webapp.web.connector.documents import value_at
from webapp.web.connector.editor import Editor
from webapp.web.connector.telling import CONFIG
from webapp.web.context import current_access, current_tenant, request_id, services
from webapp.web.folds import part_page, sheet_of
from webapp.web.history import between
from webapp.web.security import tenant_route

SENTENCE_LIMIT = 1000


@tenant_route(bp, "/connector/review", permission=Permission.EDIT)
def review() -> ResponseReturnValue:
    """Show what would change."""
    editor = Editor(services(), current_access())
    return _page(editor, _plan(editor))


@tenant_route(bp, "/connector/review/text", permission=Permission.EDIT)
def review_text() -> ResponseReturnValue:
    """A part of what would change: a text, or the mails of a usage type."""
    editor = Editor(services(), current_access())
    return _part(editor, _plan(editor).changes)


@tenant_route(bp, "/connector/review", methods=["POST"], permission=Permission.SAVE)
def save() -> ResponseReturnValue:
    """Make it live, if it is what was reviewed."""
    editor = Editor(services(), current_access())
    editor.remarks.note = request.form.get("note", "").strip()[:SENTENCE_LIMIT]
    editor.remarks.reason = request.form.get("reason", "").strip()[:SENTENCE_LIMIT]
    if editor.begun:
        editor.keep()
    plan = _plan(editor)
    if not plan.changes:
        editor.discard()
        flash(gettext("Nothing had changed, so there is no new revision."))
        return redirect(url_for("overview.overview"), 303)
    if request.form.get("reviewed") != _mark(plan):
        return _page(editor, plan, moved=True), 409
    if plan.needs_reason and not editor.remarks.reason:
        return _page(editor, plan, needs_reason=True), 422
    saved = services().setups.save(
        editor.access,
        editor.document,
        base=editor.draft.base_revision,
        note=editor.remarks.note or None,
        reason=editor.remarks.reason or None,
        draft_secrets=editor.draft.secrets,
        request_id=request_id(),
    )
    editor.discard()
    return redirect(url_for("connector.saved", number=saved.number), 303)


@tenant_route(bp, "/connector/saved/<int:number>", permission=Permission.READ)
def saved(number: int) -> ResponseReturnValue:
    """Say that it is live, and offer the way back and the next steps."""
    tenant, setups = current_tenant(), services().setups
    info = next(iter(setups.history(tenant, before=number + 1, limit=1)), None)
    if info is None or info.number != number:
        raise NotFoundError
    stored = setups.revision(tenant, number)
    proven = bool(stored.values_tag and setups.proven(tenant, stored.values_tag))
    undo = number > 1 and info.active and current_access().may(Permission.RESTORE)
    return render_template(
        "pages/connector/saved.html",
        info=info,
        proven=proven,
        undo=undo,
        connector=stored.setup.connector,
        onward=onward_of(tenant) if proven and info.active else None,
    )


@tenant_route(bp, "/connector/rebase", methods=["POST"], permission=Permission.EDIT)
def rebase() -> ResponseReturnValue:
    """Take what somebody else saved as the new base and keep one's own values on top."""
    editor = Editor(services(), current_access())
    editor.rebase()
    editor.keep()
    return redirect(url_for("connector.review"), 303)


@tenant_route(bp, "/connector/discard", methods=["POST"], permission=Permission.EDIT)
def discard() -> ResponseReturnValue:
    """Throw the draft away: the form shows what is live again."""
    Editor(services(), current_access()).discard()
    flash(gettext("The draft is thrown away. This is what is live."))
    return redirect(url_for("connector.form"), 303)


@bp.errorhandler(SetupChangedMeanwhileError)
def changed_meanwhile(error: SetupChangedMeanwhileError) -> ResponseReturnValue:
    """Show what the other person changed beside one's own changes; nothing typed is lost."""
    editor = Editor(services(), current_access())
    if request.endpoint == "connector.review_text":
        return _part(editor, error.yours)
    theirs = between(editor.draft.base_revision, error.current)
    page = render_template(
        "pages/connector/conflict.html",
        error=error,
        theirs=sheet_of(error.theirs, theirs, sheets=2),
        yours=sheet_of(error.yours, _address, sheets=2),
        both=sorted({each.pointer for each in error.theirs} & {each.pointer for each in error.yours}),
    )
    return page, error.status


@bp.errorhandler(ClosedToChangesError)
def closed(error: ClosedToChangesError) -> ResponseReturnValue:
    """Show the page again, which says how this tenant changes; what was typed stays in the draft."""
    if request.endpoint == "connector.deleted":
        return delete_page(request.form.get("name", "").strip()), error.status
    editor = Editor(services(), current_access())
    return _page(editor, _plan(editor)), error.status


@bp.errorhandler(SetupUnprovenError)
def unproven(_error: SetupUnprovenError) -> ResponseReturnValue:
    """Ask for the reason; here only where a proof went away between review and save."""
    editor = Editor(services(), current_access())
    return _page(editor, _plan(editor), needs_reason=True), 422


def _plan(editor: Editor) -> Plan:
    return services().setups.plan(
        editor.access, editor.document, base=editor.draft.base_revision, draft_secrets=editor.draft.secrets
    )


def _page(editor: Editor, plan: Plan, *, moved: bool = False, needs_reason: bool = False) -> str:
    return render_template(
        "pages/connector/review.html",
        editor=editor,
        plan=plan,
        sheet=sheet_of(plan.changes, _address, editor.draft.provider, _preset(editor)),
        kept=_kept(editor, plan),
        effects=_effects(plan, editor.switch),
        reviewed=_mark(plan),
        may_save=editor.access.may(Permission.SAVE),
        moved=moved,
        needs_reason=needs_reason,
    )


def _part(editor: Editor, found: Sequence[Change]) -> ResponseReturnValue:
    return part_page(found, _address, url_for("connector.review"), editor.draft.provider, _preset(editor))


def _address(pointer: str) -> str:
    return url_for("connector.review_text", pointer=pointer)


def _preset(editor: Editor) -> Preset | None:
    return editor.preset if editor.connector else None


def _kept(editor: Editor, plan: Plan) -> list[Text]:
    """The secrets that stay as they are."""
    if not editor.connector or not editor.active.setup.connector:
        return []
    changed = {change.pointer for change in plan.changes}
    labels = editor.preset.labels if editor.preset else {}
    return [
        labels.get(setting.name, setting.about.title)
        for setting in secrets_of(editor.kind.config_model)
        if f"{CONFIG}{setting.pointer}" not in changed
        and (value_at(editor.document, f"{CONFIG}{setting.pointer}") or {}).get(SECRET, {}).get("set")
    ]


def _effects(plan: Plan, switch: Switch | None) -> list[Text]:
    """What takes effect the moment it is saved."""
    areas = {change.pointer.split("/")[1] for change in plan.changes}
    effects = []
    if "connector" in areas:
        new = T("The next mail goes out through %(provider)s.", provider=switch.new.title) if switch else None
        effects.append(new or T("The next mail goes out through the new connector values."))
    if "templates" in areas:
        effects.append(T("The next mail of these types carries the new text."))
    if areas - {"connector", "templates"}:
        effects.append(T("The other settings hold for the next request."))
    return effects


def _mark(plan: Plan) -> str:
    """Stands for exactly what was shown, secrets by their keyed hash, so that nothing else is saved."""
    shown = json.dumps([[change.to_json() for change in plan.changes], plan.values_tag, plan.base], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:32]
