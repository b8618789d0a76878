"""The contract of a provider that is reached by HTTP, asked over a stand-in for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import httpx2

from webapp.connectors.api import Answer, ApiConnector
from webapp.connectors.api_rules import Rule, Sample
from webapp.connectors.base import Means
from webapp.connectors.contract.conversation import TROUBLES, WELL, ConnectorContract, Parts, Trouble
from webapp.connectors.contract.stand_in import LOOPBACK, NEVER, Reply, StandIn
from webapp.connectors.http import Patience
from webapp.connectors.network import Network
from webapp.domain.message import Outcome

ON_THE_WAY: Final = {
    "nobody listens": Trouble("network.connection_refused", temporary=True),
    "never answers": Trouble("api.maybe_sent", NEVER, outcome=Outcome.MAYBE_SENT, on_check="http.no_answer"),
}
"""The troubles that are the same whoever the provider is."""


@dataclass(frozen=True)
class HTTPPeer:
    """A stand-in, and which of its requests hand over a mail."""

    settings: Mapping[str, Any]
    means: Means
    stand_in: StandIn
    sending: Mapping[str, Reply]

    def handed_over(self) -> list[Parts]:
        return [asked.parts for asked in self.stand_in.matching(self.sending)]


class HTTPContract(ConnectorContract):
    """Give ``connector``, ``settings``, ``answers``, ``message_id`` and ``troubles``."""

    connector: ClassVar[type[ApiConnector[Any]]]
    answers: ClassVar[Mapping[str, Mapping[str, Reply]]]
    """What the provider answers when all is well: under ``check`` and ``send``, request to reply."""
    path: ClassVar[str] = ""
    """What follows the origin in the endpoint."""
    elsewhere = {"endpoint": "https://elsewhere.example.net"}
    in_clear = {"endpoint": "http://api.example.com"}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.troubles = {**ON_THE_WAY, **getattr(cls, "troubles", {})}

    @contextmanager
    def peer(self, doing: str) -> Iterator[HTTPPeer]:
        answers = {**self._answers("check"), **self._answers("send")}
        if doing != WELL and (reply := self.troubles[doing].reply) is not None:
            meant = self._answers("send") if doing == "mail refused" else answers
            answers |= reply if isinstance(reply, Mapping) else dict.fromkeys(meant, reply)
        with self._stand_in(answers) as stand_in:
            port = _closed_port() if doing == "nobody listens" else stand_in.port
            endpoint = f"http://{LOOPBACK}:{port}{self.path}"
            yield HTTPPeer({"endpoint": endpoint}, self.means(), stand_in, self._answers("send"))

    def means(self) -> Means:
        """What the connector is given beside settings and network."""
        return Means()

    def impatient(self) -> type[ApiConnector[Any]]:
        return type(self.connector.__name__, (self.connector,), {"patience": Patience(answer=0.5)})

    def test_it_asks_nothing_but_what_the_answers_name(self) -> None:
        with self.peer(WELL) as peer:
            self._try(peer, None)
            self._try(peer, self.mail)

            assert peer.stand_in.unexpected == []

    def test_it_reads_the_account_before_it_is_content(self) -> None:
        with self.peer(WELL) as peer:
            self._try(peer, None)

            assert peer.stand_in.matching(self._answers("check"))

    def test_no_redirect_is_followed(self) -> None:
        with StandIn({}) as other:
            moved = Reply(307, b"", {"Location": f"{other.url}/send"})
            with self._stand_in(dict.fromkeys({**self._answers("check"), **self._answers("send")}, moved)) as stand_in:
                peer = HTTPPeer({"endpoint": stand_in.url + self.path}, self.means(), stand_in, self._answers("send"))
                tried = [self._try(peer, mail) for mail in (self.mail, None)]

            assert [each.error is not None for each in tried] == [True, True]
            assert other.asked == []

    def test_a_provider_that_repeats_the_secret_is_not_quoted(self) -> None:
        secrets = " ".join(self._secrets())
        for name in TROUBLES[2:]:
            reply = self._trouble(name).reply
            echo = {key: _repeating(each, secrets) for key, each in reply.items()} if isinstance(reply, Mapping) else {}
            every = dict.fromkeys({**self._answers("check"), **self._answers("send")}, _repeating(reply, secrets))
            with self._stand_in({**every, **echo}) as stand_in:
                peer = HTTPPeer({"endpoint": stand_in.url + self.path}, self.means(), stand_in, {})
                tried = [self._try(peer, mail) for mail in (self.mail, None)]

            assert [self._leaked(each) for each in tried] == [[], []]

    def test_its_own_addresses_are_encrypted(self) -> None:
        default = self.connector.config_model.model_fields["endpoint"].default

        assert all(origin.startswith("https://") for origin in self.connector.official)
        assert not isinstance(default, str) or default.startswith("https://")

    def test_each_rule_decides_its_sample_and_spares_what_is_near(self) -> None:
        rules = self.connector.rules
        wrong = [
            f"{rule.problem}: {sample}"
            for rule in rules
            for sample, fits in ((rule.fires, True), (rule.spares, False))
            if (self._decided_by(sample) is rule) is not fits
        ]

        assert wrong == []

    def test_every_problem_of_a_rule_has_a_recipe_that_can_be_told(self) -> None:
        known = self.connector.known_problems()
        own = self.connector(self._config(), Network()).facts()
        facts: dict[str, object] = {"host": "…", "sender": "…", "status": "…", "words": "…", **own}

        for code in {rule.problem for rule in self.connector.rules}:
            assert code in known, f"write a recipe for {code}"
            told = known[code].problem(code, facts)
            assert all(map(str, (told.title, told.cause, *told.steps)))

    def _decided_by(self, sample: Sample) -> Rule | None:
        said = self.connector(self._config(), Network()).said(Answer(sample.status, httpx2.Headers(), sample.body))
        return next((rule for rule in self.connector.rules if rule.fits(sample.phase, sample.status, said)), None)

    def _answers(self, to: str) -> Mapping[str, Reply]:
        answers: Mapping[str, Mapping[str, Reply]] = getattr(self, "answers", {})
        assert answers.get(to), f"say in `answers` what the provider is asked by a {to}, and what it answers"
        return answers[to]

    def _stand_in(self, answers: Mapping[str, Reply]) -> StandIn:
        return StandIn(answers)


def _repeating(reply: Any, secrets: str) -> Reply:
    """The reply with the secrets in every text of it."""
    if not isinstance(reply, Reply):
        return Reply(500, secrets)
    return replace(reply, body=_with_words(reply.body, secrets), headers={**reply.headers, "X-Request": secrets})


def _with_words(body: Any, words: str) -> Any:
    if isinstance(body, Mapping):
        return {key: _with_words(value, words) for key, value in body.items()}
    if isinstance(body, list):
        return [_with_words(value, words) for value in body]
    if isinstance(body, bytes):
        return body + words.encode()
    return f"{body} {words}" if isinstance(body, str) else json.loads(json.dumps(body))


def _closed_port() -> int:
    """A port where nobody listens any more."""
    with StandIn({}) as gone:
        return gone.port
