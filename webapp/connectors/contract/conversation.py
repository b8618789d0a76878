"""How a connector talks to its provider: what it hands over, what it makes of six troubles, what it never does."""

from __future__ import annotations

import asyncio
import re
import traceback
from base64 import b64encode
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Any, ClassVar, Final, Protocol
from urllib.parse import quote

import pytest

from webapp.connectors.base import Connector, Means
from webapp.connectors.contract.declaration import Declaration
from webapp.connectors.contract.mails import BODY, HOSTILE, MAIL, with_text
from webapp.connectors.network import Network
from webapp.domain.message import DeliveryError, Mail, Outcome, Receipt, Trace

TROUBLES: Final = (
    "nobody listens",
    "never answers",
    "credentials refused",
    "mail refused",
    "too many requests",
    "provider down",
)
"""What every connector has to tell apart."""

WELL: Final = "well"
"""The trouble that is none."""

Parts = list[tuple[str, str]]
"""One mail as it arrived: the names and values that it is made of, such as headers and fields."""

_BREAKS: Final = re.compile(r"[\r\n\x00]")


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong, and what a send makes of it."""

    problem: str
    """The code of the problem that it is diagnosed as."""
    reply: Any = None
    """How the provider behaves; over HTTP a ``Reply``, or one for each request: ``{"GET /account": Reply(…)}``."""
    temporary: bool = False
    outcome: Outcome = Outcome.NOT_SENT
    on_check: str = ""
    """The code that a check finds, where it is another."""


class Peer(Protocol):
    """Whom a connector under test talks to."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings that lead there, to be put over those of the contract."""

    @property
    def means(self) -> Means:
        """What it is given beside them."""

    def handed_over(self) -> list[Parts]:
        """The mails that arrived, one for each time that one was handed over."""


@dataclass(frozen=True)
class Tried:
    """What a check or a send did."""

    trace: Trace
    receipt: Receipt | None
    error: DeliveryError | None
    config: Any

    @property
    def problem(self) -> tuple[str, bool, Outcome] | None:
        """Code, whether trying again can help, and what became of the mail."""
        return (self.error.problem.code, self.error.problem.temporary, self.error.outcome) if self.error else None

    @property
    def everything(self) -> str:
        """All words that a page, a log or an answer could show of it."""
        error = self.error
        told = (error, error.text, error.problem, error.problem.transcript) if error else None
        raised = "".join(traceback.format_exception(error)) if error else ""
        return "\n".join(
            [self.trace.transcript, repr((self.trace.phases, self.trace.cautions, self.receipt, told)), raised]
        )


