"""The mail server inside: development tenants hand in mail as to any provider, and it lands in their inbox."""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import ssl
import threading
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy.exc import SQLAlchemyError

from webapp.connectors.network import Sandbox
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import TenantInfo
from webapp.services.authority import Authority
from webapp.services.inbox import Inbox
from webapp.services.lock import ProcessLock

if TYPE_CHECKING:
    from webapp.services.tenants import Tenants

ADDRESS: Final = "127.0.0.1"
SIZE_LIMIT: Final = 1024 * 1024
"""Longest mail in bytes."""
CONNECTIONS_LIMIT: Final = 50
RECIPIENTS_LIMIT: Final = 20
IDLE_SECONDS: Final = 60.0
TAKE_OVER_EVERY: Final = 2.0
"""Seconds between two tries to become the process that serves."""
REFRESH_EVERY: Final = 6 * 3600.0
"""Seconds between two looks at the certificate's age."""

log = structlog.get_logger(__name__)


class SandboxState(StrEnum):
    """How the sandbox is, seen from any process of this machine."""

    OFF = "off"
    """Switched off by the operator."""
    STARTING = "starting"
    """No process serves it at this moment."""
    LISTENING = "listening"
    PORT_TAKEN = "port_taken"
    """Some other program has its port."""


class SandboxServer:
    """Serves SMTP in one process of the machine; another one takes over when that ends."""

    def __init__(self, data_dir: Path, port: int, tenants: Tenants, inbox: Inbox) -> None:
        self.port = port
        self._folder = data_dir / "sandbox"
        self._tenants = tenants
        self._inbox = inbox
        self._lock = ProcessLock(self._folder / "serving.lock")
        self._authority = Authority(self._folder)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_serving: asyncio.Event | None = None

    @cached_property
    def peer(self) -> Sandbox | None:
        """What connectors of development tenants may reach besides the address policy; None when switched off."""
        return Sandbox(ADDRESS, self.port, self._authority.ca_pem) if self.port else None

    def start(self) -> None:
        """Serve, or stand by until the process that serves is gone."""
        if self.port and self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._stand_by, name="postroom-sandbox", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End serving and give the place to another process."""
        self._stopping.set()
        loop, event = self._loop, self._stop_serving
        if loop and event and not loop.is_closed():
            loop.call_soon_threadsafe(event.set)
        if self._thread:
            self._thread.join(timeout=10)
            self._thread = None

    def state(self) -> SandboxState:
        """How the sandbox is, whichever process serves it."""
        if not self.port:
            return SandboxState.OFF
        if not self._lock.taken():
            return SandboxState.STARTING
        try:
            return SandboxState((self._folder / "state").read_text())
        except (OSError, ValueError):
            return SandboxState.STARTING

    def _stand_by(self) -> None:
        while not self._stopping.is_set():
            if self._lock.acquire():
                self._note(SandboxState.STARTING)
                self._keep_serving()
            self._stopping.wait(TAKE_OVER_EVERY)
        self._lock.release()

    def _keep_serving(self) -> None:
        while not self._stopping.is_set():
            try:
                asyncio.run(self._serve())
            except OSError as exc:
                self._say_why(exc)
                self._stopping.wait(TAKE_OVER_EVERY)

    async def _serve(self) -> None:
        loop, stop, conversations = asyncio.get_running_loop(), asyncio.Event(), _Conversations()
        self._loop, self._stop_serving = loop, stop
        context = self._authority.server_context()
        clerk = _Clerk(self._tenants, self._inbox)
        # Its log would hold every recipient, and warns about its own internals with every login.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        server = await loop.create_server(lambda: conversations.begin(clerk, context, loop), ADDRESS, self.port)
        self._note(SandboxState.LISTENING)
        log.info("sandbox.listening", port=self.port)
        try:
            while not self._stopping.is_set():
                try:
                    await asyncio.wait_for(stop.wait(), REFRESH_EVERY)
                except TimeoutError:
                    self._authority.refresh(context)
        finally:
            server.close()
            conversations.end()

    def _say_why(self, error: OSError) -> None:
        taken = error.errno == errno.EADDRINUSE
        state = SandboxState.PORT_TAKEN if taken else SandboxState.STARTING
        if self._note(state):
            log.error(
                "sandbox.not_listening",
                port=self.port,
                why="another program has the port" if taken else str(error),
                what_to_do="set POSTROOM_SANDBOX_SMTP_PORT to a free port, or to 0 to do without the sandbox",
            )

    def _note(self, state: SandboxState) -> bool:
        """Write down how it is, for all processes; tells whether that is news."""
        path = self._folder / "state"
        news = not path.exists() or path.read_text() != state.value
        path.write_text(state.value)
        return news


class _Conversations:
    """The connections that are open, at most so many."""

    def __init__(self) -> None:
        self._open: set[_Conversation] = set()

    def begin(self, clerk: _Clerk, context: ssl.SSLContext, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        if len(self._open) >= CONNECTIONS_LIMIT:
            return _TooMany()
        conversation = _Conversation(
            clerk,
            ended=self._open.discard,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname="sandbox.localhost",
            ident="Postroom sandbox",
            tls_context=context,
            timeout=IDLE_SECONDS,
            auth_required=True,
            authenticator=clerk.authenticate,
            loop=loop,
        )
        self._open.add(conversation)
        return conversation

    def end(self) -> None:
        for conversation in tuple(self._open):
            if conversation.transport:
                conversation.transport.close()


class _Conversation(SMTP):
    """One connection; tells when it is over."""

    def __init__(self, clerk: _Clerk, *, ended: Callable[[_Conversation], None], **options: Any) -> None:
        super().__init__(clerk, **options)
        self._ended = ended

    def connection_lost(self, error: Exception | None) -> None:
        self._ended(self)
        super().connection_lost(error)


class _TooMany(asyncio.Protocol):
    """Turns a connection away with a proper answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.7.0 sandbox.localhost Too many connections, try again later\r\n")
        transport.close()


