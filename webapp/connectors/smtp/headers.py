"""Custom headers: which names and values are possible."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

FORBIDDEN_HEADERS: Final = frozenset(
    {
        "from",
        "to",
        "cc",
        "bcc",
        "sender",
        "reply-to",
        "return-path",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "received",
        "dkim-signature",
    }
)
"""Headers that Postroom or the servers on the way write; ``Content-*`` belongs to them too."""

HEADERS_LIMIT: Final = 50
HEADER_VALUE_LIMIT: Final = 2000

_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")


def _header_values(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("Custom headers are pairs of a name and a text, or a name and a list of texts.")  # noqa: TRY004
    if len(value) > HEADERS_LIMIT:
        raise ValueError(f"At most {HEADERS_LIMIT} custom headers are possible.")
    seen: set[str] = set()
    for name, content in value.items():
        _check_header_name(name)
        if str(name).lower() in seen:
            raise ValueError(f"The header {name} is given twice; give one name with a list of texts instead.")
        seen.add(str(name).lower())
        for line in content if isinstance(content, list | tuple) else [content]:
            _check_header_value(str(name), line)
    return value


def _check_header_name(name: object) -> None:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        shown = str(name)[:40]
        raise ValueError(f"“{shown}” is not a header name: use letters, digits and hyphens, such as X-Entity-Ref.")
    if name.lower() in FORBIDDEN_HEADERS or name.lower().startswith("content-"):
        raise ValueError(f"Postroom writes the header {name} itself, so it cannot be a custom header.")


def _check_header_value(name: str, line: object) -> None:
    if not isinstance(line, str):
        raise ValueError(f"The header {name} needs a text, or a list of texts.")  # noqa: TRY004  pydantic wants ValueError
    if any(ord(char) < 32 or ord(char) == 127 for char in line):
        raise ValueError(f"The header {name} has to stay on one line, without control characters.")
    if len(line) > HEADER_VALUE_LIMIT:
        raise ValueError(f"The header {name} is longer than {HEADER_VALUE_LIMIT} characters.")


Headers = Annotated[dict[str, str | tuple[str, ...]], BeforeValidator(_header_values)]
"""Header name → one value, or several for as many headers of that name."""
