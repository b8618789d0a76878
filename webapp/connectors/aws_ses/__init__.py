"""Amazon SES, by its API v2. What it answers is at https://docs.aws.amazon.com/ses/latest/APIReference-V2/."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from webapp.connectors.api import Answer, Api
from webapp.connectors.api_rules import Said, rules_beside
from webapp.connectors.aws_ses.config import AwsSesConfig, identity_in
from webapp.connectors.aws_ses.recipes import RECIPES
from webapp.connectors.aws_ses.regions import SES
from webapp.connectors.aws_ses.signing import SignerMissingError, signed
from webapp.connectors.base import MachineCredentials
from webapp.connectors.headers import ascii_address, ascii_mailbox, ascii_text, one_line
from webapp.connectors.regional import RegionalConnector
from webapp.domain.address import Mailbox, parse_address, parse_mailbox
from webapp.domain.message import Mail, Receipt
from webapp.domain.problem import JSON
from webapp.domain.text import T

NEARLY: Final = 0.9
"""The share of a quota that is worth a word."""

_TOLD: Final = (
    *("__type", "message", "Message"),
    *("EnforcementStatus", "ProductionAccessEnabled", "SendingEnabled", "SendQuota"),
    *("IdentityType", "VerificationStatus", "VerifiedForSendingStatus", "MailFromAttributes", "SendingOptions"),
)
"""What a transcript keeps of a state that was read: the rest is about people, policies and keys."""
_DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied"})


class AwsSesConnector(RegionalConnector[AwsSesConfig]):
    """Hand mail to Amazon SES."""

    kind = "aws-ses"
    title = "Amazon SES"
    summary = T("Choose this when your mail goes through Amazon SES and you have an AWS access key or role.")
    config_model = AwsSesConfig
    badges = (T("Access key or role"), T("Choice of region"))
    rules = rules_beside(str(Path(__file__).with_name("rules")))
    recipes = RECIPES
    regions = SES

    def said(self, answer: Answer) -> Said:
        """The type of an error stands in a header, or in the body as ``__type``, both with more around it."""
        kind = answer.headers.get("x-amzn-ErrorType") or answer.text_at("__type") or answer.text_at("code")
        words = answer.text_at("message") or answer.text_at("Message") or answer.text
        return Said(kind.partition(":")[0].rpartition("#")[2], words)

    def facts(self) -> dict[str, object]:
        return {"region": self.config.region, "set": self.config.configuration_set_name or ""}

    async def examine(self, api: Api) -> None:
        with api.phase("auth"):
            account = await self._read(api, "/v2/email/account")
            if account is None:
                api.caution("aws-ses.account_unreadable")
        with api.phase("account") as note:
            if account is not None:
                note.text = self._judge_account(api, account)
            await self._judge_configuration_set(api)
        with api.phase("sender") as note:
            note.text = await self._judge_senders(api)

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        body = json.dumps(_request(mail, self.config)).encode()
        answer = await self._ask(api, "POST", "/v2/email/outbound-emails", body)
        message_id = answer.text_at("MessageId")
        if not message_id:
            raise api.not_understood(answer)
        return api.receipt(answer, message_id)

    def _judge_account(self, api: Api, answer: Answer) -> str:
        """Say what stands in the way of sending; give the account's state in Amazon's own words."""
        status = answer.text_at("EnforcementStatus")
        if answer.at("SendingEnabled") is None and not status:
            raise api.not_understood(answer)
        if status == "SHUTDOWN":
            raise api.error("aws-ses.shut_down", state=status)
        if answer.at("SendingEnabled") is False:
            raise api.error("aws-ses.sending_paused", words="SendingEnabled: false")
        if status == "PROBATION":
            api.caution("aws-ses.probation", state=status)
        sent = _number(answer.at("SendQuota", "SentLast24Hours"))
        quota = _number(answer.at("SendQuota", "Max24HourSend"))
        if answer.at("ProductionAccessEnabled") is False:
            api.caution("aws-ses.sandbox", quota=f"{quota:.0f}" if quota > 0 else "200")
        if quota >= 0 and answer.at("SendQuota") is not None:  # -1 is without limit
            if sent >= quota:
                raise api.error("api.quota_used_up")
            if sent >= NEARLY * quota:
                api.caution("aws-ses.quota_nearly_used", sent=f"{sent:.0f}", quota=f"{quota:.0f}")
        return f"{status} · {sent:.0f} / {quota:.0f}" if quota >= 0 else status

    async def _judge_configuration_set(self, api: Api) -> None:
        name = self.config.configuration_set_name
        if not name:
            return
        answer = await self._read(api, f"/v2/email/configuration-sets/{quote(name, safe='')}", accept={404})
        if answer is None:
            return  # whoever may not read it may use it all the same
        if answer.status == 404:
            raise api.error("aws-ses.set_unknown", answer)
        if answer.at("SendingOptions", "SendingEnabled") is False:
            raise api.error("aws-ses.set_paused")

    async def _judge_senders(self, api: Api) -> str | None:
        """Judge the sender, and the address that bounces go to: SES demands both to be verified."""
        config = self.config
        found = await self._judge_identity(api, config.from_email, config.from_identity_arn)
        if config.feedback_forwarding_email:
            arn = config.feedback_forwarding_identity_arn
            await self._judge_identity(
                api, config.feedback_forwarding_email, arn, missing="aws-ses.feedback_not_verified"
            )
        return found

    async def _judge_identity(
        self, api: Api, mailbox: str, arn: str | None, *, missing: str = "aws-ses.sender_not_verified"
    ) -> str | None:
        """Find the identity that lets an address be used: itself, its domain, or a domain above."""
        address, elsewhere = ascii_address(parse_mailbox(mailbox).address), identity_in(arn)
        pending: tuple[str, Answer] | None = None
        for identity in [elsewhere] if elsewhere else _identities(address):
            path = f"/v2/email/identities/{quote(identity, safe='')}"
            answer = await self._read(api, path, accept={404})
            if answer is None:
                api.caution("aws-ses.identity_unreadable", sender=address)
                return None
            verified = answer.at("VerifiedForSendingStatus")
            if verified is True:
                self._judge_dkim(api, identity, answer)
                return identity
            if answer.ok and verified is None:
                raise api.not_understood(answer)
            if answer.ok:
                pending = pending or (identity, answer)
        if elsewhere and pending is None:
            api.caution("aws-ses.identity_elsewhere", identity=elsewhere)
            return None
        if pending:
            state = pending[1].text_at("VerificationStatus") or "PENDING"
            raise api.error("aws-ses.sender_pending", identity=pending[0], state=state)
        raise api.error(missing, sender=address, domain=address.rpartition("@")[2])

    def _judge_dkim(self, api: Api, identity: str, answer: Answer) -> None:
        state = answer.text_at("DkimAttributes", "Status")
        if "@" not in identity and state and state != "SUCCESS":
            api.caution("aws-ses.dkim_missing", identity=identity, state=state)

    async def _read(self, api: Api, path: str, accept: Collection[int] = ()) -> Answer | None:
        """Ask for a state; None where the key is known but may not read it."""
        answer = await self._ask(api, "GET", path, accept={403, *accept})
        if answer.status != 403:
            return answer
        if self.said(answer).code in _DENIED:
            return None
        raise api.refused(answer)

    async def _ask(self, api: Api, method: str, path: str, body: bytes = b"", accept: Collection[int] = ()) -> Answer:
        credentials = await self._credentials(api)
        tells = _TOLD if method == "GET" else None
        try:
            # In a thread, because the first time reads the package.
            headers = await asyncio.to_thread(
                signed, method, self.endpoint + path, body, credentials=credentials, region=self.config.region
            )
        except SignerMissingError as exc:
            raise api.error("aws-ses.signer_missing") from exc
        return await api.request(method, path, headers=headers, accept=accept, tells=tells, content=body or None)

    async def _credentials(self, api: Api) -> MachineCredentials:
        config = self.config
        if config.machine_identity:
            if self.means.machine_credentials is None:
                raise api.error("aws-ses.role_not_permitted")
            credentials = await self.means.machine_credentials()
            token = credentials.session_token
            # Amazon repeats what was signed when a signature is wrong, and the token is among it.
            api.hide(credentials.secret.get_secret_value(), token.get_secret_value() if token else "")
            return credentials
        if config.access_key_id is None or config.access_key_secret is None:
            raise RuntimeError("The config's own validators let no key be missing.")
        return MachineCredentials(config.access_key_id, config.access_key_secret)


def _request(mail: Mail, config: AwsSesConfig) -> dict[str, JSON]:
    """The body of SendEmail."""
    bodies = {"Text": mail.text, "Html": mail.html}
    simple: dict[str, JSON] = {
        "Subject": _content(one_line(mail.subject)),
        "Body": {name: _content(each) for name, each in bodies.items() if each is not None},
    }
    if mail.headers:
        simple["Headers"] = [{"Name": name, "Value": ascii_text(value)} for name, value in mail.headers]
    feedback = config.feedback_forwarding_email
    body: dict[str, JSON] = {
        "FromEmailAddress": ascii_mailbox(Mailbox(parse_address(mail.sender.address), mail.sender.name)),
        "FromEmailAddressIdentityArn": config.from_identity_arn,
        "Destination": {"ToAddresses": [ascii_address(parse_mailbox(mail.to).address)]},
        "ReplyToAddresses": [ascii_mailbox(parse_mailbox(mail.reply_to))] if mail.reply_to else None,
        "FeedbackForwardingEmailAddress": ascii_address(parse_mailbox(feedback).address) if feedback else None,
        "FeedbackForwardingEmailAddressIdentityArn": config.feedback_forwarding_identity_arn,
        "Content": {"Simple": simple},
        "ConfigurationSetName": config.configuration_set_name,
    }
    if config.configuration_set_name:
        # The set's events can be told apart by it.
        body["EmailTags"] = [{"Name": "usageType", "Value": mail.usage_type.value}]
    return {name: value for name, value in body.items() if value is not None}


def _content(text: str) -> dict[str, JSON]:
    return {"Data": text, "Charset": "UTF-8"}


def _identities(sender: str) -> Iterator[str]:
    """What may be verified so that a sender counts: a domain covers those below it."""
    yield sender
    labels = sender.rpartition("@")[2].split(".")
    for start in range(max(len(labels) - 1, 1)):
        yield ".".join(labels[start:])


def _number(value: JSON) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
