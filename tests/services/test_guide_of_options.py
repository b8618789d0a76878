"""Every option that other systems have for SMTP is ours, or the guide says where it went."""

import re

import pytest

from webapp.connectors.config import settings_of
from webapp.connectors.smtp.config import SmtpConfig
from webapp.services.guides import guide_html

OF_THE_REFERENCE = (
    "host", "port", "auth.type", "auth.user", "auth.pass", "auth.privateKey", "auth.serviceClient", "auth.clientId",
    "auth.clientSecret", "auth.refreshToken", "auth.accessToken", "auth.expires", "auth.accessUrl", "fromEmail",
    "replyTo", "templates", "logger", "debug", "disableFileAccess", "disableUrlAccess", "name", "localAddress",
    "connectionTimeout", "greetingTimeout", "socketTimeout", "dnsTimeout", "secure", "tls", "servername", "ignoreTLS",
    "requireTLS", "customHeaders",
)  # fmt: skip
"""The SMTP form of the system that the source documents describe."""

OF_THE_TRANSPORT = (
    "opportunisticTLS", "tls.ca", "tls.cert", "tls.key", "tls.minVersion", "tls.maxVersion", "tls.ciphers", "tls.pfx",
    "tls.passphrase", "tls.servername", "tls.rejectUnauthorized", "authMethod", "auth.method", "forceAuth",
    "customAuth", "pool", "maxConnections", "maxMessages", "rateDelta", "rateLimit", "proxy", "socket", "connection",
    "secured", "getSocket", "allowInternalNetworkInterfaces", "service", "url", "lmtp", "dkim", "transactionLog",
    "sendmail", "streamTransport", "jsonTransport", "from", "sender", "cc", "bcc", "envelope", "dsn", "attachments",
    "list", "priority", "encoding", "textEncoding", "newline", "xMailer", "8BITMIME", "SMTPUTF8",
)  # fmt: skip
"""What its mail library takes besides: undeclared keys of a stored config reach it."""


@pytest.fixture(scope="module")
def named() -> set[str]:
    """The options that stand in bold in the chapter."""
    (step,) = (step for step in guide_html("smtp").steps if step.title == "Options of other systems")
    titles = " ".join(re.findall(r"<strong>(.*?)</strong>", step.html, re.DOTALL))
    return set(re.findall(r"[\w.]*\w", titles))


@pytest.mark.parametrize("option", OF_THE_REFERENCE + OF_THE_TRANSPORT)
def test_it_is_told_where_an_option_is_or_why_it_is_not(option: str, named: set[str]) -> None:
    assert option in named or (option == "tls" and "tls.ca" in named)


@pytest.mark.parametrize(
    "option", ["maxConnections", "servername", "localAddress", "dnsTimeout", "customHeaders", "name"]
)
def test_what_is_said_to_have_the_same_name_here_has_it(option: str) -> None:
    assert option in {setting.name for setting in settings_of(SmtpConfig)}
