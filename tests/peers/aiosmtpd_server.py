"""aiosmtpd inside the process, with whatever certificate a test wants."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.canary import CANARY
from tests.peers.ports import LOOPBACK, free_port

USER, PASSWORD = "ada", f"{CANARY}-of-ada"


@dataclass(slots=True)
class ReceivingServer:
    """Takes every mail from whoever logs in as USER, and keeps it."""

    port: int
    host: str = "localhost"
    mails: list[Envelope] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        self.mails.append(envelope)
        return f"250 2.0.0 Taken as {len(self.mails)}"


@contextmanager
def receiving_server(
    context: ssl.SSLContext, *, implicit_tls: bool = False, host: str = LOOPBACK
) -> Iterator[ReceivingServer]:
    """Start aiosmtpd with this certificate, for STARTTLS or for TLS at once; login is required after it."""
    server = ReceivingServer(free_port())
    tls = {"ssl_context": context} if implicit_tls else {"tls_context": context, "require_starttls": True}
    # Behind TLS at once aiosmtpd does not know that the connection is safe, and would offer no AUTH.
    controller = Controller(
        server, host, server.port, authenticator=_authenticate, auth_require_tls=not implicit_tls, **tls
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    known = data == LoginPassword(USER.encode(), PASSWORD.encode())
    # Without handled=False aiosmtpd expects us to have answered, and the client waits for ever.
    return AuthResult(success=known, handled=False)
