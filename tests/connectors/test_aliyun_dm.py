"""Aliyun Direct Mail, by its API."""

from __future__ import annotations

from tests.canary import CANARY
from webapp.connectors.aliyun_dm import AliyunDmConnector
from webapp.connectors.contract import HTTPContract, Reply, Trouble

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


class TestAliyunDm(HTTPContract):
    connector = AliyunDmConnector
    settings = SETTINGS
    answers = {
        "check": {SUMMARY: Reply(200, ACCOUNT), ADDRESSES: addresses(ADDRESS)},
        "send": {SEND: Reply(200, {"EnvId": ENV_ID, "RequestId": REQUEST_ID})},
    }
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
