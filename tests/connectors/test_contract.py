"""The contract barks: whatever a connector does wrong, one of its tests says so. The stand-in does as it is told."""

from __future__ import annotations

import contextlib
import socket
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import httpx2
import pytest

from tests.canary import CANARY
from webapp.connectors.api import Api, ApiConnector
from webapp.connectors.config import ConnectorConfig, Secret, setting
from webapp.connectors.contract import NEVER, HTTPContract, Reply, StandIn, Trouble
from webapp.connectors.endpoint import Endpoint, EndpointConfig
from webapp.domain.message import DeliveryError, Mail, Outcome, Receipt
from webapp.domain.text import T


class Config(EndpointConfig):
    endpoint: Endpoint = setting("https://api.example.com", title=T("Endpoint"), destination=True)
    """Where it answers."""
    key: Secret = setting(title=T("Key"), section="authentication", secret=True)
    """What it knows us by."""


class GoodConnector(ApiConnector[Config]):
    """Does nothing wrong."""

    kind = "good"
    title = "Good"
    summary = T("Choose this when you test.")
    config_model = Config
    examined = ("auth",)

    async def examine(self, api: Api) -> None:
        with api.phase("auth"):
            await api.request("GET", "/account", headers=self.headers())

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        answer = await api.request("POST", "/send", headers=self.headers(), json=self.body(mail))
        return api.receipt(answer, answer.text_at("id"))

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.config.key.get_secret_value()}"}

    def body(self, mail: Mail) -> dict[str, Any]:
        return {"to": mail.to, "from": str(mail.sender), "subject": mail.subject, "text": mail.text}


class Contract(HTTPContract):
    connector = GoodConnector
    settings = {"key": f"{CANARY}-key"}
    answers = {"check": {"GET /account": Reply(200, {})}, "send": {"POST /send": Reply(202, {"id": "m-1"})}}
    message_id = "m-1"
    troubles: ClassVar[Mapping[str, Trouble]] = {
        "credentials refused": Trouble("api.credentials_refused", Reply(401, {"message": "who"})),
        "mail refused": Trouble("api.refused", Reply(422, {"message": "no"})),
        "too many requests": Trouble("api.rate_limited", Reply(429, {"message": "slow"}), temporary=True),
        "provider down": Trouble("api.unavailable", Reply(503, {"message": "later"}), temporary=True),
    }


class SendsOnCheck(GoodConnector):
    async def examine(self, api: Api) -> None:
        with api.phase("auth"):
            await api.request("POST", "/send", headers=self.headers(), json={})


class ChecksNothing(GoodConnector):
    async def examine(self, api: Api) -> None:
        with api.phase("auth"):
            pass


