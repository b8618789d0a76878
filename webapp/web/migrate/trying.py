"""Trying a plan in its target before any of it is live: phase by phase with scripts, waited for without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.errors import PostroomError, SetupChangedMeanwhileError
from webapp.domain.roles import Permission
from webapp.domain.text import T, Text
from webapp.domain.usage import UsageType
from webapp.services.testing import RunView
from webapp.services.transfer.planning import TransferPlan
from webapp.services.transfer.trying import Trial
from webapp.web.connector.outcome import Subject, run_drawn, seen
from webapp.web.context import current_access, current_tenant, request_id, services, waiting_place
from webapp.web.migrate.blueprint import bp
from webapp.web.security import tenant_route

SENDING: Final = ("migrate.plan_tested", "migrate.promotion_tested", "migrate.proposal_tested")
"""What sends a mail; the rest only looks whether that could be done."""
CHANGED: Final = T("Nothing was tried. Load the page again to see what is there now.")


@tenant_route(bp, "/migrate/plans/<plan_id>/runs/<run_id>", permission=Permission.TEST)
def plan_run(plan_id: str, run_id: str) -> ResponseReturnValue:
    """Tell how a run stands; nothing where the page has seen all there is."""
    view = services().testing.run(current_access(), run_id)
    if not live():
        return redirect(_page_of(plan_id, run_id))
    if request.args.get("seen") == seen(view):
        return "", 204
    return run_part(plan_id, view)


@tenant_route(bp, "/migrate/plans/<plan_id>/runs/<run_id>/cancel", methods=["POST"], permission=Permission.TEST)
def plan_run_cancelled(plan_id: str, run_id: str) -> ResponseReturnValue:
    """Stop a run."""
    view = services().testing.cancel(current_access(), run_id)
    return run_part(plan_id, view) if live() else redirect(_page_of(plan_id, run_id), 303)


def live() -> bool:
    """Whether a page with scripts asks for a part of itself."""
    return "HX-Request" in request.headers


def tried(plan: TransferPlan) -> RunView:
    """Check or send with the values of a kept plan, as the pressed button says; without scripts wait for the end.

    Raises what naming the plan's values raises, InputError where the address is none, and LimitedError.
    """
    return started(services().trials.of(current_access(), plan.id))


def started(trial: Trial) -> RunView:
    """The same with values that are at hand. Raises InputError, LimitedError."""
    access, testing = current_access(), services().testing
    once = _once(str(trial.plan.values_tag))
    if request.endpoint in SENDING:
        view = testing.start_test_send(
            access,
            request.form.get("to", ""),
            connector_json=trial.connector,
            templates=trial.templates,
            default_language=trial.default_language,
            usage_type=_usage_type(),
            request_id=request_id(),
            once=once,
        )
    else:
        view = testing.start_check(access, trial.connector, request_id=request_id(), once=once)
    if live():
        return view
    # Without a place to wait the page shows how the run stands; the rest of the threads keep answering.
    with waiting_place() as free:
        return testing.wait(access, view) if free else view


def run_part(plan_id: str, view: RunView) -> str:
    """A run for its place on the page, and with it what it changed of the rest."""
    return part_of(view, run_context(plan_id, view), plan_id)


def part_of(view: RunView, drawn: Mapping[str, Any], plan_id: str = "") -> str:
    """The same as it was drawn; ``plan_id`` where the page keeps which of its plans was the last."""
    proven = view.ok and services().setups.proven(current_tenant(), view.values_tag)
    return render_template("pages/migrate/_run.html", plan_id=plan_id, live_run=True, proven=proven, **drawn)


def nothing_started(words: Sequence[Text]) -> str:
    """Say in the place of the run what has to be different first."""
    return render_template("pages/connector/_refused.html", words=words)


def in_the_way(error: PostroomError) -> list[Text]:
    """What was refused, for the place of the run."""
    if isinstance(error, SetupChangedMeanwhileError):
        return [error.detail, CHANGED]
    return [each.message for each in error.errors] or [error.detail]


def run_context(plan_id: str, run: RunView | None) -> dict[str, Any]:
    """What the test of a plan is drawn from."""
    if run is None:
        return run_drawn(None, None)
    document = services().planning.kept(current_access(), plan_id).document
    return run_of(document, run, ("migrate.plan_run", "migrate.plan_run_cancelled"), plan_id=plan_id)


def run_of(document: Mapping[str, Any], run: RunView, endpoints: tuple[str, str], **at: Any) -> dict[str, Any]:
    """What a run with the values of a document is drawn from; ``endpoints`` are asked how it stands, and cancel it."""
    asked, cancelled = endpoints
    return run_drawn(run, _subject(document, run)) | {
        # What mends a plan is another document, or a change at its source.
        "fix_url": "",
        "poll_url": url_for(asked, run_id=run.id, seen=seen(run), **at),
        "run_url": url_for(asked, run_id=run.id, **at),
        "cancel_url": url_for(cancelled, run_id=run.id, **at),
    }


def usage_types() -> list[tuple[UsageType, bool]]:
    """The mails that a test can be of, and which one is chosen."""
    return [(each, each is _usage_type()) for each in UsageType]


def _usage_type() -> UsageType:
    given = request.form.get("usageType", "")
    return UsageType(given) if given in list(UsageType) else UsageType.GENERIC


def _once(values_tag: str) -> str | None:
    """What was asked for: a drawn button that is pressed twice starts one run. Scripts see to that themselves."""
    press = request.form.get("press", "")
    asked = (request.endpoint, press, request.form.get("to", ""), _usage_type(), values_tag)
    return " ".join(map(str, asked)) if press and not live() else None


def _subject(document: Mapping[str, Any], run: RunView) -> Subject:
    connector = document.get("connector") or {"config": {}}
    kind = services().connectors.get(run.provider)
    title = kind.title if kind else run.provider
    return Subject(current_tenant(), title, connector["config"], kind, request.form.get("to", "").strip())


def _page_of(plan_id: str, run_id: str) -> str:
    """The page that a plan stands on."""
    kept = services().planning.kept(current_access(), plan_id)
    if kept.origin == "import":
        return url_for("migrate.plan", plan_id=plan_id, run=run_id)
    query = {"from": kept.origin_detail}
    return url_for("migrate.promote", **query)  # type: ignore[arg-type]  # it is all part of the address
