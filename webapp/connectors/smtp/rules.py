"""Which problem a server's answer means: rules as data, the first that fits wins."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from webapp.connectors.smtp.reply import Reply

_TRANSACTION: Final = ("mail_from", "rcpt_to", "data")
_PHASES: Final[Mapping[str, tuple[str, ...]]] = {
    "any": (),
    "opening": ("greeting", "ehlo", "starttls"),
    "after_ehlo": ("auth", *_TRANSACTION),
    "transaction": _TRANSACTION,
}


@dataclass(frozen=True, slots=True)
class Example:
    """An answer that shows what a rule is about."""

    phase: str
    line: str
    host: str = "mail.example.com"

    @property
    def reply(self) -> Reply:
        return Reply.of(int(self.line[:3]), self.line[4:])


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits when everything that it names fits: phases, code, enhanced code, words and host, as regular expressions."""

    problem: str
    fires: Example
    """An answer that this rule decides."""
    spares: Example
    """An answer that is near and not this rule's business."""
    phases: tuple[str, ...] = ()
    code: str = ""
    enhanced: str = ""
    words: str = ""
    host: str = ""
    without_login: bool = False
    """Whether it takes a conversation without login."""

    def fits(self, phase: str, reply: Reply, host: str, logged_in: bool) -> bool:
        return (
            (not self.phases or phase in self.phases)
            and _fits(self.code, str(reply.code))
            and _fits(self.enhanced, reply.enhanced_code or "")
            and (not self.words or re.search(self.words, reply.text, re.IGNORECASE) is not None)
            and not (self.without_login and logged_in)
            and (not self.host or re.search(self.host, host) is not None)
        )


def _fits(pattern: str, value: str) -> bool:
    return not pattern or re.fullmatch(pattern, value) is not None


def _rule(*, fires: list[str], spares: list[str], phases: str | list[str] = "any", **what: Any) -> Rule:
    """Read one entry. An unknown key in the file is a TypeError, and so is a rule without its examples."""
    names = _PHASES.get(phases, (phases,)) if isinstance(phases, str) else tuple(phases)
    return Rule(fires=Example(*fires), spares=Example(*spares), phases=names, **what)


RULES: Final = tuple(
    _rule(**entry) for entry in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["rule"]
)


def diagnose(phase: str, reply: Reply, *, host: str, logged_in: bool) -> str:
    """Name the problem that an answer means."""
    if phase == "greeting" and not 400 <= reply.code <= 599:
        return "smtp.not_smtp"
    return next((rule.problem for rule in RULES if rule.fits(phase, reply, host, logged_in)), "smtp.not_understood")
