"""No more connections at once than the provider allows, and nobody waits for longer than there is a reason to."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tests.connectors.smtp_attempt import LOOPBACK_ONLY, MAIL
from tests.peers.scripted import Conversation, Script, Step, answer, silence, wait
from webapp.connectors.network import Network
from webapp.connectors.smtp import SmtpConnector, places
from webapp.domain.message import DeliveryError, Trace


class Counting:
    """Steps of a script that count who is there."""

    def __init__(self) -> None:
        self.most = self._now = 0
        self._lock = threading.Lock()
        self.enter, self.leave = Step((self._enter,)), Step((self._leave,))

    def _enter(self, conversation: Conversation) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def _leave(self, conversation: Conversation) -> None:
        with self._lock:
            self._now -= 1


def connector(port: int, **settings: Any) -> SmtpConnector:
    config = {"host": "localhost", "port": port, "security": "none", "auth": {"type": "none"}, **settings}
    model = SmtpConnector.config_model.model_validate({**config, "fromEmail": "no-reply@example.test"})
    return SmtpConnector(model, Network(LOOPBACK_ONLY))


def busy(counting: Counting) -> Script:
    """Count from the greeting to the last word that a client waits for."""
    hello = counting.enter + answer(220, "mail.example.test ESMTP")
    return Script(greeting=hello, body=wait(0.05) + counting.leave + answer(250, "2.0.0 Queued as 4711"))


def send(count: int, *senders: SmtpConnector) -> list[Any]:
    async def all_at_once() -> list[Any]:
        sends = [sender.send(MAIL, Trace()) for _ in range(count) for sender in senders]
        return await asyncio.gather(*sends, return_exceptions=True)

    return asyncio.run(all_at_once())


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_as_many_as_are_allowed_are_open_at_once_and_all_mails_arrive(scripted, limit):
    counting = Counting()
    server = scripted(busy(counting))

    results = send(8, connector(server.port, maxConnections=limit))

    assert [type(result).__name__ for result in results] == ["Receipt"] * 8
    assert len(server.bodies) == 8
    assert 1 <= counting.most <= limit


def test_two_connectors_of_one_account_share_its_places(scripted):
    """Each check and each save makes a connector anew."""
    counting = Counting()
    server = scripted(busy(counting))

    send(3, connector(server.port, maxConnections=1), connector(server.port, maxConnections=1))

    assert counting.most == 1


def test_another_server_does_not_wait_for_this_one(scripted):
    slow, quick = scripted(Script(greeting=silence)), scripted()

    first, second = send(
        1, connector(slow.port, maxConnections=1, greetingTimeout=400), connector(quick.port, maxConnections=1)
    )

    assert isinstance(first, DeliveryError)
    assert not isinstance(second, Exception)


def test_a_failure_gives_its_place_back(scripted):
    server = scripted(Script(mail=answer(550, "5.7.1 No")))

    results = send(4, connector(server.port, maxConnections=1))

    assert {result.problem.code for result in results} == {"smtp.sender_refused"}


def test_who_gives_up_waiting_takes_no_place(scripted):
    server = scripted(Script(greeting=wait(0.3) + answer(220, "mail.example.test ESMTP")))
    one = connector(server.port, maxConnections=1)

    async def third_after_the_second_gave_up() -> Any:
        first = asyncio.create_task(one.send(MAIL, Trace()))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(one.send(MAIL, Trace()))
        await asyncio.sleep(0.05)
        second.cancel()
        receipts = await asyncio.gather(first, one.send(MAIL, Trace()))
        await asyncio.sleep(0.1)
        return receipts, dict(places._ROOMS[asyncio.get_running_loop()])

    receipts, rooms = asyncio.run(third_after_the_second_gave_up())

    assert len(receipts) == len(server.bodies) == 2
    assert rooms == {}
