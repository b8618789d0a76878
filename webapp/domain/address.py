"""Mailboxes as RFC 5322 writes them, with the domains that a lab needs (``.test``, ``localhost``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.headerregistry import Address as HeaderAddress
from email.utils import getaddresses

import idna

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff@<>(),;:\\\"\[\]]+")
_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


class AddressError(ValueError):
    """The text is not one mailbox. The message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address, perhaps with a display name."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    def __str__(self) -> str:
        if not self.name:
            return self.address
        local, _, domain = self.address.rpartition("@")
        return str(HeaderAddress(display_name=self.name, username=local, domain=domain))


def parse_mailbox(text: str) -> Mailbox:
    """Read exactly one mailbox, ``ada@example.com`` or ``Ada <ada@example.com>``.

    Raises AddressError for lists, missing parts and control characters. International domains are
    normalised by IDNA 2008 (RFC 5891) but kept readable.
    """
    if _CONTROL.search(text):
        raise AddressError("an address may not contain line breaks or other control characters")
    text = text.strip()
    if not text:
        raise AddressError("an address is needed, such as no-reply@example.com")
    angle = re.fullmatch(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>", text)
    name, address = (angle["name"].strip(), angle["address"].strip()) if angle else ("", text)
    if name.startswith('"'):
        parsed = getaddresses([text])
        if len(parsed) != 1:
            raise AddressError("give exactly one address")
        name = parsed[0][0]
    return Mailbox(parse_address(address), name)


def parse_address(address: str) -> str:
    """Read one bare address; returns it with its domain normalised. Raises AddressError."""
    if "," in address or ";" in address:
        raise AddressError("give exactly one address")
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise AddressError("an address looks like name@example.com")
    if not _LOCAL.fullmatch(local) or len(local.encode()) > 64 or local.startswith(".") or local.endswith("."):
        raise AddressError("the part before the @ is not valid")
    if ".." in local:
        raise AddressError("the part before the @ is not valid")
    return f"{local}@{parse_host(domain)}"


def parse_host(host: str) -> str:
    """Read a host name or an IP address; returns it lower-cased, without a final dot. Raises AddressError."""
    host = host.strip().rstrip(".").lower()
    if not host or len(host) > 253:
        raise AddressError("a host name is needed, such as smtp.example.com")
    try:
        labels = ascii_host(host).split(".")
    except idna.IDNAError:
        raise AddressError("this is not a valid host name") from None
    if not all(_HOST_LABEL.fullmatch(label) for label in labels):
        raise AddressError("this is not a valid host name")
    return host


def ascii_host(host: str) -> str:
    """Write a host name as DNS and SMTP carry it (IDNA 2008)."""
    return host if host.isascii() else idna.encode(host, uts46=True).decode()


def mask(address: str) -> str:
    """A mask of constant width: the first letter, dots, and the domain's last label."""
    return f"{address[:1] or '?'}•••@•••.{address.rpartition('.')[2][:12]}" if "@" in address else "•••"
