"""A provider that is reached by HTTP: what all of them have in common. A new one says only what is its own::

class AcmeConnector(ApiConnector[AcmeConfig]):
    kind = "acme"
    ...
    rules = rules_beside(__file__)
    recipes = {"acme.sender_unknown": Recipe(...)}

    async def examine(self, api: Api) -> None:
        with api.phase("auth"):
            await api.request("GET", "/account", headers=self._headers())

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        answer = await api.request("POST", "/send", headers=self._headers(), json={...})
        return api.receipt(answer, answer.text_at("id"))
"""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, SecretStr

from webapp.connectors.api_answer import Answer as Answer
from webapp.connectors.api_answer import cleaned
from webapp.connectors.api_recipes import COMMON, by_status
from webapp.connectors.api_rules import Rule, Said
from webapp.connectors.base import Connector, Destination
from webapp.connectors.config import ConnectorConfig
from webapp.connectors.endpoint import destination_of
from webapp.connectors.http import HTTPConnection, Patience
from webapp.connectors.recipe import Fix, Recipe, fixed
from webapp.connectors.showing import Shown, Witness, Witnessed, request_shown
from webapp.domain.address import parse_mailbox
from webapp.domain.message import DeliveryError, Mail, Outcome, PhaseNote, Receipt, Trace

ApiConfigT = TypeVar("ApiConfigT", bound=ConnectorConfig)

WORDS_LIMIT: Final = 500
"""Characters of a provider's words that are shown in a phase."""
TRANSCRIPT_LIMIT: Final = 4000
"""Characters of one answer that are kept in the transcript."""

_HIDDEN: Final = "•••"
_OPENING: Final = ("resolve", "connect", "tls")
_EXAMINING: Final = ("auth", "account", "sender")
_UNANSWERED: Final = frozenset({"http.no_answer", "http.broken_off", "http.answer_too_large"})
"""Problems that come after something was written."""
_GAVE_UP: Final = frozenset({502, 504, 520, 522, 524})
"""Statuses of gateways (the last three are Cloudflare's) that stopped waiting for who stands behind them."""


class ApiConnector(Connector[ApiConfigT]):
    """One provider's HTTP interface. The config has an ``endpoint``."""

    phases = (*_OPENING, *_EXAMINING, "submit")
    rules: ClassVar[tuple[Rule, ...]] = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {}
    """Its own problems, beside those that all have in common."""
    official: ClassVar[frozenset[str]] = frozenset()
    """The origins of the provider's own public interfaces, which are one place to send a secret to."""
    examined: ClassVar[tuple[str, ...]] = _EXAMINING
    """The phases of a check once the connection stands."""
    patience: ClassVar[Patience] = Patience()

    @classmethod
    def known_problems(cls) -> Mapping[str, Recipe]:
        return {**COMMON, **cls.recipes}

    @classmethod
    def destination(cls, config: Mapping[str, Any]) -> Destination:
        """The endpoint receives the secrets; the one that is not named is the default."""
        url = config.get("endpoint") or cls.config_model.model_fields["endpoint"].default
        return destination_of(cls.kind, url, cls.official)

    def planned_phases(self, *, sending: bool) -> tuple[str, ...]:
        encrypted = self.endpoint.startswith("https://")
        opening = tuple(phase for phase in _OPENING if phase != "tls" or encrypted)
        return (*opening, *(("submit",) if sending else self.examined))

    @property
    def endpoint(self) -> str:
        """Where requests go; without a final slash."""
        return str(getattr(self.config, "endpoint"))  # noqa: B009  every config of such a connector has one

    @abstractmethod
    async def examine(self, api: Api) -> None:
        """Read the state of the account without sending anything: the phases auth, account and sender."""

    @abstractmethod
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        """Hand over one mail. The phase is open already."""

    def said(self, answer: Answer) -> Said:
        """Tell where this provider puts its own code and words."""
        words = answer.text_at("message") or answer.text_at("error") or answer.text
        return Said(answer.text_at("code"), words)

    def facts(self) -> dict[str, object]:
        """What recipes may name, beside host, status and sender."""
        return {}

    def remedy(self, code: str) -> Fix | None:
        """The change that mends a problem, where it follows from the config: the other region, for instance."""
        return None

    async def check(self, trace: Trace) -> None:
        async with HTTPConnection(self.network, self.endpoint, patience=self.patience) as connection:
            await connection.open(trace)
            await self.examine(Api(self, connection, trace))

    async def send(self, mail: Mail, trace: Trace) -> Receipt:
        async with HTTPConnection(self.network, self.endpoint, patience=self.patience) as connection:
            await connection.open(trace)
            api = Api(self, connection, trace, sender=mail.sender.address)
            with api.phase("submit") as note:
                receipt = await self.submit(api, mail)
                note.text = note.text or receipt.text
                return receipt

    async def shown(self, mail: Mail) -> Shown:
        """The mail where we made one; else the request, which is all there is to see."""
        return await super().shown(mail) if mail.html or mail.text else await self.request_shown(mail)

    async def request_shown(self, mail: Mail) -> Shown:
        """The very request that a send of this mail makes."""
        witness = Witness(urlsplit(self.endpoint).hostname or "")
        api = Api(self, witness, Trace(), sender=mail.sender.address)
        with suppress(Witnessed), api.phase("submit"):
            await self.submit(api, mail)
        if witness.request is None:
            raise RuntimeError(f"{self.kind} submits a mail without a request")
        return request_shown(witness.request, secrets_in(self.config))


