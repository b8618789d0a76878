"""What of a connector ends soon, by its settings and by what its provider said: told ahead, and once it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from webapp.connectors.base import Connector
from webapp.db.types import now
from webapp.domain.errors import PostroomError
from webapp.domain.problem import Problem
from webapp.domain.roles import TenantInfo
from webapp.domain.text import T
from webapp.services.access import AccessTokens, Outlook
from webapp.services.history import StoredSetup
from webapp.services.secrets import Connectors

if TYPE_CHECKING:
    from webapp.services.setups import Setups

AHEAD: Final = timedelta(days=14)
UNUSED: Final = {"google": timedelta(days=180), "microsoft": timedelta(days=90)}
"""After how long without use a provider forgets a consent."""

_AGAIN: Final = (T("Sign in and consent again, and put the new refresh token in."),)


class Expiries:
    """Looks over the connector that is live in a tenant."""

    def __init__(self, connectors: Connectors, access: AccessTokens, setups: Setups) -> None:
        self._connectors = connectors
        self._access = access
        self._setups = setups

    def cautions(self, tenant: TenantInfo, stored: StoredSetup) -> tuple[Problem, ...]:
        """Name the risks that were accepted and last, and what ends soon or has ended."""
        connector = stored.setup.connector
        kind = self._connectors.get(connector.provider) if connector else None
        if kind is None or connector is None:
            return ()
        return (*kind.cautions(connector.config), *self._of_consent(tenant, connector.config, kind))

    def _of_consent(
        self, tenant: TenantInfo, config: Mapping[str, Any], kind: type[Connector[Any]]
    ) -> tuple[Problem, ...]:
        auth = config.get("auth")
        if not isinstance(auth, Mapping) or auth.get("type") != "oauth2":
            # Only for those are secrets opened to see a page.
            return ()
        try:
            identity = kind.identity(self._setups.resolve(tenant).config)
        except PostroomError:  # told where the connector itself is shown
            return ()
        outlook = self._access.outlook(tenant, identity) if identity else None
        return tuple(_consent(outlook, str(auth.get("provider") or ""), now())) if outlook else ()


def ended(problem: Problem) -> bool:
    """Whether it is over, not only soon."""
    return problem.code.endswith("_ended")


def _consent(outlook: Outlook, provider: str, at: datetime) -> Iterator[Problem]:
    ends = outlook.refresh_expires_at
    forgotten = outlook.refreshed_at + UNUSED.get(provider, UNUSED["microsoft"])
    if ends and ends <= at:
        yield Problem(
            "access.consent_ended",
            T("The consent has ended"),
            T("The provider let it last until %(moment)s. No mail goes out.", moment=_shown(ends)),
            _AGAIN,
        )
    elif ends and ends - at <= AHEAD:
        yield Problem(
            "access.consent_ends_soon",
            T("The consent ends soon"),
            T("The provider lets it last until %(moment)s. Then no mail goes out.", moment=_shown(ends)),
            (
                *_AGAIN,
                T("Google: while the consent screen is in “Testing”, it ends after 7 days. Publish the application."),
            ),
        )
    elif forgotten - at <= AHEAD:
        yield Problem(
            "access.consent_unused",
            T("The consent was not used for long"),
            T(
                "It was used at %(moment)s for the last time. Providers forget a consent that nobody uses.",
                moment=_shown(outlook.refreshed_at),
            ),
            (T("Check the connector: that uses it. If it is refused, sign in and consent again."),),
        )


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
