"""What goes over the wire to Amazon SES, held against what we did not write: Amazon's own client, and moto."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import replace
from typing import Any

import boto3
import pytest
import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from tests.connectors.api_attempt import over
from tests.connectors.smtp_attempt import Attempt
from tests.connectors.test_aws_ses import ACCOUNT, MESSAGE_ID, SEND, SETTINGS
from webapp.connectors.aws_ses import AwsSesConnector
from webapp.connectors.contract import Asked, Reply, StandIn
from webapp.domain.address import Mailbox
from webapp.domain.message import Mail
from webapp.domain.usage import UsageType

SECRET = SETTINGS["accessKeySecret"]
MAIL = Mail(
    to="ada@example.net",
    sender=Mailbox("no-reply@example.com", "Acme"),
    subject="Your code 認証",
    message_id="<ses@example.com>",
    usage_type=UsageType.SIGN_IN,
    text="Your code is 493817.\n",
    html="<p>Your code is <b>493817</b>, good for ten minutes.</p>\n",
    reply_to="Help <help@example.com>",
    headers=(("X-Entity-Ref", "4711"), ("X-Other", "a, b")),
)
WHOLE = {
    **SETTINGS,
    "configurationSetName": "sign-in-mails",
    "fromIdentityArn": "arn:aws:ses:eu-central-1:123456789012:identity/example.com",
    "feedbackForwardingEmail": "Bounces <bounces@example.com>",
    "feedbackForwardingIdentityArn": "arn:aws:ses:eu-central-1:123456789012:identity/bounces@example.com",
}


def run(endpoint: str, mail: Mail | None, settings: dict[str, Any]) -> Attempt:
    return over(AwsSesConnector, {**settings, "endpoint": endpoint}, mail)


def sent(mail: Mail = MAIL, **settings: Any) -> Asked:
    """The request that a send of this mail makes."""
    with StandIn({SEND: Reply(200, {"MessageId": MESSAGE_ID})}) as provider:
        tried = run(provider.url, mail, {**SETTINGS, **settings})
    assert tried.receipt, tried.everything
    return provider.asked[0]


def client(endpoint: str) -> Any:
    """Amazon's own client, which sends to this server."""
    return boto3.client(
        "sesv2",
        region_name=SETTINGS["region"],
        endpoint_url=endpoint,
        aws_access_key_id=SETTINGS["accessKeyId"],
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )


def sent_by_amazons_client(**request: Any) -> Asked:
    with StandIn({SEND: Reply(200, json.dumps({"MessageId": MESSAGE_ID}))}) as provider:
        client(provider.url).send_email(**request)
    return provider.asked[0]


def text(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}


class TestAgainstAmazonsClient:
    """The mail as Amazon's client sends it, to a server that writes down what it is asked."""

    def usual(self, **more: Any) -> dict[str, Any]:
        return {
            "FromEmailAddress": "Acme <no-reply@example.com>",
            "Destination": {"ToAddresses": ["ada@example.net"]},
            "ReplyToAddresses": ["Help <help@example.com>"],
            "Content": {
                "Simple": {
                    "Subject": text(MAIL.subject),
                    "Body": {"Text": text(MAIL.text or ""), "Html": text(MAIL.html or "")},
                    "Headers": [{"Name": "X-Entity-Ref", "Value": "4711"}, {"Name": "X-Other", "Value": "a, b"}],
                }
            },
            **more,
        }

    def test_a_mail(self):
        ours, theirs = sent(), sent_by_amazons_client(**self.usual())

        assert (ours.method, ours.target, ours.json) == (theirs.method, theirs.target, theirs.json)

    def test_a_mail_with_all_that_can_be_set(self):
        theirs = sent_by_amazons_client(
            **self.usual(
                ConfigurationSetName="sign-in-mails",
                FromEmailAddressIdentityArn=WHOLE["fromIdentityArn"],
                FeedbackForwardingEmailAddress="bounces@example.com",
                FeedbackForwardingEmailAddressIdentityArn=WHOLE["feedbackForwardingIdentityArn"],
                EmailTags=[{"Name": "usageType", "Value": "SignIn"}],
            )
        )

        assert sent(**WHOLE).json == theirs.json

    def test_a_mail_of_text_only(self):
        usual = self.usual()
        del usual["Content"]["Simple"]["Body"]["Html"], usual["Content"]["Simple"]["Headers"], usual["ReplyToAddresses"]

        mail = replace(MAIL, html=None, reply_to=None, headers=())

        assert sent(mail).json == sent_by_amazons_client(**usual).json

    def test_the_headers_that_count(self):
        ours, theirs = sent(), sent_by_amazons_client(**self.usual())

        assert {name.lower() for name, _ in ours.headers} >= {"authorization", "x-amz-date", "host", "content-length"}
        assert signed_headers(ours) == {"content-type", "host", "x-amz-date"}
        assert ours.header("Content-Type") == (theirs.header("Content-Type") or "application/json")

    def test_the_same_moment_gives_the_same_signature(self):
        """Amazon's client signs this very request, at this very second, in the same way."""
        with time_machine.travel("2026-08-21T10:15:30Z", tick=False):
            ours = sent()
            expected = signature_of(ours, Credentials(SETTINGS["accessKeyId"], SECRET))

        assert ours.header("X-Amz-Date") == "20260821T101530Z"
        assert ours.header("Authorization") == expected
        assert "/20260821/eu-central-1/ses/aws4_request" in expected

    @pytest.mark.parametrize("identity", ["no-reply@example.com", "a+b/c@example.com", "xn--bcher-kva.example"])
    def test_names_in_paths_are_written_and_signed_alike(self, identity):
        with StandIn({"GET /v2/email/identities/*": Reply(404, json.dumps({"message": "no"}))}) as provider:
            amazon = client(provider.url)
            with pytest.raises(ClientError):
                amazon.get_email_identity(EmailIdentity=identity)
        theirs = provider.asked[0]
        sender = identity if "@" in identity else f"no-reply@{identity}"
        with StandIn({"GET /v2/email/account": Reply(200, ACCOUNT)}) as provider:
            run(provider.url, None, {**SETTINGS, "fromEmail": sender})

        ours = next(asked for asked in provider.asked if asked.target == theirs.target)
        assert ours.header("Authorization") == signature_of(ours, Credentials(SETTINGS["accessKeyId"], SECRET))


