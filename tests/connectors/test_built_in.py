"""The built-in service: what a tenant may choose, and that everything else is the operator's."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import ValidationError

from tests.canary import CANARY
from tests.connectors.test_smtp import TestSmtp as Smtp
from tests.connectors.test_smtp import parts_of
from tests.peers.ports import LOOPBACK, free_port
from tests.peers.scripted import Script, ScriptedServer, answer
from webapp.connectors.base import Means
from webapp.connectors.built_in import NO_RELAY, BuiltInConfig, BuiltInConnector
from webapp.connectors.contract import ConnectorContract, Parts
from webapp.connectors.contract.conversation import MAIL, Tried
from webapp.connectors.network import Network
from webapp.connectors.smtp import SmtpConnector
from webapp.connectors.smtp.config import SmtpConfig
from webapp.domain.address import Mailbox
from webapp.domain.message import DeliveryError, Outcome, Trace
from webapp.services.relays import OperatorsRelay

ONES_OWN_MACHINE = Network(("127.0.0.0/8", "::1/128"))


def relay_at(port: int, sender: str = "The house <mail@operator.example>", **config: Any) -> OperatorsRelay:
    login = {"type": "login", "user": "operator", "pass": f"{CANARY}-of-the-operator"}
    settings = {"host": LOOPBACK, "port": port, "security": "none", "auth": login, "fromEmail": sender, **config}
    return OperatorsRelay(SmtpConfig.model_validate(settings), SmtpConnector, ONES_OWN_MACHINE)


def connector(relay: OperatorsRelay | None, **config: Any) -> BuiltInConnector:
    return BuiltInConnector(BuiltInConfig.model_validate(config), ONES_OWN_MACHINE, Means(relay=relay))


@dataclass(frozen=True)
class MailServer:
    """The operator's mail server; mails are looked at header by header, and their envelopes too."""

    server: ScriptedServer
    port: int

    @property
    def means(self) -> Means:
        return Means(relay=relay_at(self.port, greetingTimeout=300))

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    def handed_over(self) -> list[Parts]:
        return [parts_of(each.commands, each.body) for each in self.server.conversations if each.body is not None]


class TestBuiltIn(ConnectorContract):
    connector = BuiltInConnector
    settings = {
        "senderName": "Acme",
        "companyInformation": "Acme Inc., Springfield",
        "appLogo": "https://www.example.com/logo.png",
    }
    secretless = True
    elsewhere: Mapping[str, Any] = {}
    in_clear: Mapping[str, Any] = {}
    message_id = Smtp.message_id
    troubles = Smtp.troubles
    mail = replace(MAIL, sender=Mailbox("mail@operator.example", "Acme"))

    @contextmanager
    def peer(self, doing: str) -> Iterator[MailServer]:
        with Smtp().peer(doing) as at:
            yield MailServer(at.server, at.port)

    def _planned(self, tried: Tried, *, sending: bool) -> set[str]:
        relay = relay_at(1)
        return set(BuiltInConnector(tried.config, Network(), Means(relay=relay)).planned_phases(sending=sending))


FINE = (
    "Company p.s.a.",
    "S.A.",
    "P.C.",
    "Acme",
    "Acme, Inc.",
    "Müller GmbH & Co. KG",
    "Müller GmbH & Co.KG",
    "Société Générale S.A.",
    "Przykład Sp. z o.o.",
    "d.o.o.",
    "S.p.A.",
    "L.L.C",
    "e.V.",
    "株式会社サンプル",
    "例。東京都千代田区",
    "บริษัท ตัวอย่าง จำกัด",
    "Node.js GmbH",
    "St. Gallen AG",
    "Version 2.0",
    "Novo A/S",
    "Wait...what",
    "AT&T 24/7",
    "Rua X, 01.310-100",
    "+49.30.123456",
    "Acme: mail and more",
    "{{code}} & <b>Sons</b>",
)
LINKS = (
    "https://example.com",
    "HTTPS://example",
    "ftp://x",
    "//example.com",
    "www.example",
    "WWW.example.com",
    "example.com",
    "Example.COM",
    "EXAMPLE.Com/PATH",
    "foo.bar/path",
    "foo.bar",
    "Acme (example.com)",
    "Acme|example.com",
    "“example.com”",
    "See:example.com",
    "example.com.",
    "..example.com..",
    "sub.example.co.uk",
    "evil.co.kg",
    "t.co",
    "Amazon.com, Inc.",
    "ada@example.com",
    "mailto:ada",
    "javascript:alert(1)",
    "example.com:8080",
    "example.com?x=1",
    "127.0.0.1",
    "пример.рф",
    "例え.テスト",
    "ตัวอย่าง.ไทย",
    "xn--e1afmkfd.xn--p1ai",
    "ｅｘａｍｐｌｅ．ｃｏｍ",  # noqa: RUF001  as it is typed
    "example。com",
    "example․com",  # noqa: RUF001
)
UNSEEN = (
    "A\u202eB",
    "A\u200bB",
    "A\u2066B",
    "A\u00adB",
    "A\ufeffB",
    "A\tB",
    "A\x07B",
    "A\u2028B",
    "A\u3164B",
    "A\u17b4B",
    "A\ufe00B",
)


