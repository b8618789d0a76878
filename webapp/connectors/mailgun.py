"""Mailgun, by its messages API."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from webapp.connectors.api import Answer, Api, ApiConnector
from webapp.connectors.api_rules import rules_beside
from webapp.connectors.config import Line, MailboxText, Secret, setting
from webapp.connectors.endpoint import Endpoint, EndpointConfig
from webapp.connectors.headers import SingleHeaders, ascii_address, ascii_mailbox
from webapp.connectors.mailgun_recipes import RECIPES
from webapp.connectors.recipe import Fix
from webapp.domain.address import AddressError, Mailbox, ascii_host, parse_address, parse_host, parse_mailbox
from webapp.domain.message import Mail, Receipt, StoredTemplate
from webapp.domain.problem import JSON
from webapp.domain.text import T

US: Final = "https://api.mailgun.net"
EU: Final = "https://api.eu.mailgun.net"

_REFUSED: Final = (401, 403)


def _domain(value: str) -> str:
    try:
        name = parse_host(value)
    except AddressError:
        name = ""
    if "." not in name:
        raise ValueError("Give only the domain, such as mg.example.com.")
    return name


class MailgunConfig(EndpointConfig):
    """A domain, a key, the address that mails come from, and how Mailgun treats them."""

    endpoint: Endpoint = setting(
        US,
        title=T("Endpoint"),
        example=US,
        destination=True,
        suggestions=((US, T("United States")), (EU, T("European Union"))),
    )
    """Where Mailgun's API answers. Each domain lives in one region: https://api.mailgun.net in the US,
    https://api.eu.mailgun.net in the EU. Mailgun shows the region beside the domain."""
    domain: Annotated[Line, AfterValidator(_domain)] = setting(title=T("Domain"), example="mg.example.com")
    """The sending domain as Mailgun lists it, often a subdomain that you made for it."""
    api_key: Secret = setting(title=T("API key"), section="authentication", secret=True)
    """A sending key of this domain, or an API key of the account. A sending key can do nothing but send, which is all
    that is needed."""
    from_email: MailboxText = setting(title=T("From"), example="Acme <no-reply@mg.example.com>", section="sender")
    """The address that recipients see, with a name before it if you like. It belongs to the domain above, or to the one
    that it is a part of."""
    reply_to: MailboxText | None = setting(None, title=T("Reply to"), example="support@example.com", section="sender")
    """Where answers go. Leave it empty to receive them at the From address."""
    tracking: bool = setting(False, title=T("Tracking"), section="sender", advanced=True)
    """Off: links stay as you wrote them, and nothing is added. On: the domain's own settings hold, which may lead links
    through Mailgun and add an image that tells when a mail is opened."""
    custom_headers: SingleHeaders = setting(
        default_factory=dict, title=T("Custom headers"), example="X-Entity-Ref-ID", section="sender", advanced=True
    )
    """Headers added to every mail. Those that Postroom or Mailgun writes itself, such as From, are not possible."""


