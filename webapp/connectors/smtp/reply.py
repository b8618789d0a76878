"""What a mail server said, made safe to keep and to show."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

TEXT_LIMIT: Final = 500

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_LEADING_ENHANCED = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}[ :-]*", re.MULTILINE)
_MESSAGE_ID = (
    re.compile(r"queued as\W{0,2}([\w.-]{4,})", re.IGNORECASE),
    re.compile(r"\b(?:message-?id|id|envid)[=:]\s?<?([^\s<>#,;\]]{4,})", re.IGNORECASE),
    re.compile(r"^ok:?\s+<?([0-9a-f][0-9a-f-]{15,})>?$", re.IGNORECASE),  # Amazon SES
    re.compile(r"^ok\s+\d{8,}\s+(\S+)\s+-\s+gsmtp", re.IGNORECASE),  # Gmail
    re.compile(r"^ok\s+<([^<>\s]+)>", re.IGNORECASE),  # Exchange
    re.compile(r"^(\w{10,}) message accepted for delivery", re.IGNORECASE),  # sendmail
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer: code, enhanced code (RFC 3463) where there is one, and its words on one line."""

    code: int
    enhanced_code: str | None
    text: str

    @classmethod
    def of(cls, code: int, message: str) -> Reply:
        """Read an answer as aiosmtplib gives it: lines joined, undecodable bytes as surrogates."""
        enhanced = _ENHANCED.match(message)
        return cls(code, enhanced[0] if enhanced else None, cleaned(_LEADING_ENHANCED.sub("", message)))

    @property
    def message_id(self) -> str | None:
        """The provider's own name for the mail that it took, if this is recognisable."""
        found = next(filter(None, (pattern.search(self.text) for pattern in _MESSAGE_ID)), None)
        return found[1].rstrip(".") if found else None

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced_code, self.text)))


def cleaned(text: str, limit: int = TEXT_LIMIT) -> str:
    """Make somebody else's text one line without control or invisible characters, and not too long."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    line = " ".join(text.split())
    line = "".join(char for char in line if unicodedata.category(char)[0] != "C")
    return line if len(line) <= limit else line[: limit - 1] + "…"
