"""Reads a captured mail for people: parts, headers, the code and the links. Nothing a mail says makes it fail."""

from __future__ import annotations

import binascii
import codecs
import email.header
import email.parser
import email.policy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from html import unescape
from typing import Final
from urllib.parse import urlsplit

from inscriptis import get_text

from webapp.domain.problem import JSON
from webapp.services.findings import find_code
from webapp.services.narrow import narrow

READ_LIMIT: Final = 256 * 1024
"""How much of a body is searched for code and links."""
LINKS_LIMIT: Final = 50
PARTS_LIMIT: Final = 200
HEADERS_LIMIT: Final = 500
HEADER_LIMIT: Final = 16_000
"""Characters of one header that are read."""
CONTENT_HEADER_LIMIT: Final = 2_000
"""The same of one with parameters, over which Python's parser takes minutes when they are megabytes."""
MULTIPARTS_LIMIT: Final = 20
"""Parts within parts that are taken apart: each line is compared with the boundary of every one of them."""

_URL = re.compile(r"https?://[^\s<>\"'()\[\]{}]{1,4096}(?<![.,;:!?])", re.IGNORECASE)
_ANCHOR = re.compile(
    r"""<a(?:rea)?\s(?:[^<>]{0,2000}?\s)?href\s{0,9}=\s{0,9}(?:"([^"<>]{1,4096})"|'([^'<>]{1,4096})'|([^\s"'<>]{1,4096}))""",
    re.IGNORECASE,
)
_WEB = re.compile(r"https?://", re.IGNORECASE)
_MULTIPART = re.compile(rb"^content-type:\s{0,99}multipart/", re.IGNORECASE | re.MULTILINE)
_NO_CHARSETS: Final = frozenset({"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape"})
"""Codecs of Python that no mail is written in; the first takes minutes over a megabyte."""
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Request:
    """A request taken apart that would have carried a mail."""

    method: str
    url: str
    body: str
    """As people read it: JSON on many lines, else as it is."""
    json: JSON = None
    """The body where it is JSON."""
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class Captured:
    """A mail taken apart."""

    sender: str
    subject: str
    html: str | None
    text: str | None
    headers: tuple[tuple[str, str], ...]
    source: str
    code: str | None
    links: tuple[str, ...]
    attachments: tuple[str, ...] = ()
    """Names of what hangs on it besides its text."""
    request: Request | None = None


def read(raw: bytes, media_type: str = "message/rfc822") -> Captured:
    """Take a mail apart, or a request. What cannot be understood is shown as it came, or left empty."""
    return _request(raw) if media_type == "message/http" else _mail(raw)


def _request(raw: bytes) -> Captured:
    """Take a request apart (RFC 9112), which we wrote ourselves."""
    source = _clean(raw.decode("utf-8", errors="replace")).replace("\r\n", "\n")
    head, _, written = source.partition("\n\n")
    line, *lines = head.split("\n")
    method, _, rest = line.partition(" ")
    url = rest.rpartition(" ")[0] or rest
    try:
        body: JSON = json.loads(written)
        shown, is_json = json.dumps(body, indent=2, ensure_ascii=False), True
    except (ValueError, RecursionError):
        body, shown, is_json = None, written, False
    payload = body.get("payload") if isinstance(body, dict) else None
    code = payload.get("code") if isinstance(payload, dict) else None
    headers = (each.partition(":") for each in lines[:HEADERS_LIMIT])
    return Captured(
        sender=urlsplit(url).hostname or "",
        subject=f"{method} {url}",
        html=None,
        text=None,
        headers=tuple((name, value.strip()) for name, _, value in headers),
        source=source,
        code=str(code) if isinstance(code, str | int) else find_code(shown[:READ_LIMIT], ""),
        links=_links(None, _strings(body) if is_json else written),
        request=Request(method, url, shown, body, is_json),
    )


def _strings(value: JSON) -> str:
    """All texts of a JSON value, one to a line."""
    match value:
        case str():
            return value
        case list():
            return "\n".join(map(_strings, value))
        case dict():
            return "\n".join(map(_strings, value.values()))
        case _:
            return ""


