"""Mailgun: what goes over the wire is what its own library sends, and what it answers is understood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from mailgun.builders import MailgunMessageBuilder
from mailgun.client import Client
from pydantic import ValidationError

from tests.canary import CANARY
from tests.connectors import api_attempt
from tests.connectors.api_attempt import IN_HASTE, cautions
from tests.connectors.smtp_attempt import Attempt
from webapp.connectors.contract import NEVER, Asked, HTTPContract, Reply, StandIn, Trouble
from webapp.connectors.mailgun import MailgunConnector
from webapp.connectors.network import Network
from webapp.domain.address import AddressError, Mailbox
from webapp.domain.message import Mail, Outcome, StoredTemplate
from webapp.domain.usage import UsageType

KEY = f"{CANARY}-mailgun-8f3a"
SETTINGS = {
    "domain": "mg.example.com",
    "apiKey": KEY,
    "fromEmail": "Acme <no-reply@mg.example.com>",
    "replyTo": "help@example.com",
}
MAIL = Mail(
    to="ada@example.net",
    sender=Mailbox("no-reply@mg.example.com", "Acme"),
    subject="Your code",
    message_id="<mailgun@example.com>",
    usage_type=UsageType.SIGN_IN,
    text="Your code is 493817.\n",
    html="<p>Your code is <b>493817</b>.</p>\n",
    reply_to="Help <help@example.com>",
    headers=(("X-Entity-Ref-ID", "4711"),),
    payload={"code": "493817"},
)
STORED = replace(
    MAIL,
    text=None,
    html=None,
    stored_template=StoredTemplate("sign-in", {"code": "000000", "brand": "Acmé"}),
    payload={"code": "493817", "user": {"name": "Ada"}},
)

# https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/domains/get-v4-domains--name-
SPF = {"record_type": "TXT", "name": "mg.example.com", "value": "v=spf1 include:mailgun.org ~all", "valid": "valid"}
DKIM = {"record_type": "TXT", "name": "k1._domainkey.mg.example.com", "value": "k=rsa; p=MIGf", "valid": "valid"}
CNAME = {"record_type": "CNAME", "name": "email.mg.example.com", "value": "mailgun.org", "valid": "unknown"}
ACTIVE = {"name": "mg.example.com", "state": "active", "type": "custom", "smtp_login": "postmaster@mg.example.com"}
# https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-http
ACCEPTED = Reply(200, {"id": "<20261121.1.A2@mg.example.com>", "message": "Queued. Thank you."})
READ, KNOCK, SEND = "GET /v4/domains/mg.example.com", "POST /v3/mg.example.com/messages.mime", "POST /v3/*/messages"
FORBIDDEN = Reply(401, {"message": "Forbidden"})


def domain(*records: Mapping[str, Any], **state: Any) -> Reply:
    """What Mailgun tells of the domain."""
    return Reply(200, {"domain": {**ACTIVE, **state}, "sending_dns_records": records or (SPF, DKIM, CNAME)})


class TestMailgun(HTTPContract):
    connector = MailgunConnector
    settings = SETTINGS
    answers = {"check": {READ: domain()}, "send": {SEND: ACCEPTED}}
    message_id = "<20261121.1.A2@mg.example.com>"
    troubles = {
        "credentials refused": Trouble("api.credentials_refused", {READ: FORBIDDEN, KNOCK: FORBIDDEN, SEND: FORBIDDEN}),
        "mail refused": Trouble(
            "api.recipient_refused",
            Reply(400, {"message": "'to' parameter is not a valid address. please check documentation"}),
        ),
        "too many requests": Trouble("api.rate_limited", Reply(429, {"message": "Too many requests"}), temporary=True),
        "provider down": Trouble("api.unavailable", Reply(500, {"message": "Internal Server Error"}), temporary=True),
    }


class TestMailgunsStoredTemplates(TestMailgun):
    mail = replace(STORED, to="ada@example.com", headers=(("X-Entity-Ref", "4711"),))


def attempt(answers: Mapping[str, Reply], mail: Mail | None = None, **settings: Any) -> tuple[Attempt, list[Asked]]:
    """Send a mail, or check where there is none, against a Mailgun that answers so."""
    return api_attempt.attempt(
        MailgunConnector, {**SETTINGS, **settings}, {READ: domain(), SEND: ACCEPTED, **answers}, mail, patience=IN_HASTE
    )


def check(answers: Mapping[str, Reply], **settings: Any) -> Attempt:
    return attempt(answers, None, **settings)[0]


def sent(mail: Mail, **settings: Any) -> Asked:
    """The request that a send of this mail makes."""
    tried, (asked,) = attempt({}, mail, **settings)
    assert tried.receipt, tried.everything
    return asked


class TestAgainstTheOfficialLibrary:
    """The mail as Mailgun's library for Python sends it, to a server that writes down what it is asked."""

    def as_the_library_sends_it(self, mail: Mail, *, tracking: bool = False) -> Asked:
        message = MailgunMessageBuilder(str(mail.sender)).add_recipient(mail.to).set_subject(mail.subject)
        if mail.text:
            message.set_text(mail.text)
        if mail.html:
            message.set_html(mail.html)
        for name, value in mail.headers:
            message.add_custom_header(name, value)
        if mail.reply_to:
            message.add_custom_header("Reply-To", mail.reply_to)
        if mail.stored_template:
            message.set_template(mail.stored_template.id).set_template_text(enable=True)
            message.set_template_variables({**mail.stored_template.variables, **mail.payload})
        if not tracking:
            message.add_option("tracking", value=False)
        # Its library would add a header that the recipient gets, and Mailgun makes nothing of it.
        data, _ = message.set_idempotency_safe(safe=False).build()
        with StandIn({SEND: ACCEPTED}) as provider, Client(auth=("api", KEY), api_url=provider.url) as client:
            assert client.messages.create(data=data, domain="mg.example.com").status_code == 200
            return provider.asked[0]

    @pytest.mark.parametrize(
        "mail",
        [
            pytest.param(MAIL, id="everything"),
            pytest.param(replace(MAIL, reply_to=None, headers=()), id="the least"),
            pytest.param(replace(MAIL, html=None), id="text only"),
            pytest.param(replace(MAIL, text=None), id="HTML only"),
            pytest.param(replace(MAIL, sender=Mailbox("no-reply@mg.example.com")), id="no name"),
            pytest.param(
                replace(MAIL, sender=Mailbox("no-reply@mg.example.com", 'Zoë "Z" Ünal, Acme'), subject="Code: ✓"),
                id="quotes and umlauts",
            ),
            pytest.param(replace(MAIL, text="確認コードは 493817 です。\n", html="<p>確認コード</p>"), id="Japanese"),
            pytest.param(STORED, id="stored template"),
            pytest.param(replace(STORED, subject=""), id="stored template with its own subject"),
        ],
    )
    def test_a_mail_is_the_same_field_by_field(self, mail):
        ours, theirs = sent(mail), self.as_the_library_sends_it(mail)

        assert (ours.method, ours.target) == (theirs.method, theirs.target)
        for header in ("Authorization", "Content-Type"):
            assert ours.header(header) == theirs.header(header) != ""
        # A field without a value is as good as none.
        assert sorted(ours.form) == sorted((name, value) for name, value in theirs.form if value)

    def test_with_tracking_left_to_the_domain_it_is_the_same_too(self):
        ours, theirs = sent(MAIL, tracking=True), self.as_the_library_sends_it(MAIL, tracking=True)

        assert sorted(ours.form) == sorted(theirs.form)
        assert "o:tracking" not in dict(ours.form)

    def test_only_what_belongs_to_the_client_differs(self):
        """Who asks, what it would read, how the connection is kept; nothing about the mail."""
        ours, theirs = sent(MAIL), self.as_the_library_sends_it(MAIL)

        differing = {name.lower() for name, value in {*ours.headers} ^ {*theirs.headers}}
        assert differing <= {"user-agent", "connection", "host", "content-length", "accept", "accept-encoding"}


