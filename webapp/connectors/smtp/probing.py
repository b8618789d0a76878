"""Knock at a mail server's door: who answers, how safely, and how one would log in. Nobody does; nothing is sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from webapp.connectors.network import Network
from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.session import SMTPSession
from webapp.connectors.tls_problems import Certificate
from webapp.domain.message import DeliveryError, Trace
from webapp.domain.problem import Problem
from webapp.domain.text import T

BANNER_LIMIT: Final = 120
"""Characters of a greeting that are kept."""


@dataclass(frozen=True, slots=True)
class Door:
    """A port, and how encryption begins there."""

    port: int
    security: Literal["tls", "starttls"]


DOORS: Final = (Door(465, "tls"), Door(587, "starttls"), Door(2525, "starttls"), Door(25, "starttls"))
"""Where mail is handed in, the safest first (RFC 8314); 25 is for servers among themselves."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What stood behind one door."""

    host: str
    door: Door
    reached: bool
    """Whether somebody took the connection."""
    banner: str = ""
    """The first line of a mail server; empty for anything else."""
    safe: bool = False
    """Whether the connection was encrypted with a certificate that is valid for this host."""
    tls: str = ""
    expires: str = ""
    """Until when the certificate is valid, as YYYY-MM-DD."""
    mechanisms: tuple[str, ...] = ()
    """Ways to log in that were offered once the connection was safe."""
    problem: Problem | None = None
    """Why the door is of no use."""


async def probe(network: Network, host: str, door: Door, *, seconds: float) -> Finding:
    """Look behind one door, by the same steps as a check takes. Never raises for what is found there."""
    trace = Trace()
    milliseconds = max(100, int(seconds * 1000))
    config = SmtpConfig.model_validate(
        {
            "host": host,
            "port": door.port,
            "security": door.security,
            "auth": {"type": "none"},
            "fromEmail": "nobody@example.com",
            "connectionTimeout": milliseconds,
            "greetingTimeout": milliseconds,
            "socketTimeout": milliseconds,
            "dnsTimeout": milliseconds,
        }
    )
    look = _Look(config, network, trace)
    try:
        await look.open()
        return look.finding(host, door, trace, None)
    except DeliveryError as exc:
        # There is no setup yet that a patch could mend.
        problem = replace(exc.problem, patch=(), patch_label=None, transcript=None)
        return look.finding(host, door, trace, problem)
    finally:
        look.close()


async def probe_all(
    network: Network, host: str, doors: Sequence[Door], *, seconds: float, patience: float
) -> list[Finding]:
    """Look behind all doors of a host at once: ``seconds`` for each step, ``patience`` for everything."""
    tasks = [asyncio.create_task(probe(network, host, door, seconds=seconds)) for door in doors]
    try:
        # A server that drips keeps to each step's time-out and would still take for ever.
        await asyncio.wait(tasks, timeout=patience)
        return [
            task.result() if task.done() else Finding(host, door, reached=True, problem=_unfinished(host, door))
            for task, door in zip(tasks, doors, strict=True)
        ]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _unfinished(host: str, door: Door) -> Problem:
    return Problem(
        "smtp.probe_unfinished",
        T("The server was too slow to be looked at"),
        T(
            "“%(host)s” port %(port)s took the connection, but did not get through its greeting.",
            host=host,
            port=door.port,
        ),
        (
            T("Try again in a minute; some servers make strangers wait on purpose."),
            T("If you know the settings, fill them in by hand: a check waits longer than this look did."),
        ),
        temporary=True,
    )


class _Look(SMTPSession):
    """A conversation that ends where a login would begin."""

    def finding(self, host: str, door: Door, trace: Trace, problem: Problem | None) -> Finding:
        said = {phase.phase: phase for phase in trace.phases if phase.ok}
        banner = said["greeting"].text or "" if "greeting" in said else ""
        safe = problem is None
        return Finding(
            host,
            door,
            reached="connect" in said,
            banner=banner[:BANNER_LIMIT],
            safe=safe,
            tls=(said[door.security].text or "").partition(" ")[0] if door.security in said else "",
            expires=self._expires() if safe else "",
            mechanisms=tuple(self._client.server_auth_methods) if safe else (),
            problem=problem,
        )

    def _expires(self) -> str:
        transport = self._protocol.transport
        tls = transport.get_extra_info("ssl_object") if transport else None
        shown = tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLObject) else None
        return f"{Certificate.of(shown).not_after:%Y-%m-%d}" if shown else ""
