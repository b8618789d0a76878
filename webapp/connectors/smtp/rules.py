"""Which problem a server's answer means: rules as data, the first that fits wins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from webapp.connectors.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits when everything that it names fits: phases, code, enhanced code, words and host, as regular expressions."""

    problem: str
    phases: tuple[str, ...] = ()
    code: str = ""
    enhanced: str = ""
    words: str = ""
    host: str = ""
    without_login: bool = False
    """Whether it takes a conversation without login."""

    def fits(self, phase: str, reply: Reply, host: str, logged_in: bool) -> bool:
        return (
            (not self.phases or phase in self.phases)
            and _fits(self.code, str(reply.code))
            and _fits(self.enhanced, reply.enhanced_code or "")
            and (not self.words or re.search(self.words, reply.text, re.IGNORECASE) is not None)
            and not (self.without_login and logged_in)
            and (not self.host or re.search(self.host, host) is not None)
        )


def _fits(pattern: str, value: str) -> bool:
    return not pattern or re.fullmatch(pattern, value) is not None


_TRANSACTION: Final = ("mail_from", "rcpt_to", "data")
_AFTER_EHLO: Final = ("auth", *_TRANSACTION)
_APP_PASSWORDS: Final = r"(^|\.)(yahoo\.com|aol\.com|mail\.me\.com|zoho\.(com|eu|in)|qq\.com|163\.com|126\.com)$"
_BLOCKED: Final = r"block ?list|black ?list|\brbl\b|dnsbl|spamhaus|barracuda|banned|blocked using|poor reputation"

