"""The set-up form: filled from the draft, kept with every change, judged by the rules of saving."""

from __future__ import annotations

from collections.abc import Sequence

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.domain.errors import (
    FieldError,
    InputError,
    LimitedError,
    NotFoundError,
    PostroomError,
    ProviderNotInstalledError,
)
from webapp.domain.roles import Permission
from webapp.domain.text import Text
from webapp.domain.usage import UsageType
from webapp.services.guides import Guide, guide_html, guide_names
from webapp.services.switching import losses
from webapp.web.connector.as_json import back, text_page, unusable, with_lines
from webapp.web.connector.blueprint import bp
from webapp.web.connector.editor import Editor
from webapp.web.connector.outcome import run_context
from webapp.web.connector.telling import CONFIG
from webapp.web.context import console_url, current_access, services
from webapp.web.errors import of_domain
from webapp.web.security import tenant_route

KEEP_TRIES = 3
"""How often a draft is read and kept anew when another request of the same person came between."""
LONG_STEP = 1500
"""Characters from which on a step of the guide comes only when it is opened."""


@tenant_route(bp, "/connector", permission=Permission.READ)
def form() -> ResponseReturnValue:
    """Show the form; without a provider, the choice of one."""
    editor = Editor(services(), current_access())
    if not editor.connector:
        target = "connector.choose" if current_access().may(Permission.EDIT) else "overview.overview"
        return redirect(url_for(target))
    if not editor.installed:
        raise ProviderNotInstalledError(editor.connector["provider"])
    editor.remarks.view = "form"
    return page(editor, editor.judgement.errors if "faults" in request.args else None)


@tenant_route(bp, "/connector", methods=["POST"], permission=Permission.EDIT)
def change() -> ResponseReturnValue:
    """Keep what is typed, then do what the pressed button says."""
    editor = _posted()
    action, _, detail = request.form.get("action", "draft").partition(":")
    anchor = ""
    match action:
        case "review":
            editor.keep()
            refusal = unusable(editor)
            errors = refusal.errors if refusal else editor.judgement.errors
            return _view(editor, errors, 422) if errors else redirect(url_for("connector.review"), 303)
        case "form" | "json":
            # What the left page still sends by itself comes too late from now on.
            editor.remarks.turn += 1
            editor.remarks.view = "json" if action == "json" else "form"
        case "forget-text":
            editor.forget_text()
        case "fix":
            anchor = _fix(editor, detail)
        case "alternative":
            anchor = _alternative(editor, detail)
        case "region":
            anchor = _region(editor, request.form.get("region", ""))
        case "forget":
            editor.forget_secret(detail)
            anchor = _anchor(editor, f"{CONFIG}/{detail.replace('.', '/')}")
        case "open" | "close" | "reset":
            usage_type = _usage_type(detail)
            editor.open_mail("" if action == "close" else usage_type)
            if action == "reset":
                editor.reset_mail(usage_type)
            anchor = f"mail-{usage_type}"
    editor.keep()
    return redirect(back(editor, anchor), 303)


@tenant_route(bp, "/connector/draft", methods=["POST"], permission=Permission.EDIT)
def keep() -> ResponseReturnValue:
    """Keep what is typed while it is typed; say what is wrong with a setting once it is left."""
    editor = _kept()
    if editor is None:
        return "", 204
    if not _live():
        # Sent again after the session had ended: there is no page any more that could take the parts.
        return redirect(url_for("connector.form"), 303)
    editor.decorate()
    editor.show_errors()
    return render_template(
        "pages/connector/_kept.html", editor=editor, judged="judge" in request.form, **run_context(editor)
    )


@tenant_route(bp, "/connector/late", permission=Permission.READ)
def late() -> ResponseReturnValue:
    """Show settings that had no meaning when the page was drawn, by their numbers, whether or not they have one now."""
    editor = _opened()
    wanted = set(request.args.get("fields", "").split("-"))
    every = editor.form.setting_fields() if editor.form else []
    fields = [field for number, field in enumerate(every) if str(number) in wanted]
    return render_template(
        "pages/connector/_late.html",
        editor=editor,
        fields=fields,
        consent_uri=consent_uri(),
        may_edit=editor.access.may(Permission.EDIT),
    )


@tenant_route(bp, "/connector/mails/<usage_type>", methods=["POST"], permission=Permission.EDIT)
def mail(usage_type: str) -> ResponseReturnValue:
    """Open or close one mail in its place."""
    editor = _posted()
    wanted = _usage_type(usage_type)
    if request.form.get("reset"):
        editor.reset_mail(wanted)
    editor.open_mail(wanted if request.form.get("open") else "")
    editor.keep()
    if not _live():
        return redirect(url_for("connector.form", _anchor=f"mail-{wanted}"), 303)
    shown = next(each for each in editor.shown_mails if each.usage_type is wanted)
    return render_template("pages/connector/_mail.html", mail=shown, editor=editor)


