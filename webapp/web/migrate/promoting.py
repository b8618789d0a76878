"""Promote: two tenants side by side, each difference with a tick, each secret with its way; then live, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.domain.errors import PostroomError, SetupChangedMeanwhileError
from webapp.domain.roles import Access, Permission
from webapp.domain.text import T, Text
from webapp.services.transfer.merging import OVERWRITES
from webapp.services.transfer.planning import TransferPlan
from webapp.services.transfer.promoting import Comparison, Place, Promotion
from webapp.web.context import current_access, current_actor, current_tenant, services
from webapp.web.folds import sheet_of
from webapp.web.migrate.blueprint import bp
from webapp.web.migrate.confirming import Confirming, made_live, proposed
from webapp.web.migrate.pairs import pairable, source_of
from webapp.web.migrate.parts import addresses_of
from webapp.web.migrate.secrets import (
    ENV,
    MISSING,
    Chosen,
    Row,
    has_lines,
    lacking,
    lent_in,
    stays_behind,
    title_of,
    ways_of_lent,
)
from webapp.web.migrate.standing import areas_of, labels_of, nothing_new, ticked, undecided, usual_ticks
from webapp.web.migrate.telling import drawn, later
from webapp.web.migrate.trying import CHANGED, in_the_way, live, nothing_started, run_part, tried
from webapp.web.migrate.typed import kept_id, remembered, seen_revisions, typed_before
from webapp.web.security import tenant_route


@tenant_route(bp, "/migrate/pair", permission=Permission.READ)
def pair() -> ResponseReturnValue:
    """Go to the page of two chosen tenants, which is the target's."""
    source, target = request.args.get("from", ""), request.args.get("to", "")
    if not target or source == target:
        flash(gettext("Choose two tenants: one to promote from, and another one to promote to."), "bad")
        return redirect(url_for("migrate.migrate"))
    query = {"tenant": target, "from": source}
    return redirect(url_for("migrate.promote", **query))  # type: ignore[arg-type]  # they are all part of the address


@tenant_route(bp, "/migrate/promote", permission=Permission.EDIT)
def promote() -> ResponseReturnValue:
    """Compare another tenant with this one."""
    source = source_of(request.args.get("from"))
    if source is None:
        return render_template("pages/migrate/alone.html")
    compared = services().promoting.compared(source, current_access())
    ticks = usual_ticks(compared.drift)
    made = services().promoting.look(source, current_access(), Promotion(ticks)) if ticks else None
    return _page(source, compared, ticks, made)


@tenant_route(bp, "/migrate/promote", methods=["POST"], permission=Permission.SAVE)
def promoted() -> ResponseReturnValue:
    """Promote what is ticked, with the secrets as they were chosen."""
    return _planned(_applied)


@tenant_route(bp, "/migrate/promote/check", methods=["POST"], permission=Permission.TEST)
def promotion_checked() -> ResponseReturnValue:
    """Connect and log in from the target with what is ticked; nothing is sent and nothing goes live."""
    return _planned(_tried)


@tenant_route(bp, "/migrate/promote/propose", methods=["POST"], permission=Permission.EDIT)
def promotion_proposed() -> ResponseReturnValue:
    """Put what is ticked before a second person."""
    return _planned(_proposed)


@tenant_route(bp, "/migrate/promote/test", methods=["POST"], permission=Permission.TEST)
def promotion_tested() -> ResponseReturnValue:
    """Send a test mail in the target with what is ticked; nothing goes live."""
    return _planned(_tried)


@tenant_route(bp, "/migrate/promote/open", methods=["POST"], permission=Permission.EDIT)
def promotion_opened() -> ResponseReturnValue:
    """Draw the page again with a fold of mails opened, for browsers without scripts; nothing else changes."""
    source = _posted_source()
    compared = services().promoting.compared(source, current_access())
    ticks = ticked(compared.drift)
    g.kept = remembered(source, compared, ticks)
    moved = seen_revisions() != (str(compared.source_revision), str(compared.target_revision))
    return _page(source, compared, ticks, _looked(source, ticks), moved=moved)


