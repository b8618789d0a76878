"""A failure of the SMTP connector: how to bring it about, and what an admin should be told."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.connectors.smtp_attempt import LOOPBACK_ONLY, MAIL, Attempt, attempt
from tests.peers.certificates import Certificates
from tests.peers.ports import LOOPBACK, free_port
from tests.peers.proxies import ProxyServer
from tests.peers.scripted import Script, ScriptedServer
from webapp.connectors.network import Resolver
from webapp.domain.message import Mail, Outcome

GOOD = Script()


@contextmanager
def a_scripted_server(case: Case, certificates: Certificates) -> Iterator[int]:
    """Play the case's script."""
    context = certificates.server(case.certificate)
    with ScriptedServer(case.script, context=context) as server:
        yield server.port


@contextmanager
def nobody(case: Case, certificates: Certificates) -> Iterator[int]:
    """Have a port where nothing listens."""
    yield free_port()


@contextmanager
def a_full_queue(case: Case, certificates: Certificates) -> Iterator[int]:
    """Listen without ever accepting, with the queue of waiting connections full: the kernel drops the next one."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
        port: int = listener.getsockname()[1]
        with contextlib.suppress(TimeoutError):
            while True:
                stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=0.2))
        yield port


@dataclass(frozen=True, slots=True)
class Case:
    """A failure, and the diagnosis expected of it."""

    code: str
    phase: str
    script: Script = GOOD
    settings: Mapping[str, Any] = field(default_factory=dict)
    temporary: bool = False
    outcome: Outcome = Outcome.NOT_SENT
    patch: Mapping[str, Any] = field(default_factory=dict)
    mail: Mail = MAIL
    certificate: str = "good"
    peer: Callable[[Case, Certificates], AbstractContextManager[int]] = a_scripted_server
    getaddrinfo: Resolver = socket.getaddrinfo
    shown: str = ""
    """The client's certificate that is set, by its name in Certificates."""
    proxy: Callable[[], ProxyServer] | None = None
    proxy_login: Mapping[str, str] = field(default_factory=dict)

    def play(self, certificates: Certificates, *, check: bool = False) -> Attempt:
        """Send, or check, with this going wrong."""
        defaults: dict[str, Any] = {"security": "none", "user": None, "allowed": LOOPBACK_ONLY}
        if self.shown:
            defaults |= {"tls": certificates.client_pem(self.shown)}
        with self.peer(self, certificates) as port, contextlib.ExitStack() as stack:
            if self.proxy:
                defaults |= {"proxy": {"url": stack.enter_context(self.proxy()).url, **self.proxy_login}}
            return attempt(
                port,
                mail=None if check else self.mail,
                ca_pem=certificates.ca_pem,
                getaddrinfo=self.getaddrinfo,
                **{**defaults, **self.settings},
            )
