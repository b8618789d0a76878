"""SendGrid: what goes over the wire is what its own library sends, and what it answers is understood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import sendgrid
from pydantic import ValidationError
from sendgrid.helpers import mail as sdk

from tests.canary import CANARY
from tests.connectors import api_attempt
from tests.connectors.api_attempt import IN_HASTE, cautions
from tests.connectors.smtp_attempt import Attempt
from webapp.connectors.contract import NEVER, Asked, HTTPContract, Reply, StandIn, Trouble
from webapp.connectors.network import Network
from webapp.connectors.sendgrid import SendGridConnector
from webapp.domain.address import AddressError, Mailbox
from webapp.domain.message import Mail, Outcome
from webapp.domain.usage import UsageType

KEY = f"SG.{CANARY}.sendgrid"
SETTINGS = {"apiKey": KEY, "fromEmail": "Acme <no-reply@example.com>", "replyTo": "help@example.com"}
MAIL = Mail(
    to="ada@example.net",
    sender=Mailbox("no-reply@example.com", "Acme"),
    subject="Your code",
    message_id="<sendgrid@example.com>",
    usage_type=UsageType.SIGN_IN,
    text="Your code is 493817.\n",
    html="<p>Your code is <b>493817</b>.</p>\n",
    reply_to="Help <help@example.com>",
    headers=(("X-Entity-Ref-ID", "4711"),),
    payload={"code": "493817"},
)

# What a key with Restricted Access and Mail Send has.
ONLY_MAIL = [
    "mail.send",
    "mail.batch.create",
    "user.scheduled_sends.read",
    "sender_verification_eligible",
    "2fa_required",
]
FORBIDDEN = Reply(403, {"errors": [{"message": "access forbidden", "field": None, "help": None}]})
# https://www.twilio.com/docs/sendgrid/api-reference/users-api/retrieve-your-credit-balance
CREDITS = {
    "remain": 180,
    "total": 200,
    "overage": 0,
    "used": 20,
    "next_reset": "2026-12-01",
    "reset_frequency": "monthly",
}
# https://www.twilio.com/docs/sendgrid/api-reference/sender-verification/get-all-verified-senders
VERIFIED = {"results": [{"id": 1234, "from_email": "no-reply@example.com", "verified": True, "locked": False}]}
NOBODY: dict[str, Any] = {"results": []}
FINE = {
    "GET /v3/scopes": Reply(200, {"scopes": ONLY_MAIL}),
    "GET /v3/user/credits": Reply(200, CREDITS),
    "GET /v3/verified_senders": Reply(200, VERIFIED),
    "GET /v3/whitelabel/domains": Reply(200, []),
}
ACCEPTED = {"POST /v3/mail/send": Reply(202, b"", {"X-Message-Id": "14c5d75ce93.dfd.64b469"})}


def refusal(status: int, message: str, field: str | None = None) -> Reply:
    return Reply(status, {"errors": [{"message": message, "field": field, "help": None}]})


class TestSendGrid(HTTPContract):
    connector = SendGridConnector
    settings = SETTINGS
    answers = {"check": {**FINE, "GET /v3/whitelabel/domains": Reply(200, [])}, "send": ACCEPTED}
    message_id = "14c5d75ce93.dfd.64b469"
    troubles = {
        "credentials refused": Trouble(
            "api.credentials_refused",
            refusal(401, "The provided authorization grant is invalid, expired, or revoked"),
        ),
        "mail refused": Trouble(
            "sendgrid.sender_not_verified",
            refusal(403, "The from address does not match a verified Sender Identity.", "from"),
        ),
        "too many requests": Trouble("api.rate_limited", refusal(429, "too many requests"), temporary=True),
        "provider down": Trouble("api.unavailable", Reply(503, "Service Unavailable"), temporary=True),
    }


def attempt(answers: Mapping[str, Reply], mail: Mail | None = None, **settings: Any) -> tuple[Attempt, list[Asked]]:
    """Send a mail, or check where there is none, against a SendGrid that answers so."""
    return api_attempt.attempt(
        SendGridConnector, {**SETTINGS, **settings}, {**FINE, **ACCEPTED, **answers}, mail, patience=IN_HASTE
    )


def check(answers: Mapping[str, Reply], **settings: Any) -> Attempt:
    return attempt(answers, None, **settings)[0]


def sent(mail: Mail, **settings: Any) -> Asked:
    """The request that a send of this mail makes."""
    tried, (asked,) = attempt({}, mail, **settings)
    assert tried.receipt, tried.everything
    return asked


class TestAgainstTheOfficialLibrary:
    """The mail as SendGrid's library for Python sends it, to a server that writes down what it is asked."""

    def as_the_library_sends_it(self, mail: Mail, *, tracking: bool = False) -> Asked:
        message = sdk.Mail(
            from_email=sdk.From(mail.sender.address, mail.sender.name or None),
            to_emails=sdk.To(mail.to),
            subject=mail.subject,
            plain_text_content=mail.text,
            html_content=mail.html,
        )
        if mail.reply_to:
            message.reply_to = sdk.ReplyTo(mail.reply_to)
        for name, value in mail.headers:
            message.add_header(sdk.Header(name, value))
        if not tracking:
            message.tracking_settings = sdk.TrackingSettings(
                sdk.ClickTracking(enable=False, enable_text=False),
                sdk.OpenTracking(enable=False),
                sdk.SubscriptionTracking(enable=False),
                sdk.Ganalytics(enable=False),
            )
        with StandIn(ACCEPTED) as provider:
            answer = sendgrid.SendGridAPIClient(KEY, host=provider.url).send(message)
            assert answer.status_code == 202
            return provider.asked[0]

    @pytest.mark.parametrize(
        "mail",
        [
            pytest.param(MAIL, id="everything"),
            pytest.param(replace(MAIL, reply_to=None, headers=()), id="the least"),
            pytest.param(replace(MAIL, html=None), id="text only"),
            pytest.param(replace(MAIL, text=None), id="HTML only"),
            pytest.param(replace(MAIL, sender=Mailbox("no-reply@example.com")), id="no name"),
            pytest.param(
                replace(MAIL, sender=Mailbox("no-reply@example.com", 'Zoë "Z" Ünal, Acme GmbH'), subject="Ihr Code: ✓"),
                id="quotes and umlauts",
            ),
            pytest.param(replace(MAIL, text="確認コードは 493817 です。\n", html="<p>確認コード</p>"), id="Japanese"),
        ],
    )
    def test_a_mail_is_the_same_field_by_field(self, mail):
        ours, theirs = sent(mail), self.as_the_library_sends_it(mail)

        assert (ours.method, ours.target) == (theirs.method, theirs.target)
        for header in ("Authorization", "Content-Type", "Accept"):
            assert ours.header(header) == theirs.header(header) != ""
        assert ours.json == theirs.json

    def test_with_tracking_left_to_the_account_it_is_the_same_too(self):
        ours, theirs = sent(MAIL, tracking=True), self.as_the_library_sends_it(MAIL, tracking=True)

        assert ours.json == theirs.json
        assert "tracking_settings" not in ours.json

    def test_only_what_belongs_to_the_client_differs(self):
        """Who asks, how the connection is kept and how the answer may be packed; nothing about the mail."""
        ours, theirs = sent(MAIL), self.as_the_library_sends_it(MAIL)

        differing = {name.lower() for name, value in {*ours.headers} ^ {*theirs.headers}}
        assert differing <= {"user-agent", "connection", "host", "content-length", "accept-encoding"}


