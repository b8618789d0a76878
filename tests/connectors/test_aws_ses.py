"""Amazon SES, by its API v2."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import pytest
from pydantic import SecretStr, ValidationError

from tests.canary import CANARY
from tests.connectors.api_attempt import IN_HASTE, attempt, cautions, words
from tests.connectors.regional import RegionalTests
from webapp.connectors.aws_ses import AwsSesConnector
from webapp.connectors.aws_ses.config import AwsSesConfig
from webapp.connectors.aws_ses.regions import SES
from webapp.connectors.base import MachineCredentials, Means
from webapp.connectors.belongings import guide_of
from webapp.connectors.contract import NEVER, HTTPContract, Reply, Trouble
from webapp.domain.address import Mailbox
from webapp.domain.message import Mail, Outcome
from webapp.domain.usage import UsageType

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
ACCOUNT = {
    "DedicatedIpAutoWarmupEnabled": False,
    "EnforcementStatus": "HEALTHY",
    "ProductionAccessEnabled": True,
    "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 17.0},
    "SendingEnabled": True,
    "Details": {"MailType": "TRANSACTIONAL", "AdditionalContactEmailAddresses": ["ada@example.com"]},
}
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html
IDENTITY = {
    "IdentityType": "DOMAIN",
    "VerifiedForSendingStatus": True,
    "VerificationStatus": "SUCCESS",
    "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS", "Tokens": ["t1", "t2", "t3"]},
}
MESSAGE_ID = "0107018f2c1b2d6a-3b0a0d2c-5f55-4b3a-9d0e-6f5f2f6f0f3a-000000"
SEND = "POST /v2/email/outbound-emails"
SETTINGS = {
    "region": "eu-central-1",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "accessKeySecret": f"{CANARY}-wJalrXUtnFEMI",
    "fromEmail": "Acme <no-reply@example.com>",
}


def error(status, kind, message):
    """An error as SES writes it: its type in a header."""
    return Reply(status, {"message": message}, {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/coral/"})


class TestAwsSes(HTTPContract):
    connector = AwsSesConnector
    settings = SETTINGS
    answers = {
        "check": {
            "GET /v2/email/account": Reply(200, ACCOUNT),
            "GET /v2/email/identities/no-reply%40example.com": error(404, "NotFoundException", "It does not exist."),
            "GET /v2/email/identities/example.com": Reply(200, IDENTITY),
        },
        "send": {SEND: Reply(200, {"MessageId": MESSAGE_ID})},
    }
    message_id = MESSAGE_ID
    troubles = {
        "credentials refused": Trouble(
            "aws-ses.key_unknown",
            error(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
        ),
        "mail refused": Trouble(
            "aws-ses.not_verified",
            error(
                400,
                "MessageRejected",
                "Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: "
                "no-reply@example.com",
            ),
        ),
        "too many requests": Trouble(
            "api.rate_limited", error(429, "TooManyRequestsException", "Maximum sending rate exceeded."), temporary=True
        ),
        "provider down": Trouble("api.unavailable", error(503, "ServiceUnavailable", "Try later."), temporary=True),
    }


FINE = {**TestAwsSes.answers["check"], **TestAwsSes.answers["send"]}
ACCOUNT_PATH, ADDRESS, DOMAIN = TestAwsSes.answers["check"]
DENIED = "User: arn:aws:iam::123456789012:user/mail is not authorized to perform: ses:GetAccount"
MAIL = Mail(
    to="ada@example.net",
    sender=Mailbox("no-reply@example.com", "Acme"),
    subject="Your code",
    message_id="<ses@example.com>",
    usage_type=UsageType.SIGN_IN,
    text="Your code is 493817.\n",
)
TOKEN = f"{CANARY}-session-token"
ROLE = {key: value for key, value in SETTINGS.items() if not key.startswith("access")} | {"machineIdentity": True}


async def lent():
    return MachineCredentials("ASIAROLE", SecretStr(f"{CANARY}-role"), SecretStr(TOKEN))


def check(answers=None, **settings):
    return attempt(AwsSesConnector, {**SETTINGS, **settings}, {**FINE, **(answers or {})})[0]


def send(answers=None, mail=MAIL, **settings):
    return attempt(AwsSesConnector, {**SETTINGS, **settings}, {**FINE, **(answers or {})}, mail)[0]


def sent(mail=MAIL, **settings):
    """What SES is asked to send."""
    tried, (asked,) = attempt(AwsSesConnector, {**SETTINGS, **settings}, FINE, mail)
    assert tried.receipt, tried.everything
    return asked.json


def account(**changes):
    return {ACCOUNT_PATH: Reply(200, {**ACCOUNT, **changes})}


def quota(sent, most):
    return account(SendQuota={"Max24HourSend": most, "MaxSendRate": 1.0, "SentLast24Hours": sent})


class TestCheckOfTheAccount:
    def test_all_is_well(self):
        tried = check()

        assert cautions(tried) == []
        assert [phase.text for phase in tried.trace.phases][-2:] == ["HEALTHY · 17 / 50000", "example.com"]

    def test_the_sandbox_is_told(self):
        tried = check({**account(ProductionAccessEnabled=False)})

        assert cautions(tried) == ["aws-ses.sandbox"]
        assert "eu-central-1" in str(tried.trace.cautions[0].cause)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"SendingEnabled": False}, "aws-ses.sending_paused"),
            ({"EnforcementStatus": "SHUTDOWN", "SendingEnabled": False}, "aws-ses.shut_down"),
            ({"SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 200.0}}, "api.quota_used_up"),
        ],
    )
    def test_what_stands_in_the_way_fails(self, changes, code):
        tried = check(account(**changes))

        assert tried.code == code
        assert tried.trace.phases[-1].phase == "account"
        assert "%(" not in words(tried)

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"EnforcementStatus": "PROBATION"}, ["aws-ses.probation"]),
            ({"SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 180.0}}, ["aws-ses.quota_nearly_used"]),
            ({"SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 179.0}}, []),
            ({"SendQuota": {"Max24HourSend": -1.0, "SentLast24Hours": 100000.0}}, []),
            ({"SendQuota": None}, []),
        ],
    )
    def test_what_will_surprise_is_told(self, changes, told):
        assert cautions(check(account(**changes))) == told

    def test_a_key_that_may_only_send_passes(self):
        denied = error(403, "AccessDeniedException", DENIED)

        assert cautions(check({ACCOUNT_PATH: denied, ADDRESS: denied, DOMAIN: denied})) == [
            "aws-ses.account_unreadable",
            "aws-ses.identity_unreadable",
        ]

    def test_who_else_works_on_the_account_is_not_kept(self):
        assert "ada@example.com" not in check().everything

    @pytest.mark.parametrize("body", [b"<html>Sign in to the Wi-Fi</html>", b"", b"[1]", b'{"a": 1}', b"[" * 100_000])
    def test_what_is_not_amazon_is_told(self, body):
        assert check({ACCOUNT_PATH: Reply(200, body)}).code == "api.not_understood"


class TestCheckOfTheConfigurationSet:
    PATH = "GET /v2/email/configuration-sets/sign-in"

    def check(self, reply):
        return check({self.PATH: reply}, configurationSetName="sign-in")

    def test_it_is_there(self):
        assert cautions(self.check(Reply(200, {"SendingOptions": {"SendingEnabled": True}}))) == []

    def test_it_is_paused(self):
        assert self.check(Reply(200, {"SendingOptions": {"SendingEnabled": False}})).code == "aws-ses.set_paused"

    def test_there_is_none(self):
        tried = self.check(error(404, "NotFoundException", "Configuration set <sign-in> does not exist."))

        assert tried.code == "aws-ses.set_unknown"
        assert "<sign-in> does not exist" in words(tried)

    def test_who_may_not_read_it_may_use_it(self):
        assert cautions(self.check(error(403, "AccessDeniedException", DENIED))) == []


class TestCheckOfTheSender:
    def test_an_address_of_its_own_is_enough(self):
        tried = check({ADDRESS: Reply(200, {**IDENTITY, "IdentityType": "EMAIL_ADDRESS", "DkimAttributes": None})})

        assert cautions(tried) == []
        assert tried.trace.phases[-1].text == "no-reply@example.com"

    def test_a_domain_covers_those_below_it(self):
        tried = check(
            {
                "GET /v2/email/identities/no-reply%40mail.example.com": Reply(404),
                "GET /v2/email/identities/mail.example.com": Reply(404),
            },
            fromEmail="no-reply@mail.example.com",
        )

        assert cautions(tried) == []
        assert tried.trace.phases[-1].text == "example.com"

    def test_a_domain_counts_where_the_address_is_not_finished(self):
        pending = {**IDENTITY, "VerifiedForSendingStatus": False, "VerificationStatus": "PENDING"}

        assert cautions(check({ADDRESS: Reply(200, pending)})) == []

    def test_neither_is_there(self):
        tried = check({DOMAIN: error(404, "NotFoundException", "Email identity example.com does not exist.")})

        assert tried.code == "aws-ses.sender_not_verified"
        assert "create one for the domain “example.com”" in words(tried)
        assert tried.trace.phases[-1].phase == "sender"

    @pytest.mark.parametrize("state", ["PENDING", "FAILED", "TEMPORARY_FAILURE"])
    def test_it_is_not_finished(self, state):
        tried = check(
            {DOMAIN: Reply(200, {**IDENTITY, "VerifiedForSendingStatus": False, "VerificationStatus": state})}
        )

        assert tried.code == "aws-ses.sender_pending"
        assert state in words(tried)

    def test_a_domain_without_dkim_is_told(self):
        tried = check({DOMAIN: Reply(200, {**IDENTITY, "DkimAttributes": {"Status": "NOT_STARTED"}})})

        assert cautions(tried) == ["aws-ses.dkim_missing"]

    def test_a_domain_in_another_script_is_looked_up_as_dns_has_it(self):
        found = "GET /v2/email/identities/xn--bcher-kva.example"
        missing = "GET /v2/email/identities/no-reply%40xn--bcher-kva.example"

        tried = check({missing: Reply(404), found: Reply(200, IDENTITY)}, fromEmail="Bücher <no-reply@bücher.example>")

        assert cautions(tried) == []

    @pytest.mark.parametrize(
        ("reply", "code"), [(Reply(200, IDENTITY), None), (Reply(404), "aws-ses.feedback_not_verified")]
    )
    def test_the_address_for_bounces_has_to_be_verified_too(self, reply, code):
        other = {
            "GET /v2/email/identities/bounces%40example.org": Reply(404),
            "GET /v2/email/identities/example.org": reply,
        }

        assert check(other, feedbackForwardingEmail="bounces@example.org").code == code

    @pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]"])
    def test_what_is_no_identity_is_told(self, body):
        assert check({ADDRESS: Reply(200, body)}).code == "api.not_understood"

    def test_an_identity_of_another_account_is_looked_up_by_its_arn(self):
        arn = "arn:aws:ses:eu-central-1:123456789012:identity/example.org"
        tried = check({"GET /v2/email/identities/example.org": Reply(404)}, fromIdentityArn=arn)

        assert cautions(tried) == ["aws-ses.identity_elsewhere"]


class TestSending:
    def test_the_providers_id_is_kept(self):
        tried = send()

        assert tried.receipt.provider_message_id == MESSAGE_ID
        assert tried.phases == ["resolve", "connect", "submit"]

    @pytest.mark.parametrize(
        ("name", "written"),
        [
            ("", "no-reply@example.com"),
            ("Acme", "Acme <no-reply@example.com>"),
            ("Acme, Inc.", '"Acme, Inc." <no-reply@example.com>'),
            ('Say "hi"', '"Say \\"hi\\"" <no-reply@example.com>'),
            ("Zoë", "=?utf-8?q?Zo=C3=AB?= <no-reply@example.com>"),
        ],
    )
    def test_a_name_before_the_address(self, name, written):
        assert sent(replace(MAIL, sender=Mailbox("no-reply@example.com", name)))["FromEmailAddress"] == written

    def test_domains_in_other_scripts(self):
        mail = replace(MAIL, to="ada@bücher.example", reply_to="Hilfe <hilfe@bücher.example>")

        request = sent(replace(mail, sender=Mailbox("no-reply@bücher.example")))

        assert request["FromEmailAddress"] == "no-reply@xn--bcher-kva.example"
        assert request["Destination"] == {"ToAddresses": ["ada@xn--bcher-kva.example"]}
        assert request["ReplyToAddresses"] == ["Hilfe <hilfe@xn--bcher-kva.example>"]

    def test_texts_have_their_charset(self):
        content = sent(replace(MAIL, subject="認証", html="<p>認証</p>"))["Content"]["Simple"]

        assert content["Subject"] == {"Data": "認証", "Charset": "UTF-8"}
        assert content["Body"]["Html"] == {"Data": "<p>認証</p>", "Charset": "UTF-8"}
        assert content["Body"]["Text"] == {"Data": MAIL.text, "Charset": "UTF-8"}

    def test_headers_are_written_in_ascii(self):
        content = sent(replace(MAIL, headers=(("X-Ref", "Zoë"), ("X-Ref", "a, b"))))["Content"]["Simple"]

        assert content["Headers"] == [
            {"Name": "X-Ref", "Value": "=?utf-8?q?Zo=C3=AB?="},
            {"Name": "X-Ref", "Value": "a, b"},
        ]

    def test_a_configuration_set_gets_to_know_what_the_mail_is_for(self):
        request = sent(configurationSetName="sign-in")

        assert request["ConfigurationSetName"] == "sign-in"
        assert request["EmailTags"] == [{"Name": "usageType", "Value": "SignIn"}]
        assert "EmailTags" not in sent()

    @pytest.mark.parametrize(
        ("reply", "code"),
        [
            (error(429, "TooManyRequestsException", "Daily message quota exceeded."), "api.quota_used_up"),
            (error(429, "TooManyRequestsException", "Maximum sending rate exceeded."), "api.rate_limited"),
            (error(403, "AccessDeniedException", "not authorized to perform `ses:SendEmail'"), "aws-ses.not_allowed"),
            (error(400, "AccountSuspendedException", "permanently restricted"), "api.account_suspended"),
            (error(400, "SendingPausedException", "currently paused"), "aws-ses.sending_paused"),
            (error(403, "InvalidSignatureException", "Signature expired: 2026"), "aws-ses.clock_wrong"),
            (error(403, "InvalidSignatureException", "signature we calculated does not match"), "aws-ses.secret_wrong"),
            (Reply(403, b"<html>blocked by the firewall</html>"), "api.not_allowed"),
            (Reply(307, b"", {"Location": "https://elsewhere.example.net/"}), "api.redirected"),
        ],
    )
    def test_a_refusal_is_named(self, reply, code):
        tried = send({SEND: reply})

        assert (tried.code, tried.outcome) == (code, Outcome.NOT_SENT)
        assert "%(" not in words(tried)

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"MessageId": {"a": 1}}', b"{not JSON", b"<html>"])
    def test_success_without_an_id_may_have_been_sent(self, body):
        tried = send({SEND: Reply(200, body)})

        assert (tried.code, tried.outcome) == ("api.not_understood", Outcome.MAYBE_SENT)

    @pytest.mark.parametrize("reply", [NEVER, Reply(200, b"x" * 99, drip=0.1), Reply(504)], ids=list("abc"))
    def test_what_is_not_answered_may_have_been_sent(self, reply):
        tried, _ = attempt(AwsSesConnector, SETTINGS, {SEND: reply}, MAIL, patience=IN_HASTE)

        assert (tried.code, tried.outcome) == ("api.maybe_sent", Outcome.MAYBE_SENT)

    def test_an_answer_without_end_is_not_read(self):
        tried = send({SEND: Reply(200, b"x" * 5_000_000)})

        assert (tried.code, tried.outcome) == ("api.maybe_sent", Outcome.MAYBE_SENT)

    def test_a_mail_is_handed_over_once(self):
        _, asked = attempt(AwsSesConnector, SETTINGS, {SEND: Reply(503)}, MAIL)

        assert len(asked) == 1


class TestTheMachinesRole:
    def test_requests_are_signed_with_it(self):
        tried, (asked,) = attempt(AwsSesConnector, ROLE, FINE, MAIL, means=Means(machine_credentials=lent))

        assert tried.receipt
        assert asked.header("X-Amz-Security-Token") == TOKEN
        assert "Credential=ASIAROLE/" in asked.header("Authorization")
        assert "x-amz-security-token" in asked.header("Authorization")

    def test_a_check_uses_it_too(self):
        tried, asked = attempt(AwsSesConnector, ROLE, FINE, means=Means(machine_credentials=lent))

        assert cautions(tried) == []
        assert {each.header("X-Amz-Security-Token") for each in asked} == {TOKEN}

    @pytest.mark.parametrize("mail", [MAIL, None], ids=["sending", "checking"])
    def test_a_tenant_that_the_operator_did_not_name_is_told_what_to_do(self, mail):
        tried, asked = attempt(AwsSesConnector, ROLE, FINE, mail)

        assert (tried.code, tried.outcome) == ("aws-ses.role_not_permitted", Outcome.NOT_SENT)
        assert "POSTROOM_MACHINE_IDENTITY_TENANTS" in words(tried)
        assert asked == []

    def test_its_token_is_not_quoted(self):
        signed = f"POST\\n/v2\\nx-amz-security-token:{TOKEN}\\n"
        says = f"The request signature we calculated does not match. The Canonical String should have been '{signed}'"
        refused = error(403, "InvalidSignatureException", says)

        for mail in (MAIL, None):
            tried, _ = attempt(
                AwsSesConnector, ROLE, dict.fromkeys(FINE, refused), mail, means=Means(machine_credentials=lent)
            )

            assert tried.code == "aws-ses.secret_wrong"
            assert CANARY not in tried.everything

    @pytest.mark.parametrize(
        ("endpoint", "possible"),
        [
            (None, True),
            ("https://email-fips.us-east-1.amazonaws.com", True),
            ("https://vpce-0123.email.eu-central-1.vpce.amazonaws.com", True),
            ("https://email.eu-central-1.amazonaws.com.example.net", False),
            ("https://ses.example.net", False),
        ],
    )
    def test_it_is_shown_to_amazon_only(self, endpoint, possible):
        settings = {**ROLE, "endpoint": endpoint}

        if possible:
            assert AwsSesConfig.model_validate(settings).machine_identity
        else:
            with pytest.raises(ValidationError, match="Amazon's endpoints only"):
                AwsSesConfig.model_validate(settings)


class TestTheSigner:
    @pytest.mark.parametrize("mail", [MAIL, None], ids=["sending", "checking"])
    def test_a_missing_package_is_told(self, monkeypatch, mail):
        monkeypatch.setitem(sys.modules, "botocore.auth", None)

        tried, asked = attempt(AwsSesConnector, SETTINGS, FINE, mail)

        assert (tried.code, tried.outcome) == ("aws-ses.signer_missing", Outcome.NOT_SENT)
        assert "postroom[ses]" in words(tried)
        assert asked == []

    def test_the_secret_itself_never_leaves(self):
        _, asked = attempt(AwsSesConnector, SETTINGS, FINE, MAIL)

        assert CANARY not in repr(asked)


class TestSettings:
    def refused(self, **changes):
        with pytest.raises(ValidationError) as caught:
            AwsSesConfig.model_validate({**SETTINGS, **changes})
        return [error["loc"] for error in caught.value.errors()]

    @pytest.mark.parametrize("key", ["accessKeyId", "accessKeySecret"])
    @pytest.mark.parametrize("value", [None, "", "absent"])
    def test_a_key_is_needed(self, key, value):
        settings = {**SETTINGS, key: value}
        if value == "absent":
            del settings[key]

        with pytest.raises(ValidationError) as caught:
            AwsSesConfig.model_validate(settings)

        assert [error["loc"] for error in caught.value.errors()] == [(key,)]

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("region", "Frankfurt"),
            ("region", "eu-central-1.example.com/"),
            ("region", "eu-central-1@evil"),
            ("region", "eu-central-\uff11"),
            ("accessKeyId", "ASIAIOSFODNN7EXAMPLE"),
            ("accessKeyId", "AKIA IOSF"),
            ("fromIdentityArn", "example.com"),
            ("feedbackForwardingIdentityArn", "arn:aws:sns:us-east-1:123456789012:topic"),
            ("configurationSetName", "a/b"),
            ("endpoint", "http://email.eu-central-1.amazonaws.com"),
            ("endpoint", "https://key:secret@email.eu-central-1.amazonaws.com"),
            ("customHeaders", {f"X-{number}": "1" for number in range(16)}),
            ("customHeaders", {"Bcc": ["a", "b"], "From": "eve@example.org"}),
            ("customHeaders", {"X-A": "a\r\nBcc: b"}),
        ],
    )
    def test_what_cannot_work_is_refused_at_its_place(self, key, value):
        assert self.refused(**{key: value}) == [(key,)]

    def test_a_region_may_be_written_large(self):
        assert AwsSesConfig.model_validate({**SETTINGS, "region": " EU-Central-1 "}).url == SES.address("eu-central-1")


class TestRegions(RegionalTests):
    regional = AwsSesConnector
    complete = SETTINGS
    same_place = ({"region": "us-east-1"}, {"endpoint": "https://email-fips.us-east-1.amazonaws.com"})
    other_places = (
        "https://vpce-0123.email.eu-central-1.vpce.amazonaws.com",
        "https://email.eu-central-1.amazonaws.com.example.net",
        "https://email.eu-central-1.amazonaws.com:8443",
        "http://email.eu-central-1.amazonaws.com",
        "http://127.0.0.1:5000",
    )
    of_another_region = ("https://email.us-east-1.amazonaws.com", "us-east-1")
    misspelt = (("eu-centrl-1", "eu-central-1"), ("us-east-3", "us-east-2"))


class TestRules:
    @pytest.mark.parametrize("rule", AwsSesConnector.rules, ids=lambda rule: rule.problem)
    def test_a_sample_is_answered_with_its_problem_in_whole_words(self, rule):
        sample = rule.fires
        path = SEND if sample.phase == "submit" else ACCOUNT_PATH

        tried, _ = attempt(
            AwsSesConnector,
            SETTINGS,
            {path: Reply(sample.status, sample.body)},
            MAIL if sample.phase == "submit" else None,
        )

        assert tried.code == rule.problem
        assert "%(" not in words(tried)


def test_the_policy_of_the_guide_allows_what_is_asked_and_no_more():
    (policy,) = re.findall(r"```json\n(.*?)```", guide_of(AwsSesConnector) or "", re.DOTALL)

    actions = [statement["Action"] for statement in json.loads(policy)["Statement"]]
    granted = {name for each in actions for name in ([each] if isinstance(each, str) else each)}

    assert granted == {
        "ses:SendEmail",
        "ses:GetAccount",
        "ses:GetEmailIdentity",
        "ses:GetConfigurationSet",
    }
