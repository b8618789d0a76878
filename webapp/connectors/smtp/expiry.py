"""What of a login with OAuth 2.0 ends on a known day: said two weeks ahead, and once it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from webapp.connectors.smtp.granting import CREDENTIALS, READY, REFRESH, inferred
from webapp.domain.problem import Problem
from webapp.domain.text import T

AHEAD: Final = timedelta(days=14)
"""How long before its end something is warned of."""

_NEW_SECRET: Final = (
    T("Make a new client secret where the application is registered; both are good until the old one ends."),
    T("Put its value in here with the day it ends, send a test and save."),
)
_NEW_TOKEN: Final = (T("Put a new access token in, or choose a way that renews itself."),)


def expiries(config: Mapping[str, Any], at: datetime | None = None) -> Iterator[Problem]:
    """Name what of a config, as JSON, ends soon or has ended."""
    auth = config.get("auth")
    if not isinstance(auth, Mapping) or auth.get("type") != "oauth2":
        return
    auth, moment = inferred(auth), at or datetime.now(UTC)
    if auth.get("grant") in (REFRESH, CREDENTIALS):
        yield from client_secret_expiry(_moment(auth.get("clientSecretExpires")), moment)
    if auth.get("grant") == READY:
        yield from _ready_token_expiry(_moment(auth.get("expires")), moment)


def client_secret_expiry(ends: datetime | None, at: datetime) -> Iterator[Problem]:
    """Say that a client secret ends, or has ended. Its last day is a good one still."""
    if ends is None:
        return
    over = ends + timedelta(days=1)
    if over <= at:
        yield Problem(
            "smtp.client_secret_ended",
            T("The client secret has ended"),
            T("Its last day was %(day)s. Without a new one no access is given, and no mail goes out.", day=_day(ends)),
            _NEW_SECRET,
        )
    elif over - at <= AHEAD:
        yield Problem(
            "smtp.client_secret_ends_soon",
            T("The client secret ends soon"),
            T(
                "Its last day is %(day)s; days left: %(days)s. Then no access is given, and no mail goes out.",
                day=_day(ends),
                days=(ends.date() - at.date()).days,
            ),
            _NEW_SECRET,
        )


def _ready_token_expiry(ends: datetime | None, at: datetime) -> Iterator[Problem]:
    if ends is None:
        return
    if ends <= at:
        yield Problem(
            "smtp.access_token_ended",
            T("The access token has ended"),
            T("It ended at %(moment)s. No mail goes out.", moment=f"{ends:%Y-%m-%d %H:%M} UTC"),
            _NEW_TOKEN,
        )
    elif ends - at <= AHEAD:
        yield Problem(
            "smtp.access_token_ends_soon",
            T("The access token ends soon"),
            T("It ends at %(moment)s, and it cannot be renewed.", moment=f"{ends:%Y-%m-%d %H:%M} UTC"),
            _NEW_TOKEN,
        )


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:  # its own field says so
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