def _planned(then: Callable[[Access, Comparison, Promotion, TransferPlan], ResponseReturnValue]) -> ResponseReturnValue:
    """Plan what the form says and go on with that, where nothing stands in the way."""
    source, target = _posted_source(), current_access()
    compared = services().promoting.compared(source, target)
    ticks = ticked(compared.drift)
    if seen_revisions() != (str(compared.source_revision), str(compared.target_revision)):
        g.kept = remembered(source, compared, ticks)
        return _page(source, compared, ticks, _looked(source, ticks), moved=True), 412
    open_conflicts = undecided(compared.drift)
    if open_conflicts:
        g.kept = remembered(source, compared, ticks)
        return _page(source, compared, ticks, _looked(source, ticks), asked=open_conflicts), 422
    if not ticks and not any(part.asked for part in compared.drift.parts):
        g.kept = remembered(source, compared, ticks)
        return _page(source, compared, ticks, None, untick=True), 422
    choices, blank = _choices(services().promoting.places(source, target, Promotion(ticks, whole=True)))
    wanted = Promotion(ticks, secrets=choices, whole=True, seen=compared.source_revision)
    made = services().promoting.plan(source, target, wanted, base=compared.target_revision)
    g.made = made
    if blank:
        return _page(source, compared, ticks, made, blank=blank), 422
    return then(source, compared, wanted, made)


def _tried(source: Access, compared: Comparison, wanted: Promotion, made: TransferPlan) -> ResponseReturnValue:
    if made.missing:
        return _page(source, compared, wanted.only, made), 422
    g.run = tried(made)
    if live():
        return run_part(made.id, g.run)
    # What was accepted is proven from now on.
    seen = services().promoting.look(source, current_access(), wanted)
    return _page(source, compared, wanted.only, replace(seen, id=made.id))


def _applied(_source: Access, _compared: Comparison, _wanted: Promotion, made: TransferPlan) -> ResponseReturnValue:
    return made_live(made)


def _proposed(_source: Access, _compared: Comparison, _wanted: Promotion, made: TransferPlan) -> ResponseReturnValue:
    return proposed(made)


def promotion_refused(error: PostroomError) -> ResponseReturnValue:
    """Show both sides again, with what stands in the way and everything that was chosen."""
    posted = request.method == "POST"
    source = _posted_source() if posted else source_of(request.args.get("from"))
    if source is None or source.tenant.id == current_tenant().id:
        flash(gettext("Choose two tenants: one to promote from, and another one to promote to."), "bad")
        return redirect(url_for("migrate.migrate"), 303)
    compared = services().promoting.compared(source, current_access())
    ticks = ticked(compared.drift) if posted else usual_ticks(compared.drift)
    moved = isinstance(error, SetupChangedMeanwhileError)
    made = _looked(source, ticks) if moved else g.get("made")
    if posted and (made is None or moved):
        g.kept = remembered(source, compared, ticks, {each.pointer for each in error.errors})
    page = _page(source, compared, ticks, made, error=None if moved else error, moved=moved)
    return page, error.status if posted else 200, later(error)


