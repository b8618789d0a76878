"""The built-in service in the console: what is fixed, what was sent today, what the operator still has to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from tests.peers.scripted import Script, ScriptedServer
from tests.web.conftest import ADA, Browser, House
from tests.web.filling import FORM, choose, send, shown
from webapp.domain.roles import OPERATOR

TEST = f"{FORM}/test"


@pytest.fixture
def relay(scripted: Callable[..., ScriptedServer]) -> ScriptedServer:
    return scripted(Script(offers_starttls=False))


@pytest.fixture
def with_relay(open_house: Callable[..., House], relay: ScriptedServer) -> Callable[..., House]:
    url = f"smtp://127.0.0.1:{relay.port}"
    return lambda **given: open_house(builtin_smtp_url=url, builtin_from="House <mail@operator.example>", **given)


def words(browser: Browser) -> str:
    """The page as it is read."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", browser.page)).split())


class TestForm:
    def test_it_asks_for_three_things_and_says_what_is_fixed(self, with_relay: Callable[..., House]) -> None:
        ada = with_relay().signed_in(ADA)

        choose(ada, "built-in")

        assert {"senderName", "companyInformation", "appLogo"} <= set(shown(ada))
        assert not {"host", "fromEmail", "replyTo", "endpoint"} & set(shown(ada))
        assert "From mail@operator.example" in words(ada)
        assert "Sent today 0 since midnight UTC" in words(ada)

    def test_a_web_address_is_refused_at_its_field(self, ada: Browser) -> None:
        choose(ada, "built-in")

        send(ada, "review", senderName="Acme (example.com)", companyInformation="Company p.s.a.")

        assert "Web addresses are not possible here" in words(ada)
        assert words(ada).count("Web addresses are not possible here") < 3

    def test_without_a_relay_mails_go_to_the_inbox_and_that_proves_nothing(self, house: House, ada: Browser) -> None:
        choose(ada, "built-in")
        assert "the operator has named no mail server yet" in words(ada)

        send(ada, to=TEST, usageType="Register", senderName="Acme")
        ada.get(FORM)

        assert "Not proven" in words(ada)
        assert "Open the inbox" in words(ada)
        (mail,) = house.services.inbox.mails(house.tenant("dev"))
        assert (mail.sender, mail.code) == ("Acme <no-reply@postroom.test>", "000000")
        assert "Sent today 1" in words(ada)

    def test_without_a_relay_production_is_told_before_anything_is_saved(self, ada: Browser) -> None:
        choose(ada, "built-in", "prod")

        assert "has no mail server behind it yet" in words(ada)
        assert "POSTROOM_BUILTIN_SMTP_URL" in words(ada)

    def test_over_the_relay_a_test_proves_it(self, with_relay: Callable[..., House], relay: ScriptedServer) -> None:
        ada = with_relay().signed_in(ADA)
        choose(ada, "built-in", "prod")

        send(ada, to="/t/prod/connector/test", senderName="Acme", usageType="SignIn")
        ada.get("/t/prod/connector")

        assert "Not proven" not in words(ada)
        assert len(relay.bodies) == 1


class TestOverview:
    def test_it_shows_sender_and_what_was_sent_today(self, with_relay: Callable[..., House]) -> None:
        house = with_relay(builtin_daily_limit=5)
        ada = house.signed_in(ADA)
        choose(ada, "built-in")
        send(ada, to=TEST, senderName="Acme")
        setups, access = house.services.setups, house.services.tenants.access(OPERATOR, "dev")
        built_in = {"provider": "built-in", "config": {"senderName": "Acme"}}
        setups.save(access, setups.active(access.tenant).document | {"connector": built_in}, base=0)

        ada.get("/t/dev/")

        assert "Acme <mail@operator.example>" in words(ada)
        assert "Sent today 1 of 5" in words(ada)
        for _ in range(3):
            house.services.usage.take(house.tenant("dev"))
        ada.get("/t/dev/")
        assert "nearly used up for today" in words(ada)
        house.services.usage.take(house.tenant("dev"))
        ada.get("/t/dev/")
        assert "The daily limit of the built-in service is reached" in words(ada)

    def test_the_limit_stops_a_test_in_words(self, with_relay: Callable[..., House], relay: ScriptedServer) -> None:
        ada = with_relay(builtin_daily_limit=1).signed_in(ADA)
        choose(ada, "built-in")
        send(ada, to=TEST)
        ada.get(FORM)

        send(ada, to=TEST)
        ada.get(FORM)

        assert "The daily limit of the built-in service is reached" in words(ada)
        assert len(relay.bodies) == 1

    def test_other_connectors_have_no_such_count(self, ada: Browser) -> None:
        choose(ada, "smtp")

        assert "Sent today" not in words(ada)


class TestMetrics:
    def test_the_mails_of_the_day_are_counted(self, house: House) -> None:
        house.services.usage.take(house.tenant("dev"))
        house.services.usage.take(house.tenant("prod"))

        everywhere = house.services.metrics.text(None).decode()
        mine = house.services.metrics.text(house.tenant("dev")).decode()

        assert "postroom_builtin_mails_today 2.0" in everywhere
        assert "postroom_builtin_mails_today 1.0" in mine
