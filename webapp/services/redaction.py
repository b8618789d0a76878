"""What a provider answers repeats what we sent: recipient, code and link are taken out before it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from webapp.domain.address import ascii_host
from webapp.domain.message import Phase, Receipt
from webapp.domain.problem import Problem
from webapp.domain.text import Text

RECIPIENT, CODE, LINK = "«recipient»", "«code»", "«link»"


class Redaction:
    """Takes the recipient, the code and the link out of words that come from a provider."""

    def __init__(self, recipient: str | None = None, code: str = "", link: str = "") -> None:
        values = [*((RECIPIENT, spelling) for spelling in _spellings(recipient)), (LINK, link), (CODE, code)]
        self._rules = [(mark, _pattern(value)) for mark, value in values if value]

    def text(self, words: str) -> str:
        for mark, pattern in self._rules:
            words = pattern.sub(mark, words)
        return words

    def phases(self, phases: Iterable[Phase]) -> tuple[Phase, ...]:
        return tuple(
            replace(
                phase,
                text=self.text(phase.text) if phase.text else phase.text,
                problem=self.problem(phase.problem) if phase.problem else None,
            )
            for phase in phases
        )

    def problem(self, problem: Problem) -> Problem:
        return replace(
            problem,
            title=self._values(problem.title),
            cause=self._values(problem.cause),
            steps=tuple(self._values(step) for step in problem.steps),
            transcript=self.text(problem.transcript) if problem.transcript else None,
        )

    def receipt(self, receipt: Receipt) -> Receipt:
        return replace(receipt, text=self.text(receipt.text))

    def _values(self, text: Text) -> Text:
        return Text(text.template, tuple((name, self.text(value)) for name, value in text.values))


def _spellings(address: str | None) -> tuple[str, ...]:
    if not address:
        return ()
    local, _, domain = address.rpartition("@")
    return tuple(dict.fromkeys((address, f"{local}@{ascii_host(domain)}")))


def _pattern(value: str) -> re.Pattern[str]:
    """Match the value as a word of its own: a short code may not tear holes into a queue id."""
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", re.IGNORECASE)


NOTHING_TO_HIDE = Redaction()
"""For checks: no mail, no recipient."""
