"""The only way out: resolve once, apply the address policy, connect to the checked address."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import aiohappyeyeballs

from webapp.connectors import network_problems as problems
from webapp.connectors.tls import Trust, context_for
from webapp.domain.address import ascii_host
from webapp.domain.message import DeliveryError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
Resolver = Callable[..., Iterable[Any]]
"""What answers as ``socket.getaddrinfo`` does."""

HAPPY_EYEBALLS_DELAY: Final = 0.25
"""Seconds before the next address is tried beside the first (RFC 8305 section 8)."""

_NEVER: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local, and every cloud's metadata service
        "100.100.100.200/32",  # Alibaba Cloud's metadata, inside the carriers' shared range
        "168.63.129.16/32",  # Azure's host agent, a public address
        "192.0.0.192/32",  # Oracle Cloud's older metadata address
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "fe80::/10",
        "ff00::/8",
        "fd00:ec2::/32",  # AWS over IPv6
        "fd20:ce::/32",  # Google Cloud over IPv6
        "fd00:42::/32",  # Scaleway over IPv6
        "fd00:c1::/32",  # Oracle Cloud over IPv6
    )
)
"""What no setting opens: link-local, metadata, multicast, unspecified."""

_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "240.0.0.0/4",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
"""Special ranges (IANA's registries) that ``is_global`` of some Python releases lets through."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The console's own mail server and the authority that vouches for it."""

    address: str
    port: int
    ca_pem: str


@dataclass(frozen=True, slots=True)
class Route:
    """Where a name led, once: addresses that passed the policy."""

    host: str
    port: int
    addresses: tuple[AddressInfo, ...]
    sandbox: bool = False

    @property
    def tls_name(self) -> str:
        """The name that the other side's certificate has to carry."""
        return ascii_host(self.host)

    def __str__(self) -> str:
        return ", ".join(str(each[4][0]) for each in self.addresses)


class Network:
    """Open connections to what the address policy permits; proxy variables of the environment are ignored.

    ``own_addresses`` are those of the console and of its sandbox: a listed port is refused at the listed address and
    at every address of this machine. ``sandbox`` opens exactly that address and port, and is given for development
    tenants only. ``extra_ca_pem`` is trusted besides the system's store.
    """

    def __init__(
        self,
        allowed_networks: Iterable[IPNetwork | str] = (),
        own_addresses: Iterable[tuple[str, int]] = (),
        sandbox: Sandbox | None = None,
        *,
        extra_ca_pem: str | None = None,
        getaddrinfo: Resolver = socket.getaddrinfo,
    ) -> None:
        self._allowed = tuple(ipaddress.ip_network(str(each)) for each in allowed_networks)
        self._own = frozenset((ipaddress.ip_address(address), port) for address, port in own_addresses)
        self._own_ports = frozenset(port for _, port in self._own)
        self._sandbox = sandbox
        self._extra_ca_pem = extra_ca_pem
        self._getaddrinfo = getaddrinfo
        self._contexts: dict[bool, ssl.SSLContext] = {}
        # Name servers that do not answer hold a thread for long; they may not hold those of the event loop.
        self._dns_threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="dns")

    async def resolve(self, host: str, port: int, *, seconds: float) -> Route:
        """Look a name up and keep the addresses that may be reached. Raises DeliveryError."""
        loop = asyncio.get_running_loop()
        lookup = loop.run_in_executor(self._dns_threads, self._look_up, host, port)
        try:
            found = await asyncio.wait_for(lookup, seconds)
        except TimeoutError as exc:
            raise DeliveryError(problems.dns_timeout(host, seconds)) from exc
        except socket.gaierror as exc:
            raise DeliveryError(problems.lookup_failed(host, exc)) from exc
        except UnicodeError as exc:
            raise DeliveryError(problems.name_not_found(host)) from exc
        if self._sandbox:
            inside = tuple(each for each in found if self._is_sandbox(_address(each), port))
            if inside:
                return Route(host, port, inside, sandbox=True)
        permitted = tuple(each for each in found if self.permits(_address(each), port))
        if not permitted:
            raise DeliveryError(problems.address_refused(host))
        return Route(host, port, permitted)

    async def connect(self, route: Route, *, seconds: float, local_address: str | None = None) -> socket.socket:
        """Open a TCP connection to one of a route's addresses, the quickest (RFC 8305). Raises DeliveryError."""
        addresses, bind_to = list(route.addresses), None
        if local_address:
            family = socket.AF_INET6 if ":" in local_address else socket.AF_INET
            addresses = [each for each in addresses if each[0] == family]
            bind_to = [(int(family), int(socket.SOCK_STREAM), 0, "", (local_address, 0))]
        if not addresses:
            raise DeliveryError(problems.local_address_unusable(route.host, local_address or ""))
        attempt = aiohappyeyeballs.start_connection(
            addresses,
            local_addr_infos=bind_to,
            happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY,
            interleave=1,
            socket_factory=_prompt_socket,
        )
        try:
            return await asyncio.wait_for(attempt, seconds)
        except TimeoutError as exc:
            raise DeliveryError(problems.connect_timeout(route.host, route.port)) from exc
        except OSError as exc:
            raise DeliveryError(problems.connect_failed(route.host, route.port, local_address, exc)) from exc

    async def tls_context(self, route: Route, trust: Trust | None = None) -> ssl.SSLContext:
        """Give the trust that a route deserves: what the settings say, else the system's authorities, or the
        sandbox's own and no other."""
        trust = trust or Trust()
        context = self._contexts.get(route.sandbox) if trust.usual else None
        if context is None:
            # Reading the authorities takes some 40 ms, so it is done once and beside the loop.
            ca = self._sandbox.ca_pem if route.sandbox and self._sandbox else None
            context = await asyncio.to_thread(context_for, trust, ca=ca, extra_ca=self._extra_ca_pem)
        if trust.usual:
            self._contexts[route.sandbox] = context
        return context

    def permits(self, address: IPAddress, port: int) -> bool:
        """Whether the policy lets a connection through to this address and port."""
        address = _meant(address)
        if self._is_sandbox(address, port):
            return True
        if _within(address, _NEVER) or self._is_own(address, port):
            return False
        if _within(address, self._allowed):
            return True
        return address.is_global and not _within(address, _NOT_PUBLIC)

    def _look_up(self, host: str, port: int) -> tuple[AddressInfo, ...]:
        # glibc reads decimal, octal, hexadecimal and shortened IPv4 addresses here, so all spellings come out alike.
        return tuple(self._getaddrinfo(ascii_host(host), port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP))

    def _is_sandbox(self, address: IPAddress, port: int) -> bool:
        sandbox = self._sandbox
        return sandbox is not None and port == sandbox.port and address == ipaddress.ip_address(sandbox.address)

    def _is_own(self, address: IPAddress, port: int) -> bool:
        return port in self._own_ports and ((address, port) in self._own or _is_this_machine(address))


def _address(info: AddressInfo) -> IPAddress:
    return ipaddress.ip_address(str(info[4][0]).partition("%")[0])


def _meant(address: IPAddress) -> IPAddress:
    """Unwrap an IPv4 address carried in an IPv6 one: mapped, compatible, NAT64 or 6to4."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _within(address: IPAddress, networks: Iterable[IPNetwork]) -> bool:
    return any(address in network for network in networks)


def _is_this_machine(address: IPAddress) -> bool:
    """Whether the address is one of our own; only those can be bound to."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _prompt_socket(info: Any) -> socket.socket:
    """Make a socket that sends small commands at once instead of collecting them (Nagle)."""
    connection = socket.socket(info[0], info[1], info[2])
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
