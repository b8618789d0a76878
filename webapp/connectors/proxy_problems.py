"""What goes wrong at a proxy, on the way to a provider."""

from __future__ import annotations

from typing import Final

from webapp.domain.problem import Problem
from webapp.domain.text import T

CANNOT_REACH: Final = "network.proxy_cannot_reach"

_WITHOUT: Final = T("If the server can be reached directly, empty the proxy under Advanced.")


def unreachable(proxy: str) -> Problem:
    return Problem(
        "network.proxy_unreachable",
        T("The proxy does not answer"),
        T("No connection to the proxy “%(proxy)s” came about, so the mail server was not asked.", proxy=proxy),
        (
            T("Check the proxy's address and port under Advanced."),
            T("Check that the proxy runs and accepts connections from the machine running Postroom."),
            _WITHOUT,
        ),
        temporary=True,
    )


def login_refused(proxy: str, user: str | None) -> Problem:
    if user:
        cause = T("“%(proxy)s” does not accept the login of “%(user)s”.", proxy=proxy, user=user)
        step = T("Type the proxy's user name and password anew, under Advanced.")
    else:
        cause = T("“%(proxy)s” asks for a login, and none is set.", proxy=proxy)
        step = T("Give the proxy's user name and password, under Advanced.")
    return Problem(
        "network.proxy_login_refused",
        T("The proxy refuses the login"),
        cause,
        (step, T("Ask whoever runs the proxy which accounts it knows, and whether it takes a password at all.")),
    )


def refused(proxy: str, host: str, port: int) -> Problem:
    return Problem(
        "network.proxy_refused",
        T("The proxy does not permit this connection"),
        T("The rules of “%(proxy)s” forbid “%(host)s” port %(port)s.", proxy=proxy, host=host, port=port),
        (
            T("Ask whoever runs the proxy to permit this server and port. Many permit only port 443."),
            T("Try another port of the provider, or another proxy."),
            _WITHOUT,
        ),
    )


def cannot_reach(proxy: str, host: str, port: int) -> Problem:
    return Problem(
        CANNOT_REACH,
        T("The proxy cannot reach the server"),
        T("“%(proxy)s” found no way to “%(host)s” port %(port)s.", proxy=proxy, host=host, port=port),
        (
            T("Check the server name and the port."),
            T("Try again in a few minutes."),
            T("If it goes on, ask whoever runs the proxy whether it reaches this server."),
        ),
        temporary=True,
    )


def timed_out(proxy: str, host: str, port: int) -> Problem:
    return Problem(
        "network.proxy_timeout",
        T("The proxy did not connect in time"),
        T(
            "“%(proxy)s” accepted the connection, but did not say in time whether it reaches “%(host)s” port %(port)s.",
            proxy=proxy,
            host=host,
            port=port,
        ),
        (
            T("Check that it is a proxy of the kind that its address says: socks5:// or http://."),
            T("Try again in a few minutes, or raise “Connection time-out” under Advanced."),
            _WITHOUT,
        ),
        temporary=True,
    )


def not_understood(proxy: str) -> Problem:
    return Problem(
        "network.proxy_not_understood",
        T("That is not the proxy that its address says"),
        T("What “%(proxy)s” answered is not what a proxy of this kind says.", proxy=proxy),
        (
            T("Check the beginning of the proxy's address: socks5:// for SOCKS5, http:// for an HTTP proxy."),
            T("Check its port: another service may be answering there."),
        ),
    )
