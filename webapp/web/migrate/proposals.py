"""Proposals: what one person planned, looked at and decided by another."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.domain.errors import NotFoundError, PostroomError, SetupChangedMeanwhileError
from webapp.domain.roles import Permission
from webapp.domain.text import T, Text
from webapp.domain.usage import FLOW_TITLES
from webapp.services.setups import Plan
from webapp.services.testing import RunView
from webapp.services.transfer.plans import Proposal
from webapp.services.transfer.trying import trial_of
from webapp.web import errors
from webapp.web.connector.outcome import run_drawn, seen
from webapp.web.context import current_access, current_tenant, request_id, services
from webapp.web.deciders import savers
from webapp.web.folds import part_page, sheet_of
from webapp.web.history import between
from webapp.web.migrate.blueprint import bp
from webapp.web.migrate.secrets import LENT, title_of
from webapp.web.migrate.trying import in_the_way, live, nothing_started, part_of, run_of, started, usage_types
from webapp.web.security import tenant_route

SENTENCE_LIMIT: Final = 1000
SECRETS: Final = {
    "new": T("a new one, given with the proposal"),
    "kept": T("the one that is stored here stays"),
    "lent": LENT,
}


@tenant_route(bp, "/migrate/proposals", permission=Permission.EDIT)
def proposals() -> ResponseReturnValue:
    """List what waits for a second person."""
    proposals, access = services().proposals, current_access()
    return render_template(
        "pages/migrate/proposals.html",
        waiting=[(each, words_of(each)) for each in proposals.waiting(access)],
        declined=[(each, words_of(each)) for each in proposals.declined(access)],
    )


@tenant_route(bp, "/migrate/proposals/<proposal_id>", permission=Permission.EDIT)
def proposal(proposal_id: str) -> ResponseReturnValue:
    """Show one: who wants what, and why."""
    found = services().proposals.find(current_access(), proposal_id)
    return _page(found, services().proposals.look(current_access(), found))


@tenant_route(bp, "/migrate/proposals/<proposal_id>/text", permission=Permission.EDIT)
def proposal_text(proposal_id: str) -> ResponseReturnValue:
    """A part of what it would change: a text, or the mails of a usage type."""
    found = services().proposals.find(current_access(), proposal_id)
    plan = services().proposals.look(current_access(), found)
    back = url_for("migrate.proposal", proposal_id=proposal_id)
    return part_page(plan.changes, partial(_address, proposal_id), back)


@tenant_route(bp, "/migrate/proposals/<proposal_id>/approve", methods=["POST"], permission=Permission.SAVE)
def proposal_approved(proposal_id: str) -> ResponseReturnValue:
    """Make exactly what was proposed live."""
    saved = services().proposals.approve(current_access(), proposal_id, request_id())
    if not saved.created:
        flash(gettext("Nothing had changed, so there is no new revision."))
        return redirect(url_for("migrate.proposals"), 303)
    return redirect(url_for("connector.saved", number=saved.number), 303)


@tenant_route(bp, "/migrate/proposals/<proposal_id>/decline", methods=["POST"], permission=Permission.SAVE)
def proposal_declined(proposal_id: str) -> ResponseReturnValue:
    """Say no, and why."""
    note = request.form.get("note", "").strip()[:SENTENCE_LIMIT]
    services().proposals.decline(current_access(), proposal_id, note or None, request_id())
    flash(gettext("The proposal is declined. Nothing was changed."), "good")
    return redirect(url_for("migrate.proposals"), 303)


@tenant_route(bp, "/migrate/proposals/<proposal_id>/withdraw", methods=["POST"], permission=Permission.EDIT)
def proposal_withdrawn(proposal_id: str) -> ResponseReturnValue:
    """Take one's own back; its plan is there again for a day."""
    services().proposals.withdraw(current_access(), proposal_id, request_id())
    flash(gettext("The proposal is withdrawn. Nothing was changed."), "good")
    return redirect(url_for("migrate.proposals"), 303)


@tenant_route(bp, "/migrate/proposals/<proposal_id>/check", methods=["POST"], permission=Permission.TEST)
def proposal_checked(proposal_id: str) -> ResponseReturnValue:
    """Connect and log in with what was proposed; nothing is sent and nothing goes live."""
    return _tried(proposal_id)


@tenant_route(bp, "/migrate/proposals/<proposal_id>/test", methods=["POST"], permission=Permission.TEST)
def proposal_tested(proposal_id: str) -> ResponseReturnValue:
    """Send a test mail with what was proposed; nothing goes live."""
    return _tried(proposal_id)


