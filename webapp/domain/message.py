"""One mail on its way out, and what became of it, phase by phase."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from webapp.domain.address import Mailbox
from webapp.domain.problem import JSON, Problem
from webapp.domain.usage import UsageType

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Outcome(StrEnum):
    """What became of one attempt."""

    SENT = "sent"
    NOT_SENT = "not_sent"
    MAYBE_SENT = "maybe_sent"
    """The last byte went out and no answer came back."""
    CAPTURED = "captured"
    """It was put into the inbox of a development tenant and never left this machine."""


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """A template that is stored at the provider, and values for it beside those of the mail."""

    id: str
    variables: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mail:
    """One rendered mail to one recipient. Raises ValueError for line breaks where only one line can be."""

    to: str
    sender: Mailbox
    subject: str
    message_id: str
    usage_type: UsageType
    text: str | None = None
    html: str | None = None
    reply_to: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    stored_template: StoredTemplate | None = None
    """The provider's own template that makes this mail; there are no bodies then."""
    locale: str | None = None
    payload: Mapping[str, JSON] = field(default_factory=dict)
    ip: str | None = None

    def __post_init__(self) -> None:
        headers = (part for header in self.headers for part in header)
        lines = (self.to, self.sender.address, self.sender.name, self.subject, self.reply_to or "", *headers)
        # Rendering cleans them; this is so that no connector can be made to write a header of somebody else's.
        if any(_CONTROL.search(line) for line in lines):
            raise ValueError(
                "A mail's addresses, subject and headers cannot have line breaks or other control characters."
            )


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took the mail, or the inbox did in its place."""

    provider_message_id: str | None
    code: int | None = None
    enhanced_code: str | None = None
    text: str = ""
    accepted_by: str = ""
    captured: bool = False
    """Whether it went into the tenant's inbox, and to nobody else."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of talking to a provider. ``ms`` is None while it runs."""

    phase: str
    ok: bool | None
    ms: float | None = None
    timeout: float | None = None
    """Seconds after which this step gives up."""
    code: int | None = None
    enhanced_code: str | None = None
    text: str | None = None
    problem: Problem | None = None


class DeliveryError(Exception):
    """The provider could not be reached, or refused. Carries the diagnosis and what became of the mail."""

    def __init__(
        self,
        problem: Problem,
        *,
        outcome: Outcome = Outcome.NOT_SENT,
        code: int | None = None,
        enhanced_code: str | None = None,
        text: str | None = None,
    ) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.outcome = outcome
        self.code = code
        self.enhanced_code = enhanced_code
        self.text = text


class Trace:
    """Collects the phases and the redacted transcript of one conversation with a provider.

    ``observer`` is called with every phase when it starts and when it ends, so that a page can show it at once.
    """

    def __init__(self, observer: Callable[[Phase], None] | None = None) -> None:
        self.phases: list[Phase] = []
        self.cautions: list[Problem] = []
        """What works, but should be known: a test account, a quota that is nearly used up."""
        self._observer = observer
        self._lines: list[str] = []

    @contextmanager
    def phase(self, name: str, timeout: float | None = None) -> Iterator[PhaseNote]:
        """Time one step; a DeliveryError leaving the block marks it as failed and goes on to the caller."""
        started = time.monotonic()
        self._put(Phase(name, ok=None, timeout=timeout))
        note = PhaseNote()
        try:
            yield note
        except DeliveryError as exc:
            self._end(name, timeout, started, note, ok=False, error=exc)
            raise
        self._end(name, timeout, started, note, ok=True, error=None)

    def caution(self, problem: Problem) -> None:
        """Note what does not fail, but will surprise the admin later."""
        self.cautions.append(problem)

    def client(self, line: str) -> None:
        """Note a line that we sent; the caller has taken out credentials and recipients' codes."""
        self._lines.append(f"C: {line}")

    def server(self, text: str) -> None:
        """Note the lines that the provider answered."""
        self._lines.extend(f"S: {line}" for line in text.splitlines())

    @property
    def transcript(self) -> str:
        return "\n".join(self._lines)

    def _end(
        self,
        name: str,
        timeout: float | None,
        started: float,
        note: PhaseNote,
        *,
        ok: bool,
        error: DeliveryError | None,
    ) -> None:
        phase = Phase(
            name, ok, round((time.monotonic() - started) * 1000, 1), timeout, note.code, note.enhanced_code, note.text
        )
        if error:
            phase = replace(
                phase,
                problem=error.problem,
                code=error.code or phase.code,
                enhanced_code=error.enhanced_code or phase.enhanced_code,
                text=error.text or phase.text,
            )
        self._put(phase)

    def _put(self, phase: Phase) -> None:
        if self.phases and self.phases[-1].phase == phase.phase and self.phases[-1].ok is None:
            self.phases[-1] = phase
        else:
            self.phases.append(phase)
        if self._observer:
            self._observer(phase)


@dataclass(slots=True)
class PhaseNote:
    """What the provider answered in a phase."""

    code: int | None = None
    enhanced_code: str | None = None
    text: str | None = None


PhaseName = Literal[
    "resolve",
    "connect",
    "tls",
    "greeting",
    "ehlo",
    "starttls",
    "token",
    "auth",
    "mail_from",
    "rcpt_to",
    "data",
    "account",
    "sender",
    "submit",
    "capture",
]
