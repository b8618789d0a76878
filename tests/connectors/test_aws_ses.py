"""Amazon SES, by its API v2."""

from __future__ import annotations

from tests.canary import CANARY
from webapp.connectors.aws_ses import AwsSesConnector
from webapp.connectors.contract import HTTPContract, Reply, Trouble

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