class TestRequest:
    def test_a_mail_has_both_bodies_and_no_tracking(self):
        form = dict(sent(MAIL).form)

        assert (form["text"], form["html"]) == (MAIL.text, MAIL.html)
        assert (form["h:Reply-To"], form["o:tracking"]) == ("Help <help@example.com>", "no")

    def test_a_stored_template_gets_its_variables_and_the_mails_values_win(self):
        form = dict(sent(STORED).form)

        assert form["template"] == "sign-in"
        assert json.loads(form["t:variables"]) == {"code": "493817", "brand": "Acmé", "user": {"name": "Ada"}}
        assert form["subject"] == "Your code"
        assert {"html", "text", "h:X-Mailgun-Variables"}.isdisjoint(form)

    def test_beside_a_stored_template_no_body_goes(self):
        """Mailgun would take it in the place of the template."""
        form = dict(sent(replace(STORED, text="\n", html="<p></p>")).form)

        assert {"html", "text"}.isdisjoint(form)

    def test_international_domains_are_written_as_dns_has_them(self):
        mail = replace(MAIL, to="ada@bücher.example", sender=Mailbox("no-reply@müller.example", "Müller"))

        asked = sent(mail, domain="mg.müller.example", fromEmail="no-reply@müller.example")

        assert asked.path == "/v3/mg.xn--mller-kva.example/messages"
        assert dict(asked.form)["to"] == "ada@xn--bcher-kva.example"
        assert dict(asked.form)["from"] == "Müller <no-reply@xn--mller-kva.example>"

    def test_a_name_that_looks_encoded_is_encoded_itself(self):
        mail = replace(MAIL, sender=Mailbox("no-reply@mg.example.com", "=?utf-8?q?Ada=0d=0aBcc:_m?="))

        assert "=0d=0a" not in dict(sent(mail).form)["from"].lower()

    def test_nothing_goes_to_more_than_one(self):
        with pytest.raises(AddressError):
            attempt({}, replace(MAIL, to="ada@example.net, mallory@example.org"))