class ConnectorContract(Declaration):
    """Inherit, say what is asked for below, and pytest asks the rest."""

    message_id: ClassVar[str | None]
    """The provider's own id of the mail that it takes; None where it gives none."""
    troubles: ClassVar[Mapping[str, Trouble]]
    """Every one of ``TROUBLES``."""
    mail: ClassVar[Mail] = MAIL
    patient: ClassVar[Mapping[str, Any]] = {}
    """Settings that shorten waiting, where there are such settings."""

    def peer(self, doing: str) -> AbstractContextManager[Peer]:
        """Someone to talk to, for whom all goes ``well`` or who makes one of the troubles."""
        raise NotImplementedError

    def impatient(self) -> type[Connector[Any]]:
        """The connector, giving up after a fraction of a second."""
        return self.connector

    def test_a_check_goes_through_all_its_phases_and_hands_over_nothing(self) -> None:
        with self.peer(WELL) as peer:
            tried = self._try(peer, None)

            assert tried.error is None, tried.everything
            assert peer.handed_over() == []
            assert self._went_through(tried) == self._planned(tried, sending=False)

    def test_a_mail_is_handed_over_once_and_has_the_providers_id(self) -> None:
        assert hasattr(self, "message_id"), "say in `message_id` what id the provider gives in `answers`"
        with self.peer(WELL) as peer:
            tried = self._try(peer, self.mail)

            assert tried.error is None, tried.everything
            assert tried.receipt is not None
            assert tried.receipt.provider_message_id == self.message_id
            assert len(peer.handed_over()) == 1
            assert self._went_through(tried) == self._planned(tried, sending=True)

    def test_what_the_mail_says_arrives(self) -> None:
        with self.peer(WELL) as peer:
            self._try(peer, self.mail)

            (parts,) = peer.handed_over()
            assert "ada@example.com" in " ".join(value for _, value in parts)

    @pytest.mark.parametrize("name", TROUBLES)
    def test_a_trouble_of_sending_has_its_name(self, name: str) -> None:
        trouble = self._trouble(name)
        with self.peer(name) as peer:
            tried = self._try(peer, self.mail)

            assert tried.problem == (trouble.problem, trouble.temporary, trouble.outcome), tried.everything
            assert tried.trace.phases[-1].problem is not None
            assert len(peer.handed_over()) <= 1

    @pytest.mark.parametrize("name", [name for name in TROUBLES if name != "mail refused"])
    def test_a_check_meets_the_same_trouble(self, name: str) -> None:
        trouble = self._trouble(name)
        with self.peer(name) as peer:
            tried = self._try(peer, None)

            assert tried.error is not None, "the check went well"
            assert tried.error.problem.code == (trouble.on_check or trouble.problem), tried.everything
            assert tried.error.outcome is Outcome.NOT_SENT
            assert peer.handed_over() == []

    @pytest.mark.parametrize("name", TROUBLES)
    def test_a_trouble_is_explained_and_keeps_secrets(self, name: str) -> None:
        self._trouble(name)
        with self.peer(name) as peer:
            tried = self._try(peer, self.mail)

        assert tried.error is not None
        problem = tried.error.problem
        words = [str(text) for text in (problem.title, problem.cause, *problem.steps)]
        assert problem.steps
        assert [each for each in words if not each or "%(" in each] == []
        assert self._leaked(tried) == []

    def test_success_keeps_secrets(self) -> None:
        with self.peer(WELL) as peer:
            assert self._leaked(self._try(peer, self.mail)) == []
            assert self._leaked(self._try(peer, None)) == []

    def test_a_mail_that_is_only_looked_at_shows_no_secret_and_reaches_nobody(self) -> None:
        with self.peer(WELL) as peer:
            config = self._config(**self.patient, **peer.settings)
            shown = asyncio.run(self.impatient()(config, Network(), peer.means).shown(self.mail))

            assert [secret for secret in self._secrets() if secret in repr(shown)] == []
            assert peer.handed_over() == []

    @pytest.mark.parametrize("place", ["subject", "sender", "sender's name", "recipient", "reply-to", "header"])
    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_no_text_becomes_a_header_or_a_field(self, hostile: str, place: str) -> None:
        with self.peer(WELL) as peer:
            self._try(peer, self.mail)
            # Refusing such a mail is as good as cleaning it.
            with suppress(ValueError):
                self._try(peer, with_text(self.mail, place, HOSTILE[hostile]))
            usual, *others = peer.handed_over()

        for parts in others:
            assert sorted(name for name, _ in parts) == sorted(name for name, _ in usual)
            assert [value for _, value in parts if _BREAKS.search(value) and BODY not in value] == []

    @pytest.mark.parametrize("hostile", HOSTILE)
    def test_a_senders_name_adds_no_address(self, hostile: str) -> None:
        address = self.mail.sender.address
        with self.peer(WELL) as peer:
            with suppress(ValueError):
                self._try(peer, with_text(self.mail, "sender's name", HOSTILE[hostile]))
            mails = peer.handed_over()

        senders = [value for parts in mails for _, value in parts if f"<{address}>" in value and BODY not in value]
        assert [value for value in senders if [found for _, found in getaddresses([value])] != [address]] == []

    def _try(self, peer: Peer, mail: Mail | None) -> Tried:
        """Send a mail, or check where there is none."""
        kind, network, trace = self.impatient(), Network(("127.0.0.0/8", "::1/128")), Trace()
        config = self._config(**self.patient, **peer.settings)
        connector = kind(config, network, peer.means)
        try:
            if mail is None:
                asyncio.run(connector.check(trace))
                return Tried(trace, None, None, config)
            return Tried(trace, asyncio.run(connector.send(mail, trace)), None, config)
        except DeliveryError as error:
            return Tried(trace, None, error, config)

    def _trouble(self, name: str) -> Trouble:
        troubles: Mapping[str, Trouble] = getattr(self, "troubles", {})
        assert name in troubles, f"say in `troubles` how the provider answers: {name}"
        return troubles[name]

    def _leaked(self, tried: Tried) -> list[str]:
        # Counted, not quoted: the very words would carry the secret into the test's own output.
        everything = tried.everything
        return ["a secret" for secret in self._secrets() if any(form in everything for form in _forms(secret))]

    def _went_through(self, tried: Tried) -> set[str]:
        return {phase.phase for phase in tried.trace.phases if phase.ok}

    def _planned(self, tried: Tried, *, sending: bool) -> set[str]:
        return set(self.connector(tried.config, Network()).planned_phases(sending=sending))


def _forms(secret: str) -> set[str]:
    """How a secret may be written: as it is, in a URL, or inside Base64, whatever stands before it there."""
    raw = secret.encode()
    inside = {b64encode(b" " * shift + raw).decode()[4 if shift else 0 : -4] for shift in range(3)}
    return {secret, quote(secret, safe=""), raw.hex(), *(form for form in inside if len(form) >= 8)}
