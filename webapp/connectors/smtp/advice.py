"""What single providers want as credentials: a step of its own where a login fails, known by the server's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from webapp.domain.text import T, Text


@dataclass(frozen=True, slots=True)
class Advice:
    """A provider's servers, and what it wants."""

    hosts: re.Pattern[str]
    step: Text
    fires: str
    """A server that this is about."""
    spares: str
    """One with a similar name that it is not about."""


def _advice(hosts: str, step: Text, fires: str, spares: str) -> Advice:
    return Advice(re.compile(hosts), step, fires, spares)


_APP_PASSWORD: Final = T("This provider wants an application password, made in the security settings of the account.")
_CODE: Final = T("This provider wants an authorization code, made where SMTP is switched on in the mailbox's settings.")
_MAILBOX: Final = T("Here user name and password are those of the mailbox, not those of the account with the provider.")

ADVICE: Final = (
    _advice(
        r"(^|\.)(gmail|google|googlemail)\.com$",
        T("Gmail wants a 16-letter app password here, made at myaccount.google.com/apppasswords."),
        "smtp-relay.gmail.com",
        "smtp.notgmail.com",
    ),
    _advice(
        r"(^|\.)office365\.com$",
        T("Microsoft 365: “Authenticated SMTP” must be switched on for this mailbox in the admin centre."),
        "smtp.office365.com",
        "office365.com.example.net",
    ),
    _advice(
        r"(^|\.)(outlook|hotmail|live)\.com$",
        T("Outlook.com takes no password by SMTP any more: choose OAuth 2.0 as login."),
        "smtp-mail.outlook.com",
        "smtp.outlook.example.com",
    ),
    _advice(
        r"(^|\.)(yahoo\.com|aol\.com|mail\.me\.com|zoho\.(com|eu|in|com\.au|jp)|fastmail\.com|yandex\.(com|ru))$",
        _APP_PASSWORD,
        "smtp.mail.me.com",
        "smtp.me.com.example.net",
    ),
    _advice(
        r"(^|\.)(?<!exmail\.)(qq\.com|163\.com|126\.com|yeah\.net)$",
        _CODE,
        "smtp.qq.com",
        "smtp.exmail.qq.com",
    ),
    _advice(
        r"(^|\.)(hw)?smtp\.exmail\.qq\.com$",
        T("Tencent Exmail: with secure login switched on, only a client-specific password is accepted."),
        "hwsmtp.exmail.qq.com",
        "smtp.qq.com",
    ),
    _advice(
        r"(^|\.)(gmx\.(net|com)|web\.de)$",
        T("GMX and WEB.DE: access by mail programs must be allowed in the mailbox's settings (POP3 and IMAP)."),
        "mail.gmx.net",
        "mail.gmx.example",
    ),
    _advice(
        r"(^|\.)(ionos\.(com|de|co\.uk|fr|es)|mail\.ovh\.(net|ca)|ssl0\.ovh\.net)$",
        _MAILBOX,
        "smtp.ionos.de",
        "smtp.ovh.net",
    ),
    _advice(
        r"(^|\.)protonmail\.ch$",
        T("Proton Mail: the password is an SMTP token, made for this very address of a custom domain."),
        "smtp.protonmail.ch",
        "smtp.protonmail.com",
    ),
    _advice(
        r"(^|\.)sendgrid\.net$",
        T("SendGrid: the user name is the word “apikey”, the password an API key with the right to send mail."),
        "smtp.eu.sendgrid.net",
        "sendgrid.com",
    ),
    _advice(
        r"^email-smtp\..*\.amazonaws\.com$",
        T("Amazon SES: use SMTP credentials made in the SES console of this region; access keys do not work here."),
        "email-smtp.eu-west-1.amazonaws.com",
        "inbound-smtp.eu-west-1.amazonaws.com",
    ),
    _advice(
        r"^smtpdm.*\.aliyun(cs)?\.com$",
        T("Alibaba Cloud: the password is the SMTP password of the sender address, set in the DirectMail console."),
        "smtpdm-us-east-1.aliyuncs.com",
        "smtp.aliyun.com",
    ),
    _advice(
        r"(^|[.-])smtp\.qcloudmail\.com$",
        T("Tencent Cloud: the password is the SMTP password of the sender address, set in the SES console."),
        "sg-smtp.qcloudmail.com",
        "mail.qcloudmail.com",
    ),
    _advice(
        r"(^|\.)postmarkapp\.com$",
        T("Postmark: a Server API token goes into both fields; an SMTP token has an access key and a secret key."),
        "smtp.postmarkapp.com",
        "postmarkapp.net",
    ),
    _advice(
        r"(^|\.)mailgun\.org$",
        T("Mailgun: use the SMTP user of the domain, and the server of its region. The API key is not accepted."),
        "smtp.eu.mailgun.org",
        "mailgun.com",
    ),
    _advice(
        r"(^|\.)brevo\.com$|(^|\.)sendinblue\.com$",
        T("Brevo: the password is an SMTP key; an API key is not accepted."),
        "smtp-relay.brevo.com",
        "brevo.net",
    ),
    _advice(
        r"(^|\.)mailjet\.com$",
        T("Mailjet: the API key is the user name, its secret key the password."),
        "in-v3.mailjet.com",
        "mailjet.net",
    ),
    _advice(
        r"(^|\.)resend\.com$",
        T("Resend: the user name is the word “resend”, the password an API key."),
        "smtp.resend.com",
        "smtp.resend.example",
    ),
    _advice(
        r"(^|\.)sparkpostmail\.com$",
        T("SparkPost: the user name is “SMTP_Injection”, the password an API key with the right “Send via SMTP”."),
        "smtp.eu.sparkpostmail.com",
        "sparkpost.com",
    ),
    _advice(
        r"(^|\.)live\.smtp\.mailtrap\.io$",
        T("Mailtrap: for sending, the user name is the word “api” and the password an API token."),
        "live.smtp.mailtrap.io",
        "sandbox.smtp.mailtrap.io",
    ),
    _advice(
        r"(^|\.)smtp2go\.com$",
        T("SMTP2GO: use an SMTP user with its own password; the account's login is not accepted."),
        "mail-eu.smtp2go.com",
        "smtp2go.net",
    ),
    _advice(
        r"(^|\.)tem\.scaleway\.com$|(^|\.)tem\.scw\.cloud$",
        T("Scaleway: the user name is the project's ID, the password the secret key of an API key."),
        "smtp.tem.scaleway.com",
        "api.scaleway.com",
    ),
    _advice(
        r"(^|\.)mandrillapp\.com$",
        T("Mailchimp Transactional: the password is one of its own API keys, not one of Mailchimp Marketing."),
        "smtp.mandrillapp.com",
        "mailchimp.com",
    ),
    _advice(
        r"(^|\.)mailersend\.net$",
        T("MailerSend: user name and password are generated together, under the domain's SMTP section."),
        "smtp.mailersend.net",
        "mailersend.com",
    ),
)


def steps_for(host: str) -> tuple[Text, ...]:
    """What the provider behind this server wants; nothing where it is not known."""
    return tuple(advice.step for advice in ADVICE if advice.hosts.search(host))
