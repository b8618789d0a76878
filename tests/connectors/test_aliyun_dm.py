"""Aliyun Direct Mail, by its API."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from tests.canary import CANARY
from tests.connectors.api_attempt import IN_HASTE, attempt, cautions, words
from tests.connectors.regional import RegionalTests
from webapp.connectors.aliyun_dm import AliyunDmConnector
from webapp.connectors.aliyun_dm.config import AliyunDmConfig
from webapp.connectors.aliyun_dm.signing import form
from webapp.connectors.belongings import guide_of
from webapp.connectors.contract import NEVER, HTTPContract, Reply, Trouble
from webapp.domain.address import Mailbox
from webapp.domain.message import Mail, Outcome
from webapp.domain.usage import UsageType

REQUEST_ID = "82B295BB-7E69-491F-9896-ECEAFF09E1A4"
# https://www.alibabacloud.com/help/en/direct-mail/api-dm-2015-11-23-descaccountsummary
ACCOUNT = {
    "EnableTimes": 0,
    "MonthQuota": 60000,
    "DailyQuota": 2000,
    "MailAddresses": 1,
    "Domains": 1,
    "QuotaLevel": 2,
    "MaxQuotaLevel": 10,
    "UserStatus": 0,
    "RemainFreeQuota": 1910,
    "RequestId": REQUEST_ID,
}
# https://www.alibabacloud.com/help/en/direct-mail/api-dm-2015-11-23-querymailaddressbyparam
ADDRESS = {
    "Sendtype": "trigger",
    "AccountStatus": 0,
    "ReplyStatus": 0,
    "DailyReqCount": 0,
    "CreateTime": "2021-05-13T15:54Z",
    "MonthReqCount": 0,
    "ReplyAddress": "",
    "MailAddressId": 237915,
    "MonthCount": -1,
    "DailyCount": -1,
    "DomainStatus": 0,
    "AccountName": "no-reply@mail.example.com",
}
ENV_ID = "600000012345678901"
SEND = "POST /?Action=SingleSendMail"
SUMMARY = "POST /?Action=DescAccountSummary"
ADDRESSES = "POST /?Action=QueryMailAddressByParam&KeyWord=no-reply@mail.example.com"
SETTINGS = {
    "accessKeyId": "LTAI5tExampleExampleExam",
    "accessKeySecret": f"{CANARY}-aliyun",
    "fromEmail": "Acme <no-reply@mail.example.com>",
}


def addresses(*listed):
    return Reply(200, {"TotalCount": len(listed), "RequestId": REQUEST_ID, "data": {"mailAddress": list(listed)}})


def error(status, code, message):
    body = {"RequestId": REQUEST_ID, "HostId": "dm.aliyuncs.com", "Code": code, "Message": message}
    return Reply(status, {**body, "Recommend": f"https://api.aliyun.com/troubleshoot?q={code}"})


CHECK = {SUMMARY: Reply(200, ACCOUNT), ADDRESSES: addresses(ADDRESS)}
ACCEPTED = {SEND: Reply(200, {"EnvId": ENV_ID, "RequestId": REQUEST_ID})}


class TestAliyunDm(HTTPContract):
    connector = AliyunDmConnector
    settings = SETTINGS
    answers = {"check": CHECK, "send": ACCEPTED}
    message_id = ENV_ID
    troubles = {
        "credentials refused": Trouble(
            "aliyun-dm.key_unknown", error(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        ),
        "mail refused": Trouble(
            "api.recipient_refused", error(400, "InvalidToAddress", "The specified toAddress is wrongly formed.")
        ),
        "too many requests": Trouble(
            "api.rate_limited",
            error(400, "Throttling.User", "Request was denied due to user flow control."),
            temporary=True,
        ),
        "provider down": Trouble(
            "api.unavailable",
            error(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."),
            temporary=True,
        ),
    }


DOMAINS = "POST /?Action=QueryDomainByParam&KeyWord=mail.example.com"
DENIED = error(403, "Forbidden.RAM", "User not authorized to operate on the specified resource.")
MAIL = Mail(
    to="ada@example.net",
    sender=Mailbox("no-reply@mail.example.com", "Acme"),
    subject="Your code",
    message_id="<aliyun@example.com>",
    usage_type=UsageType.SIGN_IN,
    text="Your code is 493817.\n",
)


def check(answers=None, **settings):
    return attempt(AliyunDmConnector, {**SETTINGS, **settings}, {**CHECK, **(answers or {})})[0]


def send(reply, mail=MAIL):
    return attempt(AliyunDmConnector, SETTINGS, {SEND: reply}, mail)[0]


def sent(mail=MAIL, **settings):
    """The fields that Direct Mail is asked to send."""
    tried, (asked,) = attempt(AliyunDmConnector, {**SETTINGS, **settings}, ACCEPTED, mail)
    assert tried.receipt, tried.everything
    return dict(asked.form)


def account(**changes):
    return {SUMMARY: Reply(200, {**ACCOUNT, **changes})}


def address(**changes):
    return {ADDRESSES: addresses({**ADDRESS, **changes})}


def domains(*listed):
    return {
        ADDRESSES: addresses(),
        DOMAINS: Reply(200, {"TotalCount": len(listed), "RequestId": REQUEST_ID, "data": {"domain": list(listed)}}),
    }


class TestCheckOfTheAccount:
    def test_all_is_well(self):
        tried = check()

        assert cautions(tried) == []
        assert [phase.text for phase in tried.trace.phases][-2:] == [
            "DailyQuota 2000 · MonthQuota 60000",
            "no-reply@mail.example.com · trigger",
        ]

    @pytest.mark.parametrize(
        ("state", "code"),
        [
            (1, "aliyun-dm.account_frozen"),
            (2, "aliyun-dm.in_arrears"),
            ("2", "aliyun-dm.in_arrears"),
            (4, "aliyun-dm.sending_restricted"),
            (6, "aliyun-dm.in_arrears"),
            (8, "aliyun-dm.account_frozen"),
        ],
    )
    def test_a_state_that_stops_sending_fails(self, state, code):
        tried = check(account(UserStatus=state))

        assert tried.code == code
        assert tried.trace.phases[-1].phase == "account"
        assert "%(" not in words(tried)

    def test_a_key_that_may_only_send_passes(self):
        assert cautions(check({SUMMARY: DENIED, ADDRESSES: DENIED})) == [
            "aliyun-dm.account_unreadable",
            "aliyun-dm.sender_unreadable",
        ]

    @pytest.mark.parametrize(
        ("reply", "code"),
        [
            (error(400, "SignatureDoesNotMatch", "Specified signature is not matched."), "aliyun-dm.secret_wrong"),
            (error(403, "SignatureDoesNotMatch", "Specified signature is not matched."), "aliyun-dm.secret_wrong"),
            (error(400, "InvalidTimeStamp.Expired", "Specified time stamp is expired."), "aliyun-dm.clock_wrong"),
            (error(403, "Forbidden.RiskControl", "This operation is forbidden."), "api.account_suspended"),
            (Reply(403, b"<html>blocked by the firewall</html>"), "api.not_allowed"),
            (Reply(302, b"", {"Location": "https://elsewhere.example.net/"}), "api.redirected"),
        ],
    )
    def test_a_refusal_is_named(self, reply, code):
        tried = check({SUMMARY: reply})

        assert tried.code == code
        assert tried.trace.phases[-1].phase == "auth"

    @pytest.mark.parametrize(
        "body", [b"<html>Sign in to the Wi-Fi</html>", b"", b"[1]", b'{"UserStatus": "x"}', b"[" * 100_000]
    )
    def test_what_is_not_direct_mail_is_told(self, body):
        assert check({SUMMARY: Reply(200, body)}).code == "api.not_understood"


class TestCheckOfTheSender:
    def test_the_address_is_compared_without_case(self):
        assert cautions(check(address(AccountName="No-Reply@Mail.Example.com"))) == []

    @pytest.mark.parametrize("changes", [{"AccountStatus": 1}, {"AccountStatus": "1"}])
    def test_it_is_frozen(self, changes):
        assert check(address(**changes)).code == "aliyun-dm.sender_not_usable"

    @pytest.mark.parametrize("state", [1, "1"])
    def test_its_domain_is_not_verified(self, state):
        tried = check(address(DomainStatus=state))

        assert tried.code == "aliyun-dm.domain_not_verified"
        assert "mail.example.com" in words(tried)

    def test_an_address_for_mass_mailings_is_told(self):
        assert cautions(check(address(Sendtype="batch"))) == ["aliyun-dm.batch_address"]

    @pytest.mark.parametrize(
        ("sent", "most", "told"),
        [(1799, 2000, []), (1800, 2000, ["aliyun-dm.quota_nearly_used"]), ("5000", "-1", []), (None, None, [])],
    )
    def test_its_quota_is_told_before_it_is_used_up(self, sent, most, told):
        assert cautions(check(address(DailyReqCount=sent, DailyCount=most))) == told

    def test_its_quota_is_used_up(self):
        assert check(address(DailyReqCount="2000", DailyCount="2000")).code == "api.quota_used_up"

    @pytest.mark.parametrize("listed", [(), ({**ADDRESS, "AccountName": "a-no-reply@mail.example.com"},)])
    def test_it_is_not_there_but_its_domain_is(self, listed):
        found = domains({"DomainName": "mail.example.com", "DomainStatus": "0"})

        tried = check({**found, ADDRESSES: addresses(*listed)})

        assert tried.code == "aliyun-dm.sender_unknown"
        assert "“no-reply@mail.example.com” in the region cn-hangzhou" in words(tried)

    def test_neither_it_nor_its_domain_is_there(self):
        tried = check(domains({"DomainName": "other.mail.example.com", "DomainStatus": "0"}))

        assert tried.code == "aliyun-dm.domain_unknown"
        assert "add “mail.example.com”" in words(tried)

    def test_it_is_not_there_and_its_domain_is_not_verified(self):
        tried = check(domains({"DomainName": "mail.example.com", "DomainStatus": "1"}))

        assert tried.code == "aliyun-dm.domain_not_verified"

    def test_it_is_not_there_and_domains_may_not_be_read(self):
        assert check({ADDRESSES: addresses(), DOMAINS: DENIED}).code == "aliyun-dm.sender_unknown"

    def test_what_cannot_be_searched_for_is_looked_up_by_its_domain(self):
        listed = "POST /?Action=QueryMailAddressByParam&KeyWord=mail.example.com"

        tried = check(
            {listed: addresses({**ADDRESS, "AccountName": "no_reply+x@mail.example.com"})},
            fromEmail="no_reply+x@mail.example.com",
        )

        assert cautions(tried) == []

    def test_a_domain_in_another_script_is_looked_up_as_dns_has_it(self):
        listed = "POST /?Action=QueryMailAddressByParam&KeyWord=info@xn--bcher-kva.example"
        found = addresses({**ADDRESS, "AccountName": "info@xn--bcher-kva.example"})

        assert cautions(check({listed: found}, fromEmail="info@bücher.example")) == []


class TestSending:
    def test_the_providers_id_is_kept(self):
        tried = send(ACCEPTED[SEND])

        assert tried.receipt.provider_message_id == ENV_ID
        assert tried.phases == ["resolve", "connect", "submit"]

    def test_the_address_is_the_account_and_the_name_its_alias(self):
        fields = sent(replace(MAIL, sender=Mailbox("no-reply@mail.example.com", 'Acme "A", Söhne')))

        assert (fields["AccountName"], fields["FromAlias"]) == ("no-reply@mail.example.com", 'Acme "A", Söhne')

    def test_no_name_is_no_alias(self):
        assert "FromAlias" not in sent(replace(MAIL, sender=Mailbox("no-reply@mail.example.com")))

    def test_answers_go_to_the_reply_to_of_the_mail(self):
        fields = sent(replace(MAIL, reply_to="Hilfe <hilfe@bücher.example>"))

        assert (fields["ReplyAddress"], fields["ReplyAddressAlias"]) == ("hilfe@xn--bcher-kva.example", "Hilfe")
        assert fields["ReplyToAddress"] == "false"
        assert "ReplyAddress" not in sent()

    def test_text_and_html_go_together(self):
        fields = sent(replace(MAIL, html="<p>認証</p>"))

        assert (fields["TextBody"], fields["HtmlBody"]) == (MAIL.text, "<p>認証</p>")

    def test_links_are_not_counted(self):
        assert sent()["ClickTrace"] == "0"

    @pytest.mark.parametrize(("given", "sent_as"), [("1", "1"), (1, "1"), (0, "0"), ("0", "0")])
    def test_the_type_of_the_address(self, given, sent_as):
        assert sent(addressType=given)["AddressType"] == sent_as

    def test_the_region_is_named(self):
        assert sent(regionId="ap-southeast-1")["RegionId"] == "ap-southeast-1"

    @pytest.mark.parametrize(
        ("reply", "code", "temporary"),
        [
            (error(400, "InvalidSendMail.Spam", "Daily sending quota exceeded"), "api.quota_used_up", False),
            (error(400, "Throttling.User", "Request was denied due to user flow control."), "api.rate_limited", True),
            (error(400, "InvalidSendMail.Spam", "rejected by spam filter."), "aliyun-dm.refused_by_filter", False),
            (error(404, "InvalidMailAddress.NotFound", "does not exist"), "aliyun-dm.sender_unknown", False),
            (error(400, "InvalidToAddress.Spam", "rejected by invalid address."), "aliyun-dm.recipient_invalid", False),
            (error(500, "InternalError", "The request processing has failed."), "api.unavailable", True),
            (error(400, "SomethingNew", "Never heard of it."), "api.refused", False),
        ],
    )
    def test_a_refusal_is_named(self, reply, code, temporary):
        tried = send(reply)

        assert (tried.code, tried.outcome, tried.error.problem.temporary) == (code, Outcome.NOT_SENT, temporary)

    @pytest.mark.parametrize("body", [b"", b"{}", b'{"EnvId": {"a": 1}}', b"{not JSON", b"<html>"])
    def test_success_without_an_id_may_have_been_sent(self, body):
        tried = send(Reply(200, body))

        assert (tried.code, tried.outcome) == ("api.not_understood", Outcome.MAYBE_SENT)

    @pytest.mark.parametrize("reply", [NEVER, Reply(200, b"x" * 99, drip=0.1), Reply(504)], ids=list("abc"))
    def test_what_is_not_answered_may_have_been_sent(self, reply):
        tried, _ = attempt(AliyunDmConnector, SETTINGS, {SEND: reply}, MAIL, patience=IN_HASTE)

        assert (tried.code, tried.outcome) == ("api.maybe_sent", Outcome.MAYBE_SENT)

    def test_an_answer_without_end_is_not_read(self):
        tried = send(Reply(200, b"x" * 5_000_000))

        assert (tried.code, tried.outcome) == ("api.maybe_sent", Outcome.MAYBE_SENT)

    def test_a_mail_is_handed_over_once(self):
        _, asked = attempt(AliyunDmConnector, SETTINGS, {SEND: Reply(503)}, MAIL)

        assert len(asked) == 1

    def test_a_wrong_signature_does_not_quote_the_mail(self):
        """Direct Mail repeats what had to be signed, and with it the whole mail."""
        mail = replace(MAIL, html='<a href="https://example.com/?token=s3cr3t">Sign in, ada@example.net</a>')
        text = "POST&%2F&" + quote(form(sent(mail)), safe="-_.~")
        message = f"Specified signature is not matched with our calculation. server string to sign is:{text}"

        tried = send(error(400, "SignatureDoesNotMatch", message), mail)

        assert tried.code == "aliyun-dm.secret_wrong"
        assert "server string to sign is" in tried.everything
        assert [part for part in ("493817", "s3cr3t", "example.net") if part in tried.everything] == []

    def test_the_secret_itself_never_leaves(self):
        _, asked = attempt(AliyunDmConnector, SETTINGS, ACCEPTED, MAIL)

        assert CANARY not in repr(asked)


class TestSettings:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("regionId", "Hangzhou!"),
            ("regionId", "cn-hangzhou.example.com/"),
            ("regionId", "eu-central-\uff11"),
            ("accessKeyId", "STS.NTExample"),
            ("accessKeyId", "LTAI 5t"),
            ("accessKeySecret", ""),
            ("fromEmail", "A name of sixteen <no-reply@mail.example.com>"),
            ("fromEmail", "a@example.com, b@example.com"),
            ("addressType", 2),
            ("addressType", True),
            ("endpoint", "http://dm-vpc.cn-hangzhou.aliyuncs.com"),
        ],
    )
    def test_what_cannot_work_is_refused_at_its_place(self, key, value):
        with pytest.raises(ValidationError) as caught:
            AliyunDmConfig.model_validate({**SETTINGS, key: value})

        assert [error["loc"][:1] for error in caught.value.errors()] == [(key,)]

    @pytest.mark.parametrize("value", ["", None, "  "])
    def test_an_empty_region_is_the_default(self, value):
        config = AliyunDmConfig.model_validate({**SETTINGS, "regionId": value})

        assert (config.region_id, config.url) == ("cn-hangzhou", "https://dm.aliyuncs.com")


class TestRegions(RegionalTests):
    regional = AliyunDmConnector
    complete = SETTINGS
    same_place = ({"regionId": "us-east-1"}, {"endpoint": "https://dm.eu-central-1.aliyuncs.com"})
    other_places = (
        "https://dm-vpc.cn-hangzhou.aliyuncs.com",
        "https://dm.aliyuncs.com.example.net",
        "https://dm.aliyuncs.com:8443",
        "https://oss.aliyuncs.com",
        "http://127.0.0.1:5000",
    )
    of_another_region = ("https://dm-vpc.ap-southeast-1.aliyuncs.com", "ap-southeast-1")
    misspelt = (("cn-hangzou", "cn-hangzhou"), ("us-east-2", "us-east-1"))


class TestRules:
    @pytest.mark.parametrize("rule", AliyunDmConnector.rules, ids=lambda rule: rule.problem)
    def test_a_sample_is_answered_with_its_problem_in_whole_words(self, rule):
        sample = rule.fires
        path = SEND if sample.phase == "submit" else SUMMARY

        tried, _ = attempt(
            AliyunDmConnector,
            SETTINGS,
            {path: Reply(sample.status, sample.body)},
            MAIL if sample.phase == "submit" else None,
        )

        assert tried.code == rule.problem
        assert "%(" not in words(tried)


def test_the_policy_of_the_guide_allows_what_is_asked_and_no_more():
    (policy,) = re.findall(r"```json\n(.*?)```", guide_of(AliyunDmConnector) or "", re.DOTALL)

    actions = [statement["Action"] for statement in json.loads(policy)["Statement"]]
    granted = {name for each in actions for name in ([each] if isinstance(each, str) else each)}

    assert granted == {
        "dm:SingleSendMail",
        "dm:DescAccountSummary",
        "dm:QueryMailAddressByParam",
        "dm:QueryDomainByParam",
    }
