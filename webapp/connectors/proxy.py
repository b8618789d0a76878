"""Connections through a proxy: SOCKS5, or HTTP with CONNECT. The target is an address that was checked before."""

from __future__ import annotations

import asyncio
import base64
import socket
from dataclasses import dataclass
from typing import Any, Final

import h11
from pydantic import SecretStr
from python_socks import ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy as SocksProxy

from webapp.connectors import proxy_problems as problems
from webapp.connectors.network import Network, Route
from webapp.domain.message import DeliveryError
from webapp.domain.problem import Problem

_HEAD_LIMIT: Final = 16_384
_NOT_ALLOWED: Final = 2
"""SOCKS5's answer that its rules forbid the connection (RFC 1928 section 6)."""

_AUTHENTICATION_REQUIRED: Final = 407
_GATEWAY_TROUBLE: Final = (502, 503, 504)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy whose own address passed the policy."""

    kind: str
    route: Route
    user: str | None = None
    password: SecretStr | None = None

    @property
    def name(self) -> str:
        return f"{self.route.host}:{self.route.port}"

    @property
    def credentials(self) -> tuple[str, str] | None:
        return (self.user, self.password.get_secret_value()) if self.user and self.password else None


async def connect_through(
    proxy: Proxy, network: Network, target: Route, *, seconds: float, local_address: str | None = None
) -> socket.socket:
    """Open a connection to the first of the target's addresses that the proxy reaches. Raises DeliveryError."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    problem = problems.cannot_reach(proxy.name, target.host, target.port)
    for each in target.addresses:
        connection = await _to_proxy(proxy, network, deadline - loop.time(), local_address)
        try:
            async with asyncio.timeout_at(deadline):
                refusal = await _ask(proxy, connection, str(each[4][0]), target)
        except TimeoutError as exc:
            raise DeliveryError(problems.timed_out(proxy.name, target.host, target.port)) from exc
        if refusal is None:
            return connection
        problem = refusal
        if problem.code != problems.CANNOT_REACH:
            break
    raise DeliveryError(problem)


async def _to_proxy(proxy: Proxy, network: Network, seconds: float, local_address: str | None) -> socket.socket:
    try:
        return await network.connect(proxy.route, seconds=seconds, local_address=local_address)
    except DeliveryError as exc:
        if exc.problem.code == "network.local_address_unusable":
            raise
        raise DeliveryError(problems.unreachable(proxy.name)) from exc


async def _ask(proxy: Proxy, connection: socket.socket, address: str, target: Route) -> Problem | None:
    """Ask the proxy for the connection: None, or what is wrong; the socket is closed then."""
    asking = _ask_socks if proxy.kind == "socks5" else _ask_http
    connected = False
    try:
        refusal = await asking(proxy, connection, address, target)
        connected = refusal is None
    except (OSError, ValueError):
        return problems.not_understood(proxy.name)
    else:
        return refusal
    finally:
        if not connected:
            connection.close()


class _Opened(SocksProxy):
    """Hands the library a connection that we opened, so that it looks nothing up and dials nothing itself."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(ProxyType.SOCKS5, "", 0)
        self._connection = connection

    async def connect(
        self,
        dest_host: str,
        dest_port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        **kwargs: Any,
    ) -> socket.socket:
        return self._connection


async def _ask_socks(proxy: Proxy, connection: socket.socket, address: str, target: Route) -> Problem | None:
    user, password = proxy.credentials or (None, None)
    socks = SocksProxy(
        ProxyType.SOCKS5, proxy.route.host, proxy.route.port, user, password, forward=_Opened(connection)
    )
    try:
        await socks.connect(address, target.port)
    except ProxyError as exc:
        code, words = exc.error_code, str(exc)
        if code == _NOT_ALLOWED:
            return problems.refused(proxy.name, target.host, target.port)
        if code is not None:
            return problems.cannot_reach(proxy.name, target.host, target.port)
        if "authentication" in words.lower():
            return problems.login_refused(proxy.name, proxy.user)
        return problems.not_understood(proxy.name)
    return None


async def _ask_http(proxy: Proxy, connection: socket.socket, address: str, target: Route) -> Problem | None:
    place = f"[{address}]:{target.port}" if ":" in address else f"{address}:{target.port}"
    headers = [("Host", place)]
    if proxy.credentials:
        proof = base64.b64encode(":".join(proxy.credentials).encode()).decode()
        headers.append(("Proxy-Authorization", f"Basic {proof}"))
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)
    loop = asyncio.get_running_loop()
    request = http.send(h11.Request(method="CONNECT", target=place, headers=headers))
    await loop.sock_sendall(connection, request or b"")
    try:
        while (event := http.next_event()) is h11.NEED_DATA or isinstance(event, h11.InformationalResponse):
            # One byte at a time: what follows the head is already the mail server's greeting.
            http.receive_data(await loop.sock_recv(connection, 1))
    except h11.RemoteProtocolError:
        return problems.not_understood(proxy.name)
    if not isinstance(event, h11.Response):
        return problems.not_understood(proxy.name)
    return _http_problem(event.status_code, proxy, target)


def _http_problem(status: int, proxy: Proxy, target: Route) -> Problem | None:
    if 200 <= status < 300:
        return None
    if status == _AUTHENTICATION_REQUIRED:
        return problems.login_refused(proxy.name, proxy.user)
    if status in _GATEWAY_TROUBLE:
        return problems.cannot_reach(proxy.name, target.host, target.port)
    return problems.refused(proxy.name, target.host, target.port)
