"""One check or one send of the SMTP connector against a peer, with everything that came of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.canary import CANARY
from webapp.connectors.network import Network, Resolver
from webapp.connectors.smtp import SmtpConnector
from webapp.domain.address import Mailbox
from webapp.domain.message import DeliveryError, Mail, Outcome, Phase, Receipt, Trace
from webapp.domain.usage import UsageType

USER, PASSWORD = "robot@example.test", f"{CANARY}/of+ada=ö"
MAIL = Mail(
    to="ada@example.test",
    sender=Mailbox("no-reply@example.test", "Postroom"),
    subject="Your code",
    message_id="<fa1lure@example.test>",
    usage_type=UsageType.SIGN_IN,
    text="Your code is 493817.\n",
    html="<p>Your code is <b>493817</b>.</p>\n",
    payload={"code": "493817"},
)
LOOPBACK_ONLY = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a check or a send did."""

    trace: Trace
    receipt: Receipt | None = None
    error: DeliveryError | None = None
    seen: list[Phase] = field(default_factory=list)
    """What an observer was told, in order."""

    @property
    def code(self) -> str | None:
        """The code of the problem, if there was one."""
        return self.error.problem.code if self.error else None

    @property
    def outcome(self) -> Outcome:
        return self.error.outcome if self.error else Outcome.SENT

    @property
    def phases(self) -> list[str]:
        return [phase.phase for phase in self.trace.phases]

    @property
    def everything(self) -> str:
        """All words that a page, a log or an answer could show of it."""
        error = self.error
        return "\n".join(
            [
                self.trace.transcript,
                repr(self.trace.phases),
                repr(self.seen),
                repr(self.receipt),
                repr((error, error.text, error.problem, error.problem.transcript) if error else None),
            ]
        )


def attempt(
    port: int,
    *,
    mail: Mail | None = MAIL,
    host: str = "localhost",
    ca_pem: str | None = None,
    getaddrinfo: Resolver = socket.getaddrinfo,
    allowed: tuple[str, ...] = LOOPBACK_ONLY,
    far_away: bool = False,
    user: str | None = USER,
    password: str = PASSWORD,
    **settings: Any,
) -> Attempt:
    """Send a mail, or check where ``mail`` is None. Settings are the config's, as JSON; ``user`` None: no login.

    ``far_away`` makes the peer look as if it were not on this machine.
    """
    auth = {"type": "login", "user": user, "pass": password} if user else {"type": "none"}
    config = {"host": host, "port": port, "auth": auth, "fromEmail": "no-reply@example.test", **settings}
    network = (_FarAway if far_away else Network)(allowed, extra_ca_pem=ca_pem, getaddrinfo=getaddrinfo)
    connector = SmtpConnector(SmtpConnector.config_model.model_validate(config), network)
    seen: list[Phase] = []
    trace = Trace(seen.append)
    try:
        receipt = asyncio.run(connector.send(mail, trace) if mail else connector.check(trace))
    except DeliveryError as error:
        return Attempt(trace, None, error, seen)
    return Attempt(trace, receipt, None, seen)


def assert_failed(tried: Attempt, code: str, phase: str) -> None:
    """The last phase failed with this problem, all before it went well, and nothing was sent."""
    assert (tried.code, tried.phases[-1]) == (code, phase), tried.trace.transcript
    assert [each.ok for each in tried.trace.phases] == [True] * (len(tried.phases) - 1) + [False]
    assert tried.outcome is Outcome.NOT_SENT


def names(known: Mapping[str, tuple[str, ...]]) -> Resolver:
    """Resolve these names to these addresses, in this order, and no others."""

    def getaddrinfo(host: str, port: int, **hints: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        # Numeric addresses need no name server.
        return [info for address in known[host] for info in socket.getaddrinfo(address, port, **hints)]

    return getaddrinfo


class _FarAwaySocket(socket.socket):
    def getpeername(self) -> Any:
        return ("198.51.100.25", super().getpeername()[1])


class _FarAway(Network):
    async def connect(self, *args: Any, **options: Any) -> socket.socket:
        connection = await super().connect(*args, **options)
        return _FarAwaySocket(fileno=connection.detach())
