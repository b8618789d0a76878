"""The console's own mail, such as invitations: over the relay that the operator named, on the way of all mail."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from webapp.connectors.base import Connector
from webapp.connectors.smtp.config import SmtpConfig
from webapp.db.session import Database
from webapp.domain.address import mask
from webapp.domain.message import DeliveryError, Mail, Outcome, Receipt, Trace
from webapp.domain.problem import Problem
from webapp.domain.roles import Actor, Environment, TenantInfo
from webapp.domain.template import Template
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.resources import resource
from webapp.services.audit import Audit
from webapp.services.defaults import mail_of
from webapp.services.delivery import Delivery, Purpose, operators_network
from webapp.services.judging import ResolvedConnector
from webapp.services.limits import Limit, Limits
from webapp.services.loop import BackgroundLoop
from webapp.services.relays import relay_config
from webapp.services.rendering import Identity, render
from webapp.settings import Settings

LIMITS: Final = {"recipient": Limit(5, 3600), "sender": Limit(60, 86400), "console": Limit(500, 86400)}
"""How many of the console's own mails go to one address, from one person, and in all."""
PATIENCE: Final = 25
"""Seconds that somebody waits for the relay's answer."""

_CONSOLE: Final = TenantInfo(0, "", "Postroom", Environment.PRODUCTION)


class Letter(StrEnum):
    """What the console writes to people about."""

    INVITATION = "invitation"
    ACCOUNT = "account"
    PASSWORD = "password"  # noqa: S105  the name of a letter


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a letter, as the page says it."""

    to: str
    outcome: Outcome
    problem: Problem | None = None
    answer: str = ""
    """The relay's own words when it took the letter."""

    @property
    def accepted(self) -> bool:
        return self.outcome is Outcome.SENT


class ConsoleMail:
    """Sends the console's letters. Without a relay there is none, and links are copied by hand."""

    def __init__(
        self,
        settings: Settings,
        connectors: Mapping[str, type[Connector[Any]]],
        loop: BackgroundLoop,
        limits: Limits,
        audit: Audit,
        db: Database,
    ) -> None:
        self._config = relay_config(settings)
        network = operators_network(settings)
        self._delivery = Delivery(connectors, lambda _tenant: network)
        self._loop, self._limits, self._audit, self._db = loop, limits, audit, db

    @property
    def available(self) -> bool:
        """Whether the operator named a relay."""
        return self._config is not None

    def send(
        self,
        letter: Letter,
        to: str,
        values: Mapping[str, str],
        by: Actor,
        *,
        tenant_id: int | None = None,
        request_id: str | None = None,
    ) -> Posted:
        """Hand a letter to the relay and wait for its answer. Raises LimitedError; all else is in the answer."""
        if self._config is None:
            raise RuntimeError("there is no relay for the console's own mail")
        for kind, key in (("recipient", to.lower()), ("sender", f"{by.kind} {by.id}"), ("console", "")):
            self._limits.hit(f"letter.{kind}", key, amount=LIMITS[kind].amount, seconds=LIMITS[kind].seconds)
        config = self._config
        payload = {**values, "email": to}
        mail = render(letters()[letter], UsageType.ORGANIZATION_INVITATION, to, Identity.of(config), payload).mail
        posted = self._post(config, mail)
        with self._db.write() as session:
            self._audit.record(
                session,
                f"{letter}.mailed",
                by,
                tenant_id=tenant_id,
                request_id=request_id,
                to=mask(to),
                ok=posted.accepted,
                problem=posted.problem.code if posted.problem else None,
            )
        return posted

    def check(self) -> Problem | None:
        """Connect to the relay and log in without sending; tells what is wrong with it."""
        if self._config is None:
            return None
        connector = ResolvedConnector("smtp", self._config, values_tag="")
        try:
            self._loop.run(self._delivery.check(_CONSOLE, connector, Trace()), PATIENCE)
        except DeliveryError as exc:
            return exc.problem
        except TimeoutError:
            return _too_slow(self._config.host)
        return None

    def _post(self, config: SmtpConfig, mail: Mail) -> Posted:
        connector = ResolvedConnector("smtp", config, values_tag="")

        async def work() -> Receipt:
            return await self._delivery.deliver(_CONSOLE, connector, mail, Trace(), Purpose.MESSAGE)

        try:
            receipt = self._loop.run(work(), PATIENCE)
        except DeliveryError as exc:
            return Posted(mail.to, exc.outcome, exc.problem)
        except TimeoutError:
            return Posted(mail.to, Outcome.MAYBE_SENT, _too_slow(config.host))
        return Posted(mail.to, Outcome.SENT, answer=receipt.text)


@cache
def letters() -> dict[Letter, Template]:
    """The console's letters, ready to be filled."""
    file = resource("templates") / "mails" / "console" / "en.toml"
    words = tomllib.loads(file.read_text(encoding="utf-8"))
    return {letter: mail_of(words["common"] | words[letter.value], "link") for letter in Letter}


def _too_slow(host: str) -> Problem:
    return Problem(
        "console_mail.too_slow",
        T("The mail server did not answer in time"),
        T("%(host)s did not say within %(seconds)s seconds whether it takes the mail.", host=host, seconds=PATIENCE),
        (T("Pass the link on yourself, or look into the log of the mail server."),),
        temporary=True,
    )
