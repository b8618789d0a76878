"""Finds the verification code in what a mail says, as a person would: near the word, or alone in its line."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

ENOUGH: Final = 4
"""Score from which a token is taken for the code."""
BEFORE: Final = 80
"""How many characters before a token the word "code" may stand; as far as a short sentence."""
AFTER: Final = 40
TOKENS_LIMIT: Final = 500
LOOK_AT: Final = 16_000
"""Characters at the beginning and at the end of a mail that are looked at; real ones are far shorter."""

_WORDS = re.compile(
    r"(?<![a-z])(?:code|codes|otp|pin|tan|passcode|password|verification|verify|one[- ]?time|c[oó]digo|codice|kode|"
    r"bestätigungscode|sicherheitscode|verificação|verificaci[oó]n|vérification)(?![a-z])"
    r"|验证码|驗證碼|校验码|動態碼|認証コード|確認コード|コード|รหัส|код",
    re.IGNORECASE,
)
_OTHER_CODES = re.compile(
    r"(?<![a-z])(?:promo(?:tion)?|discount|coupon|voucher|gift|error|status|zip|post(?:al)?|area|country|source|dress)"
    r"[- ]?codes?(?![a-z])",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"(?:(?<![a-z])(?:order|invoice|ticket|case|phone|tel|fax|suite|room|street|copyright|version|build|vat|ref)"
    r"(?:\s?(?:no|number|id)(?![a-z]))?|©|№)[\s.:#(]*$",
    re.IGNORECASE,
)
_BOUND = re.compile(r"^@[\w.-]+ #(?P<code>[A-Za-z0-9]{4,10})\b", re.MULTILINE)
"""The last line of a mail whose code is bound to a site, such as ``@example.com #123456``."""
_NOT_PROSE = re.compile(r"https?://\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w.-]{1,253}|<[^<>\n]{1,200}>", re.IGNORECASE)
_PREFIX = re.compile(r"\bG-(?=\d{6}\b)")
"""Google writes G-123456 and means 123456."""

_GAP = r"[ \u00a0-]"
_GROUPED = (
    rf"(?<!\d{_GAP})(?:\d{{3}}{_GAP}\d{{3}}|\d{{4}}{_GAP}\d{{4}}|\d\d(?:{_GAP}\d\d){{2}}|\d(?:[ \u00a0]\d){{3,9}})"
    rf"(?!{_GAP}?\d)"
)
_MIXED = r"(?=[A-Z-]*\d)(?:[A-Z0-9]{3,5}-[A-Z0-9]{3,5}|[A-Z0-9]{4,10})"
_LETTERS = r"[A-Z]{3,5}-[A-Z]{3,5}|[A-Z]{4,10}"
_TOKEN = re.compile(
    rf"(?<![\w/$€£¥₿+%])(?<!\d[.,:])(?<!\w-)(?:{_GROUPED}|\d{{4,10}}|{_MIXED}|{_LETTERS})"
    r"(?![\w/@%€£¥$]|[.,:]\d|-\w)"
)
_MONEY_BEFORE = re.compile(r"(?:[$€£¥₿]|\b(?:USD|EUR|GBP|JPY|CNY|THB|BRL))\s?$")
_DATE_BEFORE = re.compile(
    r"(?<![a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:\s\d{1,2}(?:st|nd|rd|th)?)?,?\s$",
    re.IGNORECASE,
)
_UNIT_AFTER = re.compile(
    r"\s?(?:%|€|£|¥|(?:USD|EUR|GBP|JPY|CNY|THB|BRL|px|pt|em|kb|mb|gb|km|kg|"
    r"(?:second|minute|min|hour|day|week|month|year|people|user|customer|point|item)s?)(?![a-z]))",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_IS = re.compile(r"\W*(?:is|ist|es)?\W*", re.IGNORECASE)
_AROUND = " \t\u00a0*_'\"“”«»[](){}.:|"


def find_code(text: str, subject: str = "") -> str | None:
    """Pick the code out of a mail's text and subject; None where nothing looks like one."""
    bound = _BOUND.search(text)
    if bound:
        return bound["code"]
    scores: dict[str, int] = defaultdict(int)
    for words in (text, subject[:LOOK_AT]):
        looked_at = words if len(words) <= 2 * LOOK_AT else f"{words[:LOOK_AT]}\n{words[-LOOK_AT:]}"
        prose = _NOT_PROSE.sub(" @ ", looked_at)
        for value, score in _candidates(_OTHER_CODES.sub("order", _PREFIX.sub("", prose))):
            scores[value] += score
    best = max(scores, key=lambda value: scores[value], default=None)
    return best if best is not None and scores[best] >= ENOUGH else None


def _candidates(prose: str) -> Iterator[tuple[str, int]]:
    matches = list(itertools.islice(_TOKEN.finditer(prose), TOKENS_LIMIT))
    alone = [_is_alone(prose, match) for match in matches]
    for match, is_alone in zip(matches, alone, strict=True):
        score = _score(prose, match, is_alone=is_alone, only_one=sum(alone) == 1)
        if score:
            yield _value(match[0]), score


def _score(prose: str, match: re.Match[str], *, is_alone: bool, only_one: bool) -> int:
    token = match[0]
    before, after = prose[max(0, match.start() - BEFORE) : match.start()], prose[match.end() : match.end() + AFTER]
    if _MONEY_BEFORE.search(before) or _UNIT_AFTER.match(after) or _DATE_BEFORE.search(before):
        return 0
    named_before, named_after = list(_WORDS.finditer(before)), _WORDS.search(after)
    named = bool(named_before or named_after)
    if not any(char.isdigit() for char in token) and not (is_alone and named and not _WORDS.fullmatch(token)):
        return 0
    direct = bool(named_before) and bool(_IS.fullmatch(before, named_before[-1].end()))
    score = (4 if only_one or named else 3) if is_alone else 0
    score += 4 if named_before else 3 if named_after else 0
    score += 2 if named_before and len(before) - named_before[-1].end() <= 15 else 0
    score += 1 if re.fullmatch(r"\D*\d\D*(?:\d\D*){5}", token) else 0
    score -= 4 if _YEAR.fullmatch(token) and not direct else 0
    score -= 5 if _ELSEWHERE.search(before) else 4 if before.endswith("#") else 0
    return score


def _is_alone(prose: str, match: re.Match[str]) -> bool:
    start = prose.rfind("\n", 0, match.start()) + 1
    end = prose.find("\n", match.end())
    rest = prose[start : match.start()] + prose[match.end() : end if end >= 0 else len(prose)]
    return len(rest) < 200 and not rest.strip(_AROUND)


def _value(token: str) -> str:
    """What to type: groups of digits are joined, hyphens between letters stay."""
    joined = re.sub(r"[ \u00a0]", "", token)
    digits = joined.replace("-", "")
    return digits if digits.isdigit() else joined