def _page(
    source: Access,
    compared: Comparison,
    ticks: Sequence[str],
    made: TransferPlan | None,
    *,
    error: PostroomError | None = None,
    moved: bool = False,
    untick: bool = False,
    blank: Sequence[str] = (),
    asked: Sequence[str] = (),
) -> str:
    target = current_access()
    places = services().promoting.places(source, target, Promotion(ticks)) if ticks else ()
    document = services().setups.active(source.tenant).document
    if live():
        needed = [each.pointer for each in places if each.slot in (*blank, *(made.missing if made else ()))]
        return nothing_started(_in_the_way(error, moved, untick, asked) or lacking(document, needed))
    provider = (document.get("connector") or {}).get("provider")
    areas = areas_of(compared.drift, ticks, provider, source.tenant, asked)
    typed = typed_before(made, places)
    address = addresses_of("migrate.promotion_text", "pointer", source, compared)
    return render_template(
        "pages/migrate/promote.html",
        source=source.tenant,
        tenants=pairable(),
        compared=compared,
        areas=areas,
        mails_address=addresses_of("migrate.promotion_mails", "group", source, compared),
        sheet=sheet_of([change for each in compared.differences for change in each.changes], address),
        rows=[_row(place, source, document, error, typed, blank, made) for place in places],
        fixed=lent_in(document, [place.pointer for place in places]),
        kept=kept_id(made),
        nothing_new=nothing_new(compared.drift),
        changed_secrets=labels_of(compared.drift.secrets),
        # What a tick would overwrite is said beside it.
        warnings=[each for each in made.plan.warnings if each.code != OVERWRITES] if made else [],
        moved=moved,
        untick=untick,
        **drawn(made, error, Confirming.of(request.form)),
    )


def _in_the_way(error: PostroomError | None, moved: bool, untick: bool, asked: Sequence[str]) -> list[Text]:
    """Why nothing can be tried, for the place of the run."""
    if error:
        return in_the_way(error)
    ways = (
        (moved, T("One of the two tenants was changed meanwhile.")),
        (moved, CHANGED),
        (untick, T("Nothing is ticked.")),
        (bool(asked), T("Both tenants changed the same. Choose one of the two first.")),
    )
    return [words for stands, words in ways if stands]


def _row(
    place: Place,
    source: Access,
    document: Mapping[str, Any],
    error: PostroomError | None,
    typed: Mapping[str, str],
    blank: Sequence[str],
    made: TransferPlan | None,
) -> Row:
    chosen = Chosen.of(request.form)
    lent = ways_of_lent(place.lendable)
    found = [("keep", place.keepable), *lent, ("type", True), ("copy", place.copyable)]
    ways = tuple(way for way, there in found if there)
    unasked = place.keepable and place.slot not in chosen.could_keep
    way = "keep" if unasked else chosen.way(place.slot, ways, "type")
    at = (place.pointer, f"/secrets/{place.slot}")
    errors = [each.message for each in error.errors if each.pointer in at] if error else []
    missing = request.method == "POST" and made is not None and place.slot in made.missing
    if not errors and (place.slot in blank or missing):
        errors = [MISSING]
    known = way == "type" and place.slot in typed and not errors
    title, lines = title_of(document, place.pointer), has_lines(document, place.pointer)
    behind = stays_behind(place.pointer, place.keepable)
    return Row(place.slot, title, ways, way, known, errors, lines, behind, source.tenant.name)


def _choices(places: Sequence[Place]) -> tuple[dict[str, Any], list[str]]:
    """What to do with each secret, as the service takes it; and those where typing was chosen and nothing typed."""
    chosen, before = Chosen.of(request.form), typed_before(None, places)
    choices: dict[str, Any] = {}
    blank = []
    for place in places:
        way = chosen.ways.get(place.slot)
        value = chosen.typed.get(place.slot) or (before.get(place.slot) if way == "type" else None)
        if place.keepable and place.slot not in chosen.could_keep:
            # What was chosen was chosen for another destination, before the ticks were changed.
            choices[place.slot] = "keep"
        elif way == "copy" and not chosen.typed.get(place.slot):
            choices[place.slot] = "copy"
        elif way == "keep":
            choices[place.slot] = "keep"
        elif way in {f"{ENV}{name}" for name in place.lendable}:
            choices[place.slot] = {"env": chosen.lent[place.slot]}
        elif value:
            choices[place.slot] = {"value": value}
        elif way == "type":
            blank.append(place.slot)
    return choices, blank


def _looked(source: Access, ticks: Sequence[str]) -> TransferPlan | None:
    return services().promoting.look(source, current_access(), Promotion(ticks)) if ticks else None


def _posted_source() -> Access:
    return services().tenants.access(current_actor(), request.form.get("from", ""))
