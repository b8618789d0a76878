"""aiosmtplib's protocol with a witness: it writes the transcript and remembers what was under way."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
from typing import Final

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from webapp.connectors.smtp.reply import cleaned
from webapp.domain.address import mask
from webapp.domain.message import Trace

HIDDEN: Final = "•••"
LINES_LIMIT: Final = 40
"""Lines of one answer that the transcript keeps."""

FIRST_BYTES: Final = 100
PIECE: Final = 65536
"""Bytes of a message that are written at once."""

_START_INPUT: Final = 354
_CHALLENGE: Final = 334


class WitnessedProtocol(SMTPProtocol):
    """Speak SMTP and keep a transcript without credentials, recipients and message bodies."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.lost: BaseException | None = None
        """Why the connection ended, unless the other side ended it in order."""
        self.body_written = False
        """Whether the last byte of the message went out; from then on only an answer tells what became of it."""
        self.challenge = ""
        """What the server asked back last while we logged in."""
        self.first_bytes = b""
        """The beginning of whatever came first, an SMTP answer or not."""
        self.closed = asyncio.Event()
        self._trace = trace
        self._credentials: set[str] = set()
        self._recipient = ""
        self._in_auth = False
        self._expecting = True
        self._last_code = 0
        self._unasked = b""
        self._body = b""

    def hide_credentials(self, *secrets: str) -> None:
        """Take these out of whatever the server says from now on."""
        self._credentials.update(filter(None, secrets))

    def hide_recipient(self, address: str) -> None:
        """Mask this address in the transcript."""
        self._recipient = address

    @property
    def own_name(self) -> str:
        """This machine's name if it is a full one, else its address as a literal (RFC 5321 section 4.1.3)."""
        name = socket.gethostname()
        if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name):
            return name
        local = self.transport.get_extra_info("sockname") if self.transport else None
        address = ipaddress.ip_address(str(local[0]).partition("%")[0] if local else "127.0.0.1")
        return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"

    @property
    def first_words(self) -> str:
        """``first_bytes``, to be read by people."""
        return cleaned(self.first_bytes.decode("utf-8", "replace"), 60)

    @property
    def began_with_tls(self) -> bool:
        """Whether the other side sent a TLS alert or handshake (RFC 8446 section 5.1) where a greeting was due."""
        return self.first_bytes[:2] in (b"\x15\x03", b"\x16\x03")

    @property
    def parting_words(self) -> bytes:
        """What the server said without being asked; usually why it is about to hang up."""
        return self._unasked or bytes(self._buffer)

    def without_credentials(self, text: str) -> str:
        """Hide what was sent as proof of identity, should the server repeat it."""
        for secret in sorted(self._credentials, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text

    def write(self, data: bytes) -> None:
        self._expecting = True
        if self._last_code == _START_INPUT:
            self._last_code = 0
            self._body = data
            self._trace.client(f"[{len(data)} bytes of message]")
            return
        self._note_sent(data)
        super().write(data)

    async def read_response(self, timeout: float | None = None) -> aiosmtplib.SMTPResponse:  # noqa: ASYNC109
        try:
            if self._body:
                await self._write_body(timeout)
            response = await super().read_response(timeout)
        except aiosmtplib.SMTPResponseException as exc:
            # What is no answer at all may repeat what we sent; an exception that holds it may end up in a log.
            self._in_auth = False
            raise aiosmtplib.SMTPResponseException(exc.code, self.without_credentials(exc.message)) from None
        finally:
            self._expecting = False
        self._last_code = response.code
        self._in_auth = response.code == _CHALLENGE
        self.challenge = response.message if self._in_auth else self.challenge
        message = response.message if self._in_auth else self.without_credentials(response.message)
        self._note_received(response.code, message)
        return aiosmtplib.SMTPResponse(response.code, message)

    def data_received(self, data: bytes) -> None:
        if len(self.first_bytes) < FIRST_BYTES:
            self.first_bytes = (self.first_bytes + data)[:FIRST_BYTES]
        if not self._expecting or (self._response_waiter and self._response_waiter.done()):
            self._unasked = (self._unasked + data)[-2000:]
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self.lost or exc
        super().connection_lost(exc)
        self.closed.set()

    async def _write_body(self, seconds: float | None) -> None:
        """Write the message piece by piece, the last only when all others have left.

        Written at once it would all lie in our buffer, and nobody could tell a message that was cut off from one
        that went out whole. Raises TimeoutError.
        """
        body, self._body = memoryview(self._body), b""
        if isinstance(self.transport, asyncio.WriteTransport):
            # As low as it goes: with 0, TLS transports never take up writing again.
            self.transport.set_write_buffer_limits(high=1, low=0)
        # A lost connection, and what the server said before it went, are reported by reading.
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(seconds):
                for start in range(0, len(body), PIECE):
                    await self._drain_helper()
                    super().write(bytes(body[start : start + PIECE]))
                    self.body_written = start + PIECE >= len(body)

    def _note_sent(self, data: bytes) -> None:
        line = data.decode("utf-8", "replace").rstrip("\r\n")
        if self._in_auth:
            self.hide_credentials(line)
            self._trace.client(HIDDEN)
        elif line.upper().startswith("AUTH "):
            mechanism, *proof = line.split(" ")[1:]
            self.hide_credentials(*proof)
            self._trace.client(f"AUTH {mechanism} {HIDDEN}" if proof else f"AUTH {mechanism}")
        else:
            self._trace.client(self._masked(line))

    def _note_received(self, code: int, message: str) -> None:
        lines = [self._masked(cleaned(line)) for line in message.split("\n")[:LINES_LIMIT]]
        last = len(lines) - 1
        self._trace.server("\n".join(f"{code}{' ' if at == last else '-'}{line}" for at, line in enumerate(lines)))

    def _masked(self, line: str) -> str:
        return line.replace(self._recipient, mask(self._recipient)) if self._recipient else line
