"""What goes wrong between us and a mail server that could be reached: one recipe for each problem."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from webapp.connectors.smtp.endings import ENDINGS
from webapp.connectors.smtp.login_recipes import LOGIN
from webapp.connectors.smtp.recipes import CONVERSATION
from webapp.connectors.smtp.token_recipes import TOKEN
from webapp.domain.problem import PatchOperation, Problem
from webapp.domain.text import T, Text

RECIPES: Final = CONVERSATION | LOGIN | TOKEN | ENDINGS
"""Every problem code of this connector, beside those of the network, and its recipe."""

PLAIN_PORTS: Final = (25, 587, 2525)
"""Ports where the conversation begins in clear and STARTTLS follows."""

TLS_PORT: Final = 465


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that mends a problem with one click. None of these lowers security."""

    label: Text
    values: tuple[tuple[str, str | int | bool], ...]

    def operations(self) -> tuple[PatchOperation, ...]:
        # "add" sets a member whether it is there already or not (RFC 6902 section 4.1).
        return tuple(PatchOperation("add", f"/connector/config/{key}", value) for key, value in self.values)


USE_STARTTLS: Final = Fix(T("Use STARTTLS"), (("security", "starttls"),))
USE_TLS: Final = Fix(T("Use TLS"), (("security", "tls"),))
USE_TLS_AT_465: Final = Fix(T("Use TLS at port 465"), (("security", "tls"), ("port", 465)))
USE_STARTTLS_AT_587: Final = Fix(T("Use STARTTLS at port 587"), (("security", "starttls"), ("port", 587)))
VERIFY: Final = Fix(T("Verify it"), (("tls/verify", True),))
USE_PORT_587: Final = Fix(T("Use port 587"), (("port", 587),))

_HOST_ADVICE: Final[tuple[tuple[re.Pattern[str], Text], ...]] = (
    (
        re.compile(r"(^|\.)(gmail|google|googlemail)\.com$"),
        T("Gmail wants a 16-letter app password here, made at myaccount.google.com/apppasswords."),
    ),
    (
        re.compile(r"(^|\.)(office365|outlook|hotmail)\.com$"),
        T("Microsoft 365: “Authenticated SMTP” must be switched on for this mailbox in the admin centre."),
    ),
    (
        re.compile(r"(^|\.)sendgrid\.net$"),
        T("SendGrid: the user name is the word “apikey”, the password an API key with the right to send mail."),
    ),
    (
        re.compile(r"^email-smtp\..*\.amazonaws\.com$"),
        T("Amazon SES: use SMTP credentials made in the SES console of this region; access keys do not work here."),
    ),
    (
        re.compile(r"(^|\.)(yahoo\.com|aol\.com|mail\.me\.com|zoho\.(com|eu|in))$"),
        T("This provider wants an application password, made in the security settings of the account."),
    ),
    (
        re.compile(r"(^|\.)(qq|163|126|exmail\.qq)\.com$"),
        T("This provider wants an authorization code, made where SMTP is switched on in the mailbox's settings."),
    ),
    (
        re.compile(r"^smtpdm.*\.aliyun\.com$"),
        T("Alibaba Cloud: the password is the SMTP password of the sender address, set in the DirectMail console."),
    ),
    (
        re.compile(r"(^|\.)postmarkapp\.com$"),
        T("Postmark: user name and password are both the Server API token."),
    ),
)
"""What single providers want as credentials, each a step of its own."""

_ABOUT_CREDENTIALS: Final = frozenset({"smtp.credentials_rejected", "smtp.app_password_needed", "smtp.auth_disabled"})


_FIXES: Final = {
    "smtp.tls_expected": USE_TLS,
    "smtp.tls_on_plain_port": USE_STARTTLS,
    "smtp.tls_required": USE_STARTTLS,
}


def problem(code: str, facts: Mapping[str, object], *, fix: Fix | None = None, temporary: bool = False) -> Problem:
    """Make a problem of its recipe; ``temporary`` adds to what the recipe says."""
    recipe = RECIPES[code]
    values = tuple((name, str(value)) for name, value in facts.items())
    steps = recipe.steps
    if code in _ABOUT_CREDENTIALS:
        steps = (*_advice(str(facts.get("host", ""))), *steps)
    made = Problem(
        code,
        Text(recipe.title.template, values),
        Text(recipe.cause.template, values),
        tuple(Text(step.template, values) for step in steps),
        recipe.temporary or temporary,
    )
    return fixed(made, fix)


def fixed(problem: Problem, fix: Fix | None) -> Problem:
    """Add the change that mends it."""
    return replace(problem, patch=fix.operations(), patch_label=fix.label) if fix else problem


def _advice(host: str) -> tuple[Text, ...]:
    return tuple(advice for pattern, advice in _HOST_ADVICE if pattern.search(host))


def fix_for(code: str, *, port: int, security: str, starttls_offered: bool = False) -> Fix | None:
    """Choose the change that mends a problem, if one is likely to."""
    if code in ("smtp.timeout_greeting", "smtp.connection_dropped_greeting"):
        # A server that speaks TLS from the first byte waits for us, while we wait for it.
        return USE_TLS if security != "tls" and port not in PLAIN_PORTS else None
    if code in _FIXES:
        return _FIXES[code]
    if code == "smtp.starttls_not_offered":
        return USE_TLS_AT_465 if port in PLAIN_PORTS else None
    if code in ("smtp.auth_not_offered", "smtp.xoauth2_not_offered", "smtp.credentials_in_clear"):
        return USE_STARTTLS if starttls_offered else None
    if code == "network.connect_timeout" and port == 25:
        return USE_PORT_587
    return None
