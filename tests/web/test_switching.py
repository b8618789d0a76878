"""Changing the provider: what comes along, what is said before saving, and the way back."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest

from tests.canary import CANARY
from tests.web.conftest import ADA, Browser, House
from tests.web.filling import FORM, SECRET, choose, fill, send, shown
from tests.web.test_review import save
from webapp.accounts import Accounts
from webapp.connectors import CONNECTORS
from webapp.domain.roles import OPERATOR, Access, Role

CHOOSE = f"{FORM}/choose"
POSTMARK = {
    "provider": "postmark",
    "config": {"serverToken": f"{CANARY}-postmark", "fromEmail": "Acme <no-reply@example.com>"},
}


def saved(house: House, connector: dict[str, Any], **templates: Any) -> int:
    """Make a connector live, with some mails changed."""
    tenant = house.tenant("dev")
    document = dict(house.services.setups.active(tenant).document)
    cells = {usage: {"*": {**document["templates"][usage]["*"], **changed}} for usage, changed in templates.items()}
    document |= {"connector": connector, "templates": {**document["templates"], **cells}}
    access = Access(OPERATOR, tenant, Role.OWNER)
    return house.services.setups.save(access, document, base=None).number


def active(house: House) -> dict[str, Any]:
    return house.services.setups.active(house.tenant("dev")).document


def notice(browser: Browser) -> str:
    """What the page says of the change."""
    return " ".join(unescape(browser.page.partition('class="changeover"')[2].partition("</section>")[0]).split())


class TestBeforeSaving:
    def test_the_form_says_what_comes_along_and_what_has_to_be_typed(self, ada: Browser) -> None:
        fill(ada, name="mail.example.com")
        save(ada)

        choose(ada, "sendgrid")

        assert "From SMTP to SendGrid" in notice(ada)
        assert "all templates and flows, From" in notice(ada)
        assert "EHLO name <code>mail.example.com</code>" in notice(ada)
        assert "API key" in notice(ada).partition("To be typed:")[2]
        assert shown(ada)["fromEmail"] == "Acme <no-reply@example.com>"

    def test_the_review_says_it_too(self, ada: Browser) -> None:
        fill(ada)
        save(ada)
        choose(ada, "sendgrid")
        send(ada, apiKey=SECRET)

        page = ada.get(f"{FORM}/review").text

        assert "From SMTP to SendGrid" in page
        assert "The next mail goes out through SendGrid." in page
        assert SECRET not in page

    def test_mails_that_name_a_stored_template_are_named(self, house: House, ada: Browser) -> None:
        stored = {"providerTemplate": {"id": "sign-in"}, "content": "", "text": None, "preheader": None}
        saved(house, POSTMARK, SignIn=stored)

        choose(ada, "sendgrid")

        assert "They cannot be sent until they have a text of their own. <i>Sign in</i>" in notice(ada)

    def test_nothing_is_said_while_there_is_nothing_live(self, ada: Browser) -> None:
        fill(ada)

        choose(ada, "sendgrid")

        assert "changeover" not in ada.page

    def test_nothing_is_said_where_the_provider_is_the_same(self, ada: Browser) -> None:
        fill(ada)
        save(ada)
        ada.get(FORM)

        send(ada, fromEmail="Acme <hello@example.com>")

        assert "changeover" not in ada.get(FORM).text


class TestLookingAround:
    """Somebody looks at several providers before deciding; one of them does not ask for everything."""

    @pytest.mark.parametrize("between", ["built-in", "http-email"])
    def test_the_sender_outlasts_a_provider_that_does_not_ask_for_it(self, ada: Browser, between: str) -> None:
        fill(ada, replyTo="help@example.com")
        choose(ada, between)
        choose(ada, "sendgrid")

        assert shown(ada)["fromEmail"] == "Acme <no-reply@example.com>"
        assert shown(ada)["replyTo"] == "help@example.com"

    def test_what_was_taken_away_on_purpose_does_not_come_back(self, ada: Browser) -> None:
        fill(ada, replyTo="help@example.com")
        choose(ada, "sendgrid")
        send(ada, replyTo="")
        ada.get(FORM)

        choose(ada, "postmark")

        assert shown(ada)["replyTo"] == ""

    def test_no_login_outlasts_anything(self, ada: Browser) -> None:
        fill(ada)
        choose(ada, "built-in")

        choose(ada, "smtp:gmail")

        assert shown(ada)["auth.user"] == ""


class TestSaving:
    def test_the_old_one_is_live_until_then(self, house: House, ada: Browser) -> None:
        fill(ada)
        save(ada)

        choose(ada, "sendgrid")

        assert active(house)["connector"]["provider"] == "smtp"

    def test_templates_and_flows_stay_as_they_are_to_the_byte(self, house: House, ada: Browser) -> None:
        fill(ada)
        save(ada)
        before = {key: json.dumps(value) for key, value in active(house).items() if key != "connector"}
        choose(ada, "sendgrid")
        send(ada, apiKey=SECRET)

        save(ada)

        after = active(house)
        assert after["connector"]["provider"] == "sendgrid"
        assert {key: json.dumps(value) for key, value in after.items() if key != "connector"} == before

    def test_undo_brings_the_old_one_back_with_its_secrets(self, house: House, ada: Browser) -> None:
        fill(ada)
        save(ada)
        tag = house.services.setups.active(house.tenant("dev")).values_tag
        choose(ada, "sendgrid")
        send(ada, apiKey=SECRET)
        save(ada)

        ada.get("/t/dev/history/1/restore")
        ada.post("/t/dev/history/1/restore", {"base": ada.field("base")})

        back = house.services.setups.active(house.tenant("dev"))
        assert back.document["connector"]["provider"] == "smtp"
        assert back.values_tag == tag

    def test_choosing_the_live_one_again_takes_the_choice_back(self, house: House, ada: Browser) -> None:
        fill(ada)
        save(ada)
        choose(ada, "sendgrid")
        assert "Live" in ada.get(CHOOSE).text.partition('value="smtp"')[2].partition("</button>")[0]

        choose(ada, "smtp")

        assert shown(ada)["auth.user"] == "ada"
        assert "Stored" in ada.page
        assert "Nothing has changed" in ada.get(f"{FORM}/review").text


class TestKnownValues:
    def test_they_are_a_list_with_a_place_for_others(self, ada: Browser) -> None:
        choose(ada, "aws-ses")

        send(ada, region="*", **{"region.other": "eu-isoe-west-1"})

        ada.get(FORM)
        assert (shown(ada)["region"], shown(ada)["region.other"]) == ("*", "eu-isoe-west-1")

    def test_a_known_one_is_chosen_by_its_name(self, ada: Browser) -> None:
        choose(ada, "aws-ses")

        send(ada, region="eu-central-1")

        ada.get(FORM)
        assert (shown(ada)["region"], shown(ada)["region.other"]) == ("eu-central-1", "")

    def test_one_that_has_to_be_chosen_is_not_chosen_for_anybody(self, ada: Browser) -> None:
        choose(ada, "aws-ses")

        assert shown(ada)["region"] == ""
        assert "Choose one" in ada.page

    def test_edit_as_json_reads_and_writes_the_value_itself(self, house: House, ada: Browser) -> None:
        choose(ada, "aws-ses")
        send(ada, region="*", **{"region.other": "eu-isoe-west-1"})

        assert "&#34;region&#34;: &#34;eu-isoe-west-1&#34;" in ada.get(f"{FORM}/json").text


class TestTemplates:
    def test_a_provider_that_makes_the_mails_itself_is_said_to(self, ada: Browser) -> None:
        choose(ada, "built-in")

        assert "ready-made mails of its own" in ada.page
        assert "Show the stored templates" in ada.page

    def test_an_endpoint_makes_them_itself_unless_it_gets_the_finished_mail(self, ada: Browser) -> None:
        choose(ada, "http-email")
        assert "makes the mails itself" in ada.page

        send(ada, mode="rendered")

        assert "makes the mails itself" not in ada.get(FORM).text

    @pytest.mark.parametrize("provider", ["postmark", "mailgun"])
    def test_a_mail_can_be_made_by_a_template_at_the_provider(self, house: House, ada: Browser, provider: str) -> None:
        choose(ada, provider)
        send(ada, "open:SignIn")
        ada.get(FORM)

        send(ada, **{"templates.SignIn.providerTemplate": "sign-in-7"})

        ada.get(FORM)
        cell = house.services.drafts.load(_access(house)).document["templates"]["SignIn"]["*"]  # type: ignore[union-attr]
        assert cell["providerTemplate"] == {"id": "sign-in-7"}
        assert not cell["content"]
        assert "At the provider" in ada.page

    def test_what_was_typed_for_it_before_comes_back_without_the_name(self, house: House, ada: Browser) -> None:
        choose(ada, "postmark")
        send(ada, "open:SignIn")
        ada.get(FORM)
        send(ada, **{"templates.SignIn.content": "My {{code}}", "templates.SignIn.providerTemplate": "sign-in-7"})
        ada.get(FORM)

        send(ada, **{"templates.SignIn.providerTemplate": ""})

        cell = house.services.drafts.load(_access(house)).document["templates"]["SignIn"]["*"]  # type: ignore[union-attr]
        assert cell["content"] == "My {{code}}"
        assert "providerTemplate" not in cell

    def test_others_have_no_field_for_it(self, ada: Browser) -> None:
        choose(ada, "sendgrid")
        send(ada, "open:SignIn")

        assert "providerTemplate" not in ada.get(FORM).text


@pytest.mark.parametrize("provider", [*CONNECTORS.ours, "smtp:gmail", "smtp:amazon-ses"])
def test_the_form_of_every_provider_is_light(ada: Browser, provider: str) -> None:
    fill(ada, fromEmail="Acme <hello@example.com>")
    save(ada)
    choose(ada, provider)
    send(ada, "open:SignIn")

    assert len(ada.get(FORM).data) < 60_000


def _access(house: House) -> Access:
    person = Accounts(house.services.db).by_email(ADA)
    return house.services.tenants.access(person.actor, "dev")
