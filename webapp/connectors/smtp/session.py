"""One conversation with a mail server, phase by phase. Check and send walk the same way."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import aiosmtplib
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPHeloError,
    SMTPResponse,
    SMTPResponseException,
)

from webapp.connectors.network import Network, Route
from webapp.connectors.smtp import problems
from webapp.connectors.smtp.config import LoginAuth, SmtpConfig
from webapp.connectors.smtp.endings import RESET_TITLE
from webapp.connectors.smtp.mime import Envelope
from webapp.connectors.smtp.reply import Reply, cleaned
from webapp.connectors.smtp.rules import diagnose
from webapp.connectors.smtp.wire import WitnessedProtocol
from webapp.connectors.tls_problems import PLAIN_ANSWER, certificate_problem, handshake_failed
from webapp.domain.message import DeliveryError, Outcome, PhaseNote, Receipt, Trace
from webapp.domain.problem import Problem

GOODBYE_SECONDS: Final = 1.0
"""How long an orderly end may take before the connection is dropped."""

METHODS: Final = ("plain", "login", "cram-md5")
"""Ways to log in with a password, the plainest first: under TLS nothing is gained by the others."""

_COMMANDS: Final = {
    "greeting": "CONNECT",
    "ehlo": "EHLO",
    "starttls": "STARTTLS",
    "auth": "AUTH",
    "mail_from": "MAIL FROM",
    "rcpt_to": "RCPT TO",
    "data": "DATA",
}
_METHOD_UNKNOWN: Final = 504
_PARTING: Final = re.compile(rb"([45]\d\d)[ -]([^\r\n]*)")
_MALFORMED: Final = "Malformed SMTP response line: "


class SMTPSession:
    """Open a connection as the config says, hand over at most one mail, and close it."""

    def __init__(self, config: SmtpConfig, network: Network, trace: Trace) -> None:
        self.config = config
        self.network = network
        self.trace = trace
        self._client = aiosmtplib.SMTP(timeout=config.socket_timeout / 1000)
        self._protocol: WitnessedProtocol | None = None
        self._name = config.name or ""
        self._greeting = ""
        self._encrypted = False
        self._orderly = False
        """Whether the server waits for a command, so that QUIT is in place."""
        self._facts: dict[str, object] = {
            "host": config.host,
            "port": config.port,
            "user": config.auth.user if isinstance(config.auth, LoginAuth) else "",
            "sender": config.from_email,
        }

    async def open(self) -> None:
        """Walk the phases from the name to the login. Raises DeliveryError."""
        config = self.config
        with self._step("resolve", config.dns_timeout) as note:
            route = await self.network.resolve(config.host, config.port, seconds=config.dns_timeout / 1000)
            note.text = str(route)
        with self._step("connect", config.connection_timeout) as note:
            connection = await self.network.connect(
                route, seconds=config.connection_timeout / 1000, local_address=config.local_address
            )
            note.text = str(connection.getpeername()[0])
            if config.security != "tls":
                await self._attach(connection)
        if config.security == "tls":
            await self._begin_with_tls(connection, route)
        await self._await_greeting()
        await self._introduce()
        if self._wants_starttls():
            await self._switch_to_tls(route)
        if isinstance(config.auth, LoginAuth):
            await self._log_in(config.auth)

    async def deliver(self, envelope: Envelope) -> Receipt:
        """Hand over one mail on the open connection. Raises DeliveryError, whose outcome says what became of it."""
        self._facts["sender"] = envelope.sender
        protocol, encoding = self._live(), "utf-8" if envelope.utf8 else "ascii"
        protocol.hide_recipient(envelope.recipient)
        with self._step("mail_from", self.config.socket_timeout) as note:
            options = self._mail_options(envelope)
            _said(note, await self._client.mail(envelope.sender, options=options, encoding=encoding))
        with self._step("rcpt_to", self.config.socket_timeout) as note:
            _said(note, await self._client.rcpt(envelope.recipient, encoding=encoding))
        with self._step("data", self.config.socket_timeout) as note:
            reply = _said(note, await self._hand_over(envelope.content))
        return Receipt(reply.message_id, reply.code, reply.enhanced_code, reply.text, accepted_by=self.config.host)

    async def close(self) -> None:
        """Say goodbye where that is in place, without waiting for an answer, and let go of the connection."""
        protocol = self._protocol
        if protocol is None or protocol.closed.is_set():
            return
        transport = protocol.transport
        if isinstance(transport, asyncio.Transport) and not transport.is_closing():
            if self._orderly:
                protocol.write(b"QUIT\r\n")
                transport.close()
            else:
                transport.abort()
        try:
            await asyncio.wait_for(protocol.closed.wait(), GOODBYE_SECONDS)
        except TimeoutError:
            if isinstance(protocol.transport, asyncio.Transport):
                protocol.transport.abort()

    # Phases

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
        self._protocol, self._encrypted = protocol, context is not None
        self._client.protocol, self._client.transport, self._client.loop = protocol, transport, loop

    async def _begin_with_tls(self, connection: socket.socket, route: Route) -> None:
        with self._step("tls", self.config.connection_timeout) as note:
            name = self.config.servername or route.tls_name
            context = await self.network.tls_context(route)
            await self._attach(connection, context, name)
            note.text = self._tls_version()

    async def _await_greeting(self) -> None:
        with self._step("greeting", self.config.greeting_timeout) as note:
            response = await self._live().read_response(timeout=self.config.greeting_timeout / 1000)
            if response.code != 220:
                raise SMTPResponseException(response.code, response.message)
            self._greeting = _said(note, response).text

    async def _introduce(self) -> None:
        with self._step("ehlo", self.config.socket_timeout) as note:
            self._name = self._name or _own_name(self._live())
            self._facts["name"] = self._name
            _said(note, await self._ehlo())

    async def _ehlo(self) -> SMTPResponse:
        self._client.local_hostname = self._name
        try:
            return await self._client.ehlo()
        except SMTPHeloError as exc:
            if exc.code in (500, 502) and "ftp" in self._greeting.lower():
                raise DeliveryError(self._problem("smtp.not_smtp", banner=self._greeting)) from exc
            if exc.code not in (500, 502) or not self._client.is_connected:
                raise
            return await self._client.helo()

    def _wants_starttls(self) -> bool:
        offered = self._client.supports_extension("starttls")
        return self.config.security == "starttls" or (self.config.security == "opportunistic" and offered)

    async def _switch_to_tls(self, route: Route) -> None:
        with self._step("starttls", self.config.socket_timeout) as note:
            if not self._client.supports_extension("starttls"):
                raise DeliveryError(self._problem("smtp.starttls_not_offered"))
            context = await self.network.tls_context(route)
            name = self.config.servername or route.tls_name
            await self._client.starttls(tls_context=context, server_hostname=name)
            self._encrypted = True
            note.text = self._tls_version()
            # What the server offered in clear does not count (RFC 3207 section 4.2).
            await self._ehlo()

    async def _log_in(self, auth: LoginAuth) -> None:
        with self._step("auth", self.config.socket_timeout) as note:
            self._guard_credentials()
            methods = self._common_methods()
            user, password = auth.user, auth.password.get_secret_value()
            self._live().hide_credentials(password, *_encodings(user, password))
            for method in methods:
                try:
                    _said(note, await self._prove(method, user, password))
                except SMTPAuthenticationError as exc:
                    # Only a method that the server turns out not to know is worth another try: a second wrong
                    # password may lock the account.
                    if exc.code != _METHOD_UNKNOWN or method == methods[-1]:
                        raise
                else:
                    return

    def _guard_credentials(self) -> None:
        """Let no password out in clear, whatever the server offers; to this machine itself it is no risk."""
        if self._encrypted or self.config.allow_insecure_auth or self._peer_is_loopback():
            return
        raise DeliveryError(self._problem("smtp.credentials_in_clear"))

    def _common_methods(self) -> Sequence[str]:
        offered = self._client.server_auth_methods
        if not offered:
            raise DeliveryError(self._problem("smtp.auth_not_offered"))
        methods = [method for method in METHODS if method in offered]
        if not methods:
            shown = ", ".join(cleaned(method, 40).upper() for method in offered[:10])
            raise DeliveryError(self._problem("smtp.auth_method_not_offered", offered=shown))
        # In clear, CRAM-MD5 at least keeps the password itself back.
        return methods if self._encrypted else methods[::-1]

    async def _prove(self, method: str, user: str, password: str) -> SMTPResponse:
        if method == "plain":
            return await self._client.auth_plain(user, password)
        if method == "login":
            return await self._client.auth_login(user, password)
        return await self._client.auth_crammd5(user, password)

    def _mail_options(self, envelope: Envelope) -> list[str]:
        offers, size = self._client.esmtp_extensions, len(envelope.content)
        options = []
        if "size" in offers:
            limit = int(offers["size"]) if offers["size"].isdecimal() else 0
            if 0 < limit < size:
                raise DeliveryError(self._problem("smtp.message_too_large", size=size, limit=limit))
            options.append(f"SIZE={size}")
        self._facts |= {"size": size, "limit": "?"}
        if envelope.utf8:
            if "smtputf8" not in offers:
                raise DeliveryError(self._problem("smtp.smtputf8_not_offered"))
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        return options

    async def _hand_over(self, content: bytes) -> SMTPResponse:
        try:
            return await self._client.data(content)
        except SMTPDataError as exc:
            # Some servers answer the final dot with another 2xx than 250; the mail is theirs all the same.
            if self._live().body_written and 200 <= exc.code < 300:
                return SMTPResponse(exc.code, exc.message)
            raise

    # Diagnosis

    @contextmanager
    def _step(self, phase: str, milliseconds: int) -> Iterator[PhaseNote]:
        """Time a phase and turn what goes wrong in it into a DeliveryError with its diagnosis."""
        seconds = milliseconds / 1000
        self._orderly = False
        with self.trace.phase(phase, seconds) as note:
            try:
                yield note
            except DeliveryError as exc:
                self._orderly = self._protocol is not None
                exc.problem = self._finished(exc.problem)
                raise
            except SMTPResponseException as exc:
                self._orderly = exc.code > 0
                raise self._answered(phase, exc.code, exc.message) from exc
            except TimeoutError as exc:
                raise self._ended(phase, f"smtp.timeout_{phase}", seconds=seconds) from exc
            except ssl.SSLCertVerificationError as exc:
                raise self._error(self._untrusted(exc)) from exc
            except ssl.SSLError as exc:
                raise self._error(self._no_tls(phase, exc)) from exc
            except OSError as exc:
                raise self._hung_up(phase, seconds, exc) from exc
        self._orderly = True

    def _answered(self, phase: str, code: int, message: str) -> DeliveryError:
        reply = Reply.of(code, message.removeprefix(_MALFORMED))
        kind = diagnose(phase, reply, self.config.host)
        body_written = self._protocol is not None and self._protocol.body_written
        if body_written and not 400 <= code <= 599:
            return self._ended(phase, "smtp.no_answer_after_data")
        problem = self._problem(
            kind,
            temporary=400 <= code <= 499,
            banner=cleaned(reply.text, 60),
            command=_COMMANDS.get(phase, phase),
            reply=f"{code} {reply.enhanced_code or ''}".strip() if code > 0 else "?",
            offered=", ".join(self._client.server_auth_methods).upper() or "?",
        )
        if code <= 0:
            return self._error(problem, text=reply.text)
        return self._error(problem, code=code, enhanced_code=reply.enhanced_code, text=reply.text)

    def _hung_up(self, phase: str, seconds: float, exc: OSError) -> DeliveryError:
        if isinstance(exc, ConnectionAbortedError) and phase == "tls":
            # asyncio's way to say that the handshake took too long.
            return self._ended(phase, "smtp.timeout_tls", seconds=seconds)
        parting = _PARTING.match(self._protocol.parting_words) if self._protocol else None
        if parting and self._protocol and not self._protocol.body_written:
            return self._answered(phase, int(parting[1]), parting[2].decode("utf-8", "replace"))
        error = self._ended(phase, f"smtp.connection_dropped_{phase}")
        if self._was_reset(exc) and error.outcome is Outcome.NOT_SENT:
            error.problem = replace(error.problem, title=RESET_TITLE)
        return error

    def _was_reset(self, exc: OSError) -> bool:
        causes = (exc, exc.__cause__, self._protocol.lost if self._protocol else None)
        return any(isinstance(each, ConnectionResetError | BrokenPipeError) for each in causes)

    def _ended(self, phase: str, code: str, *, seconds: float = 0) -> DeliveryError:
        """The conversation ended without an answer; once the message is written, nobody knows what became of it."""
        protocol = self._protocol
        if protocol and protocol.body_written:
            return self._error(self._problem("smtp.no_answer_after_data"), outcome=Outcome.MAYBE_SENT)
        if phase == "greeting" and protocol and protocol.first_words:
            return self._error(self._problem("smtp.not_smtp", banner=protocol.first_words))
        return self._error(self._problem(code, timeout=f"{seconds:g}"))

    def _untrusted(self, exc: ssl.SSLCertVerificationError) -> Problem:
        config = self.config
        name = config.servername or config.host
        return certificate_problem(exc, name=name, host=config.host, port=config.port, certificate=None)

    def _no_tls(self, phase: str, exc: ssl.SSLError) -> Problem:
        if phase == "tls" and exc.reason in PLAIN_ANSWER:
            return self._problem("smtp.tls_on_plain_port")
        if isinstance(exc, ssl.SSLEOFError):
            return self._problem(f"smtp.connection_dropped_{phase}")
        return handshake_failed(exc, host=self.config.host, port=self.config.port)

    def _problem(self, code: str, *, temporary: bool = False, **facts: str | int) -> Problem:
        return problems.problem(code, self._facts | facts, temporary=temporary)

    def _error(
        self,
        problem: Problem,
        *,
        outcome: Outcome = Outcome.NOT_SENT,
        code: int | None = None,
        enhanced_code: str | None = None,
        text: str | None = None,
    ) -> DeliveryError:
        return DeliveryError(
            self._finished(problem), outcome=outcome, code=code, enhanced_code=enhanced_code, text=text
        )

    def _finished(self, problem: Problem) -> Problem:
        fix = problems.fix_for(
            problem.code,
            port=self.config.port,
            security=self.config.security,
            starttls_offered=self._client.supports_extension("starttls"),
        )
        return problems.fixed(problem, fix).with_transcript(self.trace.transcript)

    # Facts of the connection

    def _live(self) -> WitnessedProtocol:
        if self._protocol is None:
            raise RuntimeError("The session is not open.")
        return self._protocol

    def _peer_is_loopback(self) -> bool:
        peer = self._client.get_transport_info("peername")
        return bool(peer) and ipaddress.ip_address(str(peer[0]).partition("%")[0]).is_loopback

    def _tls_version(self) -> str | None:
        cipher = self._client.get_transport_info("cipher")
        return f"{cipher[1]} {cipher[0]}" if cipher else None


def _said(note: PhaseNote, response: SMTPResponse) -> Reply:
    reply = Reply.of(response.code, response.message)
    note.code, note.enhanced_code, note.text = reply.code, reply.enhanced_code, reply.text
    return reply


def _encodings(user: str, password: str) -> list[str]:
    plain = f"\0{user}\0{password}".encode()
    return [base64.b64encode(each).decode() for each in (plain, password.encode())]


def _own_name(protocol: WitnessedProtocol) -> str:
    """This machine's name if it is a full one, else its address as a literal (RFC 5321 section 4.1.3)."""
    name = socket.gethostname()
    if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name):
        return name
    transport = protocol.transport
    local = transport.get_extra_info("sockname") if transport else None
    address = ipaddress.ip_address(str(local[0]).partition("%")[0]) if local else ipaddress.IPv4Address("127.0.0.1")
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
