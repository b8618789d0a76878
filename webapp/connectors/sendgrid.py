"""SendGrid, by its v3 API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from webapp.connectors.api import Answer, Api, ApiConnector
from webapp.connectors.api_rules import Said, rules_beside
from webapp.connectors.config import HeaderSecret, MailboxText, setting
from webapp.connectors.endpoint import Endpoint, EndpointConfig
from webapp.connectors.headers import SingleHeaders, ascii_address
from webapp.connectors.recipe import Fix
from webapp.connectors.sendgrid_recipes import RECIPES
from webapp.domain.address import Mailbox, parse_address, parse_mailbox
from webapp.domain.message import Mail, Receipt
from webapp.domain.text import T

GLOBAL: Final = "https://api.sendgrid.com"
EU: Final = "https://api.eu.sendgrid.com"

_UNREADABLE: Final = (401, 403, 404)
"""What a key with few permissions is answered; that says nothing about whether it may send."""
_PAGE: Final = 200

# Each of these changes what the recipient gets: links lead through SendGrid, or a footer is added.
_TRACKING_OFF: Final = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


class SendGridConfig(EndpointConfig):
    """A key, the address that mails come from, and how SendGrid treats them."""

    endpoint: Endpoint = setting(
        GLOBAL,
        title=T("Endpoint"),
        example=GLOBAL,
        destination=True,
        suggestions=((GLOBAL, T("Global")), (EU, T("European Union"))),
    )
    """Where SendGrid's API answers. Keys of an EU subuser work at https://api.eu.sendgrid.com only, all others at
    https://api.sendgrid.com only."""
    api_key: HeaderSecret = setting(title=T("API key"), section="authentication", secret=True)
    """A key with the permission Mail Send. It starts with “SG.” and is shown once, when it is created."""
    from_email: MailboxText = setting(title=T("From"), example="Acme <no-reply@example.com>", section="sender")
    """The address that recipients see, with a name before it if you like. The address is a verified sender at
    SendGrid, or its domain is authenticated there."""
    reply_to: MailboxText | None = setting(None, title=T("Reply to"), example="support@example.com", section="sender")
    """Where answers go. Leave it empty to receive them at the From address."""
    tracking: bool = setting(False, title=T("Tracking"), section="sender", advanced=True)
    """Off: links stay as you wrote them, and nothing is added. On: your SendGrid account's own settings hold, which may
    lead links through SendGrid and add an unsubscribe line to a mail that carries a code."""
    custom_headers: SingleHeaders = setting(
        default_factory=dict, title=T("Custom headers"), example="X-Entity-Ref-ID", section="sender", advanced=True
    )
    """Headers added to every mail. Those that Postroom or SendGrid writes itself, such as From, are not possible."""


