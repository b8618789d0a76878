"""Words that go out in other people's name, such as a sender's: no link in any spelling, and nothing invisible."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Final

_SCHEME: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://|\b(?:mailto|javascript|data|tel):\S", re.IGNORECASE)
_WWW: Final = re.compile(r"\bwww\d{0,3}\.", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_STOPS: Final = re.compile(r"[。](?=[A-Za-z])")
"""Browsers read an ideographic full stop as a dot (UTS 46); before other letters it ends a sentence."""
_NO_DOMAINS: Final = frozenset({"js"})
"""Endings of well-known names, such as Node.js, under which there are no domains."""
_LEGAL_FORMS: Final = frozenset(
    {"co.kg", "co.kgaa", "co.ohg", "co.ltd", "pty.ltd", "pvt.ltd", "ltd.şti", "ltd.sti", "san.tic", "tic.ltd.şti"}
)
"""Forms of companies that are often written without the space; as names of sites they do not exist."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK: Final = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | frozenset(map(chr, range(0xFE00, 0xFE0F)))
"""Letters and marks by their category, and yet there is nothing to see. U+FE0F stays: emoji are written with it."""


def has_invisible(text: str) -> bool:
    """Whether there is something in it that nobody sees: control and format characters, changes of direction."""
    return any(unicodedata.category(char) in _INVISIBLE or char in _BLANK for char in text)


def has_link(text: str) -> bool:
    """Whether a mail program could make a link of a part of it.

    There is no list of all domains here, so a dot between two words counts, as in ``example.com``; one between
    single letters (``S.A.``, ``p.s.a.``), after an abbreviation (``St. Gallen``) or in a number does not.
    """
    written = _STOPS.sub(".", unicodedata.normalize("NFKC", text))
    if _SCHEME.search(written) or _WWW.search(written):
        return True
    names = "".join(char if char in ".-_" or unicodedata.category(char)[0] in "LMN" else " " for char in written)
    return any(_is_domain(name) for name in names.split())


def _is_domain(name: str) -> bool:
    name = name.strip(".").casefold()
    if name in _LEGAL_FORMS:
        return False
    if _ADDRESS.fullmatch(name):
        return True
    return any(before and _may_end_a_domain(label) for before, label in pairwise(name.split(".")))


def _may_end_a_domain(label: str) -> bool:
    if label.startswith("xn--"):
        return True
    letters = all(unicodedata.category(char)[0] in "LM" for char in label)
    return len(label) >= 2 and letters and label not in _NO_DOMAINS
