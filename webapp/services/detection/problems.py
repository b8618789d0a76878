"""Why a detection came to nothing, and what to do instead."""

from __future__ import annotations

from collections.abc import Sequence

from webapp.connectors.smtp.probing import DOORS, Finding
from webapp.domain.problem import Problem
from webapp.domain.text import T
from webapp.services.detection.results import Candidate
from webapp.services.detection.survey import Seen
from webapp.services.detection.target import Target

CRASHED = Problem(
    "internal.error",
    T("The console made a mistake"),
    T("Something failed inside Postroom, not at a provider. The server's log says what."),
    (T("Try again, or choose a provider from the cards; if it stays, report it with the log."),),
)
LOST = Problem(
    "detection.lost",
    T("Looking was interrupted"),
    T("The console stopped or was restarted meanwhile, so nothing more will come of it."),
    (T("Look again."),),
    temporary=True,
)


def nothing_found(target: Target, seen: Seen, found: Sequence[Candidate]) -> Problem:
    """Why nothing can be offered. What was typed itself speaks first."""
    refused = seen.closed.get(target.host) if not target.address and not seen.domain_found else None
    own = next((candidate.problem for candidate in found if candidate.problem), None)
    if refused or own:
        return refused or own or CRASHED
    if target.address or seen.domain_found:
        return Problem(
            "detection.nothing_found",
            T("Nothing tells who carries this mail"),
            T(
                "DNS names no provider of %(domain)s that is known here, and no server of that domain answers safely "
                "at the ports where mail is handed in.",
                domain=target.host,
            ),
            (
                T("Search the cards for whoever you pay for mail; invoices and DNS records name them."),
                T("Ask whoever runs your mail for server, port and login, and choose “Something else”."),
                T("No provider yet? Any sending service among the cards will do; most have a free plan to begin with."),
            ),
        )
    ports = (target.port,) if target.port else tuple(door.port for door in DOORS)
    return Problem(
        "detection.no_answer",
        T("Nobody answers there"),
        T(
            "%(host)s exists, but no mail server answers at port %(ports)s.",
            host=target.host,
            ports=", ".join(map(str, ports)),
        ),
        (
            T("Compare the name with your provider's documentation, letter by letter."),
            T("If it is a domain and not a server, type an address in it instead."),
            T("If the server uses another port, type it too, such as smtp.example.com:2587."),
            T("If connections from here are blocked, ask the operator of this machine to open 465 and 587."),
        ),
    )


def not_encrypted(finding: Finding) -> Problem:
    """A server where everybody on the way could read the password."""
    return Problem(
        "detection.not_encrypted",
        T("This server does not encrypt"),
        T(
            "“%(host)s” port %(port)s offers no STARTTLS, so password and mails would cross the network readable by "
            "anyone. Nothing is filled in for it.",
            host=finding.host,
            port=finding.door.port,
        ),
        (
            T("Ask whoever runs it to switch on TLS: port 465, or STARTTLS at port 587."),
            T("If the server is on this machine or in a closed network of yours, fill it in by hand and say why."),
        ),
    )


def no_login(finding: Finding) -> Problem:
    """A server that takes mail for its own people only."""
    return Problem(
        "detection.no_login",
        T("This server takes mail for its own domain only"),
        T(
            "“%(host)s” port %(port)s offers no login, so it takes mail for the people it serves and passes none on.",
            host=finding.host,
            port=finding.door.port,
        ),
        (
            T("Ask whoever runs it for the server and port where mail is handed in (submission, 465 or 587)."),
            T("If it knows this machine by its address and relays for it, type its name instead of an address."),
        ),
    )


def unknown_login(finding: Finding) -> Problem:
    """A server that asks for a proof which nobody here can give."""
    return Problem(
        "detection.login_unknown",
        T("There is no way to log in that Postroom knows"),
        T(
            "“%(host)s” port %(port)s offers only %(offered)s.",
            host=finding.host,
            port=finding.door.port,
            offered=", ".join(finding.mechanisms[:6]).upper(),
        ),
        (T("Ask whoever runs it to offer PLAIN or LOGIN over TLS, or OAuth 2.0."),),
    )