@tenant_route(bp, "/connector/guide/<name>/<anchor>", permission=Permission.READ)
def guide_step(name: str, anchor: str) -> ResponseReturnValue:
    """One long step of a guide: in its place with scripts, on a page of its own without."""
    guide = guide_html(name)
    step = next((step for step in guide.steps if step.anchor == anchor), None)
    if step is None:
        raise NotFoundError
    return step.html if _live() else render_template("pages/connector/guide_step.html", guide=guide, step=step)


@bp.errorhandler(InputError)
def not_accepted(error: InputError) -> ResponseReturnValue:
    """Show what was refused beside its field. What was typed is kept by now."""
    editor = Editor(services(), current_access())
    if not editor.connector:
        return of_domain(error)
    if not _live():
        return _view(editor, error.errors, error.status, refusal=error.detail)
    if editor.remarks.view == "form" and any(
        each.pointer.startswith(("/connector", "/templates")) for each in error.errors
    ):
        return "", 204, {"HX-Redirect": url_for("connector.form", faults="all")}
    return refused(editor, error)


@bp.errorhandler(LimitedError)
def too_many(error: LimitedError) -> ResponseReturnValue:
    """Say in the test panel that it was too much for now."""
    editor = Editor(services(), current_access())
    if _live():
        return refused(editor, error)
    return _view(editor, status=error.status, refusal=error.detail)


def consent_uri() -> str:
    """The address that a provider sends people back to, as it has to be registered there."""
    return console_url() + url_for("connector.consented")


def refused(editor: Editor, error: PostroomError) -> ResponseReturnValue:
    """Put a refusal where the result would have come."""
    said = (
        with_lines(editor, error.errors) if editor.remarks.view == "json" else [each.message for each in error.errors]
    )
    words = said or [error.detail]
    return render_template("pages/connector/_refused.html", editor=editor, words=words)


def page(
    editor: Editor, errors: Sequence[FieldError] | None = None, status: int = 200, refusal: Text | None = None
) -> tuple[str, int]:
    """Draw the form."""
    editor.decorate()
    faults = editor.show_errors(errors)
    to_errors = [error.message for error in errors or () if error.pointer == "/to"]
    words = render_template(
        "pages/connector/form.html",
        editor=editor,
        sections=editor.form.sections() if editor.form else [],
        ways=editor.ways,
        notes=list(losses(editor.kind, editor.document["connector"]["config"], editor.document.get("templates") or {})),
        faults=faults if errors else [],
        refusal=refusal,
        to_errors=to_errors,
        guide=_guide(editor),
        long_step=LONG_STEP,
        consent_uri=consent_uri(),
        may_edit=editor.access.may(Permission.EDIT),
        cautions=services().expiries.cautions(editor.access.tenant, editor.active),
        **run_context(editor),
    )
    return words, status


def _view(
    editor: Editor, errors: Sequence[FieldError] | None = None, status: int = 200, refusal: Text | None = None
) -> tuple[str, int]:
    """Draw the view that was sent."""
    draw = text_page if editor.remarks.view == "json" else page
    return draw(editor, errors, status, refusal)


def _live() -> bool:
    """Whether a page with scripts asks for a part of itself."""
    return "HX-Request" in request.headers


def _kept() -> Editor | None:
    """Keep what a page sent by itself, unless the console has changed the values since that page was drawn."""
    for _ in range(KEEP_TRIES):
        # One reading of the draft for both: the turn that is compared is that of the draft that is written over.
        editor = _opened()
        if request.form.get("turn", str(editor.remarks.turn)) != str(editor.remarks.turn):
            return None
        editor.read(request.form)
        for name in request.form.get("left", "").split():
            editor.leave(name)
        if editor.keep_unless_newer():
            return editor
    return None


def _opened() -> Editor:
    editor = Editor(services(), current_access())
    if not editor.connector:
        raise NotFoundError
    return editor


def _posted() -> Editor:
    editor = _opened()
    editor.read(request.form)
    return editor


def _fix(editor: Editor, code: str) -> str:
    problem = next((problem for _, problem in editor.problems if problem.code == code), None)
    if problem is None or not problem.patch:
        return ""
    editor.apply(problem.patch)
    return _anchor(editor, problem.patch[0].path)


def _alternative(editor: Editor, number: str) -> str:
    offered = editor.ways.alternatives
    if number.isdecimal() and len(number) < 4 and int(number) < len(offered):
        editor.take_alternative(offered[int(number)])
    return "connection"


def _region(editor: Editor, number: str) -> str:
    offered = editor.ways.regions
    if number.isdecimal() and len(number) < 4 and int(number) < len(offered):
        editor.take_alternative(offered[int(number)])
    return "connection"


def _anchor(editor: Editor, pointer: str) -> str:
    field, _ = editor.form.at(pointer.removeprefix(CONFIG)) if editor.form else (None, "")
    return field.id if field else "setup-form"


def _usage_type(name: str) -> UsageType:
    if name not in list(UsageType):
        raise NotFoundError
    return UsageType(name)


def _guide(editor: Editor) -> Guide | None:
    names = [editor.preset.guide if editor.preset else None, editor.kind.kind]
    name = next((each for each in names if each and each in guide_names()), None)
    return guide_html(name) if name else None