class SendsTwice(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        await super().submit(api, mail)
        return await super().submit(api, mail)


class ForgetsTheId(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        return Receipt((await super().submit(api, mail)) and None)


class TellsTheKey(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        api.trace.client(f"Authorization: {self.headers()['Authorization']}")
        return await super().submit(api, mail)


class TellsTheKeyInBase64(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        answer = await super().submit(api, mail)
        return replace(answer, text=b64encode(f"api:{self.config.key.get_secret_value()}".encode()).decode())


class SaysAllIsFine(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        answer = await api.request(
            "POST", "/send", headers=self.headers(), json=self.body(mail), accept=range(300, 600)
        )
        return api.receipt(answer, "m-1")


class TriesAgain(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        try:
            return await super().submit(api, mail)
        except DeliveryError:
            return await super().submit(api, mail)


class FollowsRedirects(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        answer = await api.request("POST", "/send", headers=self.headers(), json=self.body(mail), accept=[307])
        if answer.status == 307:
            httpx2.post(answer.headers["Location"], headers=self.headers(), json={})
        return api.receipt(answer, answer.text_at("id"))


class BuildsJSONByHand(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        content = f'{{"to": "{mail.to}", "from": "{mail.sender.name}", "subject": "{mail.subject}"}}'
        answer = await api.request("POST", "/send", headers=self.headers(), content=content)
        return api.receipt(answer, answer.text_at("id"))


class BuildsFormsByHand(GoodConnector):
    async def submit(self, api: Api, mail: Mail) -> Receipt:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        content = f"to={mail.to}&subject={mail.subject}"
        answer = await api.request("POST", "/send", headers=self.headers() | kind, content=content)
        return api.receipt(answer, answer.text_at("id"))


class BuildsSendersByHand(GoodConnector):
    def body(self, mail: Mail) -> dict[str, Any]:
        return super().body(mail) | {"from": f"{mail.sender.name} <{mail.sender.address}>"}


class SkipsAPhase(GoodConnector):
    examined = ("auth", "account")


class HasNoPlace(GoodConnector):
    official = frozenset({"https://api.example.com", "https://elsewhere.example.net"})


class OpenConfig(ConnectorConfig):
    endpoint: str = setting("https://api.example.com", title=T("Endpoint"), destination=True)
    """Where it answers."""
    key: str = setting(title=T("Key"), section="authentication", example="")


class IsOpen(GoodConnector):
    config_model = OpenConfig


class PromisesTooMuch(GoodConnector):
    summary = T("The best.")


FAULTS = [
    (SendsOnCheck, "test_a_check_goes_through_all_its_phases_and_hands_over_nothing", ()),
    (ChecksNothing, "test_it_reads_the_account_before_it_is_content", ()),
    (ChecksNothing, "test_a_check_meets_the_same_trouble", ("credentials refused",)),
    (SendsTwice, "test_a_mail_is_handed_over_once_and_has_the_providers_id", ()),
    (ForgetsTheId, "test_a_mail_is_handed_over_once_and_has_the_providers_id", ()),
    (TellsTheKey, "test_success_keeps_secrets", ()),
    (TellsTheKey, "test_a_trouble_is_explained_and_keeps_secrets", ("mail refused",)),
    (TellsTheKeyInBase64, "test_success_keeps_secrets", ()),
    (SaysAllIsFine, "test_a_trouble_of_sending_has_its_name", ("mail refused",)),
    (TriesAgain, "test_a_trouble_of_sending_has_its_name", ("mail refused",)),
    (FollowsRedirects, "test_no_redirect_is_followed", ()),
    (BuildsJSONByHand, "test_no_text_becomes_a_header_or_a_field", ("quoted JSON", "subject")),
    (BuildsFormsByHand, "test_no_text_becomes_a_header_or_a_field", ("form field", "subject")),
    (BuildsSendersByHand, "test_a_senders_name_adds_no_address", ("mailbox",)),
    (SkipsAPhase, "test_a_check_goes_through_all_its_phases_and_hands_over_nothing", ()),
    (HasNoPlace, "test_secrets_do_not_follow_to_another_destination", ()),
    (IsOpen, "test_it_has_secrets_unless_it_says_otherwise", ()),
    (IsOpen, "test_no_secret_goes_in_clear_to_another_machine", ()),
    (IsOpen, "test_every_setting_explains_itself", ()),
    (PromisesTooMuch, "test_it_says_what_it_is", ()),
    (GoodConnector, "test_it_is_in_the_catalogue_under_its_kind", ()),
    (GoodConnector, "test_it_has_a_guide_of_five_sections", ()),
]


class TestFaults:
    @pytest.mark.parametrize(
        ("connector", "test", "values"), FAULTS, ids=[f"{fault[0].__name__}: {fault[1]}" for fault in FAULTS]
    )
    def test_it_barks(self, connector: type[ApiConnector[Any]], test: str, values: tuple[str, ...]) -> None:
        contract = type("Faulty", (Contract,), {"connector": connector})()

        with pytest.raises(AssertionError):
            getattr(contract, test)(*values)

    @pytest.mark.parametrize(
        ("test", "values"),
        sorted({(test, values) for connector, test, values in FAULTS if connector is not GoodConnector}),
        ids=str,
    )
    def test_it_does_not_bark_at_a_good_one(self, test: str, values: tuple[str, ...]) -> None:
        getattr(Contract(), test)(*values)

    def test_a_trouble_that_nobody_told_is_asked_for(self) -> None:
        silent = type("Silent", (HTTPContract,), {"connector": GoodConnector, "settings": Contract.settings})()

        with pytest.raises(AssertionError, match="say in `troubles` how the provider answers: mail refused"):
            silent.test_a_trouble_of_sending_has_its_name("mail refused")
        with pytest.raises(AssertionError, match="say in `answers` what the provider is asked by a check"):
            silent.test_it_reads_the_account_before_it_is_content()


class TestStandIn:
    def test_it_answers_what_it_was_told_and_keeps_what_it_was_asked(self) -> None:
        with StandIn({"POST /send": Reply(202, {"id": 1}, {"X-Id": "7"})}) as provider, httpx2.Client() as client:
            answer = client.post(f"{provider.url}/send?a=1", json={"b": [{"c": "d"}]}, headers={"X-Key": "k"})

        (asked,) = provider.asked
        assert (answer.status_code, answer.json(), answer.headers["X-Id"]) == (202, {"id": 1}, "7")
        assert (asked.method, asked.path, asked.query, asked.json) == (
            "POST",
            "/send",
            [("a", "1")],
            {"b": [{"c": "d"}]},
        )
        assert asked.header("x-key") == "k"
        assert ("/b/0/c", "d") in asked.parts

    def test_a_query_in_a_key_names_parameters_wherever_they_are(self) -> None:
        answers = {"POST /": Reply(200, "any"), "POST /?Action=Send": Reply(200, "sent")}
        with StandIn(answers) as provider, httpx2.Client() as client:
            said = [
                client.post(f"{provider.url}/?Action=Send&x=1").text,
                client.post(f"{provider.url}/", data={"Action": "Send"}).text,
                client.post(f"{provider.url}/", data={"Action": "Read"}).text,
            ]

        assert said == ["sent", "sent", "any"]

    def test_a_star_stands_for_anything(self) -> None:
        with StandIn({"GET /senders/*": Reply(200)}) as provider, httpx2.Client() as client:
            assert client.get(f"{provider.url}/senders/ada").status_code == 200

    def test_what_it_was_not_told_is_noted(self) -> None:
        with StandIn({}) as provider, httpx2.Client() as client:
            answer = client.get(f"{provider.url}/who?x=1")

        assert answer.status_code == 404
        assert provider.unexpected == ["GET /who?x=1"]

    def test_it_reads_forms_of_several_parts(self) -> None:
        with StandIn({"POST /": Reply()}) as provider, httpx2.Client() as client:
            client.post(provider.url, data={"to": "ada@example.com"}, files={"html": (None, "<p>ü</p>")})

        assert provider.asked[0].form == [("to", "ada@example.com"), ("html", "<p>ü</p>")]

    def test_it_reads_chunks(self) -> None:
        with StandIn({"POST /": Reply()}) as provider, httpx2.Client() as client:
            client.post(provider.url, content=iter([b'{"a": ', b"1}"]))

        assert provider.asked[0].json == {"a": 1}

    def test_a_name_that_stands_twice_is_seen_twice(self) -> None:
        with StandIn({"POST /": Reply()}) as provider, httpx2.Client() as client:
            client.post(provider.url, content=b'{"a": 1, "a": 2}')

        assert [pair for pair in provider.asked[0].parts if pair[0] == "/a"] == [("/a", "1"), ("/a", "2")]

    @pytest.mark.parametrize("reply", [NEVER, Reply(200, "x" * 50, drip=5)], ids=["never", "drip"])
    def test_it_can_keep_people_waiting_and_ends_all_the_same(self, reply: Reply) -> None:
        with StandIn({"GET /": reply}) as provider:
            heard = _heard(provider)

        assert b"xx" not in heard
        assert bool(heard) is bool(reply.drip)


def _heard(provider: StandIn) -> bytes:
    """What comes of a request before nothing comes for a while."""
    heard = b""
    with socket.create_connection(("127.0.0.1", provider.port)) as connection, contextlib.suppress(TimeoutError):
        connection.settimeout(0.5)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while piece := connection.recv(1000):
            heard += piece
    return heard


def test_what_a_send_came_to_is_part_of_the_diagnosis() -> None:
    contract = Contract()
    with contract.peer("never answers") as peer:
        tried = contract._try(peer, contract.mail)

    assert tried.problem == ("api.maybe_sent", False, Outcome.MAYBE_SENT)
