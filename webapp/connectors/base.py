"""What every connector is: one class that checks and sends over the values it was given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, Literal, Protocol, TypeVar

from pydantic import SecretStr

from webapp.connectors.authorization import Identity, KeepNothing, TokenKeeper
from webapp.connectors.config import ConnectorConfig
from webapp.connectors.network import Network
from webapp.connectors.recipe import Recipe
from webapp.connectors.showing import Shown, mail_shown
from webapp.domain.address import Mailbox
from webapp.domain.message import Mail, Receipt, Trace
from webapp.domain.problem import Problem
from webapp.domain.text import Text

ConfigT = TypeVar("ConfigT", bound=ConnectorConfig)

INTERFACE: Final = 1
"""The version of what a connector and Postroom expect of each other; it grows when other packages must change."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another port or region of the same provider."""

    title: Text
    config: Mapping[str, Any]
    """Settings to put over those of the preset, as JSON; each replaces the whole setting."""
    region: bool = False
    """Whether it is one of the provider's regions, of which there may be many; the preset's own is among them."""


Group = Literal["own", "service", "mailbox", "other"]
"""A server of one's own, a service that sends for applications, a mailbox of a person or an organisation, or what fits
none of these."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider that is reached through a connector with most settings already known."""

    id: str
    title: str
    summary: Text
    """"Choose this when …", one line."""
    config: Mapping[str, Any]
    """Settings to fill in, as JSON."""
    labels: Mapping[str, Text]
    """The provider's own word for a setting: dotted path → label."""
    helps: Mapping[str, Text]
    """What the provider says about a setting: dotted path → help."""
    badges: tuple[Text, ...] = ()
    notes: tuple[Text, ...] = ()
    """Limits and advice, shown above the form."""
    links: tuple[tuple[Text, str], ...] = ()
    guide: str | None = None
    """Name of the guide under templates/guides, where it has one of its own."""
    alternatives: tuple[Alternative, ...] = ()
    """The provider's other ports and its regions, each one click away."""
    kind: Group = "service"


Rendering = Literal["here", "provider", "none"]
"""Who makes the mail: we from the setup's template, the provider or the house, or the receiving endpoint."""


@dataclass(frozen=True, slots=True)
class Brand:
    """What the ready-made mails carry of those in whose name they go."""

    name: str = ""
    company: str = ""
    logo: str = ""
    """Address of an image."""


class Relay(Protocol):
    """The mail server that the operator named, for connectors that have none of their own."""

    @property
    def host(self) -> str:
        """What the admin sees as the place where mail goes."""

    @property
    def sender(self) -> Mailbox:
        """The address that its mail comes from."""

    def planned_phases(self, *, sending: bool) -> tuple[str, ...]:
        """The phases that a send, or a check, goes through, in order."""

    async def check(self, trace: Trace) -> None:
        """Connect and log in without sending. Raises DeliveryError; phases are in the trace."""

    async def send(self, mail: Mail, trace: Trace) -> Receipt:
        """Hand over one mail. Raises DeliveryError; phases are in the trace."""


@dataclass(frozen=True, slots=True)
class MachineCredentials:
    """What the cloud gave this machine to sign requests with, for a while."""

    access_key_id: str
    secret: SecretStr
    session_token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What a connector may use besides its config and the network, of one tenant."""

    tokens: TokenKeeper = field(default_factory=KeepNothing)
    relay: Relay | None = None
    """None where the operator named none."""
    machine_credentials: Callable[[], Awaitable[MachineCredentials]] | None = None
    """Gives the machine's own cloud role; None where the operator did not let this tenant use it."""