class Api:
    """One conversation with a provider: requests in phases, answers read, refusals named."""

    def __init__(
        self, connector: ApiConnector[Any], connection: HTTPConnection | Witness, trace: Trace, *, sender: str = ""
    ) -> None:
        self.trace = trace
        self.host = connection.host
        self._connector = connector
        self._connection = connection
        self._sender = sender or _address(getattr(connector.config, "from_email", None))
        self._secrets = sorted(secrets_in(connector.config), key=len, reverse=True)
        self._phase = ""
        self._note = PhaseNote()
        self._until = time.monotonic() + connector.patience.answer

    @contextmanager
    def phase(self, name: str) -> Iterator[PhaseNote]:
        """Begin a phase; the requests inside are its, and share its time."""
        seconds = self._connector.patience.answer
        with self.trace.phase(name, seconds) as note:
            self._phase, self._note, self._until = name, note, time.monotonic() + seconds
            yield note

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        tells: Collection[str] | None = None,
        **body: Any,
    ) -> Answer:
        """Ask, and give the answer if it is one of success or its status is in ``accept``.

        ``path`` follows the endpoint; ``body`` is what ``httpx2.Request`` takes: ``json``, ``data``, ``content``,
        ``params``. ``tells`` names the members of a JSON object that the transcript may keep, where others are not
        for all its readers. Raises DeliveryError, named by the connector's rules; what nobody answered once a mail
        was on its way counts as maybe sent.
        """
        request = httpx2.Request(method, self._connector.endpoint + path, headers=dict(headers or {}), **body)
        # Who repeats what we sent may repeat a credential as it was encoded.
        self._secrets += [word for word in request.headers.get("Authorization", "").split()[1:] if len(word) > 3]
        self.trace.client(f"{method} {request.url.path}")
        try:
            response = await self._connection.send(request, seconds=max(self._until - time.monotonic(), 0))
        except DeliveryError as exc:
            if self._phase == "submit" and exc.problem.code in _UNANSWERED:
                raise self.error("api.maybe_sent", outcome=Outcome.MAYBE_SENT) from exc
            raise
        scrubbed = [(name, self.scrubbed(value)) for name, value in response.headers.multi_items()]
        headers = httpx2.Headers(scrubbed, encoding="utf-8")
        answer = Answer(response.status_code, headers, cleaned(response.text, self.scrubbed))
        self._note.code = answer.status
        told = answer.text if tells is None else _members(answer, tells)
        self.trace.server(f"{answer.status} {response.reason_phrase}\n{told[:TRANSCRIPT_LIMIT]}")
        if answer.ok or answer.status in accept:
            return answer
        raise self.refused(answer)

    def refused(self, answer: Answer, *, outcome: Outcome = Outcome.NOT_SENT) -> DeliveryError:
        """Name what an answer means: the first of the connector's rules that fits, else its status."""
        said = self._connector.said(answer)
        rules = self._connector.rules
        rule = next((rule for rule in rules if rule.fits(self._phase, answer.status, said)), None)
        if self._phase == "submit" and rule is None and answer.status in _GAVE_UP:
            # What stands in front of the provider gave up waiting; the provider itself may have gone on.
            return self.error("api.maybe_sent", answer, outcome=Outcome.MAYBE_SENT)
        error = self.error(rule.problem if rule else by_status(answer.status), answer, outcome=outcome)
        if rule and rule.fix:
            error.problem = fixed(error.problem, rule.fix)
        return error

    def not_understood(self, answer: Answer) -> DeliveryError:
        """Say that an answer of success is not this provider's; a mail may have been taken all the same."""
        outcome = Outcome.MAYBE_SENT if self._phase == "submit" else Outcome.NOT_SENT
        return self.error("api.not_understood", answer, outcome=outcome)

    def error(
        self, code: str, answer: Answer | None = None, *, outcome: Outcome = Outcome.NOT_SENT, **facts: object
    ) -> DeliveryError:
        """Make a failure of a recipe: the connector's own, or one that all have in common."""
        said = self._connector.said(answer) if answer else Said()
        words = shortened(said.words)
        known = {"host": self.host, "sender": self._sender, "status": answer.status if answer else "", "words": words}
        recipe = self._connector.recipes.get(code) or COMMON[code]
        problem = recipe.problem(code, known | self._connector.facts() | facts)
        problem = fixed(problem, self._connector.remedy(code))
        return DeliveryError(
            problem.with_transcript(self.trace.transcript),
            outcome=outcome,
            code=answer.status if answer else None,
            text=": ".join(filter(None, (said.code, words))) or None,
        )

    def caution(self, code: str, **facts: object) -> None:
        """Tell something that does not fail now, by a recipe of the connector."""
        known = {"host": self.host, "sender": self._sender}
        problem = self._connector.recipes[code].problem(code, known | self._connector.facts() | facts)
        self.trace.caution(fixed(problem, self._connector.remedy(code)))

    def receipt(self, answer: Answer, message_id: str, text: str = "") -> Receipt:
        """The provider took the mail; ``message_id`` is its own."""
        shown = shortened(self.scrubbed(message_id))
        return Receipt(shown or None, code=answer.status, text=shortened(text), accepted_by=self.host)

    def hide(self, *secrets: str) -> None:
        """Take these out of the provider's words too: secrets that are not in the config."""
        self._secrets = sorted({*self._secrets, *filter(None, secrets)}, key=len, reverse=True)

    def scrubbed(self, text: str) -> str:
        """Take the config's secrets out of a provider's words."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def _members(answer: Answer, names: Collection[str]) -> str:
    """These members of an answer's JSON; nothing of what is no object."""
    read = answer.json
    return json.dumps({name: read[name] for name in names if name in read}) if isinstance(read, dict) else ""


def secrets_in(config: BaseModel) -> set[str]:
    """Every secret of a config, as it is written."""
    found: set[str] = set()
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, SecretStr):
            found.add(value.get_secret_value())
        elif isinstance(value, BaseModel):
            found |= secrets_in(value)
    return {each for each in found if each}


def _address(mailbox: str | None) -> str:
    return parse_mailbox(mailbox).address if mailbox else ""


def shortened(text: str) -> str:
    """A provider's words in one printable line of bounded length."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= WORDS_LIMIT else line[: WORDS_LIMIT - 1] + "…"
