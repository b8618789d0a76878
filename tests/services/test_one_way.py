"""One ``deliver()``: what a test sends and what a message sends is the same on the wire, for every connector."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.canary import CANARY
from tests.connectors.test_contracts import contracts
from webapp.connectors import CONNECTORS
from webapp.connectors.contract import Parts, Peer
from webapp.connectors.network import Network
from webapp.domain.message import Trace
from webapp.domain.template import Template
from webapp.domain.usage import UsageType
from webapp.services.audit import Audit
from webapp.services.composing import Wanted, compose
from webapp.services.defaults import default_templates, sample_payload
from webapp.services.delivery import Delivery, Purpose
from webapp.services.limits import Limit, Limits
from webapp.services.loop import BackgroundLoop
from webapp.services.runner import Runner
from webapp.services.runs import Runs
from webapp.services.testing import Testing

TO = "grace@example.com"
WITHOUT_MEASURE = Limit(1000, 60)

EVERY = [contract for kind in sorted(CONNECTORS.ours) for contract in contracts(kind)]
"""Some have several ways to send."""

_SIGNED = {"authorization", "signature", "webhook-signature", "content-length", "host"}
"""Made anew from the rest and the time, and how long that is as it is written; the port of this test's server."""
_OF_THE_MOMENT = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # UUIDs
    r"|[0-9a-f]{32}"  # ids
    r"|={10,}\d+={2}"  # boundaries
    r"|\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}"  # RFC 5322
    r"|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z?|\d{8}T\d{6}Z"  # ISO 8601
    r"|\b1[789]\d{8}\b"  # seconds since 1970
)


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    background = BackgroundLoop()
    yield background
    background.stop()


def lasting(parts: Parts) -> Parts:
    """One mail as it arrived, without ids and times."""
    return [(name, _OF_THE_MOMENT.sub("…", value)) for name, value in parts if name.lower().split()[-1] not in _SIGNED]


def delivery_to(peer: Peer) -> Delivery:
    network = Network(("127.0.0.0/8", "::1/128"))
    return Delivery(CONNECTORS, lambda _: network, relay=peer.means.relay)


def connector_json(contract: Any, peer: Peer) -> dict[str, Any]:
    return {"provider": contract.connector.kind, "config": {**contract.settings, **peer.settings}}


@pytest.mark.parametrize("usage_type", [UsageType.SIGN_IN, UsageType.ORGANIZATION_INVITATION])
@pytest.mark.parametrize("contract", EVERY, ids=lambda contract: f"{contract.connector.kind} {contract.__name__}")
def test_what_would_go_is_shown_without_going_and_without_secrets(contract, usage_type, setups, dev, prod) -> None:
    with contract().peer("well") as peer:
        delivery, submitted = delivery_to(peer), connector_json(contract, peer)
        connector = delivery.connector(prod, setups.resolve(prod, submitted))
        mail = compose(connector, default_templates(), "en", Wanted(usage_type, TO, sample_payload(usage_type))).mail

        shown = asyncio.run(connector.shown(mail))

        assert peer.handed_over() == []
        assert TO.encode() in shown.content
        assert CANARY.encode() not in shown.content


@pytest.mark.parametrize(
    "contract",
    [each for each in EVERY if each.connector.stored_templates],
    ids=lambda contract: contract.connector.kind,
)
def test_of_a_template_stored_elsewhere_the_request_is_shown(contract, setups, prod) -> None:
    stored = {UsageType.SIGN_IN: {"*": Template(provider_template={"id": "welcome", "variables": {"product": "Acme"}})}}
    with contract().peer("well") as peer:
        delivery, submitted = delivery_to(peer), connector_json(contract, peer)
        connector = delivery.connector(prod, setups.resolve(prod, submitted))
        mail = compose(connector, stored, "en", Wanted(UsageType.SIGN_IN, TO, {"code": "493817"})).mail

        shown = asyncio.run(connector.shown(mail))

        assert peer.handed_over() == []
        assert shown.media_type == "message/http"
        assert [word for word in (b"welcome", b"Acme", b"493817") if word not in shown.content] == []
        assert CANARY.encode() not in shown.content
        assert b64encode(f"api:{CANARY}".encode())[:20] not in shown.content


def test_no_connector_is_left_out() -> None:
    assert {contract.connector.kind for contract in EVERY} == set(CONNECTORS.ours)


@pytest.mark.parametrize("usage_type", [UsageType.SIGN_IN, UsageType.ORGANIZATION_INVITATION])
@pytest.mark.parametrize("contract", EVERY, ids=lambda contract: f"{contract.connector.kind} {contract.__name__}")
def test_a_test_and_a_message_are_the_same_on_the_wire(
    contract, usage_type, db, vault, setups, loop, ada_in_prod, prod
) -> None:
    with contract().peer("well") as peer:
        delivery, submitted = delivery_to(peer), connector_json(contract, peer)
        limits, runner = Limits(db, vault), Runner(db, Runs(db, vault), loop, Audit())
        testing = Testing(Runs(db, vault), runner, setups, delivery, limits, WITHOUT_MEASURE, WITHOUT_MEASURE)

        run = testing.test_send(ada_in_prod, TO, connector_json=submitted, usage_type=usage_type)
        resolved = setups.resolve(prod, submitted)
        wanted = Wanted(usage_type, TO, sample_payload(usage_type))
        mail = compose(delivery.connector(prod, resolved), default_templates(), "en", wanted).mail
        asyncio.run(delivery.deliver(prod, resolved, mail, Trace(), Purpose.MESSAGE))

        assert run.ok, run.problem
        tested, sent = (lasting(parts) for parts in peer.handed_over())
        assert tested
        assert tested == sent
