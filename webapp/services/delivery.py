"""The one way a mail or a check goes out: test sends, calls of the API and retries all come through here."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from webapp.connectors.base import Connector, Means, Relay
from webapp.connectors.network import Network
from webapp.domain.message import DeliveryError, Mail, Outcome, Receipt, Trace
from webapp.domain.problem import Problem
from webapp.domain.roles import TenantInfo
from webapp.services.access import AccessTokens
from webapp.services.daily_usage import DailyUsage, Usage, daily_limit
from webapp.services.inbox import Inbox
from webapp.services.machine_identity import MachineIdentity
from webapp.services.relays import CAPTURE, InboxRelay, OperatorsRelay, captured, relay_config
from webapp.services.runs import interrupted_outcome
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


def operators_relay(settings: Settings, connector: type[Connector[Any]]) -> OperatorsRelay | None:
    """The operator's mail server for connectors that have none of their own; None where none is named."""
    config = relay_config(settings)
    return OperatorsRelay(config, connector, operators_network(settings)) if config else None


class Purpose(StrEnum):
    """Why a mail goes out, which decides how far."""

    MESSAGE = "message"
    """Somebody waits for it. In a development tenant it stays inside: it goes to the inbox."""
    TEST = "test"
    """It tries the provider, and reaches it in every tenant."""
    LOOK = "look"
    """It is only looked at: it goes to the inbox of a development tenant."""


@dataclass(frozen=True, slots=True)
class House:
    """What the operator has behind the connectors that send at the operator's expense."""

    address: str
    """Where its mail comes from; empty where there is nothing yet."""
    to_inbox: bool
    """Whether the tenant's inbox stands in for the mail server."""
    usage: Usage
    obstacle: Problem | None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What keeps mails from going now, or soon will."""
        return tuple(each for each in (self.obstacle, self.usage.problem) if each)


class Delivery:
    """Makes the connector of a tenant and hands it the work."""

    def __init__(
        self,
        connectors: Mapping[str, type[Connector[Any]]],
        network_for: Callable[[TenantInfo], Network],
        access: AccessTokens | None = None,
        *,
        relay: Relay | None = None,
        inbox: Inbox | None = None,
        usage: DailyUsage | None = None,
        machine: MachineIdentity | None = None,
    ) -> None:
        self._connectors = connectors
        self._network_for = network_for
        self._access = access
        self._relay = relay
        self._inbox = inbox
        self._usage = usage
        self._machine = machine

    async def deliver(
        self, tenant: TenantInfo, resolved: ResolvedConnector, mail: Mail, trace: Trace, purpose: Purpose
    ) -> Receipt:
        """Hand over one mail. Raises DeliveryError, which says what became of it; phases are in the trace."""
        connector = self.connector(tenant, resolved)
        if self.captures(tenant, purpose):
            return await captured(self._inbox_of(tenant), tenant, mail, await connector.shown(mail), trace)
        if self._usage is None or not connector.metered:
            return await connector.send(mail, trace)
        async with _counted(self._usage, tenant, trace):
            return await connector.send(mail, trace)

    async def check(self, tenant: TenantInfo, resolved: ResolvedConnector, trace: Trace) -> None:
        """Connect and log in without sending. Raises DeliveryError; phases are in the trace."""
        connector = self.connector(tenant, resolved)
        await connector.check(trace)
        if self._usage and connector.metered:
            _tell(await asyncio.to_thread(self._usage.today, tenant), trace)

    def phases(
        self, tenant: TenantInfo, resolved: ResolvedConnector, *, sending: bool, purpose: Purpose = Purpose.TEST
    ) -> tuple[str, ...]:
        """The phases that a run over these values goes through, in order."""
        if sending and self.captures(tenant, purpose):
            return (CAPTURE,)
        return self.connector(tenant, resolved).planned_phases(sending=sending)

    def captures(self, tenant: TenantInfo, purpose: Purpose) -> bool:
        """Whether such a mail goes to the tenant's inbox, and not into the world."""
        return purpose is Purpose.LOOK or (purpose is Purpose.MESSAGE and not tenant.production)

    def connector(self, tenant: TenantInfo, resolved: ResolvedConnector) -> Connector[Any]:
        """The connector over these values, with what this tenant may use."""
        return self._connectors[resolved.provider](resolved.config, self._network_for(tenant), self._means(tenant))

    def house(self, tenant: TenantInfo, kind: type[Connector[Any]]) -> House | None:
        """What stands behind such a connector in this tenant; None where that is the tenant's own matter."""
        if not kind.metered or self._usage is None:
            return None
        means = self._means(tenant)
        return House(
            address=means.relay.sender.address if means.relay else "",
            to_inbox=isinstance(means.relay, InboxRelay),
            usage=self._usage.today(tenant),
            obstacle=kind.obstacle(means),
        )

    def _means(self, tenant: TenantInfo) -> Means:
        relay = self._relay
        if relay is None and self._inbox and not tenant.production:
            relay = InboxRelay(tenant, self._inbox)
        role = self._machine.of(tenant) if self._machine else None
        means = Means(relay=relay, machine_credentials=role)
        return replace(means, tokens=self._access.keeper(tenant)) if self._access else means

    def _inbox_of(self, tenant: TenantInfo) -> Inbox:
        if tenant.production or self._inbox is None:
            raise RuntimeError("only a development tenant has an inbox to capture mail in")
        return self._inbox

    def network(self, tenant: TenantInfo) -> Network:
        """The way out of a tenant, for what is asked of a provider beside mail."""
        return self._network_for(tenant)


@asynccontextmanager
async def _counted(usage: DailyUsage, tenant: TenantInfo, trace: Trace) -> AsyncIterator[None]:
    """Count a mail before it goes, so that no two go on one last place; a mail that did not go does not count."""
    day = await asyncio.to_thread(usage.take, tenant)
    if day is None:
        raise DeliveryError(daily_limit((await asyncio.to_thread(usage.today, tenant)).limit))
    try:
        yield
    except DeliveryError as exc:
        if exc.outcome is Outcome.NOT_SENT:
            await asyncio.to_thread(usage.give_back, tenant, day)
        raise
    except asyncio.CancelledError:
        if interrupted_outcome(trace.phases) is Outcome.NOT_SENT:
            await asyncio.shield(asyncio.to_thread(usage.give_back, tenant, day))
        raise
    _tell(await asyncio.to_thread(usage.today, tenant), trace)


def _tell(today: Usage, trace: Trace) -> None:
    """Say that the daily limit is near or reached, while things still work."""
    if today.problem:
        trace.caution(today.problem)