RULES: Final = (
    # Whatever the phase: the server turns us away before it has looked at anything.
    Rule("smtp.tls_required", _AFTER_EHLO, "5..", words=r"\bstarttls\b|must use (tls|ssl)|encryption (is )?required"),
    Rule("smtp.tls_required", _AFTER_EHLO, enhanced=r"5\.7\.(10|11)", words="encrypt|tls"),
    Rule(
        "smtp.rate_limited",
        code="[45]..",
        words=r"too many (\w+ )?(login|auth|attempt|messages|mails|emails|recipients)",
    ),
    Rule("smtp.too_many_connections", code="[45]..", words=r"too many|connection (limit|rate)|concurrent"),
    Rule("smtp.too_many_connections", ("greeting", "ehlo", "starttls"), "421", r"4\.7\.0"),
    Rule("smtp.blocked", ("greeting", "ehlo", *_TRANSACTION), "[45]..", words=_BLOCKED),
    Rule("smtp.greeting_refused", ("greeting",), "5.."),
    # EHLO: HELO was tried too where the server does not know EHLO.
    Rule("smtp.ehlo_refused", ("ehlo",), "5.."),
    Rule("smtp.starttls_refused", ("starttls",), "[45].."),
    # https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission
    Rule("smtp.credentials_rejected", ("auth",), "5..", words="credentials were incorrect"),
    Rule("smtp.auth_disabled", ("auth",), "5..", r"5\.7\.139"),
    Rule(
        "smtp.auth_disabled",
        ("auth",),
        "5..",
        words=r"smtpclientauthentication is disabled|smtp auth\w* (is )?disabled",
    ),
    Rule("smtp.account_disabled", ("auth",), "5..", r"5\.7\.13|5\.2\.1"),
    Rule(
        "smtp.account_disabled",
        ("auth",),
        "5..",
        words=r"(account|user|mailbox)( is| has been)? (disabled|suspended|locked)",
    ),
    # https://support.google.com/a/answer/3726730
    Rule("smtp.web_login_needed", ("auth",), "53[45]", words=r"weblogin|log ?in (via|with) your (web )?browser"),
    Rule("smtp.app_password_needed", ("auth",), "5..", r"5\.7\.9"),
    Rule(
        "smtp.app_password_needed",
        ("auth",),
        "5..",
        words=r"app(lication)?[- ]?(specific )?password|invalidsecondfactor|authori[sz]ation code|授权码",
    ),
    Rule("smtp.app_password_needed", ("auth",), "53[45]", host=_APP_PASSWORDS),
    Rule("smtp.auth_method_not_offered", ("auth",), "504"),
    Rule("smtp.auth_method_not_offered", ("auth",), "5..", r"5\.7\.4", r"mechanism|unrecognized|unsupported|type"),
    Rule("smtp.auth_not_offered", ("auth",), "50[023]"),
    Rule("smtp.credentials_rejected", ("auth",), "53."),
    Rule("smtp.credentials_rejected", ("auth",), "5..", r"5\.7\.[38]"),
    Rule(
        "smtp.credentials_rejected",
        ("auth",),
        "5..",
        words=r"auth\w* (failed|failure|unsuccessful)|(invalid|bad|incorrect|wrong) (login|credentials|user|password)",
    ),
    Rule("smtp.auth_temporary", ("auth",), "4.."),
    # From here on the transaction: sender, recipient, content.
    Rule(
        "smtp.auth_required",
        _TRANSACTION,
        "530|5[35]\\d",
        words=r"authenticat\w+ (is )?(required|needed)|not authenticated",
    ),
    Rule("smtp.auth_required", _TRANSACTION, "530"),
    # Postfix with "permit_sasl_authenticated, reject", as its own submission service is set up.
    Rule("smtp.auth_required", _TRANSACTION, "5..", words="client host rejected: access denied", without_login=True),
    Rule("smtp.smtputf8_not_offered", _TRANSACTION, "5..", r"5\.6\.7"),
    Rule("smtp.ehlo_refused", _TRANSACTION, "[45]..", words="helo command rejected"),
    Rule(
        "smtp.reverse_dns_missing",
        _TRANSACTION,
        "[45]..",
        words=r"cannot find your|reverse (dns|host)|\bptr\b|\brdns\b",
    ),
    Rule("smtp.greylisted", _TRANSACTION, "4..", words=r"gr[ea]y.?list"),
    Rule("smtp.greylisted", ("rcpt_to", "data"), "45[01]", r"4\.7\.1|4\.2\.0"),
    Rule("smtp.mailbox_full", _TRANSACTION, "[45]..", r"[45]\.2\.2"),
    Rule("smtp.mailbox_full", _TRANSACTION, "[45]..", words=r"mailbox( is)? full|over ?quota|quota exceeded"),
    Rule("smtp.message_too_large", _TRANSACTION, "5..", r"5\.3\.4|5\.2\.3"),
    Rule("smtp.message_too_large", _TRANSACTION, "5..", words=r"too (large|big)|size (exceeds|limit)|exceeds .*size"),
    Rule("smtp.message_too_large", ("mail_from", "data"), "552"),
    Rule("smtp.mailbox_full", ("rcpt_to",), "552"),
    Rule("smtp.rate_limited", _TRANSACTION, "[45]..", r"[45]\.7\.28|[45]\.4\.5"),
    Rule(
        "smtp.rate_limited",
        _TRANSACTION,
        "[45]..",
        words=r"rate limit|throttl|(sending|daily|hourly) (\w+ )?(limit|quota)",
    ),
    Rule("smtp.relaying_denied", _TRANSACTION, "5..", words=r"\brelay"),
    Rule("smtp.relaying_denied", _TRANSACTION, "5..", r"5\.7\.54"),
    Rule("smtp.sender_unauthenticated", _TRANSACTION, "[45]..", r"[45]\.7\.(2[3-7]|29|30)"),
    Rule("smtp.sender_unauthenticated", _TRANSACTION, "5..", words=r"\b(spf|dkim|dmarc)\b"),
    Rule("smtp.sender_refused", _TRANSACTION, "[45]..", r"[45]\.1\.[78]|[45]\.7\.60"),
    Rule(
        "smtp.sender_refused",
        _TRANSACTION,
        "5..",
        words=r"sender (address )?(is )?(rejected|not allowed|denied|refused)|sender identity|send as|"
        r"(email )?address is not verified|not owned by user|from address|invalid (mail|sender)",
    ),
    Rule("smtp.sender_refused", ("mail_from",), "55[0-4]"),
    Rule("smtp.recipient_refused", ("rcpt_to",), "55[0-6]|521"),
    Rule("smtp.recipient_refused", ("rcpt_to", "data"), "[45]..", r"[45]\.1\.(1|2|3|6|10)|[45]\.2\.1"),
    Rule("smtp.content_rejected", ("data",), "5..", r"5\.7\.\d+|5\.6\.\d+"),
    Rule("smtp.content_rejected", ("data",), "5..", words=r"spam|virus|content|policy|junk|phish|malware|reject"),
    Rule("smtp.temporary_failure", code="4.."),
    Rule("smtp.refused", code="5.."),
)


def diagnose(phase: str, reply: Reply, *, host: str, logged_in: bool) -> str:
    """Name the problem that an answer means."""
    if phase == "greeting" and not 400 <= reply.code <= 599:
        return "smtp.not_smtp"
    return next((rule.problem for rule in RULES if rule.fits(phase, reply, host, logged_in)), "smtp.not_understood")
