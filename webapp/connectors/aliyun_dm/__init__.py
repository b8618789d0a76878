"""Aliyun Direct Mail, by its API. Its operations are at https://www.alibabacloud.com/help/en/direct-mail/singlesendmail."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from webapp.connectors.aliyun_dm.config import AliyunDmConfig
from webapp.connectors.aliyun_dm.recipes import RECIPES
from webapp.connectors.aliyun_dm.regions import DEFAULT, DIRECT_MAIL
from webapp.connectors.aliyun_dm.signing import encoded, form, signature
from webapp.connectors.api import Answer, Api
from webapp.connectors.api_rules import Said, rules_beside
from webapp.connectors.headers import ascii_address, one_line
from webapp.connectors.regional import RegionalConnector
from webapp.domain.address import parse_mailbox
from webapp.domain.message import DeliveryError, Mail, Receipt
from webapp.domain.problem import JSON
from webapp.domain.text import T

VERSION: Final = "2015-11-23"
NEARLY: Final = 0.9
"""The share of a quota that is worth a word."""

_DENIED: Final = re.compile(r"Forbidden\.RAM|Forbidden|NoPermission|NotAuthorized.*")
_KEYWORD: Final = re.compile(r"[A-Za-z0-9.@-]{1,60}")
_PRIVATE: Final = ("HtmlBody", "Subject", "TextBody", "ToAddress")
_TELLING: Final = 8
"""Characters of a text that is not a part of other words by chance."""
_PAGE: Final = 50
_FROZEN: Final = 1 | 8
_UNPAID: Final = 2
_RESTRICTED: Final = 4
"""Bits of an account's state (DescAccountSummary, UserStatus); 8 is an account that was deleted."""


