"""The tenant at a glance: what is set up, what is proven, what changed last, and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, session
from flask.typing import ResponseReturnValue

from webapp.connectors.smtp.presets import SANDBOX
from webapp.domain.roles import Permission, TenantInfo
from webapp.domain.text import Text
from webapp.domain.usage import FLOW_TITLES
from webapp.services.changes import in_short
from webapp.services.origins import origin_words
from webapp.services.setups import RevisionInfo
from webapp.web.comparisons import comparisons_of, origin_of, others_of
from webapp.web.connector.cards import sandbox_usable
from webapp.web.context import current_access, current_tenant, services
from webapp.web.frame import translated
from webapp.web.security import tenant_route
from webapp.web.status import status_of

bp = Blueprint("overview", __name__)

LAST_CHANGES: Final = 5


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow of the end users, and whether it sends mail."""

    title: Text
    enabled: bool


@tenant_route(bp, "/", permission=Permission.READ)
def overview() -> ResponseReturnValue:
    """Show where the tenant stands."""
    access, tenant = current_access(), current_tenant()
    session["tenant"] = tenant.slug
    stored = services().setups.active(tenant)
    enabled = set(stored.setup.flows.enabled())
    status, comparisons = status_of(tenant), comparisons_of(tenant)
    origin = origin_of(tenant, comparisons) if status.provider else None
    return render_template(
        "pages/overview/overview.html",
        status=status,
        flows=[Flow(title, name in enabled) for name, title in FLOW_TITLES.items()],
        last_changes=services().setups.history(tenant, limit=LAST_CHANGES),
        comparisons=[each for each in comparisons if not (origin and each is origin.comparison)],
        others=others_of(tenant),
        origin=origin,
        summary=_summary,
        draft=services().drafts.load(access) if access.may(Permission.EDIT) else None,
        sandbox=_sandbox_card(tenant),
        waits=services().proposals.count(access),
        declined=services().proposals.declined(access),
    )


def _summary(revision: RevisionInfo) -> str:
    """Say in a few words what a revision changed."""
    changed = in_short(revision.changed, services().connectors)
    origin = origin_words(revision.origin, revision.origin_detail, revision.transfer)
    return ", ".join(map(translated, changed or origin))


def _sandbox_card(tenant: TenantInfo) -> str | None:
    """The card that begins with the sandbox, where there is one to try."""
    return f"smtp:{SANDBOX}" if sandbox_usable(services(), tenant) else None
