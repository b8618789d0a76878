"""From template and values to one mail: bodies, subject, sender and reply-to, ready for a connector."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inscriptis import get_text
from inscriptis.model.config import ParserConfig

from webapp.connectors.config import ConnectorConfig
from webapp.domain.address import AddressError, Mailbox, ascii_host, parse_mailbox
from webapp.domain.errors import FieldError, TemplateVariableMissingError
from webapp.domain.message import Mail
from webapp.domain.problem import JSON, Problem
from webapp.domain.template import Template, as_text, in_header, in_html, look_up, substitute
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.narrow import narrow

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_BODY = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)
_WITH_LINKS = ParserConfig(display_links=True)
_PREHEADER = (
    '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all">'
    # The filler keeps mail clients from showing the first words of the body behind a short preheader.
    "{preheader}" + "&#847;&zwnj;&nbsp;" * 40 + "</div>"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connector's mails come from, and the headers it adds to each."""

    sender: Mailbox
    reply_to: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, config: ConnectorConfig, sender: Mailbox | None = None) -> Identity:
        """Read it off a connector's config; not every connector knows a reply-to or own headers, or its ``sender``."""
        custom: Mapping[str, str | Sequence[str]] = getattr(config, "custom_headers", None) or {}
        lines = {name: (value,) if isinstance(value, str) else value for name, value in custom.items()}
        return cls(
            sender or parse_mailbox(getattr(config, "from_email", None) or "no-reply@localhost"),
            getattr(config, "reply_to", None),
            tuple((name, in_header(line)) for name, values in lines.items() for line in values),
        )


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail, and what the admin should know about how it came out."""

    mail: Mail
    warnings: tuple[Problem, ...] = ()


def render(
    template: Template,
    usage_type: UsageType,
    to: str,
    identity: Identity,
    payload: Mapping[str, JSON],
    *,
    locale: str | None = None,
    ip: str | None = None,
) -> Rendered:
    """Fill a template. Raises TemplateVariableMissingError when the mail would be useless without a value."""
    _require(usage_type, payload)
    warnings = _missing(template, payload)
    sender = _sender(template, payload, identity, warnings)
    reply_to = _reply_to(template, payload, identity, warnings)
    html, text = _bodies(template, payload)
    mail = Mail(
        to=to,
        sender=sender,
        subject=in_header(substitute(template.subject, payload)),
        message_id=_message_id(sender),
        usage_type=usage_type,
        text=text,
        html=html,
        reply_to=reply_to,
        headers=identity.headers,
        locale=locale,
        payload=payload,
        ip=ip,
    )
    return Rendered(mail, tuple(warnings))


def blank(
    usage_type: UsageType,
    to: str,
    identity: Identity,
    payload: Mapping[str, JSON],
    *,
    locale: str | None = None,
    ip: str | None = None,
) -> Rendered:
    """A mail that others make from the values. Raises TemplateVariableMissingError as ``render`` does."""
    _require(usage_type, payload)
    mail = Mail(
        to=to,
        sender=identity.sender,
        subject="",
        message_id=_message_id(identity.sender),
        usage_type=usage_type,
        reply_to=identity.reply_to,
        headers=identity.headers,
        locale=locale,
        payload=payload,
        ip=ip,
    )
    return Rendered(mail)


def text_of(html: str) -> str:
    """Derive the text part of an HTML mail; links keep their address."""
    return str(get_text(narrow(html), _WITH_LINKS)).strip() + "\n"


def _require(usage_type: UsageType, payload: Mapping[str, JSON]) -> None:
    name = usage_type.required_variable
    if as_text(look_up(payload, name)).strip():
        return
    message = T("The mail %(usage_type)s needs a value for %(name)s.", usage_type=usage_type.title, name=name)
    raise TemplateVariableMissingError(
        message, errors=[FieldError(f"/payload/{name}", TemplateVariableMissingError.code, message)]
    )


def _missing(template: Template, payload: Mapping[str, JSON]) -> list[Problem]:
    missing = sorted(path for path in template.variables() if look_up(payload, path) is None)
    return [
        Problem(
            "template.value_missing",
            T("A value is missing"),
            T("The template shows %(path)s, but no such value was given. The place stays empty.", path=path),
            (T("Give the value in the payload, or take the placeholder out of the template."),),
        )
        for path in missing
    ]


def _bodies(template: Template, payload: Mapping[str, JSON]) -> tuple[str | None, str | None]:
    if template.provider_template:
        return None, None
    if template.content_type == "text/plain":
        return None, substitute(template.content, payload)
    body = substitute(template.content, payload, in_html)
    text = substitute(template.text, payload) if template.text else text_of(body)
    if template.preheader:
        body = _with_preheader(body, substitute(template.preheader, payload, in_html))
    return body, text


def _with_preheader(body: str, preheader: str) -> str:
    block = _PREHEADER.format(preheader=preheader)
    start = _BODY.search(body)
    at = start.end() if start else 0
    return body[:at] + block + body[at:]


def _sender(template: Template, payload: Mapping[str, JSON], identity: Identity, warnings: list[Problem]) -> Mailbox:
    own = _own_mailbox(template.send_from, payload, identity.sender.address)
    if template.send_from and own is None:
        warnings.append(_not_one_mailbox("sendFrom", str(identity.sender)))
    return own or identity.sender


def _reply_to(
    template: Template, payload: Mapping[str, JSON], identity: Identity, warnings: list[Problem]
) -> str | None:
    default = parse_mailbox(identity.reply_to).address if identity.reply_to else identity.sender.address
    own = _own_mailbox(template.reply_to, payload, default)
    if template.reply_to and own is None:
        warnings.append(_not_one_mailbox("replyTo", identity.reply_to or ""))
    return str(own) if own else identity.reply_to


def _own_mailbox(text: str | None, payload: Mapping[str, JSON], address: str) -> Mailbox | None:
    """The template's own mailbox; a bare name keeps the config's address. None for what is not exactly one."""
    if not text:
        return None
    rendered = _CONTROL.sub("", substitute(text, payload)).strip()
    if not rendered:
        return None
    if not any(char in rendered for char in "@<>"):
        return Mailbox(address, rendered.strip('"').strip())
    if _QUOTED.sub("", rendered).count("@") != 1:
        return None
    try:
        return parse_mailbox(rendered)
    except AddressError:
        return None


def _not_one_mailbox(setting: str, used: str) -> Problem:
    return Problem(
        "template.sender_invalid" if setting == "sendFrom" else "template.reply_to_invalid",
        T("The template's %(setting)s was not used", setting=setting),
        T("It is not exactly one valid address, so the connector's was used: %(used)s", used=used or "-"),
        (T("Write a name, or one address such as Acme <no-reply@example.com>."),),
    )


def _message_id(sender: Mailbox) -> str:
    return f"<{secrets.token_hex(16)}@{ascii_host(sender.domain)}>"
