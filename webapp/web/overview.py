"""The tenant at a glance: what is set up, what is proven, what changed last, and the next step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, current_app, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.domain.diff import changes
from webapp.domain.roles import Permission, TenantInfo
from webapp.domain.text import T, Text
from webapp.domain.usage import FLOW_TITLES
from webapp.web.context import current_access, current_person, current_tenant, services
from webapp.web.frame import translated
from webapp.web.security import tenant_route
from webapp.web.status import status_of

if TYPE_CHECKING:
    from webapp.services.setups import RevisionInfo

bp = Blueprint("overview", __name__)

LAST_CHANGES: Final = 5


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow of the end users, and whether it sends mail."""

    title: Text
    enabled: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """How another tenant of the same person stands beside this one."""

    tenant: TenantInfo
    changes: int
    """How many values differ, secrets left out."""
    alone: bool
    """Whether the tenant of the page is not set up itself."""

    @property
    def words(self) -> Text:
        name = self.tenant.name
        if not self.tenant.active_revision:
            return T("%(name)s is not set up yet.", name=name)
        if self.alone:
            return T("%(name)s is set up already.", name=name)
        if not self.changes:
            return T("%(name)s has the same setup.", name=name)
        return T("%(name)s differs in %(count)s values.", name=name, count=self.changes)


_AREAS: Final = {
    "connector": T("connector"),
    "fallback": T("fallback"),
    "templates": T("templates"),
    "flows": T("flows"),
    "verificationCode": T("verification codes"),
    "addressPolicy": T("address policy"),
    "defaultLanguage": T("default language"),
}


def summary(revision: RevisionInfo) -> str:
    """Which parts of the setup a revision changed, in a few words."""
    areas = dict.fromkeys(pointer.split("/")[1] for pointer, _kind in revision.changed if "/" in pointer)
    words = ", ".join(translated(_AREAS[area]) for area in areas if area in _AREAS)
    return str(gettext("Changed: %(areas)s", areas=words) if words else gettext("Saved"))


@tenant_route(bp, "/", permission=Permission.READ)
def overview() -> ResponseReturnValue:
    """Show where the tenant stands."""
    tenant = current_tenant()
    session["tenant"] = tenant.slug
    stored = services().setups.active(tenant)
    enabled = set(stored.setup.flows.enabled())
    return render_template(
        "pages/overview/overview.html",
        status=status_of(tenant),
        flows=[Flow(title, name in enabled) for name, title in FLOW_TITLES.items()],
        last_changes=services().setups.history(tenant, limit=LAST_CHANGES),
        comparisons=_comparisons(tenant),
        links=_links(),
        summary=summary,
    )


def _comparisons(tenant: TenantInfo) -> list[Comparison]:
    """Compare with the tenants that this person is a member of; strangers' are not even counted."""
    person = current_person()
    if person is None or current_access().actor.kind != "person":
        return []
    own = services().setups.active(tenant).document
    return [
        Comparison(other, _differences(own, services().setups.active(other).document), not tenant.active_revision)
        for other, _role in services().tenants.of_person(person.id)
        if other.id != tenant.id
    ]


def _links() -> dict[str, str]:
    """Where the buttons lead, without pages that are not built."""
    wanted = {
        "choose": "connector.choose",
        "edit": "connector.form",
        "history": "history.history",
        "inbox": "inbox.inbox",
    }
    built = current_app.view_functions
    return {name: url_for(endpoint) for name, endpoint in wanted.items() if endpoint in built}


def _differences(one: dict[str, Any], other: dict[str, Any]) -> int:
    """Count what differs. A secret's marks say nothing across tenants."""
    return sum(not change.secret for change in changes(one, other))