class TestRequest:
    def test_text_stands_before_html(self):
        assert [each["type"] for each in sent(MAIL).json["content"]] == ["text/plain", "text/html"]

    def test_international_domains_are_written_as_dns_has_them(self):
        mail = replace(MAIL, to="ada@bücher.example", sender=Mailbox("no-reply@müller.example", "Müller"))

        body = sent(mail).json

        assert body["personalizations"] == [{"to": [{"email": "ada@xn--bcher-kva.example"}]}]
        assert body["from"] == {"email": "no-reply@xn--mller-kva.example", "name": "Müller"}

    def test_nothing_goes_to_more_than_one(self):
        with pytest.raises(AddressError):
            attempt({}, replace(MAIL, to="ada@example.net, mallory@example.org"))


class TestSettings:
    @pytest.mark.parametrize("left_empty", [{}, {"endpoint": ""}, {"endpoint": None}])
    def test_the_endpoint_is_the_global_one(self, left_empty):
        config = SendGridConnector.config_model.model_validate({**SETTINGS, **left_empty})

        assert config.endpoint == "https://api.sendgrid.com"

    def test_secrets_stay_between_its_regions_and_go_nowhere_else(self):
        def place(url):
            return SendGridConnector.destination({**SETTINGS, "endpoint": url})

        assert place("https://api.eu.sendgrid.com/").keeps_secrets_of(SendGridConnector.destination(SETTINGS))
        assert not place("https://api.sendgrid.com.example.net").keeps_secrets_of(place("https://api.sendgrid.com"))
        assert not place("https://api.sendgrid.com:8443").keeps_secrets_of(place("https://api.sendgrid.com"))

    @pytest.mark.parametrize(
        ("headers", "words"),
        [
            ({"Bcc": "mallory@example.org"}, "Postroom writes the header Bcc itself"),
            ({"X-A": ["1", "2"]}, "one text for each header"),
            ({"X-A": "1\nBcc: m@example.org"}, "stay on one line"),
        ],
    )
    def test_custom_headers_are_one_line_each(self, headers, words):
        with pytest.raises(ValidationError, match=words):
            SendGridConnector.config_model.model_validate({**SETTINGS, "customHeaders": headers})