class TestSettings:
    @pytest.mark.parametrize("left_empty", [{}, {"endpoint": " "}, {"endpoint": None}])
    def test_the_endpoint_is_that_of_the_us(self, left_empty):
        assert MailgunConnector.config_model.model_validate({**SETTINGS, **left_empty}).endpoint == (
            "https://api.mailgun.net"
        )

    @pytest.mark.parametrize(
        "name",
        ["mg", "https://mg.example.com", "mg.example.com/v3/x", "../domains", "a@mg.example.com", "mg.example.com?x"],
    )
    def test_a_domain_is_a_name_and_nothing_else(self, name):
        with pytest.raises(ValidationError, match="Give only the domain"):
            MailgunConnector.config_model.model_validate({**SETTINGS, "domain": name})

    def test_secrets_stay_between_its_regions_and_go_nowhere_else(self):
        def place(url):
            return MailgunConnector.destination({**SETTINGS, "endpoint": url})

        assert place("https://api.eu.mailgun.net/").keeps_secrets_of(MailgunConnector.destination(SETTINGS))
        assert not place("https://evil.example/.mailgun.net").keeps_secrets_of(place("https://api.mailgun.net"))
        assert not place("https://api.mailgun.net.example.org").keeps_secrets_of(place("https://api.mailgun.net"))

    def test_another_domain_of_the_same_account_keeps_the_key(self):
        assert MailgunConnector.destination({**SETTINGS, "domain": "mg.example.org"}).keeps_secrets_of(
            MailgunConnector.destination(SETTINGS)
        )


class TestCheck:
    def test_an_active_domain_is_right(self):
        tried, asked = attempt({})

        assert cautions(tried) == []
        assert [str(each) for each in asked] == [READ]
        assert tried.phases == ["resolve", "connect", "auth", "account", "sender"]

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_sending_key_is_right_although_it_may_not_read(self, status):
        answers = {
            READ: Reply(status, {"message": "Forbidden"}),
            KNOCK: Reply(400, {"message": "to parameter is missing"}),
        }

        tried, asked = attempt(answers)

        assert cautions(tried) == ["mailgun.domain_not_read"]
        # What is handed in to find out has nothing that could become a mail.
        assert asked[1].form == [("o:testmode", "yes")]

    def test_a_key_that_may_neither_read_nor_send_is_refused(self):
        tried = check({READ: FORBIDDEN, KNOCK: FORBIDDEN})

        assert (tried.code, tried.phases[-1]) == ("api.credentials_refused", "auth")

    def test_what_a_sending_key_is_told_of_its_domain_is_understood(self):
        words = "Domain mg.example.com is not allowed to send: The domain is unverified and requires DNS configuration."

        tried = check({READ: FORBIDDEN, KNOCK: Reply(403, {"message": words})})

        assert (tried.code, tried.error.text) == ("mailgun.not_verified", words)

    def test_a_domain_that_is_not_there_may_be_in_the_other_region(self):
        tried = check({READ: Reply(404, {"message": "Domain not found: mg.example.com"})})

        assert (tried.code, tried.phases[-1]) == ("mailgun.domain_not_found", "account")

    @pytest.mark.parametrize(
        ("endpoint", "other"),
        [
            ("https://api.mailgun.net", "https://api.eu.mailgun.net"),
            ("https://api.eu.mailgun.net", "https://api.mailgun.net"),
            ("https://mailgun.example.net", None),
        ],
    )
    def test_the_other_region_is_one_click_away(self, endpoint, other):
        config = MailgunConnector.config_model.model_validate({**SETTINGS, "endpoint": endpoint})

        fix = MailgunConnector(config, Network()).remedy("mailgun.domain_not_found")

        assert (fix and fix.values) == (other and (("endpoint", other),))

    def test_an_unverified_domain_fails_and_names_what_is_missing(self):
        unknown = {**DKIM, "valid": "unknown"}

        tried = check({READ: domain(SPF, unknown, CNAME, state="unverified")})

        assert (tried.code, tried.phases[-1]) == ("mailgun.domain_unverified", "account")
        assert str(tried.error.problem.cause).endswith("these DNS records: TXT k1._domainkey.mg.example.com.")

    @pytest.mark.parametrize(
        "state",
        [{"state": "disabled"}, {"is_disabled": True}, {"disabled": {"code": "blacklisted", "reason": "bad customer"}}],
        ids=["state", "flag", "reason"],
    )
    def test_a_disabled_domain_fails(self, state):
        tried = check({READ: domain(**state)})

        assert tried.code == "mailgun.domain_disabled"
        assert "disabled" not in state or "bad customer" in str(tried.error.problem.cause)

    def test_a_record_that_went_missing_is_told(self):
        tried = check({READ: domain({**SPF, "valid": "invalid"}, DKIM, CNAME)})

        assert cautions(tried) == ["mailgun.record_missing"]
        assert "TXT mg.example.com" in str(tried.trace.cautions[0].cause)

    def test_a_sandbox_domain_is_told(self):
        name = "sandbox123.mailgun.org"
        answers = {f"GET /v4/domains/{name}": domain(name=name, type="sandbox")}

        assert cautions(check(answers, domain=name, fromEmail=f"mailgun@{name}")) == ["mailgun.sandbox_domain"]

    @pytest.mark.parametrize(
        ("sender", "found"),
        [
            ("no-reply@example.com", []),
            ("no-reply@a.mg.example.com", []),
            ("no-reply@example.org", ["mailgun.sender_elsewhere"]),
            ("no-reply@notmg.example.com", ["mailgun.sender_elsewhere"]),
        ],
    )
    def test_a_sender_of_another_domain_is_told(self, sender, found):
        assert cautions(check({}, fromEmail=sender)) == found

    @pytest.mark.parametrize("body", ["[]", "{", "null", '{"domain": 1}', '[[["' * 2000, '{"domain": {}}', "<html>"])
    def test_nonsense_is_named(self, body):
        assert check({READ: Reply(200, body)}).code == "api.not_understood"

    def test_what_the_domain_keeps_for_itself_is_in_no_transcript(self):
        tried = check({READ: domain(smtp_password=f"{CANARY}-smtp")})

        assert CANARY not in tried.everything