def _mail(raw: bytes) -> Captured:
    source = _clean(raw.decode("utf-8", errors="replace")).replace("\r\n", "\n")
    try:
        too_deep = len(_MULTIPART.findall(raw)) > MULTIPARTS_LIMIT
        message = email.parser.BytesParser(policy=_ShortHeaders()).parsebytes(raw, headersonly=too_deep)
        headers = tuple((name, _decoded(value)) for name, value in message.items()[:HEADERS_LIMIT])
        html, text, attachments = (None, None, ()) if too_deep else _parts(message)
    except RecursionError:
        # Parts within parts a thousand deep: not a mail that anybody reads, but its source can be shown.
        headers, html, text, attachments = (), None, None, ()
    first = {name.lower(): value for name, value in reversed(headers)}
    subject = first.get("subject", "")
    words = (text or "", _text_of(html) if html else "")
    return Captured(
        sender=first.get("from", ""),
        subject=subject,
        html=html,
        text=text,
        headers=headers,
        source=source,
        code=next((code for each in words if (code := find_code(each, subject))), None),
        links=_links(html, text),
        attachments=attachments,
    )


class _ShortHeaders(email.policy.Compat32):
    """Read mails as they come, but no more of a header than a person could."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[: CONTENT_HEADER_LIMIT if name.lower().startswith("content-") else HEADER_LIMIT]


def _parts(message: Message) -> tuple[str | None, str | None, tuple[str, ...]]:
    html: str | None = None
    text: str | None = None
    attachments: list[str] = []
    for part in _leaves(message):
        kind = part.get_content_type()
        name = part.get_filename()
        if name or part.get_content_disposition() == "attachment" or not kind.startswith("text/"):
            attachments.append(_decoded(name)[:200] if name else kind)
        elif kind == "text/html" and html is None:
            html = _body(part)
        elif kind != "text/html" and text is None:
            text = _body(part)
    return html, text, tuple(attachments)


def _leaves(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= PARTS_LIMIT:
            return
        if not part.is_multipart():
            yield part


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else str(part.get_payload()).encode(errors="replace")
    charset = part.get_content_charset() or "utf-8"
    return _clean(_decode(content, charset)).replace("\r\n", "\n")


def _decode(content: bytes, charset: str) -> str:
    """Decode by the charset that the mail claims; where it lies or is unknown, by the likeliest."""
    try:
        if codecs.lookup(charset).name.replace("-", "_") not in _NO_CHARSETS:
            return content.decode(charset)
    except (LookupError, ValueError):
        pass
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _decoded(value: object) -> str:
    """A header's value with its encoded words (RFC 2047) resolved and on one line."""
    text = str(value)
    try:
        pieces = email.header.decode_header(text)
    except (MessageError, binascii.Error, ValueError):
        pieces = [(text, None)]
    decoded = "".join(
        _decode(piece, charset or "utf-8") if isinstance(piece, bytes) else piece for piece, charset in pieces
    )
    return " ".join(_clean(decoded).split())


def _clean(text: str) -> str:
    """Take out control characters and lone surrogates, which neither pages nor JSON can carry."""
    return _UNSAFE.sub("\ufffd", text)


def _text_of(html: str) -> str:
    """What a person sees of the HTML, for finding the code."""
    return str(get_text(narrow(html[:READ_LIMIT]))) if html.strip() else ""


def _links(html: str | None, text: str | None) -> tuple[str, ...]:
    found: list[str] = []
    if html:
        # Not a parser: every tolerant one takes minutes over some hostile mail, and here only a list is drawn.
        values = (match[1] or match[2] or match[3] for match in _ANCHOR.finditer(html[:READ_LIMIT]))
        found += [target for value in values if _WEB.match(target := unescape(value).strip())]
    if text:
        found += _URL.findall(text[:READ_LIMIT])
    return tuple(dict.fromkeys(found))[:LINKS_LIMIT]
