"""What endpoints, and what stands in front of them, say: words and codes wherever a server puts them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Final

from webapp.connectors.api_answer import Answer
from webapp.connectors.api_rules import Said
from webapp.domain.problem import JSON

_READ: Final = 20_000
"""Characters of a page that are looked at."""
_ID_LIMIT: Final = 200
_UNSEEN: Final = re.compile(r"<(script|style|svg)\b.*?(</\1\s*>|$)|<!--.*?(-->|$)", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_WORDS: Final = (("message",), ("Message",), ("error", "message"), ("error",), ("detail",), ("title",), ("msg",))
_CODES: Final = (("code",), ("error", "code"), ("errorCode",))


def said_by(answer: Answer) -> Said:
    """Read code and words out of an answer, and what its headers say of where and when to ask."""
    words = [_words(answer)]
    if 300 <= answer.status < 400 and (target := answer.headers.get("Location")):
        words.append(f"Location: {target}")
    if wait := answer.headers.get("Retry-After"):
        words.append(f"Retry-After: {wait}")
    code = next(filter(None, (answer.text_at(*path) for path in _CODES)), "")
    return Said("" if answer.ok or code == str(answer.status) else code, "; ".join(filter(None, words)))


def id_in(answer: Answer) -> str:
    """The endpoint's own id of the mail, where it gives one."""
    return (answer.text_at("id") or answer.text_at("messageId"))[:_ID_LIMIT]


def is_page(answer: Answer) -> bool:
    """Whether it is written for a person's browser."""
    return answer.headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))


def _words(answer: Answer) -> str:
    if isinstance(answer.json, dict | list):
        found = next(filter(None, (answer.text_at(*path) for path in _WORDS)), "")
        hint = answer.text_at("hint")
        return " ".join(filter(None, (found or _details(answer), hint))) or ("" if answer.ok else answer.text)
    text = answer.text[:_READ]
    return _text_of(text) if text.lstrip().startswith("<") else text


def _details(answer: Answer) -> str:
    """The faults of a body, as validating frameworks list them: place and message of each."""
    faults = answer.objects_at("detail") or answer.objects_at("errors") or []
    return "; ".join(_fault(each) for each in faults[:5])


def _fault(fault: Mapping[str, JSON]) -> str:
    place = fault.get("loc") or fault.get("path") or fault.get("field")
    where = ".".join(map(str, place)) if isinstance(place, list) else str(place or "")
    return ": ".join(filter(None, (where, str(fault.get("msg") or fault.get("message") or ""))))


def _text_of(page: str) -> str:
    return " ".join(html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", page))).split())
