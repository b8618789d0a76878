"""Import: a document that was dropped, chosen or pasted; then its plan; then exactly that, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.errors import (
    DocumentInvalidError,
    FieldError,
    LimitedError,
    PostroomError,
    SetupChangedMeanwhileError,
)
from webapp.domain.roles import Permission
from webapp.domain.tenant_document import slots
from webapp.domain.text import T, Text
from webapp.services.transfer.importing import GivenDocument, ImportPlan
from webapp.services.transfer.planning import TransferPlan
from webapp.services.transfer.reading import parsed
from webapp.services.transfer.slots import Choice, Slot, read_choices
from webapp.web import errors
from webapp.web.context import current_access, services
from webapp.web.folds import part_page, sheet_of
from webapp.web.migrate.blueprint import bp
from webapp.web.migrate.confirming import Confirming, made_live, proposed
from webapp.web.migrate.given import file_name, given_document, kept_document
from webapp.web.migrate.secrets import (
    ENV,
    MISSING,
    WITH_DOCUMENT,
    Chosen,
    Row,
    Way,
    has_lines,
    lacking,
    lent_in,
    stays_behind,
    title_of,
    ways_of_lent,
)
from webapp.web.migrate.telling import drawn, in_words, later
from webapp.web.migrate.trying import in_the_way, live, nothing_started, run_part, tried
from webapp.web.security import tenant_route


@tenant_route(bp, "/migrate/import", permission=Permission.EDIT)
def import_document() -> ResponseReturnValue:
    """Ask for the document."""
    return render_template("pages/migrate/import.html", errors=[], title=None, kept="")


@tenant_route(bp, "/migrate/import", methods=["POST"], permission=Permission.EDIT)
def import_planned() -> ResponseReturnValue:
    """Make the plan of a document, and go to it."""
    document = given_document()
    phrase = request.form.get("passphrase") or None
    given = GivenDocument(document, phrase=phrase, file=file_name())
    made = services().importing.plan(current_access(), given)
    return _to(url_for("migrate.plan", plan_id=made.transfer.id))


@tenant_route(bp, "/migrate/plans/<plan_id>", permission=Permission.EDIT)
def plan(plan_id: str) -> ResponseReturnValue:
    """Show what importing would do."""
    if "run" in request.args:
        g.run = services().testing.run(current_access(), request.args["run"])
    return plan_page(services().importing.look(current_access(), plan_id))


@tenant_route(bp, "/migrate/plans/<plan_id>/again", methods=["POST"], permission=Permission.EDIT)
def plan_again(plan_id: str) -> ResponseReturnValue:
    """Plan the same document against what is live now, with the secrets as they were chosen."""
    g.plan_id = plan_id
    made = _made_again(plan_id, anew=True)
    return redirect(url_for("migrate.plan", plan_id=made.transfer.id), 303)


@tenant_route(bp, "/migrate/plans/<plan_id>", methods=["POST"], permission=Permission.SAVE)
def import_applied(plan_id: str) -> ResponseReturnValue:
    """Make live what the plan showed, with the secrets that were chosen on its page."""
    return _confirmed(plan_id, made_live)


@tenant_route(bp, "/migrate/plans/<plan_id>/propose", methods=["POST"], permission=Permission.EDIT)
def import_proposed(plan_id: str) -> ResponseReturnValue:
    """Put the same before a second person."""
    return _confirmed(plan_id, proposed)


def _confirmed(plan_id: str, then: Callable[[TransferPlan], ResponseReturnValue]) -> ResponseReturnValue:
    g.plan_id = plan_id
    made = _made_again(plan_id)
    g.plan_id = made.transfer.id
    if blank := _blank(made.transfer.slots):
        return plan_page(made, blank=blank), 422
    return then(made.transfer)


@tenant_route(bp, "/migrate/plans/<plan_id>/secrets", methods=["POST"], permission=Permission.EDIT)
def plan_secrets(plan_id: str) -> ResponseReturnValue:
    """Take secrets from a file for what it names; the rest stays as it was chosen."""
    g.plan_id = plan_id
    return plan_page(_made_again(plan_id, given=_secrets_file()))


@tenant_route(bp, "/migrate/plans/<plan_id>/check", methods=["POST"], permission=Permission.TEST)
def plan_checked(plan_id: str) -> ResponseReturnValue:
    """Connect and log in with the values of the plan; nothing is sent and nothing goes live."""
    return _tried(plan_id)


@tenant_route(bp, "/migrate/plans/<plan_id>/test", methods=["POST"], permission=Permission.TEST)
def plan_tested(plan_id: str) -> ResponseReturnValue:
    """Send a test mail in this tenant with the values of the plan; nothing goes live."""
    return _tried(plan_id)


def _tried(plan_id: str) -> ResponseReturnValue:
    g.plan_id = plan_id
    made = _made_again(plan_id)
    g.plan_id = made.transfer.id
    if made.transfer.missing or (blank := _blank(made.transfer.slots)):
        return plan_page(made, blank=() if made.transfer.missing else blank), 422
    g.run = tried(made.transfer)
    if live():
        return run_part(made.transfer.id, g.run)
    # What was accepted is proven from now on.
    return plan_page(services().importing.look(current_access(), made.transfer.id))


def document_refused(error: PostroomError) -> ResponseReturnValue:
    """Say what is wrong with the document; nothing that was given is lost."""
    told = {"errors": in_words(error), "title": error.title}
    if live():
        # The page with the text in it stays as it is; only what is said of it is new.
        return render_template("pages/migrate/_import_said.html", **told), error.status, later(error)
    return render_template("pages/migrate/import.html", kept=kept_document(), **told), error.status, later(error)


def plan_refused(error: PostroomError) -> ResponseReturnValue:
    """Show the plan again, with what stands in its way."""
    plan_id: str = g.get("plan_id") or (request.view_args or {})["plan_id"]
    access, importing = current_access(), services().importing
    if isinstance(error, SetupChangedMeanwhileError):
        if request.method == "GET":
            return render_template("pages/migrate/outdated.html", error=error, plan_id=plan_id), error.status
        return plan_page(_made_again(plan_id, anew=True, counted=False), moved=error), error.status
    if request.method == "GET":
        return errors.of_domain(error)
    if isinstance(error, LimitedError):
        made = _made_again(plan_id, anew=True, counted=False)
        return plan_page(made, error=error), error.status, later(error)
    # What was typed rightly beside what was not is kept.
    refused = {each.pointer for each in error.errors}
    good = {slot for slot, pointer in importing.slots(access, plan_id).items() if pointer not in refused}
    typed = {slot: value for slot, value in Chosen.of(request.form).typed.items() if slot in good}
    made = importing.again(access, plan_id, typed, anew=True, counted=False)
    return plan_page(made, error=error), error.status


@tenant_route(bp, "/migrate/plans/<plan_id>/text", permission=Permission.EDIT)
def plan_text(plan_id: str) -> ResponseReturnValue:
    """A part of what importing would change: a text, or the mails of a usage type."""
    found = services().importing.look(current_access(), plan_id).transfer.plan.changes
    return part_page(found, partial(_address, plan_id), url_for("migrate.plan", plan_id=plan_id))


def _address(plan_id: str, pointer: str) -> str:
    return url_for("migrate.plan_text", plan_id=plan_id, pointer=pointer)


def plan_page(
    made: ImportPlan,
    *,
    error: PostroomError | None = None,
    moved: SetupChangedMeanwhileError | None = None,
    blank: Sequence[str] = (),
) -> str:
    """Draw the plan of an import; for a part of the page, say what stands in the way of its run."""
    transfer = made.transfer
    if live():
        return nothing_started(_in_the_way(made, error or moved, blank))
    in_slots = {slot.pointer for slot in transfer.slots}
    document = transfer.plan.document
    fixed = [(title_of(document, at), WITH_DOCUMENT) for at in slots(document) if at not in in_slots]
    return render_template(
        "pages/migrate/plan.html",
        made=made,
        sheet=sheet_of(transfer.plan.changes, partial(_address, transfer.id)),
        rows=[_row(slot, document, error, blank) for slot in transfer.slots],
        fixed=[*fixed, *lent_in(document)],
        left=[problem for problem in transfer.plan.warnings if problem.code == "import.left_out"],
        warnings=[problem for problem in transfer.plan.warnings if problem.code != "import.left_out"],
        moved=moved,
        **drawn(transfer, error, Confirming.of(request.form)),
    )


def _in_the_way(made: ImportPlan, error: PostroomError | None, blank: Sequence[str]) -> list[Text]:
    if error:
        return in_the_way(error)
    slots, document = made.transfer.slots, made.transfer.plan.document
    return lacking(document, [slot.pointer for slot in slots if slot.way == "missing" or slot.name in blank])


def _row(slot: Slot, document: dict[str, Any], error: PostroomError | None, blank: Sequence[str]) -> Row:
    found = [("keep", slot.keepable), ("sealed", slot.sealed), *ways_of_lent(slot.lendable), ("type", True)]
    usual = {"kept": "keep", "sealed": "sealed", "lent": f"{ENV}{slot.lent}"}.get(slot.way, "type")
    said = [each.message for each in error.errors if each.pointer == slot.pointer] if error else []
    if slot.name in blank or (request.method == "POST" and slot.way == "missing"):
        said = said or [MISSING]
    ways = tuple(way for way, there in found if there)
    chosen: Way = "type" if slot.name in blank else usual
    lines = has_lines(document, slot.pointer)
    behind = stays_behind(slot.pointer, slot.keepable)
    return Row(slot.name, title_of(document, slot.pointer), ways, chosen, slot.way == "given", said, lines, behind)


def _made_again(
    plan_id: str, *, anew: bool = False, counted: bool = True, given: Mapping[str, Choice] | None = None
) -> ImportPlan:
    """The plan with the secrets as the form says. What was typed for it before stays, where typing is still chosen.

    ``given`` are secrets of a file. A page with scripts tells which of its plans was the last.
    """
    chosen = Chosen.of(request.form)
    choices: dict[str, Choice] = dict(chosen.typed)
    choices |= {slot: None for slot, way in chosen.ways.items() if way == "keep"}
    choices |= read_choices({slot: {"env": name} for slot, name in chosen.lent.items()})
    back = [slot for slot, way in chosen.ways.items() if way == "sealed"]
    choices |= given or {}
    last = request.form.get("plan") or plan_id
    g.plan_id = last
    return services().importing.again(current_access(), last, choices, without=back, anew=anew, counted=counted)


def _secrets_file() -> dict[str, Choice]:
    """What the file says of secrets. Raises DocumentInvalidError, or InputError with the places."""
    file = request.files.get("secrets-file")
    content = file.read() if file else b""
    if not content.strip():
        nothing = T("Choose a file with secrets.")
        raise DocumentInvalidError(nothing, errors=[FieldError("", DocumentInvalidError.code, nothing)])
    return read_choices(parsed(content))


def _blank(found: Sequence[Slot]) -> list[str]:
    """Where typing was chosen over what would be there anyway, and nothing was typed."""
    ways = Chosen.of(request.form).ways
    return [slot.name for slot in found if ways.get(slot.name) == "type" and slot.way in ("kept", "sealed", "lent")]


def _to(address: str) -> ResponseReturnValue:
    if "HX-Request" not in request.headers:
        return redirect(address, 303)
    answer = make_response("", 204)
    answer.headers["HX-Redirect"] = address
    return answer
