"""What somebody typed to begin with: an address, a domain or the name of a server."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from webapp.domain.address import AddressError, ascii_host, parse_host, parse_mailbox
from webapp.domain.errors import FieldError, InputError
from webapp.domain.text import Text
from webapp.services.wording import sentence

LENGTH_LIMIT: Final = 320


@dataclass(frozen=True, slots=True)
class Target:
    """Where to look."""

    host: str
    """A domain or a server; only asking tells which."""
    address: str | None = None
    """The address, where one was given."""
    port: int | None = None
    """The only port to look at, where one was given."""

    @property
    def domain(self) -> str | None:
        """The domain to ask DNS about; None where this can only be a server."""
        if self.port or "." not in self.host or _is_ip(self.host):
            return None
        return self.host

    @property
    def shown(self) -> str:
        """What is looked for, without whose mailbox it is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    @classmethod
    def of(cls, text: str, pointer: str = "/address") -> Target:
        """Read what was typed. Raises InputError."""
        text = text.strip()
        try:
            return cls._read(text)
        except AddressError as exc:
            raise _refused(sentence(str(exc)), pointer) from exc

    @classmethod
    def _read(cls, text: str) -> Target:
        if not text:
            raise AddressError("type an address such as ada@example.com, or a server such as smtp.example.com")
        if len(text) > LENGTH_LIMIT:
            raise AddressError("this is too long for an address or the name of a server")
        if "://" in text:
            raise AddressError(
                "give the name of the server only, such as smtp.example.com, without what stands before it"
            )
        if "@" in text:
            mailbox = parse_mailbox(text)
            return cls(mailbox.domain, mailbox.address)
        return _server(text)


def _server(text: str) -> Target:
    if any(char.isspace() or ord(char) < 32 for char in text) or "/" in text:
        raise AddressError("this is neither an address nor the name of a server")
    literal = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if ":" in literal and _is_ip(literal):
        port = text.partition("]:")[2] if text.startswith("[") else ""
        return Target(str(ipaddress.ip_address(literal)), port=_port(port) if port else None)
    name, colon, port = text.partition(":")
    host = parse_host(name)
    ascii_host(host)
    return Target(host, port=_port(port) if colon else None)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise AddressError("the port after the colon is a whole number from 1 to 65535")
    return int(text)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refused(message: Text, pointer: str) -> InputError:
    return InputError(message, errors=[FieldError(pointer, "address.invalid", message)])
