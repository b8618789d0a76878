"""The built-in email service: no third party to set up. Mail goes over the relay that the operator named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from webapp.connectors.base import Brand, Connector, Destination, Means, Relay
from webapp.connectors.config import ConnectorConfig, Line, setting
from webapp.connectors.showing import Shown, mail_shown
from webapp.domain.address import AddressError, Mailbox, parse_host
from webapp.domain.message import DeliveryError, Mail, Receipt, Trace
from webapp.domain.plain_words import has_invisible, has_link
from webapp.domain.problem import Problem
from webapp.domain.text import T

DEFAULT_NAME: Final = "Postroom"
"""Who mail comes from where neither the tenant nor the operator gave a name."""
_NOWHERE: Final = "no-reply@localhost"

NO_RELAY: Final = Problem(
    "built_in.no_relay",
    T("The built-in service has no mail server behind it yet"),
    T("The operator of this installation has not named the mail server that carries this service, so no mail can go."),
    (
        T("Ask the operator to set POSTROOM_BUILTIN_SMTP_URL and POSTROOM_BUILTIN_FROM and to restart the console."),
        T("Or choose a provider of your own."),
    ),
)
_OPERATORS: Final = T(
    "Only the operator of this installation can change the mail server behind the built-in service. Pass this on."
)


def _shown_words(value: str) -> str:
    if has_invisible(value):
        raise ValueError("Control characters and invisible ones are not possible here.")
    if has_link(value):
        raise ValueError(
            "Web addresses are not possible here. If this is none, put a space after the dot, as in “St. Gallen”."
        )
    return value


def _image_address(value: str) -> str:
    wrong = "Give the https:// address of an image, such as https://www.example.com/logo.png."
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme.lower() != "https" or port == 0 or has_invisible(value) or any(char in value for char in ' "<>\\'):
        raise ValueError(wrong)
    if "@" in parts.netloc:
        raise ValueError("The address of the image cannot hold a user name or a password: every reader would see it.")
    try:
        parse_host(host)
    except AddressError:
        raise ValueError(wrong) from None
    if "." not in host.strip("."):
        raise ValueError(wrong)
    return value


Words = Annotated[Line, AfterValidator(_shown_words)]


class BuiltInConfig(ConnectorConfig):
    """What a tenant chooses; address, domain and content are fixed."""

    sender_name: Annotated[Words, Field(max_length=64)] | None = setting(
        None, title=T("Sender name"), example="Acme", section="sender"
    )
    """Who the mail comes from, as readers see it: your product or company. No web address."""
    company_information: Annotated[Words, Field(max_length=200)] | None = setting(
        None, title=T("Company information"), example="Acme Inc., 1 Main Street, Springfield", section="sender"
    )
    """Stands small at the foot of each mail: company name, place, registration. No web address."""
    app_logo: Annotated[Line, AfterValidator(_image_address)] | None = setting(
        None, title=T("Logo"), example="https://www.example.com/logo.png", section="sender"
    )
    """Address of an image (PNG or JPEG, at most 40 pixels high as shown) that stands at the head of each mail."""


class BuiltInConnector(Connector[BuiltInConfig]):
    """Send ready-made mails over the operator's relay."""

    kind = "built-in"
    title = "Built-in service"
    summary = T("Choose this when you want to start at once: no provider, no account, ready-made mails.")
    rendering = "provider"
    config_model = BuiltInConfig
    metered = True
    badges = (T("No credentials"), T("Ready-made mails"), T("Five languages"))
    group = "own"
    phases = (
        "resolve",
        "connect",
        "tls",
        "greeting",
        "ehlo",
        "starttls",
        "auth",
        "mail_from",
        "rcpt_to",
        "data",
        "capture",
    )

    @classmethod
    def destination(cls, config: Mapping[str, Any]) -> Destination:  # noqa: ARG003  there are no secrets to send anywhere
        return Destination(place="built-in", port=None, protection="tls")

    @classmethod
    def brand(cls, config: BuiltInConfig) -> Brand:
        return Brand(config.sender_name or "", config.company_information or "", config.app_logo or "")

    @classmethod
    def cautions(cls, config: Mapping[str, Any]) -> list[Problem]:
        logo = config.get("appLogo")
        if not isinstance(logo, str) or not urlsplit(logo).path.lower().endswith((".svg", ".webp", ".avif")):
            return []
        return [
            Problem(
                "built_in.logo_format",
                T("Many readers will not see the logo"),
                T("Gmail and Outlook do not show images of this format in mails."),
                (T("Give the address of a PNG or JPEG image."),),
            )
        ]

    def sender(self) -> Mailbox:
        """The operator's address with the tenant's name."""
        own = self.means.relay.sender if self.means.relay else Mailbox(_NOWHERE)
        return Mailbox(own.address, self.config.sender_name or own.name or DEFAULT_NAME)

    @classmethod
    def obstacle(cls, means: Means) -> Problem | None:
        return None if means.relay else NO_RELAY

    def planned_phases(self, *, sending: bool) -> tuple[str, ...]:
        return self.means.relay.planned_phases(sending=sending) if self.means.relay else ()

    async def check(self, trace: Trace) -> None:
        try:
            await self._relay().check(trace)
        except DeliveryError as exc:
            raise _for_a_tenant(exc, trace) from exc

    async def send(self, mail: Mail, trace: Trace) -> Receipt:
        try:
            return await self._relay().send(self._fixed(mail), trace)
        except DeliveryError as exc:
            raise _for_a_tenant(exc, trace) from exc

    async def shown(self, mail: Mail) -> Shown:
        return mail_shown(self._fixed(mail))

    def _fixed(self, mail: Mail) -> Mail:
        """Whoever made the mail: its sender is the operator's, and it carries no headers of somebody else's."""
        return replace(mail, sender=self.sender(), reply_to=None, headers=())

    def _relay(self) -> Relay:
        if self.means.relay is None:
            raise DeliveryError(NO_RELAY)
        return self.means.relay


def _for_a_tenant(error: DeliveryError, trace: Trace) -> DeliveryError:
    """The same failure without changes to settings that a tenant does not have, saying who can mend it."""
    if error.problem is NO_RELAY:
        return error
    handing_over = bool(trace.phases) and trace.phases[-1].phase in ("rcpt_to", "data")
    steps = error.problem.steps if handing_over else (_OPERATORS, *error.problem.steps)
    problem = replace(error.problem, patch=(), patch_label=None, steps=steps)
    if trace.phases and trace.phases[-1].problem:
        trace.phases[-1] = replace(trace.phases[-1], problem=problem)
    return DeliveryError(
        problem, outcome=error.outcome, code=error.code, enhanced_code=error.enhanced_code, text=error.text
    )
