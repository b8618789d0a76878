"""What a check or a test send says: its title, what it means, what to do next, and the report to hand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final

from flask import current_app, url_for
from flask_babel import gettext, ngettext

from webapp import __version__
from webapp.connectors.api import ApiConnector
from webapp.connectors.base import Connector
from webapp.domain.address import mask
from webapp.domain.errors import NotFoundError
from webapp.domain.message import Outcome, Phase
from webapp.domain.roles import TenantInfo
from webapp.domain.text import T, Text
from webapp.services.switching import rendering
from webapp.services.testing import RunView
from webapp.web.connector.editor import Editor
from webapp.web.context import services
from webapp.web.frame import translated

PHASE_TITLES: Final[Mapping[str, Text]] = {
    "resolve": T("Look up the name"),
    "connect": T("Connect"),
    "tls": T("Encrypt (TLS)"),
    "greeting": T("Greeting"),
    "ehlo": T("Introduce (EHLO)"),
    "starttls": T("Encrypt (STARTTLS)"),
    "token": T("Fetch access"),
    "auth": T("Log in"),
    "mail_from": T("Sender"),
    "rcpt_to": T("Recipient"),
    "data": T("Hand over the mail"),
    "account": T("Read the account"),
    "sender": T("Look up the sender"),
    "submit": T("Hand over the mail"),
    "capture": T("Put into the inbox"),
}
_OF_INTERFACES: Final[Mapping[str, Text]] = {"auth": T("Try the credentials")}
"""What is called otherwise where nobody logs in."""


@dataclass(frozen=True, slots=True)
class Told:
    """A run in words."""

    title: str
    aloud: str
    """What a screen reader is told when it changes."""
    sentence: str = ""
    words: str = ""
    """The server's own."""
    next: tuple[str, ...] = ()
    inbox: str | None = None
    report: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a run is about, as its page knows it: the values of a draft, or those of a plan."""

    tenant: TenantInfo
    title: str
    config: Mapping[str, Any] = field(repr=False)
    kind: type[Connector[Any]] | None = None
    """None where it is not installed."""
    to: str = ""
    """The recipient in full; what is stored of it is a mask."""


def run_context(editor: Editor, run: RunView | None = None) -> dict[str, Any]:
    """What the test panel is drawn from: the run given, else the last one of this draft."""
    run = run or last_run(editor)
    return run_drawn(run, _subject(editor) if run else None) | {
        "poll_url": url_for("connector.run", run_id=run.id, seen=seen(run)) if run else "",
        "run_url": url_for("connector.run", run_id=run.id) if run else "",
        "cancel_url": url_for("connector.cancel", run_id=run.id) if run else "",
        "fix_url": url_for("connector.fix", run_id=run.id) if run else "",
    }


def run_drawn(run: RunView | None, subject: Subject | None) -> dict[str, Any]:
    """What a run is drawn from, on whichever page."""
    return {
        "run": run,
        "press": token_hex(8),
        "told": told(subject, run) if subject and run else None,
        "phases": [phase for phase in run.phases if run.running or phase.ok is not None] if run else [],
        "pending": _pending(run) if run else (),
        "phase_titles": _titles(run),
    }


def _subject(editor: Editor) -> Subject:
    config = editor.draft.document["connector"]["config"]
    kind = editor.kind if editor.installed else None
    return Subject(editor.access.tenant, editor.title, config, kind, editor.remarks.to)


def last_run(editor: Editor) -> RunView | None:
    """The run that the draft remembers; runs are gone after a day."""
    if not editor.remarks.run:
        return None
    try:
        return services().testing.run(editor.access, editor.remarks.run)
    except NotFoundError:
        return None


def seen(run: RunView) -> str:
    """A mark of what a page has been shown, so that nothing is drawn again until there is news."""
    return f"{run.state}-{len(run.phases)}-{sum(phase.ok is not None for phase in run.phases)}"


def _pending(run: RunView) -> tuple[str, ...]:
    """The phases that were not come to; one in which a run was stopped is among them."""
    stopped = () if run.running else tuple(phase.phase for phase in run.phases if phase.ok is None)
    return () if run.ok else (*stopped, *run.expected_phases)


def told(subject: Subject, run: RunView) -> Told:
    """Put a run into words."""
    if run.running:
        return _running(subject, run)
    if run.state == "cancelled":
        return _cancelled(run)
    return _succeeded(subject, run) if run.ok else _failed(run)


def _running(subject: Subject, run: RunView) -> Told:
    title = (
        gettext("Sending a test to %(to)s", to=_recipient(subject, run))
        if run.to_masked
        else gettext("Checking the connection; nothing is sent")
    )
    now = _name(run.phases[-1].phase) if run.phases else ""
    return Told(title, f"{title}. {now}")


def _cancelled(run: RunView) -> Told:
    title = gettext("Cancelled")
    if run.outcome is Outcome.MAYBE_SENT:
        return Told(title, title, gettext("The mail was being handed over, so it may have been sent."))
    return Told(title, title, gettext("Nothing was sent."))


def _succeeded(subject: Subject, run: RunView) -> Told:
    if run.kind == "check":
        return _checked(subject, run)
    by = (run.receipt and run.receipt.accepted_by) or _other_side(subject)
    inbox = _inbox(subject, run)
    if run.receipt and run.receipt.captured:
        title = gettext("In the inbox")
        sentence = gettext(
            "The mail lies in this tenant's inbox. Nothing left this machine, so these values are not proven."
        )
        return Told(title, f"{title}. {sentence}", sentence, inbox=inbox)
    title = gettext("Accepted by %(host)s in %(ms)s ms", host=by, ms=_took(run))
    if inbox:
        return Told(title, title, gettext("The mail lies in this tenant's inbox."), words=_words(run), inbox=inbox)
    sentence = gettext("To %(to)s. These values are proven now.", to=_recipient(subject, run))
    return Told(title, f"{title}. {sentence}", sentence, _words(run), _doubts(subject))


def _checked(subject: Subject, run: RunView) -> Told:
    done = {phase.phase for phase in run.phases}
    if done == {"capture"}:
        title = gettext("Mails go to the inbox")
        sentence = gettext("There is nothing to connect to: what is sent lies in this tenant's inbox.")
        return Told(title, f"{title}. {sentence}", sentence)
    title = gettext("Connected")
    if "auth" in done:
        title = (
            gettext("Connected, and the credentials work") if _interface(run) else gettext("Connected and logged in")
        )
    sentence = gettext(
        "%(host)s answered as it should, in %(ms)s ms. No mail was sent.", host=_other_side(subject), ms=_took(run)
    )
    if not done & {"auth", "greeting"}:
        sentence = gettext(
            "A connection was made in %(ms)s ms. Nothing was asked, and no mail was sent.", ms=_took(run)
        )
    aloud = f"{title}. {sentence}"
    if run.warnings:
        known = ngettext("One thing to know.", "%(num)s things to know.", len(run.warnings))
        aloud = f"{aloud} {known}"
    return Told(title, aloud, sentence, next=(gettext("Send a test: only an accepted mail proves these values."),))


def _doubts(subject: Subject) -> tuple[str, ...]:
    """Where to look when nothing arrives."""
    if subject.kind and rendering(subject.kind, subject.config) == "none":
        return (gettext("What becomes of it is up to the endpoint: look at its log if no mail arrives."),)
    return (
        gettext("It can take a minute. Look in the spam folder too."),
        gettext("If it does not arrive, look at the provider's log or suppression list: it took the mail from us."),
        gettext("If it lands in spam, check the SPF and DKIM records of the sender's domain."),
    )


def _failed(run: RunView) -> Told:
    problem = run.problem
    failed = next((phase for phase in reversed(run.phases) if phase.ok is False), None)
    title = translated(problem.title) if problem else gettext("It failed")
    sentence = ""
    if run.outcome is Outcome.MAYBE_SENT:
        sentence = gettext(
            "No answer came after the mail was handed over, so it may have been sent. Look before you repeat it."
        )
    elif run.kind != "check":
        sentence = gettext("No mail was sent.")
    aloud = gettext("Failed: %(title)s", title=title)
    return Told(title, aloud, sentence, _answer(failed) if failed else "", report=report(run))


def report(run: RunView) -> str:
    """Everything that somebody who helps needs, in plain text. The words are redacted already."""
    lines = [
        f"Postroom {__version__} · {run.provider} · {run.kind} · {run.started_at:%Y-%m-%d %H:%M:%S} UTC",
        f"Result: {run.problem.code if run.problem else run.state}",
    ]
    if run.problem:
        lines += [str(run.problem.title), str(run.problem.cause)]
    lines += ["", *(_line(phase) for phase in run.phases)]
    if run.transcript:
        lines += ["", run.transcript]
    return "\n".join(lines)


def _line(phase: Phase) -> str:
    state = "…" if phase.ok is None else "ok" if phase.ok else "FAILED"
    took = f"{phase.ms:.0f} ms" if phase.ms is not None else ""
    return " ".join(part for part in (f"{phase.phase:<10}", f"{state:<6}", took, _answer(phase)) if part).rstrip()


def _answer(phase: Phase) -> str:
    parts = (str(phase.code) if phase.code else "", phase.enhanced_code or "", phase.text or "")
    text = parts[2]
    return " ".join(part for part in parts if part and (part is text or not text.startswith(part)))


def _words(run: RunView) -> str:
    if not run.receipt:
        return ""
    parts = (str(run.receipt.code or ""), run.receipt.enhanced_code or "", run.receipt.text)
    return " ".join(part for part in parts if part)


def _took(run: RunView) -> str:
    return f"{sum(phase.ms or 0 for phase in run.phases):.0f}"


def _titles(run: RunView | None) -> Mapping[str, Text]:
    return {**PHASE_TITLES, **_OF_INTERFACES} if run and _interface(run) else PHASE_TITLES


def _interface(run: RunView) -> bool:
    """Whether it was about a provider that is reached by HTTP."""
    kind = services().connectors.get(run.provider)
    return kind is not None and issubclass(kind, ApiConnector)


def _other_side(subject: Subject) -> str:
    """Who answers: a server by its name, a provider by its own."""
    return str(subject.config.get("host") or subject.title)


def _inbox(subject: Subject, run: RunView) -> str | None:
    """The inbox, where the mail went there: by the connector, or because these values lead to our own mail server."""
    peer = services().sandbox.peer
    if "inbox.inbox" not in current_app.view_functions or subject.tenant.production:
        return None
    config = subject.config
    to_us = peer and (config.get("host"), config.get("port")) == (peer.address, peer.port)
    captured = run.receipt and run.receipt.captured
    return url_for("inbox.inbox") if to_us or captured else None


def _recipient(subject: Subject, run: RunView) -> str:
    """The address in full where the page still has it; what is stored of it is a mask."""
    typed = subject.to
    return typed if typed and mask(typed) == run.to_masked else run.to_masked or ""


def _name(phase: str) -> str:
    title = PHASE_TITLES.get(phase)
    return translated(title) if title else phase