class SendGridConnector(ApiConnector[SendGridConfig]):
    """Hand mail to SendGrid's Mail Send API."""

    kind = "sendgrid"
    title = "SendGrid"
    summary = T("Choose this when you have a Twilio SendGrid account; one API key is all it takes.")
    config_model = SendGridConfig
    badges = (T("API"), T("API key"), T("Global or EU"))
    official = frozenset({GLOBAL, EU})
    rules = rules_beside(__file__)
    recipes = RECIPES

    async def examine(self, api: Api) -> None:
        with api.phase("auth") as note:
            scopes = _scopes(await self._ask(api, "/v3/scopes"), api)
            note.text = "mail.send" if "mail.send" in scopes else None
        with api.phase("account"):
            if "mail.send" not in scopes:
                raise api.error("sendgrid.no_mail_send")
            _caution_power(api, scopes)
            _caution_credits(api, await self._ask(api, "/v3/user/credits", accept=_UNREADABLE))
        with api.phase("sender") as note:
            note.text = await self._sender_state(api, scopes)

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        answer = await api.request("POST", "/v3/mail/send", headers=self._headers(), json=self._request(mail))
        message_id = answer.headers.get("X-Message-Id", "")
        if answer.status != 202 and not message_id:
            raise api.not_understood(answer)
        return api.receipt(answer, message_id)

    def said(self, answer: Answer) -> Said:
        """``errors`` lists what is wrong; ``field`` names the part of the request."""
        errors = answer.objects_at("errors")
        if errors is None:
            return super().said(answer)
        words = "; ".join(str(each["message"]) for each in errors if each.get("message"))
        return Said(answer.text_at("errors", 0, "field"), words)

    def remedy(self, code: str) -> Fix | None:
        if code != "sendgrid.wrong_region" or self.endpoint not in self.official:
            return None
        if self.endpoint == EU:
            return Fix(T("Use the global endpoint"), (("endpoint", GLOBAL),))
        return Fix(T("Use the EU endpoint"), (("endpoint", EU),))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.config.api_key.get_secret_value()}", "Accept": "application/json"}

    async def _ask(self, api: Api, path: str, **options: Any) -> Answer:
        return await api.request("GET", path, headers=self._headers(), **options)

    def _request(self, mail: Mail) -> dict[str, Any]:
        """The body of Mail Send: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send"""
        bodies = (("text/plain", mail.text), ("text/html", mail.html))
        body: dict[str, Any] = {
            "personalizations": [{"to": [{"email": ascii_address(parse_mailbox(mail.to).address)}]}],
            "from": _mailbox(mail.sender),
            "subject": mail.subject,
            "content": [{"type": kind, "value": value} for kind, value in bodies if value],
        }
        if mail.reply_to:
            body["reply_to"] = _mailbox(parse_mailbox(mail.reply_to))
        if mail.headers:
            body["headers"] = dict(mail.headers)
        if not self.config.tracking:
            body["tracking_settings"] = _TRACKING_OFF
        return body

    async def _sender_state(self, api: Api, scopes: Iterable[str]) -> str:
        """Find the sender among those that the account may use. Raises DeliveryError where SendGrid will refuse it."""
        sender = parse_mailbox(self.config.from_email)
        # Where the senders live is nothing for a transcript.
        single = await self._ask(api, "/v3/verified_senders", accept=_UNREADABLE, tells=("errors",))
        listed = [each for each in single.objects_at("results") or () if _same(each.get("from_email"), sender.address)]
        if any(each.get("verified") is True for each in listed):
            return sender.address
        domains = await self._ask(api, "/v3/whitelabel/domains", accept=_UNREADABLE, params={"limit": _PAGE})
        authenticated = domains.objects_at() or []
        # The nearest first: it is the one that counts.
        authenticated.sort(key=lambda each: -len(str(each.get("domain", ""))))
        above = [each for each in authenticated if _covers(str(each.get("domain", "")), sender.domain)]
        valid = [str(each["domain"]) for each in above if each.get("valid") is True]
        if valid:
            if not _same(f"x@{valid[0]}", f"x@{sender.domain}"):
                api.caution("sendgrid.sender_below_domain", domain=valid[0])
            return valid[0]
        if not single.ok or not domains.ok or len(authenticated) >= _PAGE:
            api.caution("sendgrid.senders_not_read")
            return ""
        if "sender_verification_exempt" in scopes:
            api.caution("sendgrid.sender_not_needed")
            return ""
        if above:
            raise api.error("sendgrid.domain_not_valid", domain=above[0].get("domain"))
        raise api.error("sendgrid.sender_unconfirmed" if listed else "sendgrid.sender_not_listed")


def _scopes(answer: Answer, api: Api) -> set[str]:
    scopes = answer.at("scopes")
    if not isinstance(scopes, list):
        raise api.not_understood(answer)
    return {scope for scope in scopes if isinstance(scope, str)}


def _caution_power(api: Api, scopes: Iterable[str]) -> None:
    """A key that leaks should be good for nothing but sending; to read is harmless enough."""
    harmless = ("mail.", "user.scheduled_sends.", "sender_verification", "2fa_")
    power = sorted(each for each in scopes if not each.startswith(harmless) and not each.endswith(".read"))
    if power:
        api.caution("sendgrid.key_can_do_more", count=len(power), examples=", ".join(power[:3]))


def _caution_credits(api: Api, answer: Answer) -> None:
    total, left = answer.at("total"), answer.at("remain")
    if isinstance(total, int) and isinstance(left, int) and total > 0 and left * 10 <= total:
        api.caution("sendgrid.credits_low", left=left, total=total, reset=answer.text_at("next_reset") or "?")


def _mailbox(mailbox: Mailbox) -> dict[str, str]:
    named = {"name": mailbox.name} if mailbox.name else {}
    return {"email": ascii_address(parse_address(mailbox.address)), **named}


def _same(listed: object, address: str) -> bool:
    return isinstance(listed, str) and listed.strip().lower() in (address.lower(), ascii_address(address).lower())


def _covers(domain: str, name: str) -> bool:
    """Whether an authenticated domain is this one, or one above it."""
    wanted = f".{ascii_address(f'x@{name}')[2:].lower()}"
    return bool(domain) and wanted.endswith(f".{domain.lower()}")
