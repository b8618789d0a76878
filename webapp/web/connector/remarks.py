"""What the set-up page remembers beside the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from webapp.domain.problem import JSON
from webapp.domain.usage import UsageType
from webapp.web.forms import SettingsForm


@dataclass(slots=True)
class Remarks:
    """Kept with the draft, so that a page drawn anew is as it was left."""

    left: list[str] = field(default_factory=list)
    """Settings that were left after typing: only their errors are shown unasked."""
    aside: dict[str, JSON] = field(default_factory=dict)
    fixed: dict[str, JSON] = field(default_factory=dict)
    """Pointer → what stood there before a one-click correction."""
    mails: dict[str, JSON] = field(default_factory=dict)
    """Usage type → the texts of a mail as typed, to come back to where a template at the provider is used now."""
    lasting: dict[str, JSON] = field(default_factory=dict)
    """What was said about the sender before a provider was chosen that does not ask for it."""
    ticks: list[str] = field(default_factory=list)
    opened: str = ""
    """The usage type whose mail is open."""
    to: str = ""
    usage_type: str = UsageType.GENERIC.value
    capture: bool = False
    """Whether tests are only shown in the inbox."""
    run: str = ""
    turn: int = 0
    """Counts what the console itself changed in the values: what a page of an earlier turn sends comes too late."""
    consent: dict[str, JSON] = field(default_factory=dict)
    """What the last consent at the provider came to."""
    note: str = ""
    reason: str = ""
    view: Literal["form", "json"] = "form"
    """Which of the two views was sent last, to go back to."""
    text: str | None = None
    """The config as it was typed as text, without secrets."""
    drawn: JSON = None
    """The config that a text began from which cannot be taken over yet."""
    page: str = ""
    """Which drawn page of text was read last, and how often that page had sent itself."""
    sent: int = 0

    @classmethod
    def of(cls, ui: Mapping[str, Any]) -> Remarks:
        return cls(**{name: ui[name] for name in cls.__slots__ if name in ui})

    def anew(self, aside: Mapping[str, JSON], lasting: Mapping[str, JSON]) -> Remarks:
        """What outlasts the choice of another provider: what is about mails, and who gets a test."""
        return Remarks(
            aside=dict(aside),
            lasting=dict(lasting),
            mails=self.mails,
            to=self.to,
            usage_type=self.usage_type,
            capture=self.capture,
            turn=self.turn + 1,
        )

    def waiting(self, form: SettingsForm | None) -> dict[str, JSON]:
        """What was said before and a form does not ask for. What it asks for and does not say was taken away."""
        asked = {each.setting.name for each in form.setting_fields() if form.applies(each)} if form else set()
        return {name: value for name, value in self.lasting.items() if name not in asked} | self.aside

    def to_json(self) -> dict[str, JSON]:
        return {name: getattr(self, name) for name in self.__slots__}
