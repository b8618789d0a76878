"""A provider for tests: an HTTP server on this machine that answers what it is told and keeps what it was asked.

::

    with StandIn({"POST /send": Reply(202, {"id": "m-1"})}) as provider:
        ...                                     # provider.url is the endpoint
        provider.asked[0].json["subject"]
"""

from __future__ import annotations

import contextlib
import email
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from fnmatch import fnmatchcase
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class Reply:
    """What the stand-in answers. ``body`` is JSON unless it is text or bytes."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    never: bool = False
    """Read the request, and say nothing until the other side gives up."""
    drip: float = 0.0
    """Seconds between one byte of the body and the next."""

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()

    @property
    def content_type(self) -> str:
        return "text/plain; charset=utf-8" if isinstance(self.body, str | bytes) else "application/json"


NEVER: Final = Reply(never=True)
"""Accepts, reads, and never answers."""


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    """Path and query, as they were written."""
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path or "/"

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def header(self, name: str) -> str:
        """The value of a header; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @cached_property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a form, in order: of a URL-encoded one, or of one in several parts."""
        kind = self.header("Content-Type")
        if kind.startswith("application/x-www-form-urlencoded"):
            return parse_qsl(self.body.decode(), keep_blank_values=True)
        if not kind.startswith("multipart/form-data"):
            return []
        message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + self.body)
        return [_field(part) for part in message.walk() if not part.is_multipart()]

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Every name and value that the request is made of: headers, query, and the fields of its body."""
        headers = [(f"header {name.lower()}", value) for name, value in self.headers]
        query = [(f"query {name}", value) for name, value in self.query]
        if self.form:
            return [*headers, *query, *((f"field {name}", value) for name, value in self.form)]
        try:
            read = json.loads(self.body, object_pairs_hook=_Pairs)
        except ValueError:
            return [*headers, *query, *([("body", self.body.decode(errors="replace"))] if self.body else [])]
        return [*headers, *query, *_leaves(read)]

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


class StandIn:
    """The server, to be used as a context manager. ``answers`` is by ``"METHOD /path"``.

    A path may hold ``*``; a query in it, such as ``POST /?Action=Send``, names parameters that must be there, in the
    query or in a form. What is not named is answered 404 and noted in ``unexpected``.
    """

    def __init__(self, answers: Mapping[str, Reply]) -> None:
        self.answers = dict(answers)
        self.asked: list[Asked] = []
        self.unexpected: list[str] = []
        self.stopped = threading.Event()
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.stand_in = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.let_go()
        self._server.server_close()
        self._thread.join()

    def matching(self, keys: Mapping[str, Reply]) -> list[Asked]:
        """The requests that these keys speak of."""
        return [asked for asked in self.asked if any(_fits(key, asked) for key in keys)]

    def reply_to(self, asked: Asked) -> Reply:
        """Note a request and tell the answer; what names most parameters is looked at first."""
        self.asked.append(asked)
        for key in sorted(self.answers, key=lambda key: -key.count("=")):
            if _fits(key, asked):
                return self.answers[key]
        self.unexpected.append(str(asked))
        return Reply(404, f"The stand-in was told nothing about {asked.method} {asked.path}")


class _Server(ThreadingHTTPServer):
    stand_in: StandIn
    daemon_threads = False
    """So that closing waits for the last answer, and no thread outlives its test."""

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def let_go(self) -> None:
        """Hang up on everybody, so that nobody waits for a next request."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up early is the test's own business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        stand_in = self.server.stand_in
        headers = tuple((name, value) for name, value in self.headers.items())
        self._answer(stand_in, stand_in.reply_to(Asked(self.command, self.path, headers, self._read_body())))

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, stand_in: StandIn, reply: Reply) -> None:
        if reply.never:
            stand_in.stopped.wait()
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.content_type, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        if not reply.drip:
            self.wfile.write(reply.content)
            return
        for byte in reply.content:
            if stand_in.stopped.wait(reply.drip):
                self.close_connection = True
                return
            self.wfile.write(bytes([byte]))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name of the base class
        """Say nothing: a request line may hold what a log may not."""


class _Pairs(list[tuple[str, Any]]):
    """An object as its pairs, so that a name that stands there twice is seen."""


def _field(part: Message) -> tuple[str, str]:
    content = part.get_payload(decode=True)
    name = part.get_param("name", header="Content-Disposition")
    return str(name), content.decode() if isinstance(content, bytes) else ""


def _fits(key: str, asked: Asked) -> bool:
    method, _, target = key.partition(" ")
    path, _, query = target.partition("?")
    given = [*asked.query, *asked.form] if query else []
    return (
        method == asked.method
        and fnmatchcase(asked.path, path or "/")
        and all(pair in given for pair in parse_qsl(query, keep_blank_values=True))
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, _Pairs):
        for name, inside in value:
            yield from _leaves(inside, f"{path}/{name}")
    elif isinstance(value, list):
        for number, inside in enumerate(value):
            yield from _leaves(inside, f"{path}/{number}")
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)