class TestWords:
    @pytest.mark.parametrize("setting", ["senderName", "companyInformation"])
    @pytest.mark.parametrize("words", FINE)
    def test_names_of_people_and_companies_are_accepted(self, setting: str, words: str) -> None:
        assert BuiltInConfig.model_validate({setting: words})

    @pytest.mark.parametrize("setting", ["senderName", "companyInformation"])
    @pytest.mark.parametrize("words", LINKS)
    def test_what_could_become_a_link_is_refused(self, setting: str, words: str) -> None:
        with pytest.raises(ValidationError, match="Web addresses are not possible here"):
            BuiltInConfig.model_validate({setting: words})

    @pytest.mark.parametrize("setting", ["senderName", "companyInformation"])
    @pytest.mark.parametrize("words", UNSEEN, ids=ascii)
    def test_what_nobody_sees_is_refused(self, setting: str, words: str) -> None:
        with pytest.raises(ValidationError):
            BuiltInConfig.model_validate({setting: words})

    @pytest.mark.parametrize(("setting", "most"), [("senderName", 64), ("companyInformation", 200)])
    def test_they_have_a_length(self, setting: str, most: int) -> None:
        assert BuiltInConfig.model_validate({setting: "x" * most})
        with pytest.raises(ValidationError):
            BuiltInConfig.model_validate({setting: "x" * (most + 1)})

    def test_nothing_has_to_be_said(self) -> None:
        assert BuiltInConfig.model_validate({}).sender_name is None


class TestLogo:
    @pytest.mark.parametrize(
        "url",
        [
            "https://www.example.com/logo.png",
            "https://cdn.example.com:8443/a/b.jpg?v=2",
            "HTTPS://example.com/logo",
            "https://例え.テスト/logo.png",
        ],
    )
    def test_an_image_on_the_web_is_accepted(self, url: str) -> None:
        assert BuiltInConfig.model_validate({"appLogo": url}).app_logo == url

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.com/logo.png",
            "logo.png",
            "//example.com/logo.png",
            "data:image/png;base64,AAAA",
            "javascript:alert(1)",
            "https://",
            "https://localhost/logo.png",
            "https://ada:secret@example.com/logo.png",
            "https://ada@example.com/logo.png",
            'https://example.com/"onerror="x',
            "https://example.com/a b.png",
            "https://example.com/<script>",
            "https://example.com:99999/logo.png",
            "https://exa mple.com/logo.png",
            "https://example.com/\u202elogo.png",
        ],
    )
    def test_anything_else_is_refused(self, url: str) -> None:
        with pytest.raises(ValidationError):
            BuiltInConfig.model_validate({"appLogo": url})

    def test_a_format_that_mails_do_not_show_is_said_to_be_one(self) -> None:
        (caution,) = BuiltInConnector.cautions({"appLogo": "https://example.com/logo.SVG?v=1"})

        assert caution.code == "built_in.logo_format"


class TestSending:
    def test_it_comes_from_the_operators_address_under_the_tenants_name(self) -> None:
        mail = replace(MAIL, sender=Mailbox("ceo@bank.example", "The bank"), reply_to="thief@example.net")

        with ScriptedServer(Script(offers_starttls=False)) as server:
            asyncio.run(connector(relay_at(server.port), senderName="Acme, Inc.").send(mail, Trace()))

        message = email.message_from_bytes(server.bodies[0], policy=email.policy.default)
        assert message["From"] == '"Acme, Inc." <mail@operator.example>'
        assert message["Reply-To"] is None
        assert message["X-Entity-Ref"] is None
        assert [command for command in server.commands if command.startswith("MAIL FROM:<mail@operator.example>")]

    @pytest.mark.parametrize(
        ("sender", "name"), [("The house <mail@operator.example>", "The house"), ("mail@operator.example", "Postroom")]
    )
    def test_without_a_name_it_has_the_operators_else_ours(self, sender: str, name: str) -> None:
        assert connector(relay_at(25, sender)).sender() == Mailbox("mail@operator.example", name)

    def test_without_a_relay_it_says_what_the_operator_has_to_do(self) -> None:
        for work in (connector(None).check(Trace()), connector(None).send(MAIL, Trace())):
            with pytest.raises(DeliveryError) as caught:
                asyncio.run(work)
            assert caught.value.problem.code == "built_in.no_relay"
            assert caught.value.outcome is Outcome.NOT_SENT
            assert "POSTROOM_BUILTIN_SMTP_URL" in str(caught.value.problem.steps[0])

        assert BuiltInConnector.obstacle(Means()) is NO_RELAY
        assert BuiltInConnector.obstacle(Means(relay=relay_at(25))) is None

    def test_a_failure_offers_no_change_of_settings_that_a_tenant_does_not_have(self) -> None:
        # For SMTP itself this one comes with a correction: another port.
        trace = Trace()
        with (
            ScriptedServer(Script(offers_starttls=False, auth=answer(535, "5.7.8 No"))) as server,
            pytest.raises(DeliveryError) as caught,
        ):
            asyncio.run(connector(relay_at(server.port)).check(trace))

        problem = caught.value.problem
        assert problem.patch == ()
        assert trace.phases[-1].problem == problem
        assert "operator" in str(problem.steps[0])

    def test_a_refused_recipient_is_not_the_operators_matter(self) -> None:
        with (
            ScriptedServer(Script(offers_starttls=False, rcpt=answer(550, "5.1.1 No such user"))) as server,
            pytest.raises(DeliveryError) as caught,
        ):
            asyncio.run(connector(relay_at(server.port)).send(MAIL, Trace()))

        assert "operator" not in str(caught.value.problem.steps[0])

    def test_a_port_where_nobody_listens_is_told(self) -> None:
        with pytest.raises(DeliveryError) as caught:
            asyncio.run(connector(relay_at(free_port())).check(Trace()))

        assert caught.value.problem.code == "network.connection_refused"
