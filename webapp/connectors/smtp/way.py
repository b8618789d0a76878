"""The way to a mail server: its checked addresses, and the proxy in between if there is one."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from webapp.connectors.network import Network, Route
from webapp.connectors.proxy import Proxy, connect_through
from webapp.connectors.smtp.config import SmtpConfig


@dataclass(frozen=True, slots=True)
class Way:
    """How to connect, found once for each conversation."""

    route: Route
    proxy: Proxy | None

    @classmethod
    async def to(cls, config: SmtpConfig, network: Network) -> Way:
        """Look up the server, and the proxy. Raises DeliveryError."""
        seconds = config.dns_timeout / 1000
        proxy = None
        if config.proxy.address:
            host, port = config.proxy.address
            route = await network.resolve(host, port, seconds=seconds)
            kind = urlsplit(config.proxy.url or "").scheme
            proxy = Proxy(kind, route, config.proxy.user, config.proxy.password)
        return cls(await network.resolve(config.host, config.port, seconds=seconds), proxy)

    async def connect(self, network: Network, *, seconds: float, local_address: str | None) -> socket.socket:
        """Open a connection. Raises DeliveryError."""
        if self.proxy is None:
            return await network.connect(self.route, seconds=seconds, local_address=local_address)
        return await connect_through(self.proxy, network, self.route, seconds=seconds, local_address=local_address)

    def __str__(self) -> str:
        return f"{self.route} · {self.proxy.kind} {self.proxy.name}" if self.proxy else str(self.route)
