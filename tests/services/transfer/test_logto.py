"""Documents of Logto's Management API: every email connector becomes ours, and what has no place is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.canary import CANARY
from webapp.connectors import CONNECTORS
from webapp.domain.setup import Setup
from webapp.services.transfer.logto import read, reads

KEY = f"{CANARY}-key"

TEMPLATES = [
    {"usageType": "SignIn", "type": "text/plain", "contentType": "text/plain", "subject": "In", "content": "{{code}}"},
    {"usageType": "Generic", "contentType": "text/html", "subject": "Any", "content": "<b>{{code}}</b>"},
]

CONNECTORS_OF_LOGTO: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "simple-mail-transfer-protocol": (
        {
            "host": "smtp.example.com",
            "port": 465,
            "secure": True,
            "auth": {"type": "login", "user": "ada", "pass": KEY},
            "fromEmail": "no-reply@example.com",
            "replyTo": "help@example.com",
            "customHeaders": {"X-Team": "mail"},
            "connectionTimeout": 20000,
            "tls": {"minVersion": "TLSv1.3"},
        },
        "smtp",
        {
            "host": "smtp.example.com",
            "port": 465,
            "security": "tls",
            "auth": {"type": "login", "user": "ada", "pass": KEY},
            "fromEmail": "no-reply@example.com",
            "replyTo": "help@example.com",
            "customHeaders": {"X-Team": "mail"},
            "connectionTimeout": 20000,
            "tls": {"minVersion": "TLSv1.3"},
        },
    ),
    "aws-ses-mail": (
        {
            "accessKeyId": "AKIAEXAMPLE",
            "accessKeySecret": KEY,
            "region": "eu-central-1",
            "emailAddress": "Acme<no-reply@example.com>",
            "configurationSetName": "codes",
        },
        "aws-ses",
        {
            "accessKeyId": "AKIAEXAMPLE",
            "accessKeySecret": KEY,
            "region": "eu-central-1",
            "fromEmail": "Acme<no-reply@example.com>",
            "configurationSetName": "codes",
        },
    ),
    "mailgun-email": (
        {
            "endpoint": "https://api.eu.mailgun.net",
            "domain": "mg.example.com",
            "apiKey": KEY,
            "from": "Acme <no-reply@mg.example.com>",
            "deliveries": {},
        },
        "mailgun",
        {
            "endpoint": "https://api.eu.mailgun.net",
            "domain": "mg.example.com",
            "apiKey": KEY,
            "fromEmail": "Acme <no-reply@mg.example.com>",
        },
    ),
    "sendgrid-email-service": (
        {"apiKey": KEY, "fromEmail": "no-reply@example.com", "fromName": "Acme, Inc."},
        "sendgrid",
        {"apiKey": KEY, "fromEmail": '"Acme, Inc." <no-reply@example.com>'},
    ),
    "aliyun-direct-mail": (
        {
            "accessKeyId": "LTAIexample",
            "accessKeySecret": KEY,
            "regionId": "ap-southeast-1",
            "accountName": "no-reply@example.com",
            "fromAlias": "Acme",
        },
        "aliyun-dm",
        {
            "accessKeyId": "LTAIexample",
            "accessKeySecret": KEY,
            "regionId": "ap-southeast-1",
            "fromEmail": '"Acme" <no-reply@example.com>',
        },
    ),
    "postmark-mail": (
        {"serverToken": KEY, "fromEmail": "no-reply@example.com"},
        "postmark",
        {"serverToken": KEY, "fromEmail": "no-reply@example.com"},
    ),
    "http-email": (
        {"endpoint": "https://mail.example.com/send", "authorization": f"Bearer {KEY}"},
        "http-email",
        {"endpoint": "https://mail.example.com/send", "authorization": f"Bearer {KEY}"},
    ),
    "logto-email": (
        {"senderName": "Acme", "companyInformation": "Company p.s.a.", "appLogo": "https://example.com/logo.png"},
        "built-in",
        {"senderName": "Acme", "companyInformation": "Company p.s.a.", "appLogo": "https://example.com/logo.png"},
    ),
}


@pytest.mark.parametrize("kind", CONNECTORS_OF_LOGTO)
class TestEveryConnector:
    def test_it_is_mapped_setting_by_setting(self, kind):
        config, provider, expected = CONNECTORS_OF_LOGTO[kind]

        reading = read({"connectorId": kind, "config": config})

        assert reading.connector == {"provider": provider, "config": expected}
        assert reading.left == []

    def test_what_it_becomes_is_accepted(self, kind):
        config, provider, _ = CONNECTORS_OF_LOGTO[kind]
        reading = read({"connectorId": kind, "config": config})

        assert reading.connector is not None
        assert CONNECTORS[provider].config_model.model_validate(reading.connector["config"])

    def test_the_answer_of_its_api_is_read_as_well(self, kind):
        config, provider, _ = CONNECTORS_OF_LOGTO[kind]
        item = {
            "id": "abc",
            "connectorId": kind,
            "metadata": {},
            "type": "Email",
            "config": config,
            "name": {"en": "x"},
        }

        listed = read([{"connectorId": "google-universal", "config": {"clientId": "x"}}, item])

        assert read(item).connector == listed.connector
        assert listed.connector is not None
        assert listed.connector["provider"] == provider

    def test_a_setting_without_a_place_is_named_and_not_quoted(self, kind):
        config, _, _ = CONNECTORS_OF_LOGTO[kind]

        reading = read({"connectorId": kind, "config": {**config, "mystery": KEY}})

        assert [left.source for left in reading.left] == ["/config/mystery"]
        assert CANARY not in str(reading.left[0].why)


class TestSmtpSecurity:
    @pytest.mark.parametrize(
        ("given", "security"),
        [
            ({"secure": True}, "tls"),
            ({"secure": True, "requireTLS": True}, "tls"),
            ({"requireTLS": True}, "starttls"),
            ({"requireTLS": True, "ignoreTLS": True}, "starttls"),
            ({"ignoreTLS": True}, "none"),
            ({}, "opportunistic"),
            ({"secure": False, "requireTLS": False, "ignoreTLS": False}, "opportunistic"),
        ],
        ids=str,
    )
    def test_three_switches_become_one_choice(self, given, security):
        reading = read({"connectorId": "simple-mail-transfer-protocol", "config": {"host": "a.example.com", **given}})

        assert reading.connector is not None
        assert reading.connector["config"]["security"] == security

    def test_a_contradiction_is_told(self):
        config = {"host": "a.example.com", "requireTLS": True, "ignoreTLS": True}

        reading = read({"connectorId": "simple-mail-transfer-protocol", "config": config})

        assert [left.source for left in reading.left] == ["/config/ignoreTLS"]

    def test_verification_is_on_whatever_was_said(self):
        config = {"host": "a.example.com", "tls": {"rejectUnauthorized": False}}

        reading = read({"connectorId": "simple-mail-transfer-protocol", "config": config})

        assert reading.connector is not None
        assert "tls" not in reading.connector["config"]
        assert [left.source for left in reading.left] == ["/config/tls/rejectUnauthorized"]

    @pytest.mark.parametrize(
        ("auth", "ours"),
        [
            ({"type": "login"}, {"type": "none"}),
            ({}, {"type": "none"}),
            ({"user": "ada", "pass": KEY}, {"type": "login", "user": "ada", "pass": KEY}),
            (
                {"type": "OAuth2", "user": "ada", "clientId": "c", "refreshToken": KEY},
                {"type": "oauth2", "user": "ada", "clientId": "c", "refreshToken": KEY},
            ),
        ],
        ids=["no credentials", "nothing", "without type", "OAuth 2.0"],
    )
    def test_logins_are_told_apart(self, auth, ours):
        reading = read({"connectorId": "simple-mail-transfer-protocol", "config": {"host": "a.example", "auth": auth}})

        assert reading.connector is not None
        assert reading.connector["config"]["auth"] == ours


class TestTemplates:
    def test_those_of_a_connector_hold_for_any_language(self):
        reading = read({"connectorId": "aws-ses-mail", "config": {"templates": TEMPLATES}})

        assert {usage: list(cells) for usage, cells in reading.templates.items()} == {"SignIn": ["*"], "Generic": ["*"]}
        assert reading.templates["SignIn"]["*"]["contentType"] == "text/plain"
        assert Setup.model_validate({"templates": reading.templates})

    def test_those_of_a_list_keep_their_language(self):
        details = {"subject": "Código", "content": "{{code}}", "contentType": "text/plain", "sendFrom": "Acme"}
        items = [{"id": "1", "languageTag": "pt-BR", "templateType": "SignIn", "details": details}]

        cell = {"contentType": "text/plain", "subject": "Código", "content": "{{code}}", "sendFrom": "Acme"}
        assert read(items).templates == {"SignIn": {"pt-BR": cell}}
        assert read({"templates": items}).templates == read(items).templates

    def test_aliases_of_postmark_name_templates_stored_there(self):
        templates = [{"usageType": "Register", "templateAlias": "logto-register"}]

        reading = read({"connectorId": "postmark-mail", "config": {"templates": templates}})

        cell = reading.templates["Register"]["*"]
        assert cell["providerTemplate"] == {"id": "logto-register", "variables": {}}
        assert Setup.model_validate({"templates": reading.templates})

    def test_deliveries_of_mailgun_are_mails_or_templates_stored_there(self):
        deliveries = {
            "SignIn": {"subject": "In", "html": "<b>{{code}}</b>", "text": "{{code}}", "replyTo": "a@example.com"},
            "Generic": {"template": "generic", "variables": {"team": "mail"}, "subject": "Any"},
        }

        templates = read({"connectorId": "mailgun-email", "config": {"deliveries": deliveries}}).templates

        assert templates["SignIn"]["*"]["text"] == "{{code}}"
        assert templates["SignIn"]["*"]["replyTo"] == "a@example.com"
        assert templates["Generic"]["*"]["providerTemplate"] == {"id": "generic", "variables": {"team": "mail"}}
        assert Setup.model_validate({"templates": templates})

    def test_an_invitation_that_shows_a_code_is_left_out(self):
        templates = [{"usageType": "OrganizationInvitation", "subject": "Come", "content": "{{code}}"}]

        reading = read({"connectorId": "aws-ses-mail", "config": {"templates": templates}})

        assert reading.templates == {}
        assert "{{link}}" in str(reading.left[0].why)

    def test_a_misspelt_usage_type_is_told(self):
        templates = [{"usageType": "Signin", "subject": "In", "content": "{{code}}"}]

        reading = read({"connectorId": "aws-ses-mail", "config": {"templates": templates}})

        assert [left.source for left in reading.left] == ["/config/templates/0"]

    @pytest.mark.parametrize("kind", ["mailjunky-email-service", "smtp2go-email"])
    def test_a_connector_that_we_do_not_have_gives_its_templates(self, kind):
        reading = read({"connectorId": kind, "config": {"apiKey": KEY, "templates": TEMPLATES}})

        assert reading.connector is None
        assert set(reading.templates) == {"SignIn", "Generic"}
        assert [left.source for left in reading.left] == ["/connectorId"]


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        ({"connectorId": "smtp"}, True),
        ([{"templateType": "SignIn"}], True),
        ({"format": "postroom/setup"}, False),
        ({"connector": None, "templates": {}}, False),
        ({"templates": [{"usageType": "SignIn"}]}, False),
        ([], False),
        (None, False),
    ],
    ids=str,
)
def test_its_documents_are_told_from_ours(value, ours):
    assert reads(value) is ours


@pytest.mark.parametrize("config", [None, [], "x", {"templates": "x", "deliveries": [], "auth": [], "tls": 1}], ids=str)
@pytest.mark.parametrize("kind", [*CONNECTORS_OF_LOGTO, "smtp2go-email", "unknown"])
def test_what_is_no_config_does_no_harm(kind, config):
    assert read({"connectorId": kind, "config": config}).templates == {}
