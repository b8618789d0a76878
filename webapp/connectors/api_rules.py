"""Which problem a provider's answer means: rules as data, in the file beside the connector's module.

::

    [[rule]]
    problem = "sendgrid.sender_not_verified"     # one of the connector's recipes, or of the common ones
    phases = ["submit"]                          # absent: any
    status = "403"                               # these three are regular expressions, status and code for the whole
    code = ""                                    # the provider's own code
    words = "verified Sender Identity"
    fix = { label = "Use the EU endpoint", endpoint = "https://api.eu.example.com" }   # only where it is sure
    fires = ["submit", 403, '{"errors": [{"message": "The from address does not match a verified Sender Identity."}]}']
    spares = ["submit", 403, '{"errors": [{"message": "access forbidden"}]}']

The first rule that fits wins. ``fires`` is an answer that the rule decides, ``spares`` one that is near and not its
business; without both a rule does not load.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from webapp.connectors.recipe import Fix
from webapp.domain.text import Text

LOOKED_AT: Final = 2000
"""Characters of a provider's words that rules look at: over a megabyte some patterns would never come to an end."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An answer of a provider, as its documentation shows it or a server gave it."""

    phase: str
    status: int
    body: str


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says for itself."""

    code: str = ""
    """The provider's own code."""
    words: str = ""
    """The provider's own words, for people."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits when everything that it names fits."""

    problem: str
    fires: Sample
    spares: Sample
    phases: tuple[str, ...] = ()
    status: str = ""
    code: str = ""
    words: str = ""
    fix: Fix | None = None

    def fits(self, phase: str, status: int, said: Said) -> bool:
        return (
            (not self.phases or phase in self.phases)
            and _whole(self.status, str(status))
            and _whole(self.code, said.code[:LOOKED_AT])
            and (not self.words or re.search(self.words, said.words[:LOOKED_AT], re.IGNORECASE) is not None)
        )


def rules_beside(module: str) -> tuple[Rule, ...]:
    """Read the rules of a connector from the TOML file beside its module (``__file__``)."""
    text = Path(module).with_suffix(".toml").read_text(encoding="utf-8")
    return tuple(_rule(**entry) for entry in tomllib.loads(text)["rule"])


def _whole(pattern: str, value: str) -> bool:
    return not pattern or re.fullmatch(pattern, value) is not None


def _rule(*, fires: list[Any], spares: list[Any], **what: Any) -> Rule:
    """Read one entry. An unknown key in the file is a TypeError, and so is a rule without its samples."""
    fix = what.pop("fix", None)
    return Rule(
        fires=Sample(*fires),
        spares=Sample(*spares),
        phases=tuple(what.pop("phases", ())),
        fix=Fix(Text(fix.pop("label")), tuple(fix.items())) if fix else None,
        **what,
    )
