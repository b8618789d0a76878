"""Auto-detect: from the address that mail is sent from to a form that is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.connectors.base import Connector
from webapp.connectors.config import Setting, settings_of
from webapp.domain.address import AddressError, parse_mailbox
from webapp.domain.errors import InputError, LimitedError, NotFoundError, PostroomError
from webapp.domain.roles import Permission
from webapp.domain.text import T, Text
from webapp.services.detection import Candidate, Detection, DetectionView
from webapp.web.connector.blueprint import bp
from webapp.web.connector.cards import PLAIN, Card, start
from webapp.web.connector.editor import Editor
from webapp.web.context import current_access, current_tenant, request_id, services, waiting_place
from webapp.web.frame import translated
from webapp.web.security import tenant_route

SHOWN: Final = 8
"""Candidates that a page shows; behind so many nobody looks for a better one."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A candidate as the page shows it."""

    number: int
    candidate: Candidate
    card: Card
    filled: tuple[tuple[Text, str], ...]
    """What is filled in: the setting's title and its value."""


@tenant_route(bp, "/connector/detect", methods=["POST"], permission=Permission.TEST)
def detect() -> ResponseReturnValue:
    """Begin to look for whoever carries the mail of what was typed."""
    typed = request.form.get("address", "")
    try:
        view = services().detection.start(current_access(), typed, request_id=request_id())
    except (InputError, LimitedError) as refusal:
        return _refused(typed, refusal)
    if _live():
        response = make_response(_drawn(view))
        # Whoever loads the page again finds what was found.
        response.headers["HX-Replace-Url"] = url_for("connector.detection", detection_id=view.id)
        return response
    # Without a place to wait the page shows how far it is; the rest of the threads keep answering.
    with waiting_place() as free:
        if free:
            services().detection.wait(current_access(), view)
    return redirect(url_for("connector.detection", detection_id=view.id, _anchor="detect"), 303)


@tenant_route(bp, "/connector/detect/<detection_id>", permission=Permission.EDIT)
def detection(detection_id: str) -> ResponseReturnValue:
    """Tell how far it is; nothing where the page has seen all there is."""
    view = services().detection.view(current_tenant(), detection_id)
    if not _live():
        return _page(view)
    if request.args.get("seen") == _seen(view):
        return "", 204
    return _drawn(view)


@tenant_route(bp, "/connector/detect/<detection_id>/cancel", methods=["POST"], permission=Permission.TEST)
def cancel_detection(detection_id: str) -> ResponseReturnValue:
    """Stop looking."""
    view = services().detection.cancel(current_access(), detection_id)
    if _live():
        return _drawn(view)
    return redirect(url_for("connector.detection", detection_id=view.id, _anchor="detect"), 303)


@tenant_route(bp, "/connector/detect/<detection_id>/use", methods=["POST"], permission=Permission.EDIT)
def use_candidate(detection_id: str) -> ResponseReturnValue:
    """Begin with what was found: the form, filled in, and nothing saved."""
    found = services().detection.view(current_tenant(), detection_id).result.candidates
    number = request.form.get("candidate", "")
    candidate = found[int(number)] if number.isdecimal() and len(number) < 3 and int(number) < len(found) else None
    card = _card(candidate) if candidate and candidate.usable else None
    if candidate is None or card is None:
        raise NotFoundError
    editor = Editor(services(), current_access())
    connector, secrets, aside = start(services(), current_tenant(), card, editor.connector, editor.earlier)
    config = {**connector["config"], **candidate.config}
    config["fromEmail"] = _sender(connector["config"].get("fromEmail"), candidate.config.get("fromEmail"))
    connector["config"] = {key: value for key, value in config.items() if value is not None}
    editor.begin(connector, secrets, card.preset.id if card.preset else PLAIN, aside)
    return redirect(url_for("connector.form"), 303)


def _refused(typed: str, refusal: PostroomError) -> ResponseReturnValue:
    words = [error.message for error in refusal.errors] or [refusal.detail]
    if _live():
        return render_template(
            "pages/connector/_detection.html", errors=words, aloud=translated(words[0])
        ), refusal.status
    return render_template("pages/connector/detect.html", typed=typed[:320], errors=words), refusal.status


def _page(view: DetectionView) -> str:
    return render_template("pages/connector/detect.html", typed=_typed(view.result), **_context(view))


def _drawn(view: DetectionView) -> str:
    return render_template("pages/connector/_detection.html", aloud=_aloud(view), **_context(view))


def _context(view: DetectionView) -> dict[str, Any]:
    return {"detection": view, "seen": _seen(view), "title": _title(view), "offers": _offers(view.result)}


def _typed(result: Detection) -> str:
    return result.address or result.asked


def _title(view: DetectionView) -> str:
    asked = view.result.asked
    if view.running:
        return translated(T("Looking around for %(asked)s", asked=asked))
    if view.state == "cancelled":
        return translated(T("Stopped looking for %(asked)s", asked=asked))
    if view.result.found:
        return translated(T("Found for %(asked)s", asked=asked))
    return translated(T("Nothing to fill in for %(asked)s", asked=asked))


def _aloud(view: DetectionView) -> str:
    """What a screen reader is told when it changes."""
    title = _title(view)
    if view.running:
        return translated(T("%(title)s. At most %(seconds)s seconds.", title=title, seconds=f"{view.result.seconds:g}"))
    best = next((each for each in view.result.candidates if each.usable), None)
    return translated(T("%(title)s: %(best)s", title=title, best=best.title)) if best else title


def _seen(view: DetectionView) -> str:
    """A mark of what a page has been shown, so that nothing is drawn again until there is news."""
    steps = view.result.steps
    return f"{view.state}-{len(steps)}-{sum(step.state != 'running' for step in steps)}"


def _offers(result: Detection) -> list[Offer]:
    offers = []
    for number, candidate in enumerate(result.candidates[:SHOWN]):
        card = _card(candidate)
        if card:
            offers.append(Offer(number, candidate, card, _filled(card.connector, candidate.config)))
    return offers


def _card(candidate: Candidate) -> Card | None:
    """The card that a candidate belongs to; None where its connector is not installed any more."""
    kind = services().connectors.get(candidate.provider)
    preset = next((each for each in kind.presets() if each.id == candidate.preset), None) if kind else None
    return Card(kind, preset) if kind else None


def _filled(kind: type[Connector[Any]], config: Mapping[str, Any]) -> tuple[tuple[Text, str], ...]:
    """The settings that are filled in, in the order of the form."""
    rows = []
    for setting in settings_of(kind.config_model):
        value = _value(config, setting.path)
        # A password is what everybody expects; another login is worth a word.
        if value is not None and (setting.path, value) != (("auth", "type"), "login"):
            rows.append((setting.about.title, _words(setting, value)))
    return tuple(rows)


def _value(config: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = config
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _words(setting: Setting, value: Any) -> str:
    label = dict(setting.about.choices).get(str(value))
    return translated(label).partition(":")[0] if label else str(value)


def _sender(old: Any, typed: Any) -> Any:
    """The address that was typed, with the name that it had before."""
    if not typed or not isinstance(old, str):
        return typed or old
    try:
        return old if parse_mailbox(old).address.lower() == str(typed).lower() else typed
    except AddressError:
        return typed


def _live() -> bool:
    return "HX-Request" in request.headers