class AliyunDmConnector(RegionalConnector[AliyunDmConfig]):
    """Hand mail to Alibaba Cloud's Direct Mail."""

    kind = "aliyun-dm"
    title = "Aliyun Direct Mail"
    summary = T("Choose this when you send through Alibaba Cloud (Aliyun) Direct Mail and have an AccessKey.")
    config_model = AliyunDmConfig
    badges = (T("AccessKey"), T("Choice of region"))
    starts = {"regionId": DEFAULT}
    rules = rules_beside(str(Path(__file__).with_name("rules")))
    recipes = RECIPES
    regions = DIRECT_MAIL

    def said(self, answer: Answer) -> Said:
        return Said(answer.text_at("Code"), answer.text_at("Message") or ("" if answer.ok else answer.text))

    def facts(self) -> dict[str, object]:
        return {"region": self.config.region_id, "domain": parse_mailbox(self.config.from_email).domain}

    async def examine(self, api: Api) -> None:
        with api.phase("auth"):
            account = await self._read(api, "DescAccountSummary")
            if account is None:
                api.caution("aliyun-dm.account_unreadable")
        with api.phase("account") as note:
            if account is not None:
                note.text = self._judge_account(api, account)
        with api.phase("sender") as note:
            note.text = await self._judge_sender(api)

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        fields = _fields(mail, self.config)
        # A wrong signature is answered with all that had to be signed, encoded twice: what the mail says, its code too.
        repeated = (encoded(encoded(fields[name])) for name in _PRIVATE if name in fields)
        api.hide(*(each for each in repeated if len(each) > _TELLING))
        answer = await self._ask(api, "SingleSendMail", fields)
        if not answer.text_at("EnvId"):
            raise api.not_understood(answer)
        return api.receipt(answer, answer.text_at("EnvId"))

    def _judge_account(self, api: Api, answer: Answer) -> str:
        """Say what stands in the way of sending; give the account's quotas in Alibaba's own words."""
        state = answer.text_at("UserStatus")
        if not state.isdecimal():
            raise api.not_understood(answer)
        if int(state) & _FROZEN:
            raise api.error("aliyun-dm.account_frozen", state=state)
        if int(state) & _UNPAID:
            raise api.error("aliyun-dm.in_arrears")
        if int(state) & _RESTRICTED:
            raise api.error("aliyun-dm.sending_restricted", state=state)
        quotas = ((name, answer.text_at(name)) for name in ("DailyQuota", "MonthQuota"))
        return " · ".join(f"{name} {value}" for name, value in quotas if value)

    async def _judge_sender(self, api: Api) -> str | None:
        """Find the sender among the addresses of the account."""
        sender = ascii_address(parse_mailbox(self.config.from_email).address)
        domain = sender.rpartition("@")[2]
        keyword = sender if _KEYWORD.fullmatch(sender) else domain
        listed = await self._read(api, "QueryMailAddressByParam", KeyWord=keyword, PageNo="1", PageSize=str(_PAGE))
        if listed is None:
            api.caution("aliyun-dm.sender_unreadable", sender=sender)
            return None
        addresses = listed.objects_at("data", "mailAddress")
        if addresses is None:
            raise api.not_understood(listed)
        found = next((each for each in addresses if _same(each.get("AccountName"), sender)), None)
        if found is None:
            raise await self._missing(api, sender, domain)
        if str(found.get("AccountStatus")) == "1":
            raise api.error("aliyun-dm.sender_not_usable", sender=sender)
        if str(found.get("DomainStatus")) == "1":
            raise api.error("aliyun-dm.domain_not_verified", domain=domain)
        if found.get("Sendtype") == "batch":
            api.caution("aliyun-dm.batch_address", sender=sender)
        self._judge_quota(api, sender, _count(found.get("DailyReqCount")), _count(found.get("DailyCount")))
        return f"{sender} · {found.get('Sendtype') or ''}".removesuffix(" · ")

    async def _missing(self, api: Api, sender: str, domain: str) -> DeliveryError:
        """Tell what has to be made for the sender: the address, or its domain first."""
        keyword = domain if _KEYWORD.fullmatch(domain) else ""
        listed = await self._read(api, "QueryDomainByParam", KeyWord=keyword, PageNo="1", PageSize=str(_PAGE))
        domains = (listed.objects_at("data", "domain") if listed else None) or []
        found = next((each for each in domains if _same(each.get("DomainName"), domain)), None)
        if found and str(found.get("DomainStatus")) == "1":
            return api.error("aliyun-dm.domain_not_verified", domain=domain)
        if listed is not None and found is None:
            return api.error("aliyun-dm.domain_unknown", sender=sender, domain=domain)
        return api.error("aliyun-dm.sender_unknown", sender=sender)

    def _judge_quota(self, api: Api, sender: str, sent: int, quota: int) -> None:
        if quota <= 0:  # -1 is without limit
            return
        if sent >= quota:
            raise api.error("api.quota_used_up")
        if sent >= NEARLY * quota:
            api.caution("aliyun-dm.quota_nearly_used", sender=sender, sent=sent, quota=quota)

    async def _read(self, api: Api, action: str, **fields: str) -> Answer | None:
        """Ask for a state; None where the key is known but may not read it."""
        answer = await self._ask(api, action, fields, accept={403})
        if answer.status != 403:
            return answer
        if _DENIED.fullmatch(self.said(answer).code):
            return None
        raise api.refused(answer)

    async def _ask(self, api: Api, action: str, fields: Mapping[str, str], accept: Collection[int] = ()) -> Answer:
        secret = self.config.access_key_secret.get_secret_value()
        whole = {
            **fields,
            "AccessKeyId": self.config.access_key_id,
            "Action": action,
            "Format": "JSON",
            "RegionId": self.config.region_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": str(uuid4()),
            "SignatureVersion": "1.0",
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": VERSION,
        }
        whole["Signature"] = signature("POST", whole, secret)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return await api.request("POST", "/", headers=headers, accept=accept, content=form(whole))


def _fields(mail: Mail, config: AliyunDmConfig) -> dict[str, str]:
    """The fields of SingleSendMail."""
    reply_to = parse_mailbox(mail.reply_to) if mail.reply_to else None
    given = {
        "AccountName": ascii_address(one_line(mail.sender.address)),
        "AddressType": config.address_type,
        # Clicks are not counted: links of these mails carry one-time codes.
        "ClickTrace": "0",
        "FromAlias": one_line(mail.sender.name).strip(),
        "HtmlBody": mail.html or "",
        "ReplyAddress": ascii_address(reply_to.address) if reply_to else "",
        "ReplyAddressAlias": one_line(reply_to.name).strip() if reply_to else "",
        # "true" would take the reply-to address of the provider's console.
        "ReplyToAddress": "false",
        "Subject": one_line(mail.subject),
        "TextBody": mail.text or "",
        "ToAddress": ascii_address(parse_mailbox(mail.to).address),
    }
    return {name: value for name, value in given.items() if value}


def _same(listed: JSON, name: str) -> bool:
    return isinstance(listed, str) and listed.strip().lower() == name.lower()


def _count(value: JSON) -> int:
    text = str(value)
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 16 else 0
