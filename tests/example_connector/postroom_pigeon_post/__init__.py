"""Pigeon Post, by its HTTP interface: a connector of another package, as an example of how one is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from webapp.connectors.api import Answer, Api, ApiConnector
from webapp.connectors.api_rules import Said, rules_beside
from webapp.connectors.config import MailboxText, Secret, setting
from webapp.connectors.endpoint import Endpoint, EndpointConfig
from webapp.connectors.recipe import Recipe
from webapp.domain.address import parse_mailbox
from webapp.domain.message import Mail, Receipt
from webapp.domain.text import T

CITY: Final = "https://api.pigeon-post.example"
COUNTRY: Final = "https://country.pigeon-post.example"


class PigeonPostConfig(EndpointConfig):
    """A whistle, the address that letters come from, and the loft that carries them."""

    endpoint: Endpoint = setting(
        CITY,
        title=T("Endpoint"),
        example=CITY,
        destination=True,
        suggestions=((CITY, T("City pigeons")), (COUNTRY, T("Country pigeons"))),
    )
    """Where Pigeon Post answers."""
    whistle: Secret = setting(title=T("Whistle"), section="authentication", secret=True)
    """The tune that your pigeons come to. Pigeon Post shows it when the loft is built."""
    loft: str = setting(title=T("Loft"), example="north-tower", section="authentication", pattern=r"^[a-z-]{1,40}$")
    """The name of the loft, as it stands in the list of your lofts."""
    from_email: MailboxText = setting(title=T("From"), example="Acme <no-reply@example.com>", section="sender")
    """The address that recipients see, with a name before it if you like."""
    reply_to: MailboxText | None = setting(None, title=T("Reply to"), example="support@example.com", section="sender")
    """Where answers go. Leave it empty to receive them at the From address."""


class PigeonPostConnector(ApiConnector[PigeonPostConfig]):
    """Hand mail to a loft of Pigeon Post."""

    kind = "pigeon-post"
    made_for = 1
    title = "Pigeon Post"
    summary = T("Choose this when your mail has to cross a mountain without a road.")
    config_model = PigeonPostConfig
    badges = (T("API"), T("Feathers"))
    official = frozenset({CITY, COUNTRY})
    examined = ("auth", "account")
    rules = rules_beside(str(Path(__file__).with_name("rules")))
    recipes = {
        "pigeon-post.no_loft": Recipe(
            T("There is no such loft"),
            T("“%(host)s” knows the whistle, but no loft “%(loft)s” that listens to it."),
            (T("Copy the name from the list of your lofts."),),
        ),
        "pigeon-post.storm": Recipe(
            T("No pigeon flies in this weather"),
            T("“%(host)s” answered: %(words)s"),
            (T("Wait until the storm has passed."),),
            temporary=True,
        ),
        "pigeon-post.few_left": Recipe(
            T("Few pigeons are at home"),
            T("Only %(count)s pigeons of the loft “%(loft)s” are at home. Each carries one letter at a time."),
            (T("Wait until more have come back, or rent some."),),
        ),
    }

    async def examine(self, api: Api) -> None:
        with api.phase("auth"):
            answer = await api.request("GET", f"/lofts/{self.config.loft}", headers=self._headers())
        with api.phase("account") as note:
            pigeons = answer.at("pigeons")
            if not isinstance(pigeons, int):
                raise api.not_understood(answer)
            note.text = f"{pigeons}"
            if pigeons < 3:
                api.caution("pigeon-post.few_left", count=pigeons)

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        path = f"/lofts/{self.config.loft}/letters"
        answer = await api.request("POST", path, headers=self._headers(), json=self._letter(mail))
        return api.receipt(answer, answer.text_at("letter", "ring"))

    def said(self, answer: Answer) -> Said:
        """``coo`` is a code, ``meaning`` is for people."""
        return Said(answer.text_at("coo"), answer.text_at("meaning") or answer.text)

    def facts(self) -> dict[str, object]:
        return {"loft": self.config.loft}

    def _headers(self) -> dict[str, str]:
        return {"X-Whistle": self.config.whistle.get_secret_value()}

    def _letter(self, mail: Mail) -> dict[str, Any]:
        return {
            "to": parse_mailbox(mail.to).address,
            "from": {"address": mail.sender.address, "name": mail.sender.name},
            "answersTo": mail.reply_to,
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "headers": dict(mail.headers),
        }
