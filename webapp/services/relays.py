"""What carries the built-in service and the console's own mail: the operator's mail server, or the inbox instead."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from webapp.connectors.base import Connector
from webapp.connectors.mime import envelope
from webapp.connectors.network import Network
from webapp.connectors.showing import Shown
from webapp.connectors.smtp.config import SmtpConfig
from webapp.domain.address import Mailbox, parse_mailbox
from webapp.domain.message import Mail, Receipt, Trace
from webapp.domain.roles import TenantInfo
from webapp.services.inbox import Inbox
from webapp.settings import Settings

CAPTURE: Final = "capture"
"""The phase of a mail that is put into the inbox."""
INBOX_SENDER: Final = Mailbox("no-reply@postroom.test")
"""Who mail comes from where there is no mail server: nobody can write to it (RFC 6761)."""


def relay_config(settings: Settings) -> SmtpConfig | None:
    """The operator's mail server as settings of a connection; None where there is none."""
    relay = settings.builtin_smtp_url
    if relay is None:
        return None
    login: dict[str, Any] = {"type": "none"}
    if relay.password:
        login = {"type": "login", "user": relay.user, "pass": relay.password.get_secret_value()}
    return SmtpConfig.model_validate(
        {
            "host": relay.host,
            "port": relay.port,
            "security": relay.security,
            "auth": login,
            "fromEmail": settings.builtin_from or "",
            # Somebody waits in front of the page.
            "connectionTimeout": 8000,
            "greetingTimeout": 8000,
            "socketTimeout": 15000,
        }
    )


class OperatorsRelay:
    """The mail server that the operator named, spoken to like any other."""

    def __init__(self, config: SmtpConfig, connector: type[Connector[Any]], network: Network) -> None:
        self._config = config
        self._connector = connector
        self._network = network

    @property
    def host(self) -> str:
        return self._config.host

    @property
    def sender(self) -> Mailbox:
        return parse_mailbox(self._config.from_email)

    def planned_phases(self, *, sending: bool) -> tuple[str, ...]:
        return self._spoken_to().planned_phases(sending=sending)

    async def check(self, trace: Trace) -> None:
        await self._spoken_to().check(trace)

    async def send(self, mail: Mail, trace: Trace) -> Receipt:
        return await self._spoken_to().send(mail, trace)

    def _spoken_to(self) -> Connector[Any]:
        return self._connector(self._config, self._network)


class InboxRelay:
    """Stands in for the operator's mail server in a development tenant: what is handed over lies in its inbox."""

    host = "inbox"
    sender = INBOX_SENDER

    def __init__(self, tenant: TenantInfo, inbox: Inbox) -> None:
        self._tenant = tenant
        self._inbox = inbox

    def planned_phases(self, *, sending: bool) -> tuple[str, ...]:
        return (CAPTURE,)

    async def check(self, trace: Trace) -> None:
        """There is nothing to connect to."""
        with trace.phase(CAPTURE):
            pass

    async def send(self, mail: Mail, trace: Trace) -> Receipt:
        return await captured(self._inbox, self._tenant, mail, Shown("message/rfc822", envelope(mail).content), trace)


async def captured(inbox: Inbox, tenant: TenantInfo, mail: Mail, shown: Shown, trace: Trace) -> Receipt:
    """Put what would have gone into the inbox of a development tenant."""
    with trace.phase(CAPTURE):
        ids = await asyncio.to_thread(inbox.add, tenant.id, [mail.to], shown.content, shown.media_type)
    return Receipt(ids[0], captured=True)
