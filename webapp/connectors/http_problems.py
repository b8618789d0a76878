"""What goes wrong between a connection by HTTP that is open and a whole answer."""

from __future__ import annotations

from webapp.domain.problem import Problem
from webapp.domain.text import T

_AGAIN = T("Try again in a few minutes.")
_STATUS = T("If it goes on, look at the provider's status page.")


def no_answer(host: str, seconds: float) -> Problem:
    return Problem(
        "http.no_answer",
        T("The service did not answer in time"),
        T(
            "“%(host)s” took the request, but did not answer it within %(seconds)s s.",
            host=host,
            seconds=f"{seconds:g}",
        ),
        (_AGAIN, _STATUS),
        temporary=True,
    )


def no_tls_in_time(host: str, port: int) -> Problem:
    return Problem(
        "http.no_tls",
        T("TLS could not be set up in time"),
        T("“%(host)s” port %(port)s accepted the connection, but setting up TLS did not end.", host=host, port=port),
        (T("Check that the address begins with https:// and names the right port."), _AGAIN, _STATUS),
        temporary=True,
    )


def broken_off(host: str, why: str) -> Problem:
    return Problem(
        "http.broken_off",
        T("The service broke off"),
        T(
            "“%(host)s” ended the connection, or said something that is not HTTP, before its answer was complete "
            "(%(why)s).",
            host=host,
            why=why,
        ),
        (T("Check the address: another service may be answering there."), _AGAIN, _STATUS),
        temporary=True,
    )


def answer_too_large(host: str) -> Problem:
    return Problem(
        "http.answer_too_large",
        T("The service's answer is far too large"),
        T(
            "“%(host)s” answered with more than any such service would say, so it is probably not that service.",
            host=host,
        ),
        (T("Check the address: it may lead to a website instead of the service."),),
    )