class _Clerk:
    """Judges what clients want, in the words of SMTP; aiosmtpd calls its ``handle_`` methods."""

    def __init__(self, tenants: Tenants, inbox: Inbox) -> None:
        self._tenants = tenants
        self._inbox = inbox

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        """Let in a development tenant with its password; everybody else gets one and the same answer."""
        tenant = self._tenant(given.login.decode("utf-8", errors="replace"))
        if tenant is None:
            # ``handled`` would mean that the answer was given already, and the client would wait for ever.
            return AuthResult(success=False, handled=False)
        expected = self._tenants.sandbox_password(tenant).get_secret_value().encode()
        if not hmac.compare_digest(expected, given.password):
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=tenant)

    async def handle_EHLO(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS_LIMIT:
            return "452 4.5.3 Too many recipients"
        if "@" not in address:
            return "501 5.1.3 The recipient is not a full address"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        tenant, content = session.auth_data, envelope.original_content
        if not isinstance(tenant, TenantInfo) or content is None:
            return "503 5.5.1 Log in first"
        recipients = list(dict.fromkeys(envelope.rcpt_tos))
        try:
            ids = await asyncio.to_thread(self._inbox.add, tenant.id, recipients, content)
        except SQLAlchemyError as exc:
            log.error("sandbox.mail_not_kept", why=type(exc).__name__)  # noqa: TRY400  its text would hold the mail
            return "451 4.3.0 The mail could not be kept, try again later"
        return f"250 2.0.0 Ok: queued as {ids[0]}"

    async def handle_exception(self, error: Exception) -> str:
        log.error("sandbox.conversation_failed", why=type(error).__name__)
        return "451 4.3.0 Something went wrong here, try again later"

    def _tenant(self, slug: str) -> TenantInfo | None:
        try:
            tenant = self._tenants.by_slug(slug)
        except NotFoundError:
            return None
        return None if tenant.production else tenant
