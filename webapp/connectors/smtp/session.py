"""One conversation with a mail server, phase by phase. Check and send walk the same way."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from typing import Final

import aiosmtplib
from aiosmtplib import SMTPDataError, SMTPHeloError, SMTPResponse, SMTPResponseException

from webapp.connectors.authorization import KeepNothing, TokenKeeper
from webapp.connectors.network import Network
from webapp.connectors.smtp.config import LoginAuth, SmtpConfig
from webapp.connectors.smtp.diagnosis import Diagnosis
from webapp.connectors.smtp.inspection import shown_certificate
from webapp.connectors.smtp.login import Login, said
from webapp.connectors.smtp.mime import Envelope
from webapp.connectors.smtp.oauth import OAuth2Auth
from webapp.connectors.smtp.token_login import Access
from webapp.connectors.smtp.way import Way
from webapp.connectors.smtp.wire import WitnessedProtocol
from webapp.connectors.tls_problems import certificate_problem
from webapp.domain.message import DeliveryError, Receipt, Trace

GREETING: Final = 220

GOODBYE_SECONDS: Final = 1.0
"""How long an orderly end may take before the connection is dropped."""

_FAREWELLS: Final[set[asyncio.Task[None]]] = set()
"""Connections on their way out; a task that nobody holds may vanish."""


class SMTPSession:
    """Open a connection as the config says, hand over at most one mail, and close it."""

    def __init__(self, config: SmtpConfig, network: Network, trace: Trace, tokens: TokenKeeper | None = None) -> None:
        self.config = config
        self.tokens = tokens or KeepNothing()
        self.network = network
        self.trace = trace
        self._client = aiosmtplib.SMTP(timeout=config.socket_timeout / 1000)
        self._diagnosis = Diagnosis(config, self._client, trace)
        self._step = self._diagnosis.step
        self._name = config.name or ""
        self._greeting = ""
        self._encrypted = False
        self._direct = True

    async def open(self) -> None:
        """Walk the phases from the name to the login. Raises DeliveryError."""
        config = self.config
        with self._step("resolve", config.dns_timeout) as note:
            way = await Way.to(config, self.network)
            self._direct, note.text = way.proxy is None, str(way)
        with self._step("connect", config.connection_timeout) as note:
            connection = await way.connect(
                self.network, seconds=config.connection_timeout / 1000, local_address=config.local_address
            )
            if config.security != "tls":
                await self._attach(connection)
            # Whoever hangs up this early is noticed in the next phase.
            with contextlib.suppress(OSError):
                note.text = str(connection.getpeername()[0])
        if config.security == "tls":
            await self._begin_with_tls(connection, way)
        await self._await_greeting()
        await self._introduce()
        if self._wants_starttls():
            await self._switch_to_tls(way)
        login = Login(
            config, self._client, self._diagnosis, encrypted=self._encrypted, stays_here=self._peer_is_loopback
        )
        if isinstance(config.auth, LoginAuth):
            await login.by_password(config.auth)
        elif isinstance(config.auth, OAuth2Auth):
            await login.by_access(config.auth, Access(config.auth, config, self.tokens, self.network, way.proxy))

    async def deliver(self, envelope: Envelope) -> Receipt:
        """Hand over one mail on the open connection. Raises DeliveryError, whose outcome says what became of it."""
        self._diagnosis.facts["sender"] = envelope.sender
        encoding = "utf-8" if envelope.utf8 else "ascii"
        self._protocol.hide_recipient(envelope.recipient)
        with self._step("mail_from", self.config.socket_timeout) as note:
            options = self._mail_options(envelope)
            said(note, await self._client.mail(envelope.sender, options=options, encoding=encoding))
        with self._step("rcpt_to", self.config.socket_timeout) as note:
            said(note, await self._client.rcpt(envelope.recipient, encoding=encoding))
        with self._step("data", self.config.socket_timeout) as note:
            reply = said(note, await self._hand_over(envelope.content))
        return Receipt(reply.message_id, reply.code, reply.enhanced_code, reply.text, accepted_by=self.config.host)

    def close(self) -> asyncio.Task[None] | None:
        """Say goodbye where that is in place and let go of the connection, without waiting for the other side.

        Gives what can be waited for until it is closed, unless it is already.
        """
        protocol = self._diagnosis.protocol
        transport = protocol.transport if protocol else None
        if not protocol or not isinstance(transport, asyncio.Transport):
            return None
        if not self._diagnosis.orderly or transport.is_closing():
            transport.abort()
            return None
        protocol.write(b"QUIT\r\n")
        transport.close()
        farewell = asyncio.get_running_loop().create_task(_see_off(protocol, transport))
        _FAREWELLS.add(farewell)
        farewell.add_done_callback(_FAREWELLS.discard)
        return farewell

    async def _attach(
        self, connection: socket.socket, context: ssl.SSLContext | None = None, name: str | None = None
    ) -> None:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(
            lambda: WitnessedProtocol(self.trace),
            sock=connection,
            ssl=context,
            server_hostname=name,
            ssl_handshake_timeout=self.config.connection_timeout / 1000 if context else None,
        )
        self._diagnosis.protocol, self._encrypted = protocol, context is not None
        self._client.protocol, self._client.transport, self._client.loop = protocol, transport, loop

    async def _begin_with_tls(self, connection: socket.socket, way: Way) -> None:
        with self._step("tls", self.config.connection_timeout) as note:
            name = self.config.servername or way.route.tls_name
            try:
                context = await self.network.tls_context(way.route, self.config.tls.trust())
            except BaseException:
                # Until it is attached nobody else closes it, and somebody may cancel meanwhile.
                connection.close()
                raise
            try:
                await self._attach(connection, context, name)
            except ssl.SSLCertVerificationError as exc:
                raise await self._distrusted(exc, way, name) from exc
            note.text = self._tls_version()

    async def _await_greeting(self) -> None:
        with self._step("greeting", self.config.greeting_timeout) as note:
            response = await self._protocol.read_response(timeout=self.config.greeting_timeout / 1000)
            if response.code != GREETING:
                raise SMTPResponseException(response.code, response.message)
            self._greeting = said(note, response).text

    async def _introduce(self) -> None:
        with self._step("ehlo", self.config.socket_timeout) as note:
            self._name = self._name or self._protocol.own_name
            self._diagnosis.facts["name"] = self._name
            said(note, await self._ehlo())

    async def _ehlo(self) -> SMTPResponse:
        self._client.local_hostname = self._name
        try:
            return await self._client.ehlo()
        except SMTPHeloError as exc:
            if exc.code in (500, 502) and "ftp" in self._greeting.lower():
                raise self._diagnosis.refusal("smtp.not_smtp", banner=self._greeting) from exc
            if exc.code not in (500, 502) or not self._client.is_connected:
                raise
            return await self._client.helo()

    def _wants_starttls(self) -> bool:
        offered = self._client.supports_extension("starttls")
        return self.config.security == "starttls" or (self.config.security == "opportunistic" and offered)

    async def _switch_to_tls(self, way: Way) -> None:
        with self._step("starttls", self.config.socket_timeout) as note:
            if not self._client.supports_extension("starttls"):
                raise self._diagnosis.refusal("smtp.starttls_not_offered")
            context = await self.network.tls_context(way.route, self.config.tls.trust())
            name = self.config.servername or way.route.tls_name
            try:
                await self._client.starttls(tls_context=context, server_hostname=name)
            except ssl.SSLCertVerificationError as exc:
                raise await self._distrusted(exc, way, name) from exc
            self._encrypted = True
            note.text = self._tls_version()
            # What the server offered in clear does not count (RFC 3207 section 4.2).
            await self._ehlo()

    def _mail_options(self, envelope: Envelope) -> list[str]:
        offers, size = self._client.esmtp_extensions, len(envelope.content)
        self._diagnosis.facts["size"] = size
        options = []
        if "size" in offers:
            limit = int(offers["size"]) if offers["size"].isdecimal() else 0
            if 0 < limit < size:
                raise self._diagnosis.refusal("smtp.message_too_large")
            options.append(f"SIZE={size}")
        if envelope.utf8:
            if "smtputf8" not in offers:
                raise self._diagnosis.refusal("smtp.smtputf8_not_offered")
            # Whoever offers SMTPUTF8 has to offer 8BITMIME too (RFC 6531 section 3.1), and not everybody does.
            options += ["SMTPUTF8", *(["BODY=8BITMIME"] if "8bitmime" in offers else [])]
        return options

    async def _hand_over(self, content: bytes) -> SMTPResponse:
        transport = self._protocol.transport
        try:
            return await self._client.data(content)
        except SMTPDataError as exc:
            # Some servers answer the final dot with another 2xx than 250; the mail is theirs all the same.
            if self._protocol.body_written and 200 <= exc.code < 300:
                return SMTPResponse(exc.code, exc.message)
            raise
        except TimeoutError:
            # What is still in our buffer, the final dot at its end, never left and is thrown away with the connection.
            if isinstance(transport, asyncio.Transport) and transport.get_write_buffer_size() > 0:
                self._protocol.body_written = False
            raise

    async def _distrusted(self, exc: ssl.SSLCertVerificationError, way: Way, name: str) -> DeliveryError:
        certificate = await shown_certificate(self.config, self.network, way, name)
        host, port = way.route.host, way.route.port
        problem = certificate_problem(exc, name=name, host=host, port=port, certificate=certificate)
        return DeliveryError(problem)

    @property
    def _protocol(self) -> WitnessedProtocol:
        if self._diagnosis.protocol is None:
            raise RuntimeError("The session is not open.")
        return self._diagnosis.protocol

    def _peer_is_loopback(self) -> bool:
        """Whether the server is this machine; behind a proxy it never is."""
        peer = self._client.get_transport_info("peername")
        return self._direct and bool(peer) and ipaddress.ip_address(str(peer[0]).partition("%")[0]).is_loopback

    def _tls_version(self) -> str | None:
        cipher = self._client.get_transport_info("cipher")
        return f"{cipher[1]} {cipher[0]}" if cipher else None


async def _see_off(protocol: WitnessedProtocol, transport: asyncio.Transport) -> None:
    """Give the other side a moment to end TLS in good order."""
    try:
        await asyncio.wait_for(protocol.closed.wait(), GOODBYE_SECONDS)
    except TimeoutError:
        pass
    finally:
        transport.abort()
