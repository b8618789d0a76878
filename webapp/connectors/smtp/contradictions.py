"""Combinations of settings that cannot work, or work badly, said at the field before any test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from webapp.connectors.recipe import Fix, fixed
from webapp.connectors.smtp.config import is_loopback
from webapp.connectors.smtp.expiry import expiries
from webapp.connectors.smtp.granting import READY
from webapp.connectors.smtp.problems import (
    PLAIN_PORTS,
    TLS_PORT,
    USE_PORT_587,
    USE_STARTTLS,
    USE_STARTTLS_AT_587,
    USE_TLS,
    USE_TLS_AT_465,
    VERIFY,
    problem,
)
from webapp.domain.problem import Problem
from webapp.domain.text import T, Text

_READING_PORTS: Final = {110: "POP3", 143: "IMAP", 993: "IMAP", 995: "POP3", 443: "HTTP"}


def contradictions(config: Mapping[str, Any]) -> list[tuple[str, Problem]]:
    """List (pointer into the config, problem) for a config as JSON, complete or not."""
    typed = _Typed.of(config)
    return [
        *_port_and_security(typed),
        *_credentials(typed),
        *_port(typed),
        *_verification(config, typed),
        *_provider_of_access(config, typed),
    ]


def cautions(config: Mapping[str, Any]) -> list[Problem]:
    """List the risks that were accepted in a config as JSON, and what of it ends soon or has ended."""
    return [*(problem for _, problem in _verification(config, _Typed.of(config))), *expiries(config)]


@dataclass(frozen=True, slots=True)
class _Typed:
    """What of a config is known so far."""

    host: str
    port: int | None
    security: str
    logs_in: bool
    risk_accepted: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> _Typed:
        host, port, auth = config.get("host"), config.get("port"), config.get("auth")
        number = str(port).strip() if isinstance(port, str | int) and not isinstance(port, bool) else ""
        kind = auth.get("type") or "login" if isinstance(auth, Mapping) else ""
        return cls(
            host.strip() if isinstance(host, str) else "",
            int(number) if number.isascii() and number.isdigit() and len(number) <= 5 else None,
            str(config.get("security") or "starttls"),
            str(kind).lower() not in ("", "none"),
            config.get("allowInsecureAuth") is True,
        )

    @property
    def outside(self) -> bool:
        return bool(self.host) and not is_loopback(self.host)


def _port_and_security(typed: _Typed) -> Iterator[tuple[str, Problem]]:
    if typed.port == TLS_PORT and typed.security == "starttls":
        yield _said(
            "/security",
            "smtp.starttls_on_tls_port",
            T("STARTTLS does not go with port 465"),
            T("At port 465 servers speak TLS from the first byte, so both sides would wait for each other."),
            (T("Choose TLS for port 465, or port 587 for STARTTLS."),),
            USE_TLS,
        )
    elif typed.port == TLS_PORT and typed.security in ("opportunistic", "none"):
        yield _said(
            "/security",
            "smtp.plain_on_tls_port",
            T("Port 465 needs TLS"),
            T("At port 465 servers speak TLS from the first byte and do not understand anything else."),
            (T("Choose TLS as security."),),
            USE_TLS,
        )
    elif typed.port in PLAIN_PORTS and typed.security == "tls":
        yield _said(
            "/security",
            "smtp.tls_on_starttls_port",
            T("TLS from the first byte does not go with port %(port)s", port=typed.port),
            T("At port %(port)s servers begin in clear and encrypt later, with STARTTLS.", port=typed.port),
            (T("Choose STARTTLS for this port, or port 465 for TLS."),),
            USE_STARTTLS,
        )


def _credentials(typed: _Typed) -> Iterator[tuple[str, Problem]]:
    if not typed.logs_in or not typed.outside or typed.port == TLS_PORT:
        return
    if typed.security == "none" and not typed.risk_accepted:
        facts = {"host": typed.host, "port": typed.port or "?"}
        yield "/security", fixed(problem("smtp.credentials_in_clear", facts), USE_STARTTLS)
    if typed.security == "opportunistic":
        yield _said(
            "/security",
            "smtp.opportunistic_with_credentials",
            T("With a password, encryption should not be left to chance"),
            T(
                "If “%(host)s” does not offer encryption one day, or somebody on the way removes the offer, Postroom "
                "either stops or, where you accepted that risk, sends the password in clear.",
                host=typed.host,
            ),
            (T("Choose STARTTLS: it is the same, but never without encryption."),),
            USE_STARTTLS,
        )


def _port(typed: _Typed) -> Iterator[tuple[str, Problem]]:
    if typed.port in _READING_PORTS:
        yield _said(
            "/port",
            "smtp.not_a_sending_port",
            T("Port %(port)s is not for sending mail", port=typed.port),
            T("Port %(port)s belongs to %(service)s.", port=typed.port, service=_READING_PORTS[typed.port]),
            (T("Use port 587 with STARTTLS or port 465 with TLS, at the provider's server for sending (SMTP)."),),
            USE_TLS_AT_465 if typed.security == "tls" else USE_STARTTLS_AT_587,
        )
    if typed.port == 25 and typed.outside and typed.logs_in:
        yield _said(
            "/port",
            "smtp.port_25_with_login",
            T("Port 25 is for servers among themselves"),
            T("Most clouds block port 25, and many servers offer no login there."),
            (T("Use port 587, unless your provider documents port 25."),),
            USE_STARTTLS_AT_587 if typed.security == "tls" else USE_PORT_587,
        )


def _verification(config: Mapping[str, Any], typed: _Typed) -> Iterator[tuple[str, Problem]]:
    tls = config.get("tls")
    if not isinstance(tls, Mapping) or tls.get("verify") is not False or typed.security == "none":
        return
    reason = tls.get("verifyOffReason")
    yield _said(
        "/tls/verify",
        "smtp.certificate_not_verified",
        T("The server's certificate is not verified"),
        T(
            "Anybody on the way to “%(host)s” can pose as it, take the password and read the mails. "
            "The reason given: “%(reason)s”.",
            host=typed.host or "?",
            reason=reason if isinstance(reason, str) and reason.strip() else "…",
        ),
        (T("Verify it, and paste the authority behind a private certificate as “Own certificate authority”."),),
        VERIFY,
    )


def _provider_of_access(config: Mapping[str, Any], typed: _Typed) -> Iterator[tuple[str, Problem]]:
    """Access from one provider is of no use at the mail server of another."""
    auth = config.get("auth")
    if not isinstance(auth, Mapping) or str(auth.get("type", "")).lower() != "oauth2":
        return
    takes = next((name for name, server in _SERVERS_OF.items() if server.search(typed.host.lower())), None)
    chosen = auth.get("provider", "google")
    if takes is None or chosen not in _SERVERS_OF or chosen == takes or auth.get("grant") == READY:
        return
    titles = {"google": "Google", "microsoft": "Microsoft"}
    yield _said(
        "/auth/provider",
        "smtp.access_from_another_provider",
        T("Access from %(chosen)s does not fit this server", chosen=titles[chosen]),
        T("“%(host)s” takes access from %(takes)s only.", host=typed.host, takes=titles[takes]),
        (T("Choose %(takes)s under “Access from”.", takes=titles[takes]),),
        Fix(T("Choose %(takes)s", takes=titles[takes]), (("auth/provider", takes),)),
    )


_SERVERS_OF: Final = {
    "google": re.compile(r"(^|\.)(gmail|google|googlemail)\.com$"),
    "microsoft": re.compile(r"(^|\.)(office365|outlook|hotmail)\.com$"),
}


def _said(
    pointer: str, code: str, title: Text, cause: Text, steps: tuple[Text, ...], fix: Fix | None
) -> tuple[str, Problem]:
    return pointer, fixed(Problem(code, title, cause, steps), fix)
