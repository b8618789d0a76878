"""Who makes a mail: we from the setup's template, the house, the provider, or whoever receives the values."""

from __future__ import annotations

import pytest

from tests.canary import CANARY
from webapp.connectors.base import Means
from webapp.connectors.built_in import BuiltInConfig, BuiltInConnector
from webapp.connectors.http_email import HTTPEmailConnector
from webapp.connectors.network import Network
from webapp.connectors.postmark import PostmarkConnector
from webapp.connectors.smtp import SmtpConnector
from webapp.domain.address import Mailbox
from webapp.domain.errors import TemplateNotFoundError, TemplateVariableMissingError
from webapp.domain.message import StoredTemplate
from webapp.domain.template import Template
from webapp.domain.usage import UsageType
from webapp.services.composing import StoredTemplateUnusableError, Wanted, compose
from webapp.services.defaults import default_templates, sample_payload

SIGN_IN, INVITATION = UsageType.SIGN_IN, UsageType.ORGANIZATION_INVITATION
STORED = {SIGN_IN: {"*": Template(provider_template={"id": "welcome", "variables": {"product": "Acme"}})}}
CODE = {"code": "493817"}


class House:
    """The operator's relay, as far as a mail is made for it."""

    host = "relay.operator.example"
    sender = Mailbox("mail@operator.example", "The house")


def smtp(**config):
    settings = {"host": "smtp.example.com", "port": 587, "auth": {"type": "none"}, "fromEmail": "a@example.com"}
    return SmtpConnector(SmtpConnector.config_model.model_validate({**settings, **config}), Network())


def postmark():
    settings = {"serverToken": f"{CANARY}-postmark", "fromEmail": "Acme <no-reply@example.com>"}
    return PostmarkConnector(PostmarkConnector.config_model.model_validate(settings), Network())


def endpoint(**config):
    settings = {"endpoint": "https://mail.example.com/hook", **config}
    return HTTPEmailConnector(HTTPEmailConnector.config_model.model_validate(settings), Network())


def built_in(**config):
    return BuiltInConnector(BuiltInConfig.model_validate(config), Network(), Means(relay=House()))


def composed(connector, templates=None, usage_type=SIGN_IN, payload=CODE, default="en", **wanted):
    chosen = default_templates() if templates is None else templates
    return compose(connector, chosen, default, Wanted(usage_type, "ada@example.com", payload, **wanted))


class TestOfTheSetup:
    def test_the_template_of_the_reader_s_language_is_filled(self):
        templates = {SIGN_IN: {tag: Template(subject=tag, content="{{code}}") for tag in ("*", "ja", "pt-BR")}}

        assert composed(smtp(), templates, locale="ja-JP").mail.subject == "ja"
        assert composed(smtp(), templates, payload={**CODE, "uiLocales": "fr pt_br"}).mail.subject == "pt-BR"
        assert composed(smtp(), templates, payload={**CODE, "uiLocales": ["not a tag", "ja"]}).mail.subject == "ja"
        assert composed(smtp(), templates, default="pt-BR").mail.subject == "pt-BR"
        assert composed(smtp(), templates, locale="de").mail.subject == "*"

    def test_without_one_nothing_is_sent(self):
        with pytest.raises(TemplateNotFoundError):
            composed(smtp(), {})

    def test_a_stored_template_goes_by_its_name_where_there_are_such(self):
        mail = composed(postmark(), STORED).mail

        assert mail.stored_template == StoredTemplate("welcome", {"product": "Acme"})
        assert (mail.html, mail.text, mail.subject) == (None, None, "")
        assert mail.payload == CODE

    def test_a_number_is_a_name_too(self):
        mail = composed(postmark(), {SIGN_IN: {"*": Template(provider_template={"id": 4711})}}).mail

        assert mail.stored_template == StoredTemplate("4711", {})

    def test_where_there_are_none_it_is_said_before_anything_is_sent(self):
        with pytest.raises(StoredTemplateUnusableError) as caught:
            composed(smtp(), STORED)

        (error,) = caught.value.errors
        assert (error.pointer, error.code) == ("/templates/SignIn/*/providerTemplate", "template.stored_elsewhere")
        assert "SMTP" in str(error.message)


class TestOfTheHouse:
    def test_templates_of_the_setup_are_not_used(self):
        mail = composed(built_in(senderName="Acme"), {}).mail

        assert mail.subject == "493817 is your sign-in code"
        assert mail.sender == Mailbox("mail@operator.example", "Acme")
        assert mail.payload == CODE

    def test_the_language_is_looked_up_as_everywhere(self):
        assert "サインイン" in composed(built_in(), locale="ja-JP").mail.subject
        assert "登入" in composed(built_in(), locale="zh-TW").mail.subject
        assert "acesso" in composed(built_in(), payload={**CODE, "uiLocales": "fr pt-BR"}).mail.subject
        assert "รหัส" in composed(built_in(), default="th").mail.subject
        assert "sign-in" in composed(built_in(), default="de").mail.subject

    def test_stored_templates_do_not_disturb(self):
        assert composed(built_in(), STORED).mail.stored_template is None

    def test_it_needs_its_code_as_every_mail_does(self):
        with pytest.raises(TemplateVariableMissingError):
            composed(built_in(), payload={})


class TestOfOthers:
    def test_values_go_untouched_and_need_no_template(self):
        payload = {**sample_payload(INVITATION), "uiLocales": "ja", "more": [1, None, {"deep": True}]}

        mail = composed(endpoint(), {}, INVITATION, payload, locale="ja", ip="203.0.113.7").mail

        assert mail.payload == payload
        assert (mail.usage_type, mail.locale, mail.ip) == (INVITATION, "ja", "203.0.113.7")
        assert (mail.subject, mail.html, mail.text) == ("", None, None)

    def test_the_finished_mail_needs_one(self):
        rendered = endpoint(mode="rendered", fromEmail="a@example.com")

        assert "493817" in (composed(rendered).mail.html or "")
        with pytest.raises(TemplateNotFoundError):
            composed(rendered, {})
