"""How far a mail goes: a development tenant's stays inside, a test reaches the provider, and the house counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.canary import CANARY
from tests.connectors.test_built_in import relay_at
from tests.peers.postfix import PostfixServer
from tests.peers.scripted import Script, ScriptedServer, answer, drop, silence
from tests.services.conftest import smtp
from webapp.connectors import CONNECTORS
from webapp.connectors.contract import Reply, StandIn
from webapp.connectors.network import Network
from webapp.domain.errors import InputError
from webapp.domain.message import DeliveryError, Outcome, Trace
from webapp.domain.roles import TenantInfo
from webapp.domain.usage import UsageType
from webapp.services.audit import Audit
from webapp.services.composing import Wanted, compose
from webapp.services.daily_usage import DailyUsage
from webapp.services.defaults import default_templates, sample_payload
from webapp.services.delivery import Delivery, Purpose
from webapp.services.inbox import Inbox
from webapp.services.limits import Limit, Limits
from webapp.services.loop import BackgroundLoop
from webapp.services.runner import Runner
from webapp.services.runs import Runs
from webapp.services.testing import Testing

TO = "ada@example.test"
KEY = f"{CANARY}-of-the-endpoint"
PLAIN = Script(offers_starttls=False)
BUILT_IN: dict[str, Any] = {"provider": "built-in", "config": {"senderName": "Acme"}}


def endpoint(url: str = "https://mail.example.com/hook") -> dict[str, Any]:
    return {"provider": "http-email", "config": {"endpoint": url, "authorization": f"Bearer {KEY}"}}


@pytest.fixture
def inbox(db, vault) -> Inbox:
    return Inbox(db, vault)


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    background = BackgroundLoop()
    yield background
    background.stop()


class Way:
    """One delivery, and what came of its mails."""

    def __init__(self, db, vault, setups, inbox: Inbox, relay: Any = None, limit: int = 0) -> None:
        network = Network(("127.0.0.0/8", "::1/128"))
        self.usage = DailyUsage(db, limit)
        self.delivery = Delivery(CONNECTORS, lambda _: network, relay=relay, inbox=inbox, usage=self.usage)
        self.setups = setups
        self.trace = Trace()

    def send(self, tenant: TenantInfo, connector: Any, purpose: Purpose, usage_type: UsageType = UsageType.SIGN_IN):
        resolved = self.setups.resolve(tenant, connector)
        wanted = Wanted(usage_type, TO, sample_payload(usage_type))
        mail = compose(self.delivery.connector(tenant, resolved), default_templates(), "en", wanted).mail
        self.trace = Trace()
        return asyncio.run(self.delivery.deliver(tenant, resolved, mail, self.trace, purpose))

    def failing(self, *args: Any) -> DeliveryError:
        with pytest.raises(DeliveryError) as caught:
            self.send(*args)
        return caught.value

    def check(self, tenant: TenantInfo, connector: Any) -> None:
        self.trace = Trace()
        asyncio.run(self.delivery.check(tenant, self.setups.resolve(tenant, connector), self.trace))


@pytest.fixture
def way(db, vault, setups, inbox):
    return lambda **given: Way(db, vault, setups, inbox, **given)


class TestDevelopment:
    def test_a_message_stays_inside(self, way, dev, inbox) -> None:
        with ScriptedServer(PLAIN) as server:
            receipt = way().send(dev, plain(server), Purpose.MESSAGE)

        assert server.conversations == []
        assert receipt.captured
        (item,) = inbox.mails(dev)
        assert (item.id, item.to, item.code) == (receipt.provider_message_id, TO, "000000")
        assert inbox.mail(dev, item.id).html

    def test_what_is_captured_is_what_would_have_gone(self, way, dev, inbox) -> None:
        connector = smtp(customHeaders={"X-Acme": "yes"}, replyTo="help@example.com")

        way().send(dev, connector, Purpose.MESSAGE)

        headers = dict(inbox.mail(dev, inbox.mails(dev)[0].id).headers)
        assert headers["X-Acme"] == "yes"
        assert headers["Reply-To"] == "help@example.com"
        assert headers["From"] == "Acme <no-reply@example.com>"

    def test_of_an_endpoint_the_very_request_is_captured_without_its_secret(self, way, dev, prod, inbox) -> None:
        with StandIn({"POST /hook": Reply(200)}) as stand_in:
            way().send(dev, endpoint(f"{stand_in.url}/hook"), Purpose.MESSAGE)
            assert stand_in.asked == []
            way().send(prod, endpoint(f"{stand_in.url}/hook"), Purpose.MESSAGE)
            (asked,) = stand_in.asked

        shown = inbox.mail(dev, inbox.mails(dev)[0].id)
        assert shown.request
        assert shown.request.json == asked.json
        assert list(asked.json) == ["to", "type", "payload"]
        assert shown.request.body == json.dumps(asked.json, indent=2, ensure_ascii=False)
        assert (shown.request.method, shown.request.url) == ("POST", f"{stand_in.url}/hook")
        assert dict(shown.headers)["authorization"] == "•••"
        assert CANARY not in repr(shown)
        assert (shown.code, shown.html, shown.text) == ("000000", None, None)

    def test_an_invitation_s_link_is_picked_out_of_a_request(self, way, dev, inbox) -> None:
        way().send(dev, endpoint(), Purpose.MESSAGE, UsageType.ORGANIZATION_INVITATION)

        assert "https://example.com/invitation?token=sample" in inbox.mails(dev)[0].links

    def test_a_test_reaches_the_provider(self, way, dev, inbox) -> None:
        with ScriptedServer(PLAIN) as server:
            receipt = way().send(dev, plain(server), Purpose.TEST)

        assert len(server.bodies) == 1
        assert not receipt.captured
        assert inbox.mails(dev) == []

    def test_production_sends_messages_and_has_no_inbox(self, way, prod) -> None:
        with ScriptedServer(PLAIN) as server:
            way().send(prod, plain(server), Purpose.MESSAGE)
            with pytest.raises(RuntimeError):
                way().send(prod, plain(server), Purpose.LOOK)

        assert len(server.bodies) == 1


def plain(server: ScriptedServer) -> dict[str, Any]:
    return smtp(host="127.0.0.1", port=server.port, security="none", auth={"type": "none"})


class TestTheHouse:
    def test_a_real_mail_server_takes_it(self, way, prod, postfix: PostfixServer) -> None:
        relay = relay_at(postfix.relay_port, "Acme house <postroom@example.test>", auth={"type": "none"})
        company = f"{CANARY} Works"
        connector = {"provider": "built-in", "config": {"senderName": "Ada & Co.", "companyInformation": company}}

        receipt = (house := way(relay=relay)).send(prod, connector, Purpose.MESSAGE)

        assert receipt.provider_message_id
        received = postfix.mail(company)
        assert received["From"] == '"Ada & Co." <postroom@example.test>'
        assert received["Subject"] == "000000 is your sign-in code"
        assert {part.get_content_type() for part in received.iter_parts()} == {"text/plain", "text/html"}
        assert house.usage.today(prod).mails == 1

    def test_without_a_relay_mail_of_a_development_tenant_goes_to_its_inbox(self, way, dev, inbox) -> None:
        house = way()

        house.check(dev, BUILT_IN)
        receipt = house.send(dev, BUILT_IN, Purpose.TEST)

        assert receipt.captured
        assert [phase.phase for phase in house.trace.phases] == ["capture"]
        assert inbox.mails(dev)[0].sender == "Acme <no-reply@postroom.test>"
        assert house.usage.today(dev).mails == 1

    def test_without_a_relay_production_says_what_the_operator_has_to_do(self, way, setups, prod) -> None:
        house = way()

        assert house.failing(prod, BUILT_IN, Purpose.TEST).problem.code == "built_in.no_relay"
        with pytest.raises(DeliveryError):
            house.check(prod, BUILT_IN)
        assert house.usage.today(prod).mails == 0
        document = setups.active(prod).document | {"connector": BUILT_IN}
        assert [problem.code for problem in setups.validate(prod, document)] == ["built_in.no_relay"]
        stands = house.delivery.house(prod, CONNECTORS["built-in"])
        assert [problem.code for problem in stands.problems] == ["built_in.no_relay"]

    @pytest.mark.parametrize(
        ("script", "counted"),
        [
            (PLAIN, 1),
            (Script(offers_starttls=False, rcpt=answer(550, "5.1.1 No such user")), 0),
            (Script(offers_starttls=False, auth=answer(535, "5.7.8 No")), 0),
            (Script(offers_starttls=False, body=drop), 1),
        ],
        ids=["accepted", "recipient refused", "login refused", "answer lost"],
    )
    def test_what_went_or_may_have_gone_is_counted(self, way, prod, script: Script, counted: int) -> None:
        with ScriptedServer(script) as server:
            house = way(relay=relay_at(server.port))
            if script is PLAIN:
                house.send(prod, BUILT_IN, Purpose.MESSAGE)
            else:
                assert house.failing(prod, BUILT_IN, Purpose.MESSAGE).outcome in (Outcome.NOT_SENT, Outcome.MAYBE_SENT)

        assert house.usage.today(prod).mails == counted

    def test_a_send_that_was_stopped_before_the_mail_does_not_count(self, way, prod, setups) -> None:
        with ScriptedServer(Script(greeting=silence)) as server:
            house = way(relay=relay_at(server.port))
            resolved = setups.resolve(prod, BUILT_IN)
            wanted = Wanted(UsageType.SIGN_IN, TO, {"code": "1234"})
            mail = compose(house.delivery.connector(prod, resolved), {}, "en", wanted).mail

            async def stopped() -> None:
                async with asyncio.timeout(0.3):
                    await house.delivery.deliver(prod, resolved, mail, Trace(), Purpose.MESSAGE)

            with pytest.raises(TimeoutError):
                asyncio.run(stopped())

        assert house.usage.today(prod).mails == 0

    def test_the_operators_limit_holds_and_is_told_beforehand(self, way, prod) -> None:
        with ScriptedServer(PLAIN) as server:
            house = way(relay=relay_at(server.port), limit=5)
            cautions = []
            for _ in range(5):
                house.send(prod, BUILT_IN, Purpose.MESSAGE)
                cautions.append([problem.code for problem in house.trace.cautions])
            error = house.failing(prod, BUILT_IN, Purpose.MESSAGE)
            house.check(prod, BUILT_IN)

        near, over = ["built_in.daily_limit_near"], ["built_in.daily_limit"]
        assert cautions == [[], [], [], near, over]
        assert (error.problem.code, error.problem.temporary) == ("built_in.daily_limit", True)
        assert [problem.code for problem in house.trace.cautions] == over
        assert len(server.bodies) == 5

    def test_other_connectors_are_not_counted(self, way, prod) -> None:
        with ScriptedServer(PLAIN) as server:
            (own := way()).send(prod, plain(server), Purpose.MESSAGE)

        assert own.usage.today(prod).mails == 0
        assert own.delivery.house(prod, CONNECTORS["smtp"]) is None


class TestLooking:
    @pytest.fixture
    def testing(self, db, vault, setups, loop, way) -> Testing:
        runner, many = Runner(db, Runs(db, vault), loop, Audit()), Limit(1000, 60)
        return Testing(Runs(db, vault), runner, setups, way().delivery, Limits(db, vault), many, many)

    def test_it_lies_in_the_inbox_and_proves_nothing(self, testing, ada, dev, setups, inbox) -> None:
        run = testing.test_send(ada, TO, connector_json=smtp(), capture=True)

        assert (run.ok, run.outcome) == (True, Outcome.CAPTURED)
        assert [phase.phase for phase in run.phases] == ["capture"]
        assert inbox.mails(dev)[0].id == run.receipt.provider_message_id
        assert setups.proven(dev, run.values_tag) is None

    def test_the_built_in_service_without_a_relay_proves_nothing_either(self, testing, ada, dev, setups) -> None:
        run = testing.test_send(ada, TO, connector_json=BUILT_IN)

        assert (run.ok, run.outcome) == (True, Outcome.CAPTURED)
        assert setups.proven(dev, run.values_tag) is None

    def test_production_has_no_inbox_to_look_into(self, testing, ada_in_prod) -> None:
        with pytest.raises(InputError) as caught:
            testing.test_send(ada_in_prod, TO, connector_json=smtp(), capture=True)

        assert [error.pointer for error in caught.value.errors] == ["/capture"]

    def test_the_language_that_was_asked_for_is_told_to_an_endpoint(self, testing, ada, dev, inbox) -> None:
        testing.test_send(ada, TO, connector_json=endpoint(), capture=True, locale="pt_br", payload={"more": 1})

        payload = inbox.mail(dev, inbox.mails(dev)[0].id).request.json["payload"]
        assert (payload["locale"], payload["code"], payload["more"]) == ("pt-BR", "000000", 1)