class TestSubmit:
    def test_id_and_words_are_kept(self):
        tried, _ = attempt({}, MAIL)

        assert tried.receipt.provider_message_id == "<20261121.1.A2@mg.example.com>"
        assert (tried.receipt.code, tried.receipt.text) == (200, "Queued. Thank you.")

    def test_a_provider_that_never_answers_may_have_sent_it(self):
        tried, asked = attempt({SEND: NEVER}, MAIL)

        assert (tried.code, tried.outcome) == ("api.maybe_sent", Outcome.MAYBE_SENT)
        assert len(asked) == 1

    @pytest.mark.parametrize(
        ("reply", "code", "outcome"),
        [
            (Reply(200, "<html>Welcome</html>"), "api.not_understood", Outcome.MAYBE_SENT),
            (Reply(200, "Mailgun Magnificent API"), "api.not_understood", Outcome.MAYBE_SENT),
            (Reply(302, b"", {"Location": "https://example.net"}), "api.redirected", Outcome.NOT_SENT),
            (Reply(502, "Bad Gateway"), "api.maybe_sent", Outcome.MAYBE_SENT),
            (Reply(200, "x" * 2_000_000), "api.maybe_sent", Outcome.MAYBE_SENT),
            (Reply(403, {"message": "Forbidden"}), "api.not_allowed", Outcome.NOT_SENT),
            (Reply(404, "<html>404 Not Found</html>"), "api.not_found", Outcome.NOT_SENT),
            (Reply(400, '{"message": ["x"]}'), "api.refused", Outcome.NOT_SENT),
        ],
        ids=["page", "root", "redirect", "502", "huge", "forbidden", "no such page", "odd words"],
    )
    def test_other_answers(self, reply, code, outcome):
        tried, asked = attempt({SEND: reply}, MAIL)

        assert (tried.code, tried.outcome, len(asked)) == (code, outcome, 1)

    def test_a_limit_that_opens_again_is_worth_waiting_for(self):
        words = (
            "Domain mg.example.com is not allowed to send: recipient limit exceeded, try again after Mon, 20 Dec 2021"
        )

        tried, _ = attempt({SEND: Reply(420, {"message": words})}, MAIL)

        assert (tried.code, tried.error.problem.temporary, tried.error.text) == ("mailgun.limit_reached", True, words)

    @pytest.mark.parametrize("encoded", [False, True])
    def test_the_key_is_in_no_word_even_if_it_is_repeated(self, encoded):
        with StandIn({}) as nobody:
            config = MailgunConnector.config_model.model_validate({**SETTINGS, "endpoint": nobody.url})
        secret = MailgunConnector(config, Network())._headers()["Authorization"] if encoded else KEY

        tried, _ = attempt({SEND: Reply(400, {"message": f"You said {secret}", "id": secret})}, MAIL)

        assert secret.split()[-1] not in tried.everything
        assert "•••" in tried.error.text
