"""What makes a password too easy to guess: length, habit, and one's own name (NIST SP 800-63B, section 3.1.1.2)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from webapp.domain.text import T, Text

SHORTEST: Final = 10
LONGEST: Final = 200
"""A bound on the hasher's work, far above any pass phrase."""

_WORDS: Final = """
    password passwort motdepasse contrasena senha qwerty qwertyuiop qwertyuio qwertz qwertzuiop azerty azertyuiop asdfgh
    asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc iloveyou letmein welcome willkommen admin administrator superadmin
    changeme changeit trustno monkey dragon football baseball basketball superman batman princess sunshine shadow
    master michael jennifer jordan starwars pokemon whatever freedom mustang charlie computer internet samsung google
    facebook secret default guest login access system server support test testing tester temp temporary root toor
    passw0rd pass word mypassword thepassword newpassword adminadmin passwordpassword abc abcd abcde abcdef abcdefg
    correcthorsebatterystaple opensesame postroom connector email mailserver company summer winter spring autumn
    january february march april june july august september october november december monday friday
"""
_COMMON: Final = frozenset(_WORDS.split())
"""What attackers try first, without the digits and signs that people add."""
_NO_LETTER: Final = r"[\x00-\x60\x7b-\x7f]+"
"""ASCII that is no small letter; everything beyond ASCII is as good as one."""
_LEET: Final = str.maketrans("013457@$!", "oleastasi")
_RUNS: Final = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)


def normalised(password: str) -> str:
    """The form that is hashed, so that one keyboard's accents are another's."""
    return unicodedata.normalize("NFKD", password)


def weakness(password: str, *, about: tuple[str, ...] = ()) -> Text | None:
    """Say why a password is not accepted, or nothing. ``about``: the person's address, the organisation."""
    length = len(password)
    if length < SHORTEST:
        return T("Use at least %(count)s characters; a few words in a row are easy to remember.", count=SHORTEST)
    if length > LONGEST:
        return T("Use at most %(count)s characters.", count=LONGEST)
    plain = password.lower()
    if len(set(plain)) < 5:
        return T("This repeats the same few characters. Use a few words in a row instead.")
    if _is_run(plain):
        return T("This is a row of keys or digits. Use a few words in a row instead.")
    if _is_common(plain):
        return T("This is among the first passwords that an attacker tries. Use a few unrelated words instead.")
    if _is_about(plain, about):
        return T("This is little more than your address or organization. Use a few unrelated words instead.")
    return None


def _is_run(plain: str) -> bool:
    letters = re.sub(r"[\x00-\x2f\x3a-\x60\x7b-\x7f]", "", plain)
    return bool(letters) and any(letters in run or letters in run[::-1] for run in _RUNS)


def _is_common(plain: str) -> bool:
    """Whether a common word, dressed with digits and signs, is all there is."""
    core = re.sub(rf"^{_NO_LETTER}|{_NO_LETTER}$", "", plain)
    candidates = {plain, core, re.sub(_NO_LETTER, "", plain), re.sub(_NO_LETTER, "", core.translate(_LEET))}
    return any(candidate in _COMMON or not candidate for candidate in candidates)


def _is_about(plain: str, about: tuple[str, ...]) -> bool:
    """Whether hardly anything is left without the words of the person's address and organisation."""
    known = " ".join(about).lower()
    words = {word for word in re.split(r"[\W_]+", known) if len(word) > 2} | {part.lower() for part in about if part}
    rest = plain
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest) < len(plain) and len(re.sub(_NO_LETTER, "", rest)) < 4
