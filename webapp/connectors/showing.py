"""What would go out, for the inbox of a development tenant: the mail, or the very request that carries it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import httpx2

from webapp.connectors.mime import envelope
from webapp.domain.message import Mail

HIDDEN: Final = "•••"
"""Stands where a secret was."""

_SAY_WHO_ASKS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "webhook-signature"})
_OF_THE_LINE: Final = frozenset({"user-agent", "accept", "accept-encoding", "connection", "content-length", "host"})
"""Headers that say nothing about the mail."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a send would hand over, without the secrets that open the door."""

    media_type: Literal["message/rfc822", "message/http"]
    content: bytes


def mail_shown(mail: Mail) -> Shown:
    """The mail as those would get it who deliver mail."""
    return Shown("message/rfc822", envelope(mail).content)


def request_shown(request: httpx2.Request, secrets: Iterable[str]) -> Shown:
    """A request as text (RFC 9112): its whole address, its headers, its body."""
    headers = [
        (name, HIDDEN if name.lower() in _SAY_WHO_ASKS else value)
        for name, value in request.headers.items()
        if name.lower() not in _OF_THE_LINE
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    text = f"{request.method} {request.url} HTTP/1.1\r\n{head}\r\n" + request.read().decode(errors="replace")
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return Shown("message/http", text.encode())


class Witnessed(Exception):  # noqa: N818  not an error: it ends a submit that is only looked at
    """The request was seen, and no answer will come."""


class Witness:
    """Stands in the place of a connection, and keeps the first request instead of sending it."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.request: httpx2.Request | None = None

    async def send(self, request: httpx2.Request, *, seconds: float | None = None) -> httpx2.Response:
        """Keep the request. Raises Witnessed."""
        self.request = request
        raise Witnessed
