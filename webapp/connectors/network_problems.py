"""What goes wrong on the way to a provider, before it has said a word of its own."""

from __future__ import annotations

import errno
import re
import socket

from webapp.domain.problem import Problem
from webapp.domain.text import T


def name_not_found(host: str) -> Problem:
    return Problem(
        "network.name_not_found",
        T("The server name does not exist"),
        T("No address is known for “%(host)s”, so there is nothing to connect to.", host=host),
        (
            T("Compare the server name with your provider's documentation, letter by letter."),
            T("Give the name only, without smtp://, without a port and without a path."),
            T("For a name inside your own network: make sure that the machine running Postroom can look it up."),
        ),
    )


def dns_timeout(host: str, seconds: float) -> Problem:
    return Problem(
        "network.dns_timeout",
        T("Looking up the server name took too long"),
        T("The name server did not say within %(seconds)s s where “%(host)s” is.", host=host, seconds=f"{seconds:g}"),
        (
            T("Try again in a minute."),
            T("If it goes on, check the name servers of the machine running Postroom (/etc/resolv.conf)."),
        ),
        temporary=True,
    )


def dns_failed(host: str) -> Problem:
    return Problem(
        "network.dns_failed",
        T("The server name could not be looked up"),
        T("The name server of this machine did not answer the question for “%(host)s”, or refused it.", host=host),
        (
            T("Try again in a minute; name servers have short troubles."),
            T("If it goes on, check that the machine running Postroom can reach its name server."),
            T("Check the server name for a typing mistake."),
        ),
        temporary=True,
    )


def lookup_failed(host: str, exc: socket.gaierror) -> Problem:
    """Tell a name that does not exist from a name server in trouble."""
    nobody = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
    return name_not_found(host) if exc.errno in nobody else dns_failed(host)


def address_refused(host: str) -> Problem:
    """Say nothing of the address itself: the answer is the same whatever is there."""
    return Problem(
        "network.address_refused",
        T("This address is not permitted"),
        T(
            "Postroom connects to public addresses, and to networks that its operator has named. "
            "“%(host)s” is neither.",
            host=host,
        ),
        (
            T("Check the server name; a provider's mail server has a public address."),
            T(
                "For a mail server inside your own network: ask the operator to add its network to "
                "POSTROOM_ALLOWED_NETWORKS, for example 10.0.0.0/8, and to restart."
            ),
            T("Link-local, metadata and multicast addresses and Postroom's own port stay closed in any case."),
        ),
    )


def connection_refused(host: str, port: int) -> Problem:
    return Problem(
        "network.connection_refused",
        T("Nothing answers at this port"),
        T("“%(host)s” was reached, but it accepts no connection at port %(port)s.", host=host, port=port),
        (
            T("Check the port: mail is handed in at 587 (STARTTLS) or 465 (TLS), seldom at 25 or 2525."),
            T("If the server is yours, check that the mail service is running and listens on this address."),
            T("A firewall may be answering in the server's place: ask whoever runs it."),
        ),
        temporary=True,
    )


def connect_timeout(host: str, port: int) -> Problem:
    steps = [
        T("Check the server name and the port."),
        T("Ask your hosting provider or network team whether outgoing connections to this port are open."),
    ]
    if port == 25:
        steps.insert(
            0,
            T("Use port 587 or 465: most clouds and many access providers block port 25 for everybody."),
        )
    return Problem(
        "network.connect_timeout",
        T("The server did not answer in time"),
        T(
            "No connection to “%(host)s” port %(port)s came about in time. "
            "That silence mostly comes from a firewall, sometimes from a server that is down.",
            host=host,
            port=port,
        ),
        tuple(steps),
        temporary=True,
    )


def unreachable(host: str, port: int) -> Problem:
    return Problem(
        "network.unreachable",
        T("There is no way to this server"),
        T("This machine's network has no route to “%(host)s” port %(port)s.", host=host, port=port),
        (
            T("Check that the machine running Postroom has a working connection to the internet."),
            T("If the server has only an IPv6 address, this machine needs IPv6 too."),
            T("If a local address is set under Advanced, try without it."),
        ),
        temporary=True,
    )


def local_address_unusable(host: str, local_address: str) -> Problem:
    return Problem(
        "network.local_address_unusable",
        T("The local address cannot be used"),
        T(
            "The connection to “%(host)s” should start from %(address)s, but this machine does not have that address, "
            "or it is of another family (IPv4, IPv6) than the server's.",
            host=host,
            address=local_address,
        ),
        (
            T("Empty the local address under Advanced, unless you know that you need it."),
            T("Otherwise give an address that the machine running Postroom has, of the server's family."),
        ),
    )


def connection_broken(host: str, port: int) -> Problem:
    return Problem(
        "network.connection_broken",
        T("The connection could not be opened"),
        T("Connecting to “%(host)s” port %(port)s broke off before anything was said.", host=host, port=port),
        (T("Try again."), T("If it goes on, look for a firewall or a load balancer between here and the server.")),
        temporary=True,
    )


_TELLING: dict[int, str] = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.EADDRNOTAVAIL: "local",
    errno.EACCES: "unreachable",
    errno.EPERM: "unreachable",
}


def connect_failed(host: str, port: int, local_address: str | None, exc: OSError) -> Problem:
    """Choose the most telling of what happened to the addresses that were tried.

    With several addresses the library joins their errors into one text: a machine without IPv6 has "unreachable" for
    one address and the real reason for the other.
    """
    numbers = [exc.errno] if exc.errno else [int(each) for each in re.findall(r"\[Errno (\d+)\]", str(exc))]
    kinds = {_TELLING.get(number, "broken") for number in numbers if number is not None}
    if local_address and kinds & {"local", "broken"}:
        return local_address_unusable(host, local_address)
    if "refused" in kinds:
        return connection_refused(host, port)
    if "timeout" in kinds:
        return connect_timeout(host, port)
    if kinds & {"unreachable", "local"}:
        return unreachable(host, port)
    return connection_broken(host, port)
