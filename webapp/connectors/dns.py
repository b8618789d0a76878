"""What a domain says of its mail in DNS: who takes it, who hands it in, who may send it.

Questions go to the name servers that this machine has for everything else, and to no other: whoever names a domain
does not choose whom we ask.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver

from webapp.domain.address import ascii_host

ANSWERS_LIMIT: Final = 20
"""Records of one answer that are read; nobody needs more, and somebody else wrote them."""
_SENDERS: Final = re.compile(r"(?<= )[+?~]?(?:include:|redirect=)([a-z0-9._-]{1,253})(?= |$)")


class DNSUnansweredError(Exception):
    """The name servers did not answer in time, or what they said is of no use."""


class DNS:
    """Asks for records. ``nameservers`` are addresses with ports; by default those of this machine."""

    def __init__(self, nameservers: Sequence[tuple[str, int]] | None = None) -> None:
        self._nameservers = nameservers

    async def mail_exchangers(self, domain: str, *, seconds: float) -> list[str] | None:
        """The servers that take a domain's mail (MX), the preferred first; None where it says it takes none.

        Raises DNSUnansweredError.
        """
        records = sorted(await self._ask(domain, "MX", seconds), key=lambda each: (each.preference, str(each.exchange)))
        hosts = [_host(each.exchange) for each in records]
        # A single dot says that there is no mail here (RFC 7505).
        return None if hosts == [""] else list(dict.fromkeys(filter(None, hosts)))

    async def service(self, service: str, domain: str, *, seconds: float) -> list[tuple[str, int]]:
        """Where a service is offered (SRV, RFC 2782), the preferred first. Raises DNSUnansweredError."""
        records = await self._ask(f"_{service}._tcp.{ascii_host(domain)}", "SRV", seconds)
        ordered = sorted(records, key=lambda each: (each.priority, -each.weight, str(each.target)))
        return [(_host(each.target), each.port) for each in ordered if _host(each.target) and each.port]

    async def senders(self, domain: str, *, seconds: float) -> list[str]:
        """The domains whose servers may send for this one (``include`` and ``redirect`` of its SPF record).

        Raises DNSUnansweredError.
        """
        records = await self._ask(domain, "TXT", seconds)
        texts = [b"".join(each.strings).decode("ascii", "replace").lower() for each in records]
        spf = next((text for text in texts if text.split()[:1] == ["v=spf1"]), "")
        return [match[1].rstrip(".") for match in _SENDERS.finditer(spf)][:ANSWERS_LIMIT]

    async def _ask(self, name: str, kind: str, seconds: float) -> list[Any]:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._resolver(seconds).resolve(ascii_host(name), kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, TimeoutError, UnicodeError) as exc:
            raise DNSUnansweredError(name) from exc
        return list(answer)[:ANSWERS_LIMIT]

    def _resolver(self, seconds: float) -> dns.asyncresolver.Resolver:
        """Made for each question, so that a changed /etc/resolv.conf is followed."""
        resolver = dns.asyncresolver.Resolver(configure=self._nameservers is None)
        if self._nameservers is not None:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*each) for each in self._nameservers]
        resolver.lifetime = seconds
        return resolver


def _host(name: Any) -> str:
    """A name out of an answer as our own rules write it; empty for what is no host."""
    return str(name.to_text(omit_final_dot=True)).lower() if len(name.labels) > 1 else ""