class Connector(ABC, Generic[ConfigT]):
    """One provider's adapter. Knows nothing of tenants, storage or pages."""

    kind: ClassVar[str]
    made_for: ClassVar[int] = 0
    """In other packages: the version of the interface that it was written for, ``INTERFACE`` at that time."""
    title: ClassVar[str]
    summary: ClassVar[Text]
    rendering: ClassVar[Rendering] = "here"
    """Who makes the mail; where that depends on the config, ``rendering_of`` says it."""
    config_model: ClassVar[type[ConnectorConfig]]
    stored_templates: ClassVar[bool] = False
    """Whether a template may name one that is stored at the provider."""
    metered: ClassVar[bool] = False
    """Whether its mails are counted by tenant and day, because they go at the operator's expense."""
    badges: ClassVar[tuple[Text, ...]] = ()
    group: ClassVar[Group] = "service"
    starts: ClassVar[Mapping[str, Any]] = {}
    """What its form begins with, as JSON, so that the usual case needs the least typing."""
    phases: ClassVar[tuple[str, ...]]
    """Every phase that a check or a send may go through, in order."""

    def __init__(self, config: ConfigT, network: Network, means: Means = Means()) -> None:
        self.config = config
        self.network = network
        self.means = means

    @classmethod
    def presets(cls) -> tuple[Preset, ...]:
        """Providers reached through this connector."""
        return ()

    @classmethod
    def contradictions(cls, config: Mapping[str, Any]) -> list[tuple[str, Problem]]:  # noqa: ARG003  for subclasses
        """Name combinations that cannot work, as (pointer into the config, problem), before any test.

        Takes the config as JSON, complete or not; a problem's patch is relative to the setup document. One
        without a patch has no way out: saving refuses it. The others are warnings.
        """
        return []

    @classmethod
    def cautions(cls, config: Mapping[str, Any]) -> list[Problem]:  # noqa: ARG003  for subclasses
        """Name the risks that were accepted in a config (as JSON) and last as long as it is live."""
        return []

    @classmethod
    def known_problems(cls) -> Mapping[str, Recipe]:
        """What it can make of its provider's answers, by code. Problems on the way there are not among them."""
        return {}

    @classmethod
    @abstractmethod
    def destination(cls, config: Mapping[str, Any]) -> Destination:
        """Tell where secrets of this config (as JSON) would go, for the pass-back rule."""

    @classmethod
    def identity(cls, config: ConfigT) -> Identity | None:  # noqa: ARG003  for subclasses
        """What access belongs to that is kept between two mails of this config; None where none is."""
        return None

    @classmethod
    def rendering_of(cls, config: ConfigT) -> Rendering:  # noqa: ARG003  for subclasses
        """Who makes the mail with this very config: ``here`` needs a template of the setup, the others none."""
        return cls.rendering

    @classmethod
    def brand(cls, config: ConfigT) -> Brand | None:  # noqa: ARG003  for subclasses
        """What the house's ready-made mails carry of this config; None where those are not used."""
        return None

    def sender(self) -> Mailbox | None:
        """Who its mails come from, where that is not the config's ``fromEmail``."""
        return None

    @classmethod
    def obstacle(cls, means: Means) -> Problem | None:  # noqa: ARG003  for subclasses
        """What the operator still has to do before this can work at all; nobody in a tenant can mend it."""
        return None

    async def shown(self, mail: Mail) -> Shown:
        """What a send of this mail would hand over, for the inbox of a development tenant. Sends nothing."""
        return mail_shown(mail)

    @abstractmethod
    def planned_phases(self, *, sending: bool) -> tuple[str, ...]:
        """The phases that a send, or a check, with this very config goes through, in order."""

    @abstractmethod
    async def check(self, trace: Trace) -> None:
        """Connect and log in without sending. Raises DeliveryError; phases are in the trace."""

    @abstractmethod
    async def send(self, mail: Mail, trace: Trace) -> Receipt:
        """Hand over one mail. Raises DeliveryError; phases are in the trace."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Who receives a config's secrets, and how safely."""

    place: str
    """Host or origin, normalised."""
    port: int | None
    protection: str
    """How the way there is protected, such as ``tls``, ``starttls`` or ``none``."""
    verified: tuple[str, ...] = ()
    """What vouches for the other side: server name, own CA. Empty where nobody does."""
    via: str = ""
    """The proxy on the way, which receives its own password and sees the rest."""
    token_url: str = ""
    """Where secrets are exchanged for access, which then goes to ``place``."""
    reaches: str = field(default="", compare=False)
    """The very host or origin that is asked, where ``place`` stands for several that are one."""

    def keeps_secrets_of(self, old: Destination) -> bool:
        """Whether secrets given for ``old`` may go here: nothing changed, or the same place, no less sure."""
        if self == old:
            return True
        same = (self.place, self.via, self.token_url) == (old.place, old.via, old.token_url)
        no_less_sure = self.verified == old.verified or not old.verified
        return same and no_less_sure and self.protection in ("tls", "starttls")
