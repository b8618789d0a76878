"""Headers of a mail: which custom ones are possible, and how names and addresses are written in one line."""

from __future__ import annotations

import re
from email.header import Header
from typing import Annotated, Final

from pydantic import BeforeValidator

from webapp.domain.address import Mailbox, ascii_host

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
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_SPECIAL = re.compile(r'[][()<>@,:;".\\]')


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


def _single_values(value: object) -> object:
    pairs = _header_values(value)
    if not isinstance(pairs, dict):
        return pairs
    for name, content in pairs.items():
        if not isinstance(content, str) and len(content) != 1:
            raise ValueError(f"This provider takes one text for each header; {name} has several.")
    return {name: content if isinstance(content, str) else content[0] for name, content in pairs.items()}


SingleHeaders = Annotated[dict[str, str], BeforeValidator(_single_values)]
"""Header name → its one value, where a provider takes no more."""


def ascii_mailbox(mailbox: Mailbox) -> str:
    """Write a mailbox in one line as HTTP interfaces want it: the name quoted or encoded, the domain as DNS has it."""
    address = ascii_address(mailbox.address)
    name = one_line(mailbox.name).strip()
    if not name:
        return address
    if not name.isascii() or "=?" in name:
        shown = ascii_text(name)
    elif _SPECIAL.search(name):
        escaped = name.replace("\\", r"\\").replace('"', r"\"")
        shown = f'"{escaped}"'
    else:
        shown = name
    return f"{shown} <{address}>"


def ascii_address(address: str) -> str:
    """Write the domain of an address as DNS and SMTP carry it."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_host(domain)}"


def one_line(value: str) -> str:
    """Keep a text in its line: what would end it becomes a space."""
    return _CONTROL.sub(" ", value)


def ascii_text(value: str) -> str:
    """Write a header's text in one line of ASCII (RFC 2047); what would end the line becomes a space."""
    line = one_line(value)
    if line.isascii() and "=?" not in line:
        return line
    return Header(line, "utf-8").encode(linesep="")
