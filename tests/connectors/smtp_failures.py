"""What servers do wrong, and what an admin should be told: the table of all SMTP failures.

The words are those of real providers, as their documentation and their users' questions quote them.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.canary import CANARY
from tests.connectors.smtp_attempt import MAIL, USER, names
from tests.connectors.smtp_case import Case, a_full_queue, nobody
from tests.connectors.smtp_token_failures import TOKENS
from tests.peers.ports import LOOPBACK
from tests.peers.proxies import HTTP, REFUSED_BY_RULE, SOCKS5, UNREACHABLE, ProxyServer
from tests.peers.scripted import EXTENSIONS, Script, Step, answer, drop, hear, raw, reset, silence, wait
from webapp.domain.message import Outcome

HASTE = 500
"""Milliseconds; the time-out of the one phase that shall run into it."""


def _resolver_in_trouble(host: str, port: int, **hints: Any) -> list[Any]:
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def _resolver_that_sleeps(host: str, port: int, **hints: Any) -> list[Any]:
    threading.Event().wait(2 * HASTE / 1000)
    return socket.getaddrinfo(host, port, **hints)


def _resolver_of_odd_sockets(host: str, port: int, **hints: Any) -> list[Any]:
    # The kernel has no stream sockets for UDP: an error of connecting that none of the usual reasons explains.
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_UDP, "", (LOOPBACK, port))]


LOGIN = {"user": USER}
STARTTLS = {"security": "starttls", **LOGIN}
TLS = {"security": "tls", **LOGIN}
USE_STARTTLS, USE_TLS = {"security": "starttls"}, {"security": "tls"}
IMPLICIT = Script(implicit_tls=True)
SLOW_ANSWER = {"socketTimeout": HASTE}
SLOW_GREETING = {"greetingTimeout": HASTE}
SLOW_CONNECTION = {"connectionTimeout": HASTE}
LATE_RESET = wait(0.1) + reset
"""Late enough for the connection to be noticed."""
CLEAR_AFTER_STARTTLS = answer(220, "2.0.0 Ready") + hear + raw(b"250 This is not a handshake\r\n" * 20) + silence


def offering(*mechanisms: str, **phases: Step) -> Script:
    """Offer these ways to log in."""
    return Script(offers_starttls=False, mechanisms=mechanisms, **phases)


def clear(**phases: Step) -> Script:
    """Behave like this in clear text, with a login on offer."""
    return Script(offers_starttls=False, **phases)


REACHING = {
    "the name does not exist": Case(
        "network.name_not_found", "resolve", settings={"host": "smtp.exmaple.test"}, getaddrinfo=names({})
    ),
    "the name server is in trouble": Case(
        "network.dns_failed", "resolve", temporary=True, getaddrinfo=_resolver_in_trouble
    ),
    "the name server does not answer": Case(
        "network.dns_timeout",
        "resolve",
        settings={"dnsTimeout": HASTE},
        temporary=True,
        getaddrinfo=_resolver_that_sleeps,
    ),
    "the address is not permitted": Case("network.address_refused", "resolve", settings={"allowed": ()}),
    "nothing listens at the port": Case("network.connection_refused", "connect", temporary=True, peer=nobody),
    "the connection is not answered": Case(
        "network.connect_timeout", "connect", settings=SLOW_CONNECTION, temporary=True, peer=a_full_queue
    ),
    "there is no way to the address": Case(
        "network.unreachable",
        "connect",
        settings={"host": "mail.example.test"},
        temporary=True,
        getaddrinfo=names({"mail.example.test": ("127.255.255.255",)}),
    ),
    "the local address is not ours": Case(
        "network.local_address_unusable", "connect", settings={"localAddress": "192.0.2.10"}
    ),
    "the local address is of the other family": Case(
        "network.local_address_unusable", "connect", settings={"localAddress": "::1"}
    ),
    "opening the connection breaks off": Case(
        "network.connection_broken", "connect", temporary=True, getaddrinfo=_resolver_of_odd_sockets
    ),
}

FAULTS = {
    "expired": True,
    "not_yet_valid": True,
    "wrong_name": False,
    "self_signed": False,
    "unknown_issuer": False,
    "invalid": False,
}
"""What can be wrong with a certificate, and whether time heals it."""

ENCRYPTING = {
    f"{fault} certificate, {security}": Case(
        f"network.certificate_{fault}",
        security,
        Script(implicit_tls=security == "tls"),
        {"security": security, **LOGIN},
        temporary=temporary,
        certificate=fault,
    )
    for security in ("tls", "starttls")
    for fault, temporary in FAULTS.items()
} | {
    "TLS at a port that begins in clear": Case("smtp.tls_on_plain_port", "tls", Script(), TLS, patch=USE_STARTTLS),
    "TLS at a port where the greeting is late": Case(
        "smtp.timeout_tls", "tls", Script(greeting=silence), {**TLS, **SLOW_CONNECTION}, temporary=True
    ),
    "clear text at a port that begins with TLS": Case(
        "smtp.timeout_greeting",
        "greeting",
        IMPLICIT,
        {**STARTTLS, **SLOW_GREETING},
        temporary=True,
        patch=USE_TLS,
    ),
    "a TLS alert instead of a greeting": Case(
        "smtp.tls_expected",
        "greeting",
        Script(greeting=raw(b"\x15\x03\x01\x00\x02\x02\x28") + drop),
        STARTTLS,
        patch=USE_TLS,
    ),
    "the handshake is broken off": Case(
        "smtp.connection_dropped_tls", "tls", Script(greeting=LATE_RESET), TLS, temporary=True
    ),
    "STARTTLS is not offered": Case("smtp.starttls_not_offered", "starttls", Script(offers_starttls=False), STARTTLS),
    "STARTTLS is offered and refused": Case(
        "smtp.starttls_refused",
        "starttls",
        Script(starttls=answer(454, "4.7.0 TLS not available due to local problem")),
        STARTTLS,
        temporary=True,
    ),
    "STARTTLS is not answered": Case(
        "smtp.timeout_starttls", "starttls", Script(starttls=silence), {**STARTTLS, **SLOW_ANSWER}, temporary=True
    ),
    "the connection ends at STARTTLS": Case(
        "smtp.connection_dropped_starttls", "starttls", Script(starttls=drop), STARTTLS, temporary=True
    ),
    "the connection ends in the handshake": Case(
        "smtp.connection_dropped_starttls",
        "starttls",
        Script(starttls=answer(220, "2.0.0 Ready") + reset),
        STARTTLS,
        temporary=True,
    ),
    "the handshake after STARTTLS is not one": Case(
        "network.tls_handshake_failed", "starttls", Script(starttls=CLEAR_AFTER_STARTTLS), STARTTLS
    ),
    "only TLS 1.1 is spoken": Case("network.tls_too_old", "tls", IMPLICIT, TLS, certificate="tls_1_1"),
}

CLIENT_CERTIFICATES = {
    f"{what}, {version}": Case(
        code, "greeting" if version == "TLS 1.3" else "tls", IMPLICIT, TLS, certificate=certificate, shown=shown
    )
    for version, certificate in (("TLS 1.3", "demanding"), ("TLS 1.2", "demanding_tls_1_2"))
    for what, shown, code in (
        ("a client certificate is demanded", "", "network.client_certificate_required"),
        ("a client certificate is of a stranger", "of_a_stranger", "network.client_certificate_refused"),
    )
    # TLS 1.2 has no word for a missing certificate: servers call it a failed handshake.
    if (version, shown) != ("TLS 1.2", "")
} | {
    "a client certificate is demanded after STARTTLS": Case(
        "network.client_certificate_required", "starttls", Script(), STARTTLS, certificate="demanding"
    ),
    "a client certificate is demanded without a word for it": Case(
        "network.tls_handshake_failed", "tls", IMPLICIT, TLS, certificate="demanding_tls_1_2"
    ),
    "only TLS 1.2 is spoken, and 1.3 is asked for": Case(
        "network.tls_too_old", "tls", IMPLICIT, {**TLS, "tls": {"minVersion": "1.3"}}, certificate="tls_1_2"
    ),
}

PROXY_LOGIN = {"user": "postroom", "password": f"{CANARY}-proxy"}


def proxied(kind: str, **behaviour: Any) -> Callable[[], ProxyServer]:
    """Go through a proxy that behaves like this."""
    return lambda: ProxyServer(kind, **behaviour)


PROXIES = {
    f"{what}, {kind}": Case(
        f"network.proxy_{code}",
        "connect",
        settings=SLOW_CONNECTION if code == "timeout" else {},
        temporary=code in ("cannot_reach", "timeout"),
        proxy=proxied(kind, **behaviour),
        proxy_login=login,
    )
    for kind in (SOCKS5, HTTP)
    for what, code, behaviour, login in (
        ("a proxy asks for a login", "login_refused", {"login": ("postroom", "another")}, {}),
        ("a proxy refuses the login", "login_refused", {"login": ("postroom", "another")}, PROXY_LOGIN),
        ("a proxy forbids the connection", "refused", {"refusal": REFUSED_BY_RULE[kind]}, {}),
        ("a proxy does not reach the server", "cannot_reach", {"refusal": UNREACHABLE[kind]}, {}),
        ("a proxy does not answer", "timeout", {"silent": True}, {}),
        ("a mail server in place of a proxy", "not_understood", {"says": b"220 mail.example.test ESMTP\r\n"}, {}),
        ("a proxy that talks beyond measure", "not_understood", {"says": b"x" * 100_000}, {}),
    )
} | {
    "no proxy at the port": Case(
        "network.proxy_unreachable",
        "connect",
        settings={"proxy": {"url": "socks5://127.0.0.1:1"}},
        temporary=True,
    ),
    "the proxy's name does not exist": Case(
        "network.name_not_found",
        "resolve",
        settings={"proxy": {"url": "http://proxy.example.test:3128"}},
        getaddrinfo=names({"localhost": (LOOPBACK,)}),
    ),
    "the proxy's address is not permitted": Case(
        "network.address_refused", "resolve", settings={"proxy": {"url": "http://10.0.0.1:3128"}}
    ),
}

OPENING = {
    "the greeting never comes": Case(
        "smtp.timeout_greeting", "greeting", Script(greeting=silence), SLOW_GREETING, temporary=True, patch=USE_TLS
    ),
    "the connection ends before the greeting": Case(
        "smtp.connection_dropped_greeting", "greeting", Script(greeting=drop), temporary=True, patch=USE_TLS
    ),
    "the connection is reset before the greeting": Case(
        "smtp.connection_dropped_greeting", "greeting", Script(greeting=LATE_RESET), temporary=True, patch=USE_TLS
    ),
    "a web server answers": Case(
        "smtp.not_smtp",
        "greeting",
        Script(greeting=raw(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n") + drop),
    ),
    "an SSH server answers": Case(
        "smtp.not_smtp", "greeting", Script(greeting=raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n") + silence)
    ),
    "an IMAP server answers": Case(
        "smtp.not_smtp", "greeting", Script(greeting=raw(b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n") + silence)
    ),
    "a POP3 server answers": Case(
        "smtp.not_smtp", "greeting", Script(greeting=raw(b"+OK Dovecot ready.\r\n") + silence)
    ),
    "the greeting is a refusal": Case(
        "smtp.greeting_refused", "greeting", Script(greeting=answer(554, "mail.example.test No SMTP service here"))
    ),
    "the address is on a block list": Case(
        "smtp.blocked",
        "greeting",
        Script(
            greeting=answer(554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org")
        ),
    ),
    "there are too many connections": Case(
        "smtp.too_many_connections",
        "greeting",
        Script(greeting=answer(421, "4.7.0 mail.example.test Error: too many connections from 192.0.2.1") + drop),
        temporary=True,
    ),
    "the server is shutting down": Case(
        "smtp.temporary_failure",
        "greeting",
        Script(greeting=answer(421, "4.3.2 Service shutting down") + drop),
        temporary=True,
    ),
    "an FTP server answers": Case(
        "smtp.not_smtp",
        "ehlo",
        Script(greeting=answer(220, "(vsFTPd 3.0.3)"), ehlo=answer(500, "Unknown command.")),
    ),
    "EHLO and HELO are refused": Case(
        "smtp.ehlo_refused",
        "ehlo",
        Script(
            ehlo=answer(550, "5.7.1 Helo command rejected: Host not found"),
            helo=answer(550, "5.7.1 Helo command rejected: Host not found"),
        ),
    ),
    "the answer to EHLO is no answer": Case(
        "smtp.not_understood", "ehlo", Script(ehlo=raw(b"welcome, friend\r\n") + silence)
    ),
    "EHLO is not answered": Case("smtp.timeout_ehlo", "ehlo", Script(ehlo=silence), SLOW_ANSWER, temporary=True),
    "the connection ends at EHLO": Case("smtp.connection_dropped_ehlo", "ehlo", Script(ehlo=drop), temporary=True),
}

LOGGING_IN = {
    "the password would go in clear": Case(
        "smtp.credentials_in_clear",
        "auth",
        clear(),
        {"host": "mail.example.test", "security": "opportunistic", "far_away": True, **LOGIN},
        getaddrinfo=names({"mail.example.test": (LOOPBACK,)}),
    ),
    "no login is offered": Case("smtp.auth_not_offered", "auth", offering(), LOGIN),
    "a login is offered only after STARTTLS": Case(
        "smtp.auth_not_offered", "auth", Script(), LOGIN, patch=USE_STARTTLS
    ),
    "only OAuth is offered": Case("smtp.auth_method_not_offered", "auth", offering("XOAUTH2", "OAUTHBEARER"), LOGIN),
    "only Kerberos is offered": Case("smtp.auth_method_not_offered", "auth", offering("GSSAPI"), LOGIN),
    "the credentials are wrong": Case(
        "smtp.credentials_rejected", "auth", clear(auth=answer(535, "5.7.8 Authentication credentials invalid")), LOGIN
    ),
    "the credentials are wrong, says Gmail": Case(
        "smtp.credentials_rejected",
        "auth",
        clear(
            auth=answer(
                535,
                "5.7.8 Username and Password not accepted. For more information, go to",
                "5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1 - gsmtp",
            )
        ),
        LOGIN,
    ),
    "the credentials are wrong by CRAM-MD5": Case(
        "smtp.credentials_rejected", "auth", offering("CRAM-MD5", auth=answer(535, "5.7.8 Bad digest")), LOGIN
    ),
    "an application password is needed": Case(
        "smtp.app_password_needed",
        "auth",
        clear(
            auth=answer(
                534,
                "5.7.9 Application-specific password required. For more information, go to",
                "5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor 5b1f17b1804b1 - gsmtp",
            )
        ),
        LOGIN,
    ),
    "the provider wants a login in the browser": Case(
        "smtp.web_login_needed",
        "auth",
        clear(
            auth=answer(
                534,
                "5.7.14 <https://accounts.google.com/signin/continue?sarp=1&scc=1>",
                "5.7.14 Please log in via your web browser and then try again.",
            )
        ),
        LOGIN,
    ),
    "login by SMTP is switched off": Case(
        "smtp.auth_disabled",
        "auth",
        clear(
            auth=answer(
                535,
                "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. "
                "Visit https://aka.ms/smtp_auth_disabled for more information.",
            )
        ),
        LOGIN,
    ),
    "the account is disabled": Case(
        "smtp.account_disabled", "auth", clear(auth=answer(535, "5.7.0 Your account has been disabled")), LOGIN
    ),
    "the password cannot be checked now": Case(
        "smtp.auth_temporary",
        "auth",
        clear(auth=answer(454, "4.7.0 Temporary authentication failure: Connection lost to authentication server")),
        LOGIN,
        temporary=True,
    ),
    "encryption is required for the login": Case(
        "smtp.tls_required",
        "auth",
        clear(auth_prompt=answer(538, "5.7.11 Encryption required for requested authentication mechanism")),
        LOGIN,
        patch=USE_STARTTLS,
    ),
    "AUTH is not answered": Case(
        "smtp.timeout_auth", "auth", clear(auth_prompt=silence), {**LOGIN, **SLOW_ANSWER}, temporary=True
    ),
    "the connection ends at AUTH": Case(
        "smtp.connection_dropped_auth", "auth", clear(auth=drop), LOGIN, temporary=True
    ),
}

WITHOUT_UTF8 = tuple(each for each in EXTENSIONS if each != "SMTPUTF8")

HANDING_OVER = {
    "a login is required": Case(
        "smtp.auth_required", "mail_from", Script(mail=answer(530, "5.7.0 Authentication required"))
    ),
    "encryption is required": Case(
        "smtp.tls_required",
        "mail_from",
        Script(mail=answer(530, "5.7.0 Must issue a STARTTLS command first")),
        patch=USE_STARTTLS,
    ),
    "the sender is refused": Case(
        "smtp.sender_refused",
        "mail_from",
        Script(mail=answer(553, "5.7.1 <no-reply@example.test>: Sender address rejected: not owned by user ada")),
    ),
    "the sender is refused once the recipient is known": Case(
        "smtp.sender_refused",
        "rcpt_to",
        Script(rcpt=answer(553, "5.7.1 <no-reply@example.test>: Sender address rejected: not owned by user ada")),
    ),
    "the sender is refused once the mail is there": Case(
        "smtp.sender_refused",
        "data",
        Script(
            body=answer(
                554,
                "Message rejected: Email address is not verified. The following identities failed the check in "
                "region EU-WEST-1: no-reply@example.test",
            )
        ),
    ),
    "the sender's domain is not authenticated": Case(
        "smtp.sender_unauthenticated",
        "data",
        Script(
            body=answer(
                550,
                "5.7.26 This mail has been blocked because the sender is unauthenticated. "
                "Gmail requires all senders to authenticate with either SPF or DKIM.",
            )
        ),
    ),
    "the recipient is unknown": Case(
        "smtp.recipient_refused",
        "rcpt_to",
        Script(rcpt=answer(550, "5.1.1 <ada@example.test>: Recipient address rejected: User unknown")),
    ),
    "the EHLO name is refused once the recipient is known": Case(
        "smtp.ehlo_refused",
        "rcpt_to",
        Script(rcpt=answer(504, "5.5.2 <vm>: Helo command rejected: need fully-qualified")),
    ),
    "our address has no name": Case(
        "smtp.reverse_dns_missing",
        "rcpt_to",
        Script(rcpt=answer(550, "5.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.1]")),
    ),
    "the mailbox is full": Case(
        "smtp.mailbox_full", "rcpt_to", Script(rcpt=answer(552, "5.2.2 <ada@example.test> mailbox full"))
    ),
    "the mailbox is full for now": Case(
        "smtp.mailbox_full",
        "rcpt_to",
        Script(rcpt=answer(452, "4.2.2 The recipient's inbox is out of storage space")),
        temporary=True,
    ),
    "relaying is denied": Case(
        "smtp.relaying_denied", "rcpt_to", Script(rcpt=answer(554, "5.7.1 <ada@example.test>: Relay access denied"))
    ),
    "the sender is greylisted": Case(
        "smtp.greylisted",
        "rcpt_to",
        Script(rcpt=answer(450, "4.2.0 <ada@example.test>: Recipient address rejected: Greylisted for 5 minutes")),
        temporary=True,
    ),
    "the sending limit is reached": Case(
        "smtp.rate_limited",
        "mail_from",
        Script(mail=answer(550, "5.4.5 Daily user sending limit exceeded.")),
        temporary=True,
    ),
    "an address needs SMTPUTF8": Case(
        "smtp.smtputf8_not_offered",
        "mail_from",
        Script(extensions=WITHOUT_UTF8),
        mail=replace(MAIL, to="jürgen@example.test"),
    ),
    "the mail is larger than the server said": Case(
        "smtp.message_too_large",
        "mail_from",
        Script(extensions=("SIZE 100",)),
    ),
    "the mail is too large, says the server at the end": Case(
        "smtp.message_too_large", "data", Script(body=answer(552, "5.3.4 Message size exceeds fixed limit"))
    ),
    "the mail looks like spam": Case(
        "smtp.content_rejected",
        "data",
        Script(body=answer(554, "5.7.1 Message rejected under suspicion of SPAM; https://help.example.test/554")),
    ),
    "DATA is refused": Case("smtp.refused", "data", Script(data=answer(554, "5.5.1 Error: no valid recipients"))),
    "the server has a passing trouble": Case(
        "smtp.temporary_failure",
        "data",
        Script(body=answer(451, "4.3.0 Error: queue file write error")),
        temporary=True,
    ),
    "the answer to MAIL is no answer": Case(
        "smtp.not_understood", "mail_from", Script(mail=raw(b"Two hundred and fifty\r\n") + silence)
    ),
    "MAIL is not answered": Case(
        "smtp.timeout_mail_from", "mail_from", Script(mail=silence), SLOW_ANSWER, temporary=True
    ),
    "RCPT is not answered": Case("smtp.timeout_rcpt_to", "rcpt_to", Script(rcpt=silence), SLOW_ANSWER, temporary=True),
    "DATA is not answered": Case("smtp.timeout_data", "data", Script(data=silence), SLOW_ANSWER, temporary=True),
    "the connection ends at MAIL": Case(
        "smtp.connection_dropped_mail_from", "mail_from", Script(mail=drop), temporary=True
    ),
    "the connection ends at RCPT": Case(
        "smtp.connection_dropped_rcpt_to", "rcpt_to", Script(rcpt=reset), temporary=True
    ),
    "the connection ends at DATA": Case("smtp.connection_dropped_data", "data", Script(data=drop), temporary=True),
    "the connection ends after the final dot": Case(
        "smtp.no_answer_after_data", "data", Script(body=drop), outcome=Outcome.MAYBE_SENT
    ),
    "the connection is reset after the final dot": Case(
        "smtp.no_answer_after_data", "data", Script(body=reset), outcome=Outcome.MAYBE_SENT
    ),
    "nothing is said after the final dot": Case(
        "smtp.no_answer_after_data", "data", Script(body=silence), SLOW_ANSWER, outcome=Outcome.MAYBE_SENT
    ),
}

BEFORE_ANY_MAIL = REACHING | PROXIES | ENCRYPTING | CLIENT_CERTIFICATES | OPENING | LOGGING_IN | TOKENS
"""What a check finds too."""
ALL = BEFORE_ANY_MAIL | HANDING_OVER
