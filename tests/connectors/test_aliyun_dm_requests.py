"""What goes over the wire to Direct Mail, held against what we did not write: Alibaba's own library."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from alibabacloud_dm20151123 import models
from alibabacloud_dm20151123.client import Client
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions

from tests.connectors.api_attempt import attempt
from tests.connectors.test_aliyun_dm import CHECK, ENV_ID, REQUEST_ID, SEND, SETTINGS, SUMMARY
from webapp.connectors.aliyun_dm import AliyunDmConnector
from webapp.connectors.aliyun_dm.signing import form, signature
from webapp.connectors.contract import Asked, Reply, StandIn
from webapp.domain.address import Mailbox
from webapp.domain.message import Mail
from webapp.domain.usage import UsageType

SECRET = SETTINGS["accessKeySecret"]
MAIL = Mail(
    to="ada@example.net",
    sender=Mailbox("no-reply@mail.example.com", "Acme & Söhne"),
    subject="Your code: 100 % *new* ~ 認証",
    message_id="<aliyun@example.com>",
    usage_type=UsageType.SIGN_IN,
    text="Your code is 493817.\n",
    html='<p style="color:#333">Your code is <b>493817</b> + more</p>\n',
    reply_to="Help <help@example.com>",
)

VECTOR_FIELDS = {
    "AccessKeyId": "testid",
    "AccountName": "<a%b'>",
    "Action": "SingleSendMail",
    "AddressType": "1",
    "Format": "XML",
    "HtmlBody": "4 * 3 = 12 + ~ 認証 – é/ü?&",  # noqa: RUF001
    "RegionId": "cn-hangzhou",
    "ReplyToAddress": "true",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureNonce": "c1b2c332-4cfb-4a0f-b8cc-ebe622aa0a5c",
    "SignatureVersion": "1.0",
    "Subject": "主题 with spaces",
    "TagName": "2",
    "Timestamp": "2016-10-20T06:27:56Z",
    "ToAddress": "1@test.com",
    "Version": "2015-11-23",
}
VECTOR = "yS0sefMfoG5vwywpcaktcoTgF/A="
"""Computed once by alibabacloud-tea-openapi 0.4.6: ``Utils.get_rpcsignature(VECTOR_FIELDS, "POST", "testsecret")``."""


def sent(mail: Mail = MAIL, **settings: Any) -> Asked:
    """The request that a send of this mail makes."""
    answers = {SEND: Reply(200, {"EnvId": ENV_ID, "RequestId": REQUEST_ID})}
    tried, (asked,) = attempt(AliyunDmConnector, {**SETTINGS, **settings}, answers, mail)
    assert tried.receipt, tried.everything
    return asked


def by_the_library(operation: str, request: Any, answer: dict[str, Any]) -> Asked:
    """What Alibaba's library asks for this."""
    with StandIn({"POST /": Reply(200, answer)}) as provider:
        config = Config(
            access_key_id=SETTINGS["accessKeyId"],
            access_key_secret=SECRET,
            region_id="cn-hangzhou",
            endpoint=provider.url.removeprefix("http://"),
            protocol="HTTP",
            # Its name for the signature by HMAC-SHA1; the newer one differs in where things stand, not in what is said.
            signature_algorithm="v2",
        )
        arguments = [request] if request else []
        getattr(Client(config), f"{operation}_with_options")(*arguments, RuntimeOptions(autoretry=False))
    return provider.asked[0]


def said(asked: Asked) -> dict[str, str]:
    """What a request says, wherever it stands in it, but for what differs each time."""
    fields = dict([*asked.query, *asked.form])
    return {name: value for name, value in fields.items() if name not in ("Signature", "SignatureNonce", "Timestamp")}


class TestSignature:
    def test_the_official_librarys_vector(self):
        assert signature("POST", VECTOR_FIELDS, "testsecret") == VECTOR

    def test_the_official_library_computes_it_still(self):
        assert Utils.get_rpcsignature(VECTOR_FIELDS, "POST", "testsecret") == VECTOR

    @pytest.mark.parametrize("text", ["a b", "a+b", "a*b", "a~b", "a%7Eb", "認証", "'()!", "\n", "=&", "%", "é"])
    def test_both_encode_alike(self, text):
        fields = {"Action": "SingleSendMail", "Subject": text, "A": text, "AB": text}

        assert signature("POST", fields, SECRET) == Utils.get_rpcsignature(fields, "POST", SECRET)

    def test_a_request_of_ours_has_the_signature_that_the_library_would_give_it(self):
        fields = dict(sent().form)
        given = fields.pop("Signature")

        assert given == Utils.get_rpcsignature(fields, "POST", SECRET)

    def test_a_request_of_the_library_has_the_signature_that_we_would_give_it(self):
        asked = by_the_library("single_send_mail", single(), {"EnvId": ENV_ID, "RequestId": REQUEST_ID})
        fields = dict([*asked.query, *asked.form])
        given = fields.pop("Signature")

        assert given == signature("POST", fields, SECRET)

    def test_each_request_has_its_own_number_and_the_time(self):
        first, second = dict(sent().form), dict(sent().form)

        assert first["SignatureNonce"] != second["SignatureNonce"]
        moment = datetime.strptime(first["Timestamp"], "%Y-%m-%dT%H:%M:%S%z")
        assert abs((datetime.now(UTC) - moment).total_seconds()) < 600

    def test_the_form_is_written_as_it_is_signed(self):
        assert form({"B": "1 2", "A": "x/y", "AB": "ö~"}) == "A=x%2Fy&AB=%C3%B6~&B=1%202"


