"""A name server on loopback that says what a test wrote down, however wrong, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.peers.ports import LOOPBACK

SILENT = ("silent",)
"""In place of records: the question is heard and never answered."""
REFUSED = ("refused",)
GARBAGE = ("garbage",)

Zone = Mapping[tuple[str, str], Sequence[str]]
"""(name, type) → records as zone files write them."""


@dataclass(slots=True)
class NameServer:
    """A running server: where it listens, and what was asked."""

    port: int
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        return (LOOPBACK, self.port)


@contextmanager
def name_server(zone: Zone) -> Iterator[NameServer]:
    """Answer questions by UDP until the block ends. Names that the zone does not have do not exist."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((LOOPBACK, 0))
        server = NameServer(listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, server, zone), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            # A datagram of no length ends the thread; closing a socket that is read from would not.
            listener.sendto(b"", listener.getsockname())
            thread.join(10)


def _serve(listener: socket.socket, server: NameServer, zone: Zone) -> None:
    while True:
        data, sender = listener.recvfrom(4096)
        if not data:
            return
        with contextlib.suppress(OSError):
            if reply := _reply(data, server, zone):
                listener.sendto(reply, sender)


def _reply(data: bytes, server: NameServer, zone: Zone) -> bytes | None:
    query = dns.message.from_wire(data)
    question = query.question[0]
    name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
    server.asked.append((name, kind))
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA | dns.flags.AA
    records = tuple(zone.get((name, kind), ()))
    match records:
        case ("silent",):
            return None
        case ("garbage",):
            return b"\xff" * 40
        case ("refused",):
            response.set_rcode(dns.rcode.REFUSED)
        case _:
            _answer(response, name, kind, zone)
    return response.to_wire(max_size=65535)


def _answer(response: dns.message.Message, name: str, kind: str, zone: Zone) -> None:
    """Put in the records, with the aliases that lead to them, round a loop as often as a loop goes."""
    if not any(known == name for known, _ in zone):
        response.set_rcode(dns.rcode.NXDOMAIN)
        return
    for _ in range(20):
        alias = zone.get((name, "CNAME"))
        if not alias:
            break
        response.answer.append(dns.rrset.from_text(dns.name.from_text(name), 60, "IN", "CNAME", alias[0]))
        name = alias[0].rstrip(".")
    if records := zone.get((name, kind)):
        response.answer.append(dns.rrset.from_text_list(dns.name.from_text(name), 60, "IN", kind, list(records)))
