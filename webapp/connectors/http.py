"""The one way out by HTTP: a connection through ``network``, opened phase by phase, that follows and remembers nothing.

::

    async with HTTPConnection(network, config.endpoint) as connection:
        await connection.open(trace)                       # resolve, connect, tls
        with trace.phase("submit"):
            answer = await connection.send(httpx2.Request("POST", config.endpoint + "/v3/send", json=…))

No redirects, no cookies, no proxies of the environment; answers of bounded size; a time-out for each phase.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2
import httpx2

from webapp.connectors import http_problems as problems
from webapp.connectors.network import Network, Route
from webapp.connectors.network_problems import connection_broken
from webapp.connectors.proxy import Proxy, connect_through
from webapp.connectors.tls import Trust
from webapp.connectors.tls_problems import certificate_problem, handshake_failed
from webapp.domain.address import ascii_host
from webapp.domain.message import DeliveryError, PhaseNote, Trace

ANSWER_LIMIT: Final = 1_000_000
"""Bytes of an answer; more is refused."""

_USER_AGENT: Final = "Postroom"
_CHARSETS: Final = frozenset({"utf-8", "iso-8859-1", "windows-1252"})
"""What answers are read in; all others as UTF-8, because some names stand for codecs that unpack or never end."""
_GOODBYE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that each phase may take."""

    dns: float = 5.0
    connect: float = 10.0
    """For connecting, and then again for TLS."""
    answer: float = 30.0
    """For a whole request and its answer, however slowly it drips."""


class HTTPConnection:
    """One connection to one origin. Raises DeliveryError for all that goes wrong before there is an answer."""

    def __init__(
        self,
        network: Network,
        url: str,
        *,
        patience: Patience = Patience(),
        trust: Trust | None = None,
        proxy: Proxy | None = None,
        local_address: str | None = None,
    ) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.encrypted = parts.scheme == "https"
        self.port = parts.port or (443 if self.encrypted else 80)
        self._network = network
        self._patience = patience
        self._trust = trust
        self._proxy = proxy
        self._local_address = local_address
        self._stream: _Stream | None = None
        self._http: httpcore2.AsyncHTTP11Connection | None = None

    async def __aenter__(self) -> HTTPConnection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self, trace: Trace | None = None) -> None:
        """Look the name up, connect and set up TLS, each a phase of ``trace`` where there is one."""
        patience = self._patience
        with _phase(trace, "resolve", patience.dns) as note:
            route = await self._network.resolve(self.host, self.port, seconds=patience.dns)
            note.text = str(route)
        with _phase(trace, "connect", patience.connect):
            connection = await self._connect(route)
            if not self.encrypted:
                self._stream = _Stream(*await asyncio.open_connection(sock=connection))
        if self.encrypted:
            with _phase(trace, "tls", patience.connect) as note:
                await self._encrypt(connection, route)
                note.text = self._tls_version()
        origin = httpcore2.Origin(b"https" if self.encrypted else b"http", ascii_host(self.host).encode(), self.port)
        if self._stream:
            self._http = httpcore2.AsyncHTTP11Connection(origin, self._stream)

    async def send(
        self, request: httpx2.Request, *, limit: int = ANSWER_LIMIT, seconds: float | None = None
    ) -> httpx2.Response:
        """Send a request to this origin and read the whole answer, whatever its status.

        ``seconds`` is what is left of the time for an answer, where several requests share it.
        """
        if self._http is None or not self._http.is_available():
            # The other side may close it after each answer.
            await self.close()
            await self.open()
        request.headers.setdefault("User-Agent", _USER_AGENT)
        # What is compressed could unfold beyond the limit.
        request.headers["Accept-Encoding"] = "identity"
        try:
            async with asyncio.timeout(self._patience.answer if seconds is None else seconds):
                return await self._exchange(request, limit)
        except TimeoutError as exc:
            raise DeliveryError(problems.no_answer(self.host, self._patience.answer)) from exc
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as exc:
            # "from None": a parser's words may repeat what the server said, and that what we sent.
            raise DeliveryError(problems.broken_off(self.host, type(exc).__name__)) from None

    async def close(self) -> None:
        """Let go of the connection."""
        if self._stream:
            await self._stream.aclose()
            self._stream = self._http = None

    async def _connect(self, route: Route) -> Any:
        seconds = self._patience.connect
        if self._proxy is None:
            return await self._network.connect(route, seconds=seconds, local_address=self._local_address)
        return await connect_through(
            self._proxy, self._network, route, seconds=seconds, local_address=self._local_address
        )

    async def _encrypt(self, connection: Any, route: Route) -> None:
        host, port, name = self.host, self.port, route.tls_name
        context = await self._network.tls_context(route, self._trust)
        try:
            reader, writer = await asyncio.open_connection(
                sock=connection,
                ssl=context,
                server_hostname=name,
                ssl_handshake_timeout=self._patience.connect,
            )
        except ssl.SSLCertVerificationError as exc:
            raise DeliveryError(certificate_problem(exc, name=name, host=host, port=port, certificate=None)) from exc
        except ssl.SSLError as exc:
            trust = self._trust or Trust()
            presented = trust.certificate is not None
            raise DeliveryError(
                handshake_failed(exc, host=host, port=port, minimum=trust.minimum, presented=presented)
            ) from exc
        except (ConnectionAbortedError, TimeoutError) as exc:
            raise DeliveryError(problems.no_tls_in_time(host, port)) from exc
        except OSError as exc:
            raise DeliveryError(connection_broken(host, port)) from exc
        self._stream = _Stream(reader, writer)

    async def _exchange(self, request: httpx2.Request, limit: int) -> httpx2.Response:
        if self._http is None:
            raise RuntimeError("The connection is not open.")
        url = request.url
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        sent = httpcore2.Request(request.method.encode(), target, headers=request.headers.raw, content=request.stream)
        answer = await self._http.handle_async_request(sent)
        try:
            content = bytearray()
            async for piece in answer.aiter_stream():
                content += piece
                if len(content) > limit:
                    raise DeliveryError(problems.answer_too_large(self.host))
        finally:
            await answer.aclose()
        headers = [(name, value) for name, value in answer.headers if name.lower() != b"content-encoding"]
        response = httpx2.Response(answer.status, headers=headers, content=bytes(content), request=request)
        if response.charset_encoding not in _CHARSETS:
            response.encoding = "utf-8"
        return response

    def _tls_version(self) -> str | None:
        tls = self._stream.get_extra_info("ssl_object") if self._stream else None
        cipher = tls.cipher() if tls else None
        return f"{cipher[1]} {cipher[0]}" if cipher else None


class _Stream(httpcore2.AsyncNetworkStream):
    """A connection of ours as the HTTP library reads and writes it. Time is kept by whoever sends the request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        try:
            self._writer.write(buffer)
            await self._writer.drain()
        except OSError as exc:
            # The library goes on to read: whoever hangs up this early may have said why.
            raise httpcore2.WriteError(str(exc)) from exc

    async def aclose(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), _GOODBYE_SECONDS)

    def get_extra_info(self, info: str) -> Any:
        return self._writer.get_extra_info(info)


@contextmanager
def _phase(trace: Trace | None, name: str, seconds: float) -> Iterator[PhaseNote]:
    if trace is None:
        yield PhaseNote()
        return
    with trace.phase(name, seconds) as note:
        yield note