@tenant_route(bp, "/migrate/proposals/<proposal_id>/runs/<run_id>", permission=Permission.TEST)
def proposal_run(proposal_id: str, run_id: str) -> ResponseReturnValue:
    """Tell how a run stands; nothing where the page has seen all there is."""
    found = services().proposals.find(current_access(), proposal_id)
    view = services().testing.run(current_access(), run_id)
    if not live():
        return _page(found, services().proposals.look(current_access(), found), run=view)
    return ("", 204) if request.args.get("seen") == seen(view) else part_of(view, _run(found, view))


@tenant_route(bp, "/migrate/proposals/<proposal_id>/runs/<run_id>/cancel", methods=["POST"], permission=Permission.TEST)
def proposal_run_cancelled(proposal_id: str, run_id: str) -> ResponseReturnValue:
    """Stop a run."""
    found = services().proposals.find(current_access(), proposal_id)
    view = services().testing.cancel(current_access(), run_id)
    if live():
        return part_of(view, _run(found, view))
    return redirect(url_for("migrate.proposal_run", proposal_id=proposal_id, run_id=run_id), 303)


def _tried(proposal_id: str) -> ResponseReturnValue:
    access = current_access()
    found = services().proposals.find(access, proposal_id)
    view = started(trial_of(found.kept, services().proposals.look(access, found)))
    if live():
        return part_of(view, _run(found, view))
    # What was accepted is proven from now on.
    return _page(found, services().proposals.look(access, found), run=view)


def _run(found: Proposal, view: RunView | None) -> dict[str, Any]:
    """What the test is drawn from."""
    endpoints = ("migrate.proposal_run", "migrate.proposal_run_cancelled")
    return run_of(found.kept.document, view, endpoints, proposal_id=found.id) if view else run_drawn(None, None)


def proposal_refused(error: PostroomError) -> ResponseReturnValue:
    """Show the proposal again, with what stands in the way; one that does not wait any more leads to those that do."""
    if "access" not in g or request.view_args is None:
        return errors.of_domain(error)
    if live():
        return nothing_started(in_the_way(error)), error.status
    if isinstance(error, NotFoundError):
        flash(str(error.detail), "bad")
        return redirect(url_for("migrate.proposals"), 303)
    found = services().proposals.find(current_access(), request.view_args["proposal_id"])
    if isinstance(error, SetupChangedMeanwhileError):
        return _page(found, None, moved=error), error.status if request.method == "POST" else 200
    return _page(found, services().proposals.outlook(current_access(), found), error=error), error.status


def words_of(proposal: Proposal) -> Text:
    """What it wants, in a few words."""
    came, detail = proposal.kept.transfer or {}, proposal.kept.origin_detail
    if proposal.kept.origin == "promote":
        return T("Promote from %(tenant)s, revision %(revision)s", tenant=detail, revision=came.get("revision"))
    if came.get("file"):
        return T("Import %(file)s", file=came["file"])
    return T("Import a document")


def _page(
    found: Proposal,
    plan: Plan | None,
    *,
    moved: SetupChangedMeanwhileError | None = None,
    error: PostroomError | None = None,
    run: RunView | None = None,
) -> str:
    access, kept = current_access(), found.kept
    may_save = access.may(Permission.SAVE)
    document = plan.document if plan else kept.document
    ways = services().proposals.secrets(found)
    since = between(kept.base, moved.current) if moved else str
    return render_template(
        "pages/migrate/proposal.html",
        found=found,
        words=words_of(found),
        plan=plan,
        sheet=sheet_of(plan.changes, partial(_address, found.id)) if plan else None,
        moved=moved,
        theirs=sheet_of(moved.theirs, since) if moved else None,
        refused=error,
        secrets=[(title_of(document, pointer), SECRETS[way]) for pointer, way in ways.items()],
        breaks=[FLOW_TITLES.get(flow, Text(flow)) for flow in kept.breaks],
        **_run(found, run),
        usage_types=usage_types(),
        to=request.form.get("to") or access.actor.name,
        may_test=bool(plan and plan.document.get("connector") and access.may(Permission.TEST)),
        may_decide=may_save and not found.mine,
        deciders=[person.email for person in savers(current_tenant()) if person.email != found.proposer.name],
    )


def _address(proposal_id: str, pointer: str) -> str:
    return url_for("migrate.proposal_text", proposal_id=proposal_id, pointer=pointer)
