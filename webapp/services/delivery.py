"""The one way a mail or a check goes out: test sends, calls of the API and retries all come through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from webapp.connectors.base import Connector
from webapp.connectors.network import Network
from webapp.domain.message import Mail, Receipt, Trace
from webapp.domain.roles import TenantInfo

if TYPE_CHECKING:
    from webapp.services.setups import ResolvedConnector


class Delivery:
    """Makes the connector of a tenant and hands it the work."""

    def __init__(
        self, connectors: Mapping[str, type[Connector[Any]]], network_for: Callable[[TenantInfo], Network]
    ) -> None:
        self._connectors = connectors
        self._network_for = network_for

    async def deliver(self, tenant: TenantInfo, resolved: ResolvedConnector, mail: Mail, trace: Trace) -> Receipt:
        """Hand over one mail. Raises DeliveryError, which says what became of it; phases are in the trace."""
        return await self._connector(tenant, resolved).send(mail, trace)

    async def check(self, tenant: TenantInfo, resolved: ResolvedConnector, trace: Trace) -> None:
        """Connect and log in without sending. Raises DeliveryError; phases are in the trace."""
        await self._connector(tenant, resolved).check(trace)

    def phases(self, tenant: TenantInfo, resolved: ResolvedConnector, *, sending: bool) -> tuple[str, ...]:
        """The phases that a run over these values goes through, in order."""
        phases = self._connector(tenant, resolved).planned_phases()
        return phases if sending else tuple(phase for phase in phases if phase not in _HANDS_OVER)

    def _connector(self, tenant: TenantInfo, resolved: ResolvedConnector) -> Connector[Any]:
        return self._connectors[resolved.provider](resolved.config, self._network_for(tenant))


_HANDS_OVER = frozenset({"mail_from", "rcpt_to", "data", "submit"})
"""Phases in which a mail is handed over; a check ends before them."""
