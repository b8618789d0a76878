"""The one way a mail or a check goes out: test sends, calls of the API and retries all come through here."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from webapp.connectors.base import Connector, Means
from webapp.connectors.network import Network
from webapp.domain.message import Mail, Receipt, Trace
from webapp.domain.roles import TenantInfo
from webapp.services.access import AccessTokens
from webapp.services.sandbox import ADDRESS, SandboxServer
from webapp.settings import Settings

if TYPE_CHECKING:
    from webapp.services.setups import ResolvedConnector


class Networks:
    """The ways out: one for production, one for development, which may also reach the sandbox.

    Kept, so that the certificates to trust are read once.
    """

    def __init__(self, settings: Settings, sandbox: SandboxServer) -> None:
        self._settings = settings
        self._sandbox = sandbox
        self._made: dict[bool, Network] = {}
        self._lock = threading.Lock()

    def __call__(self, tenant: TenantInfo) -> Network:
        """The way out of a tenant."""
        with self._lock:
            if tenant.production not in self._made:
                self._made[tenant.production] = self._network(tenant.production)
            return self._made[tenant.production]

    def _network(self, production: bool) -> Network:
        settings = self._settings
        own = [(_address(settings.host), settings.port), (ADDRESS, settings.sandbox_smtp_port)]
        return Network(
            settings.allowed_networks,
            [(address, port) for address, port in own if port],
            None if production else self._sandbox.peer,
        )


def _address(host: str) -> str:
    """The address to guard; the console's own port is refused at all of this machine's anyway."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ADDRESS


def operators_network(settings: Settings) -> Network:
    """The way out to servers that the operator named: they may be anywhere; what no setting opens stays closed."""
    return Network(("0.0.0.0/0", "::/0"), [(_address(settings.host), settings.port)])


class Delivery:
    """Makes the connector of a tenant and hands it the work."""

    def __init__(
        self,
        connectors: Mapping[str, type[Connector[Any]]],
        network_for: Callable[[TenantInfo], Network],
        access: AccessTokens | None = None,
    ) -> None:
        self._connectors = connectors
        self._network_for = network_for
        self._access = access

    async def deliver(self, tenant: TenantInfo, resolved: ResolvedConnector, mail: Mail, trace: Trace) -> Receipt:
        """Hand over one mail. Raises DeliveryError, which says what became of it; phases are in the trace."""
        return await self._connector(tenant, resolved).send(mail, trace)

    async def check(self, tenant: TenantInfo, resolved: ResolvedConnector, trace: Trace) -> None:
        """Connect and log in without sending. Raises DeliveryError; phases are in the trace."""
        await self._connector(tenant, resolved).check(trace)

    def phases(self, tenant: TenantInfo, resolved: ResolvedConnector, *, sending: bool) -> tuple[str, ...]:
        """The phases that a run over these values goes through, in order."""
        return self._connector(tenant, resolved).planned_phases(sending=sending)

    def _connector(self, tenant: TenantInfo, resolved: ResolvedConnector) -> Connector[Any]:
        means = Means(tokens=self._access.keeper(tenant)) if self._access else Means()
        return self._connectors[resolved.provider](resolved.config, self._network_for(tenant), means)

    def network(self, tenant: TenantInfo) -> Network:
        """The way out of a tenant, for what is asked of a provider beside mail."""
        return self._network_for(tenant)