class TestCheck:
    def test_a_key_that_may_only_send_is_right(self):
        tried, asked = attempt({})

        assert cautions(tried) == []
        assert tried.phases == ["resolve", "connect", "auth", "account", "sender"]
        assert {each.method for each in asked} == {"GET"}
        assert tried.trace.phases[-1].text == "no-reply@example.com"

    def test_a_key_without_mail_send_cannot_send(self):
        tried = check({"GET /v3/scopes": Reply(200, {"scopes": ["templates.read", "mail.batch.read"]})})

        assert (tried.code, tried.phases[-1]) == ("sendgrid.no_mail_send", "account")

    def test_a_key_that_can_do_more_is_told(self):
        scopes = [
            *ONLY_MAIL,
            "api_keys.create",
            "teammates.delete",
            "alerts.update",
            "alerts.read",
            "user.password.update",
        ]

        tried = check({"GET /v3/scopes": Reply(200, {"scopes": scopes})})

        assert cautions(tried) == ["sendgrid.key_can_do_more"]
        assert "4 permissions" in str(tried.trace.cautions[0].cause)

    def test_few_credits_are_told(self):
        tried = check({"GET /v3/user/credits": Reply(200, {**CREDITS, "remain": 7})})

        assert cautions(tried) == ["sendgrid.credits_low"]
        assert "7 of 200 mails are left until 2026-12-01" in str(tried.trace.cautions[0].cause)

    def test_what_a_key_may_not_read_is_no_failure(self):
        tried = check(dict.fromkeys(list(FINE)[1:], FORBIDDEN))

        assert cautions(tried) == ["sendgrid.senders_not_read"]

    @pytest.mark.parametrize(
        ("domains", "found"),
        [
            ([{"domain": "example.com", "valid": True}], []),
            ([], ["sendgrid.senders_not_read"]),
            ([{"domain": f"d{number}.example", "valid": True} for number in range(200)], ["sendgrid.senders_not_read"]),
        ],
        ids=["found", "not found", "more than a page"],
    )
    def test_a_key_that_may_read_domains_only_is_judged_by_them(self, domains, found):
        tried = check({"GET /v3/verified_senders": FORBIDDEN, "GET /v3/whitelabel/domains": Reply(200, domains)})

        assert cautions(tried) == found

    @pytest.mark.parametrize(
        ("sender", "found"),
        [
            ("no-reply@example.com", []),
            ("No-Reply@Example.com", []),
            ("no-reply@mail.example.com", ["sendgrid.sender_below_domain"]),
        ],
    )
    def test_an_authenticated_domain_is_as_good_as_an_address(self, sender, found):
        # https://www.twilio.com/docs/sendgrid/api-reference/domain-authentication/list-all-authenticated-domains
        domains = [
            {"id": 1, "domain": "other.example", "valid": True},
            {"id": 2, "domain": "example.com", "valid": True},
        ]

        tried = check(
            {"GET /v3/verified_senders": Reply(200, NOBODY), "GET /v3/whitelabel/domains": Reply(200, domains)},
            fromEmail=sender,
        )

        assert cautions(tried) == found

    @pytest.mark.parametrize(
        ("senders", "domains", "code"),
        [
            ([], [], "sendgrid.sender_not_listed"),
            ([], [{"domain": "notexample.com", "valid": True}], "sendgrid.sender_not_listed"),
            ([{"from_email": "no-reply@example.com", "verified": False}], [], "sendgrid.sender_unconfirmed"),
            ([], [{"domain": "example.com", "valid": False}], "sendgrid.domain_not_valid"),
        ],
    )
    def test_a_sender_that_will_be_refused_fails(self, senders, domains, code):
        tried = check(
            {
                "GET /v3/verified_senders": Reply(200, {"results": senders}),
                "GET /v3/whitelabel/domains": Reply(200, domains),
            }
        )

        assert (tried.code, tried.phases[-1]) == (code, "sender")

    def test_an_account_that_need_not_verify_is_warned(self):
        tried = check(
            {
                "GET /v3/scopes": Reply(200, {"scopes": ["mail.send", "sender_verification_exempt"]}),
                "GET /v3/verified_senders": Reply(200, NOBODY),
            }
        )

        assert cautions(tried) == ["sendgrid.sender_not_needed"]

    def test_the_requests_of_a_phase_share_its_time(self):
        slow = Reply(200, json.dumps(NOBODY), drip=0.02)

        tried = check(
            {"GET /v3/verified_senders": slow, "GET /v3/whitelabel/domains": Reply(200, " " * 18 + "[]", drip=0.02)}
        )

        assert (tried.code, tried.phases[-1]) == ("http.no_answer", "sender")

    @pytest.mark.parametrize("path", ["scopes", "user/credits", "verified_senders", "whitelabel/domains"])
    @pytest.mark.parametrize(
        "body", ["[]", "{", "null", '{"scopes": 1}', '[[["' * 2000, '{"results": [1, null]}', "<html>"]
    )
    def test_nonsense_is_named(self, path, body):
        tried = check({"GET /v3/verified_senders": Reply(200, NOBODY), f"GET /v3/{path}": Reply(200, body)})

        expected = {"api.not_understood"} if path == "scopes" else {None, "sendgrid.sender_not_listed"}
        assert tried.code in expected


