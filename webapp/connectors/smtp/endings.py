"""Conversations that ended without an answer: time-outs and lost connections, told for each phase."""

from __future__ import annotations

from typing import Final

from webapp.connectors.recipe import Recipe
from webapp.domain.text import T, Text

_AGAIN: Final = T("Try again in a few minutes.")
_STATUS: Final = T("If it goes on, look at the provider's status page, or into the server's log if it is yours.")
_LONGER: Final = T("If the server is known to be slow, raise “Answer time-out” under Advanced.")
_BETWEEN: Final = T("Look for a firewall, proxy or antivirus on the way that inspects mail connections.")

_CLOSED: Final = T("The server closed the connection")
_SILENT: Final = T("The server did not answer in time")

_TIMED_OUT: Final[dict[str, tuple[Text, tuple[Text, ...]]]] = {
    "tls": (
        T("“%(host)s” port %(port)s accepted the connection, but setting up TLS did not end within %(timeout)s s."),
        (T("Check that this port speaks TLS from the first byte; otherwise choose STARTTLS."), _BETWEEN, _AGAIN),
    ),
    "greeting": (
        T(
            "“%(host)s” port %(port)s accepted the connection, but said nothing for %(timeout)s s. Either it waits for "
            "TLS from the first byte, or it is no mail server, or it makes strangers wait on purpose."
        ),
        (
            T("At port 465, choose TLS as security."),
            T("Check the port: mail is handed in at 587 (STARTTLS) or 465 (TLS)."),
            T("If the server makes everybody wait, raise “Greeting time-out” under Advanced."),
        ),
    ),
    "ehlo": (T("“%(host)s” did not answer our introduction (EHLO) within %(timeout)s s."), (_AGAIN, _BETWEEN, _LONGER)),
    "starttls": (
        T("“%(host)s” did not finish switching to TLS within %(timeout)s s."),
        (_AGAIN, T("Use TLS at port 465 if your provider has it."), _BETWEEN),
    ),
    "auth": (
        T("“%(host)s” did not say within %(timeout)s s whether it accepts the login."),
        (_AGAIN, T("Servers also stall on purpose after wrong passwords: check user and password."), _LONGER),
    ),
    "mail_from": (
        T("“%(host)s” did not answer within %(timeout)s s to the sender's address."),
        (_AGAIN, _LONGER, _STATUS),
    ),
    "rcpt_to": (
        T("“%(host)s” did not answer within %(timeout)s s to the recipient's address."),
        (_AGAIN, _LONGER, _STATUS),
    ),
    "data": (
        T("“%(host)s” did not take the mail within %(timeout)s s. It was not handed over whole, so nothing was sent."),
        (_AGAIN, _LONGER, _STATUS),
    ),
}

_DROPPED: Final[dict[str, tuple[Text, tuple[Text, ...]]]] = {
    "tls": (
        T("“%(host)s” port %(port)s hung up while TLS was set up. It may not speak TLS at this port."),
        (T("If this port begins in clear, choose STARTTLS."), _BETWEEN, _AGAIN),
    ),
    "greeting": (
        T("“%(host)s” port %(port)s accepted the connection and hung up without a word."),
        (
            T("At port 465, choose TLS as security."),
            T("The server may turn away this machine's address or count too many connections: ask the provider."),
            _AGAIN,
        ),
    ),
    "ehlo": (
        T("“%(host)s” hung up when Postroom introduced itself as “%(name)s” (EHLO)."),
        (T("Try another “EHLO name” under Advanced, such as a host name of yours."), _BETWEEN, _AGAIN),
    ),
    "starttls": (
        T("“%(host)s” hung up while switching to TLS."),
        (
            T("Use TLS at port 465 if your provider has it."),
            T("If the server demands a client certificate, give it under Advanced."),
            _BETWEEN,
            _STATUS,
        ),
    ),
    "auth": (
        T("“%(host)s” hung up during the login of “%(user)s”."),
        (
            T("Check user and password: some servers hang up instead of saying that they are wrong."),
            T("After several wrong attempts, wait a quarter of an hour."),
            _STATUS,
        ),
    ),
    "mail_from": (
        T("“%(host)s” hung up on hearing the sender's address, “%(sender)s”."),
        (T("Check that this account may send as this address."), _AGAIN, _STATUS),
    ),
    "rcpt_to": (
        T("“%(host)s” hung up on hearing the recipient's address."),
        (T("Try another recipient."), _AGAIN, _STATUS),
    ),
    "data": (T("“%(host)s” hung up before the mail was handed over. Nothing was sent."), (_AGAIN, _STATUS, _BETWEEN)),
}

ENDINGS: Final[dict[str, Recipe]] = {
    **{f"smtp.timeout_{phase}": Recipe(_SILENT, *told, temporary=True) for phase, told in _TIMED_OUT.items()},
    **{f"smtp.connection_dropped_{phase}": Recipe(_CLOSED, *told, temporary=True) for phase, told in _DROPPED.items()},
}
"""Problem code to recipe, one for each phase and kind of ending."""

RESET_TITLE: Final = T("The connection was cut")
"""Instead of "closed", when the network reported a reset: something in between may have done it."""