class MailgunConnector(ApiConnector[MailgunConfig]):
    """Hand mail to Mailgun's messages API, made here or from a template stored there."""

    kind = "mailgun"
    title = "Mailgun"
    summary = T("Choose this when you have a domain at Mailgun, in its US or its EU region.")
    config_model = MailgunConfig
    stored_templates = True
    badges = (T("API"), T("API key"), T("US or EU"))
    official = frozenset({US, EU})
    rules = rules_beside(__file__)
    recipes = RECIPES

    async def examine(self, api: Api) -> None:
        with api.phase("auth"):
            domain = await self._domain(api)
        with api.phase("account") as note:
            if domain is None:
                api.caution("mailgun.domain_not_read")
            elif not domain.ok:
                raise api.refused(domain)
            else:
                note.text = _judged(domain, api)
        with api.phase("sender") as note:
            note.text = self._aligned(api)

    async def submit(self, api: Api, mail: Mail) -> Receipt:
        path = f"/v3/{ascii_host(self.config.domain)}/messages"
        answer = await api.request("POST", path, headers=self._headers(), data=self._form(mail))
        message_id = answer.text_at("id")
        if not message_id:
            raise api.not_understood(answer)
        return api.receipt(answer, message_id, answer.text_at("message"))

    def facts(self) -> dict[str, object]:
        return {"domain": self.config.domain}

    def remedy(self, code: str) -> Fix | None:
        if code != "mailgun.domain_not_found" or self.endpoint not in self.official:
            return None
        if self.endpoint == EU:
            return Fix(T("Use the US endpoint"), (("endpoint", US),))
        return Fix(T("Use the EU endpoint"), (("endpoint", EU),))

    def _headers(self) -> dict[str, str]:
        user = f"api:{self.config.api_key.get_secret_value()}"
        return {"Authorization": f"Basic {b64encode(user.encode()).decode()}"}

    async def _domain(self, api: Api) -> Answer | None:
        """Read the domain; None where the key may only send. Raises DeliveryError where it may do neither."""
        name = ascii_host(self.config.domain)
        headers, accept, tells = self._headers(), (*_REFUSED, 404), ("message", "sending_dns_records")
        answer = await api.request("GET", f"/v4/domains/{name}", headers=headers, accept=accept, tells=tells)
        if answer.status not in _REFUSED:
            return answer
        # A sending key is refused here as a wrong one is: it may do nothing but hand in messages. So it is asked to
        # hand in one without recipient, sender and content, of which nothing can become a mail. A key that is known
        # is told what is missing (400); any other is refused again.
        knock = {"o:testmode": "yes"}
        await api.request("POST", f"/v3/{name}/messages.mime", headers=headers, data=knock, accept=(400,))
        return None

    def _form(self, mail: Mail) -> dict[str, str]:
        """The fields of a message: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages"""
        form = {
            "from": _mailbox(mail.sender),
            "to": ascii_address(parse_mailbox(mail.to).address),
            "subject": mail.subject,
        }
        form |= {f"h:{name}": value for name, value in mail.headers}
        if mail.reply_to:
            form["h:Reply-To"] = _mailbox(parse_mailbox(mail.reply_to))
        if mail.stored_template:
            form |= _from_template(mail.stored_template, mail.payload)
        else:
            form |= {"text": mail.text or "", "html": mail.html or ""}
        if not self.config.tracking:
            form["o:tracking"] = "no"
        return {name: value for name, value in form.items() if value}

    def _aligned(self, api: Api) -> str | None:
        """Compare the sender with the domain that Mailgun signs for: DMARC asks that they belong together."""
        ours, signed = parse_mailbox(self.config.from_email).domain, self.config.domain
        if signed.endswith(".mailgun.org"):
            return None
        related = f".{ours}".endswith(f".{signed}") or f".{signed}".endswith(f".{ours}")
        if not related:
            api.caution("mailgun.sender_elsewhere", sender_domain=ours)
        return ours if related else None


def _judged(answer: Answer, api: Api) -> str:
    """Tell the state of a domain. Raises DeliveryError where it cannot send."""
    state = answer.text_at("domain", "state")
    disabled = answer.at("domain", "disabled")
    missing = ", ".join(_missing(answer.objects_at("sending_dns_records") or ()))
    if not state:
        raise api.not_understood(answer)
    if state == "disabled" or answer.at("domain", "is_disabled") is True or disabled:
        reason = answer.text_at("domain", "disabled", "reason") or "disabled"
        raise api.error("mailgun.domain_disabled", reason=reason)
    if state == "unverified":
        raise api.error("mailgun.domain_unverified", records=missing or "?")
    if answer.text_at("domain", "type") == "sandbox":
        api.caution("mailgun.sandbox_domain")
    elif missing:
        api.caution("mailgun.record_missing", records=missing)
    return state


def _missing(records: Iterable[Mapping[str, JSON]]) -> list[str]:
    """The DNS records that Mailgun did not find; the one for tracking is not needed to send."""
    return [
        f"{record.get('record_type')} {record.get('name') or ''}".strip()
        for record in records
        if record.get("valid") != "valid"
        and (record.get("record_type") != "CNAME" or "_domainkey" in str(record.get("name")))
    ]


def _from_template(template: StoredTemplate, payload: Mapping[str, JSON]) -> dict[str, str]:
    """Name a stored template and its values; those of the mail win.

    They do not go as the header X-Mailgun-Variables, because recipients would get it.
    """
    values: dict[str, Any] = {**template.variables, **payload}
    return {
        "template": template.id,
        "t:variables": json.dumps(values, separators=(",", ":")),
        "t:text": "yes",
    }


def _mailbox(mailbox: Mailbox) -> str:
    """Write a mailbox in one line; what looks like an encoded word has to be encoded itself."""
    address = ascii_address(parse_address(mailbox.address))
    return ascii_mailbox(mailbox) if "=?" in mailbox.name else str(Mailbox(address, mailbox.name))