def single(**changes: Any) -> models.SingleSendMailRequest:
    """The mail as the library takes it. Its switch for the reply-to would be written "False"; the interface wants a
    small letter."""
    usual = {
        "account_name": "no-reply@mail.example.com",
        "address_type": 1,
        "click_trace": "0",
        "from_alias": MAIL.sender.name,
        "html_body": MAIL.html,
        "reply_address": "help@example.com",
        "reply_address_alias": "Help",
        "reply_to_address": "false",
        "subject": MAIL.subject,
        "text_body": MAIL.text,
        "to_address": "ada@example.net",
    }
    return models.SingleSendMailRequest(**{**usual, **changes})


class TestAgainstTheOfficialLibrary:
    """The mail as Alibaba's library for Python sends it, to a server that writes down what it is asked."""

    ANSWER = {"EnvId": ENV_ID, "RequestId": REQUEST_ID}

    def both(self, ours: Asked, theirs: Asked) -> tuple[dict[str, str], dict[str, str]]:
        mine, its = said(ours), said(theirs)
        # The library leaves it out: there the endpoint alone decides. The interface documents it for every operation.
        assert mine.pop("RegionId") == "cn-hangzhou"
        assert (mine.pop("Format"), its.pop("Format")) == ("JSON", "json")
        return mine, its

    def test_a_mail(self):
        mine, its = self.both(sent(), by_the_library("single_send_mail", single(), self.ANSWER))

        assert mine == its

    def test_a_mail_of_text_only_from_a_random_account(self):
        mail = replace(MAIL, html=None, reply_to=None, sender=Mailbox(MAIL.sender.address))
        nothing = {"html_body": None, "reply_address": None, "reply_address_alias": None, "from_alias": None}

        mine, its = self.both(
            sent(mail, addressType=0),
            by_the_library("single_send_mail", single(**nothing, address_type=0), self.ANSWER),
        )

        assert mine == its

    def test_what_a_check_asks(self):
        tried, asked = attempt(AliyunDmConnector, SETTINGS, CHECK)
        assert tried.error is None, tried.everything
        query = models.QueryMailAddressByParamRequest(key_word="no-reply@mail.example.com", page_no=1, page_size=50)

        summary = by_the_library("desc_account_summary", models.DescAccountSummaryRequest(), {"UserStatus": 0})
        addresses = by_the_library("query_mail_address_by_param", query, {"TotalCount": 0})

        for ours, theirs in zip(asked, [summary, addresses], strict=True):
            mine, its = self.both(ours, theirs)
            assert mine == its

    def test_both_read_the_same_answer(self):
        with StandIn({"POST /": Reply(200, self.ANSWER)}) as provider:
            config = Config(
                access_key_id="id",
                access_key_secret=SECRET,
                endpoint=provider.url.removeprefix("http://"),
                protocol="HTTP",
            )
            theirs = Client(config).single_send_mail_with_options(single(), RuntimeOptions(autoretry=False))
        ours, _ = attempt(AliyunDmConnector, SETTINGS, {SEND: Reply(200, self.ANSWER)}, MAIL)

        assert ours.receipt is not None
        assert ours.receipt.provider_message_id == theirs.body.env_id == ENV_ID

    def test_regions_have_the_librarys_endpoints(self):
        client = Client(Config(access_key_id="id", access_key_secret=SECRET, region_id="cn-hangzhou"))

        for region, host in client._endpoint_map.items():
            assert (
                AliyunDmConnector.config_model.model_validate({**SETTINGS, "regionId": region}).url == f"https://{host}"
            )

    def test_the_path_and_the_method(self):
        asked = sent()

        assert (asked.method, asked.target) == ("POST", "/")
        assert asked.header("Content-Type") == "application/x-www-form-urlencoded"
        assert re.fullmatch(rb"[A-Za-z0-9=&%._~-]+", asked.body)
        assert SUMMARY.startswith(f"{asked.method} {asked.target}")
