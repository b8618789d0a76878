"""What real mail servers answer, one file for each, with the problem that it means.

The words are quoted from the page named as ``url``, from the servers' sources and from their users' questions; names,
addresses and numbers in them are replaced. What a reply means was written down before any rule was tried on it.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from webapp.connectors.smtp.reply import Reply
from webapp.connectors.smtp.rules import diagnose

HELD_OUT: Final = 5
"""One reply in so many is never looked at while rules are mended: a measure for replies that nobody has collected."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reply and what it means."""

    server: str
    host: str
    phase: str
    line: str
    means: str
    url: str

    @property
    def reply(self) -> Reply:
        return Reply.of(int(self.line[:3]), self.line[4:])

    @property
    def found(self) -> str:
        """The problem that our rules make of it, after a login where there was one."""
        logged_in = self.means != "smtp.auth_required"
        return diagnose(self.phase, self.reply, host=self.host, logged_in=logged_in)

    @property
    def named(self) -> bool:
        return self.found == self.means

    @property
    def held_out(self) -> bool:
        return hashlib.sha256(f"{self.server}\0{self.line}".encode()).digest()[0] % HELD_OUT == 0

    def __str__(self) -> str:
        return f"{self.server}, {self.phase}: {self.line!r} is {self.means}, not {self.found}"


def _read(file: Path) -> list[Sample]:
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    return [
        Sample(document["server"], document["host"], phase, line, means, source["url"])
        for source in document["source"]
        for phase, line, means in source["replies"]
    ]


CORPUS: Final = [sample for file in sorted(Path(__file__).parent.glob("*.toml")) for sample in _read(file)]


def share(samples: list[Sample]) -> float:
    """Of these, how many are named correctly."""
    return sum(sample.named for sample in samples) / len(samples)