class TestAgainstMoto:
    """moto keeps identities and configuration sets, and takes mail from verified senders. It has no GetAccount, which
    is answered here; it looks at no signature, and at no configuration set when it takes a mail."""

    @pytest.fixture
    def moto(self):
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()

    @pytest.fixture
    def amazon(self, moto):
        amazon = client(moto)
        http_post(moto, "/moto-api/reset")
        return amazon

    def test_a_mail_of_a_verified_sender_is_taken(self, moto, amazon):
        amazon.create_email_identity(EmailIdentity="example.com")

        tried = run(moto, MAIL, SETTINGS)

        assert tried.receipt, tried.everything
        (kept,) = json.loads(http_get(moto, "/moto-api/data.json"))["ses"]["Message"]
        assert kept["id"] == tried.receipt.provider_message_id
        assert (kept["source"], kept["subject"], kept["body"]) == (str(MAIL.sender), MAIL.subject, MAIL.html)

    def test_a_mail_of_an_unverified_sender_is_refused(self, moto, amazon):
        tried = run(moto, MAIL, SETTINGS)

        assert tried.code == "aws-ses.not_verified", tried.everything

    def test_a_check_finds_the_set_and_the_identity(self, moto, amazon):
        amazon.create_email_identity(EmailIdentity="example.com")
        amazon.create_configuration_set(ConfigurationSetName="sign-in-mails")

        with beside(moto) as provider:
            tried = run(provider.url, None, {**SETTINGS, "configurationSetName": "sign-in-mails"})

        # moto never sets VerifiedForSendingStatus, so every identity stays one that is not finished.
        assert tried.phases == ["resolve", "connect", "auth", "account", "sender"]
        assert tried.code == "aws-ses.sender_pending", tried.everything
        assert "“example.com” in eu-central-1" in str(tried.error.problem.cause)

    def test_a_check_finds_what_is_missing(self, moto, amazon):
        with beside(moto) as provider:
            settings = [SETTINGS, {**SETTINGS, "configurationSetName": "no"}]
            codes = [run(provider.url, None, each).code for each in settings]

        assert codes == ["aws-ses.sender_not_verified", "aws-ses.set_unknown"]


class beside(StandIn):  # noqa: N801  reads as a word where it is used
    """Answers GetAccount, and hands all else on to moto."""

    def __init__(self, moto: str) -> None:
        super().__init__({"GET /v2/email/account": Reply(200, ACCOUNT)})
        self._moto = moto

    def reply_to(self, asked: Asked) -> Reply:
        if asked.path == "/v2/email/account":
            return super().reply_to(asked)
        connection = http.client.HTTPConnection(self._moto.removeprefix("http://"))
        connection.request(asked.method, asked.target, asked.body, dict(asked.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        kept = {name: value for name, value in answer.getheaders() if name.lower().startswith("x-amzn")}
        return Reply(answer.status, content, kept)


def signed_headers(asked: Asked) -> set[str]:
    found = re.search(r"SignedHeaders=([^,]+)", asked.header("Authorization"))
    assert found
    return set(found[1].split(";"))


def signature_of(asked: Asked, credentials: Credentials) -> str:
    """Sign a request that arrived once more, with Amazon's signer and nothing of ours."""
    headers = {name: asked.header(name) for name in signed_headers(asked) if name not in ("host", "x-amz-date")}
    request = AWSRequest(asked.method, f"http://{asked.header('Host')}{asked.target}", headers, asked.body)
    signer = SigV4Auth(credentials, "ses", SETTINGS["region"])
    request.context["timestamp"] = asked.header("X-Amz-Date")
    request.headers["X-Amz-Date"] = asked.header("X-Amz-Date")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"


def http_post(url: str, path: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request("POST", path)
    connection.getresponse().read()
    connection.close()


def http_get(url: str, path: str) -> str:
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request("GET", path)
    content = connection.getresponse().read().decode()
    connection.close()
    return content
