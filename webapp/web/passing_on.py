"""One-time links on their way to whom they are for: shown once, copied by hand or mailed by the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final, Self

from flask import session
from flask_babel import format_datetime
from flask_babel import gettext as _

from webapp.domain.errors import LimitedError
from webapp.domain.message import Outcome
from webapp.services.console_mail import Letter
from webapp.web.context import current_actor, installation, request_id, services, waiting_place
from webapp.web.frame import translated

_FRESH: Final = "fresh_link"
"""Where the session keeps a new link, sealed, until its maker goes on."""
_LONGEST: Final = 300
"""Characters of the mail server's words that a cookie has room for."""


@dataclass(frozen=True, slots=True)
class FreshLink:
    """A link that was just made, and what became of its letter."""

    letter: Letter
    token: str
    email: str
    tenant: int | None = None
    tone: str = ""
    """Once it was mailed: ``good``, ``warn`` or ``bad``, with a title and a sentence."""
    title: str = ""
    sentence: str = ""

    @classmethod
    def kept(cls, *letters: Letter, tenant: int | None = None) -> Self | None:
        """The fresh link of this kind and tenant that the session holds."""
        if _FRESH not in session:
            return None
        held = services().vault.open(session[_FRESH].encode())
        fresh = cls(**{**held, "letter": Letter(held["letter"])})
        return fresh if fresh.letter in letters and fresh.tenant == tenant else None

    def keep(self) -> None:
        """Seal it in the session, so that reloading the page does neither lose the link nor make another."""
        session[_FRESH] = services().vault.seal(asdict(self)).decode()

    def mail(self, link: str, expires_at: datetime, **values: str) -> bool:
        """Have the console mail it, and keep what became of that. Tells whether the relay took it."""
        told = self._told(link, expires_at, values)
        told.keep()
        return told.tone == "good"

    def _told(self, link: str, expires_at: datetime, values: Mapping[str, str]) -> FreshLink:
        actor, organisation = current_actor(), installation().organisation
        words = {
            "link": link,
            "by": actor.name,
            "house": f" · {organisation}" if organisation else "",
            "until": f"{format_datetime(expires_at.astimezone(UTC), 'd MMMM yyyy, HH:mm', rebase=False)} UTC",
        }
        with waiting_place() as free:
            if not free:
                busy = _("Too many requests wait for a mail server just now. Try again in a moment, or copy the link.")
                return replace(self, tone="bad", title=_("It was not mailed"), sentence=busy)
            try:
                posted = services().console_mail.send(
                    self.letter,
                    self.email,
                    {**words, **values},
                    actor,
                    tenant_id=self.tenant,
                    request_id=request_id(),
                )
            except LimitedError as error:
                minutes = -(-error.retry_after // 60)
                many = _("Too many mails in a short time. Wait %(minutes)s min, or copy the link.", minutes=minutes)
                return replace(self, tone="bad", title=_("It was not mailed"), sentence=many)
        if posted.accepted or posted.problem is None:
            answer = posted.answer[:_LONGEST]
            taken = _("The mail server took it: %(answer)s", answer=answer) if answer else _("The mail server took it.")
            return replace(self, tone="good", title=_("Mailed to %(person)s", person=self.email), sentence=taken)
        unsure = posted.outcome is Outcome.MAYBE_SENT
        title = _("It may not have been mailed") if unsure else _("It was not mailed")
        why = f"{translated(posted.problem.title)}. {translated(posted.problem.cause)}"
        return replace(self, tone="warn" if unsure else "bad", title=title, sentence=why[:_LONGEST])


def forget() -> None:
    """Let go of the link: its maker has gone on."""
    session.pop(_FRESH, None)