class TestSubmit:
    def test_the_message_id_is_kept(self):
        tried, _ = attempt({}, MAIL)

        assert tried.receipt.provider_message_id == "14c5d75ce93.dfd.64b469"
        assert (tried.receipt.code, tried.receipt.accepted_by) == (202, "127.0.0.1")

    def test_a_provider_that_never_answers_may_have_sent_it(self):
        tried, asked = attempt({"POST /v3/mail/send": NEVER}, MAIL)

        assert (tried.code, tried.outcome) == ("api.maybe_sent", Outcome.MAYBE_SENT)
        assert len(asked) == 1

    @pytest.mark.parametrize(
        ("reply", "code", "outcome"),
        [
            (Reply(200, "<html>Welcome</html>"), "api.not_understood", Outcome.MAYBE_SENT),
            (Reply(302, b"", {"Location": "https://example.net"}), "api.redirected", Outcome.NOT_SENT),
            (Reply(500, "{"), "api.unavailable", Outcome.NOT_SENT),
            (Reply(504, "Gateway Time-out"), "api.maybe_sent", Outcome.MAYBE_SENT),
            (Reply(202, "x" * 2_000_000), "api.maybe_sent", Outcome.MAYBE_SENT),
            (Reply(400, '{"errors": ["x", null, {"field": 1}]}'), "api.refused", Outcome.NOT_SENT),
        ],
        ids=["page", "redirect", "500", "504", "huge", "odd errors"],
    )
    def test_other_answers(self, reply, code, outcome):
        tried, asked = attempt({"POST /v3/mail/send": reply}, MAIL)

        assert (tried.code, tried.outcome, len(asked)) == (code, outcome, 1)

    def test_the_field_is_named_with_the_words(self):
        reply = refusal(400, "Does not contain a valid address.", "personalizations.0.to.0.email")

        tried, _ = attempt({"POST /v3/mail/send": reply}, MAIL)

        assert tried.code == "api.recipient_refused"
        assert tried.error.text == "personalizations.0.to.0.email: Does not contain a valid address."

    @pytest.mark.parametrize(
        ("endpoint", "other"),
        [
            ("https://api.sendgrid.com", "https://api.eu.sendgrid.com"),
            ("https://api.eu.sendgrid.com", "https://api.sendgrid.com"),
            ("https://sendgrid.example.net", None),
        ],
    )
    def test_the_other_region_is_one_click_away(self, endpoint, other):
        config = SendGridConnector.config_model.model_validate({**SETTINGS, "endpoint": endpoint})

        fix = SendGridConnector(config, Network()).remedy("sendgrid.wrong_region")

        assert (fix and fix.values) == (other and (("endpoint", other),))

    def test_the_key_is_in_no_word_even_if_it_is_repeated(self):
        echo = Reply(400, {"errors": [{"message": f"Bearer {KEY}", "field": KEY}]}, {"X-Message-Id": KEY})

        tried, _ = attempt({"POST /v3/mail/send": echo, "GET /v3/scopes": echo}, MAIL)

        assert KEY not in tried.everything
        assert "•••" in tried.error.text
