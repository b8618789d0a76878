"""The tenant at a glance: what is set up, what is proven, what changed last, and the next step."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, render_template, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from webapp.connectors.smtp.presets import SANDBOX
from webapp.domain.diff import changes
from webapp.domain.errors import SetupUnreadableError
from webapp.domain.roles import Access, Permission, TenantInfo
from webapp.domain.tenant_document import slotted
from webapp.domain.text import Text
from webapp.domain.usage import FLOW_TITLES
from webapp.services.changes import in_short
from webapp.services.setups import RevisionInfo
from webapp.services.transfer.differing import differences
from webapp.web.connector.cards import sandbox_usable
from webapp.web.context import current_access, current_person, current_tenant, services
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


@dataclass(frozen=True, slots=True)
class Comparison:
    """How another tenant of the same person stands beside this one."""

    tenant: TenantInfo
    changes: int
    """How many values differ, secrets left out."""
    alone: bool
    """Whether the tenant of the page is not set up itself."""
    here: TenantInfo
    source: TenantInfo | None = None
    """The one of the two that is of development, where the other is of production: ``changes`` count what would go."""
    open: bool = False
    """Whether the person may open the page that compares the two."""

    @property
    def target(self) -> TenantInfo:
        return self.tenant if self.source and self.source.id == self.here.id else self.here

    @property
    def words(self) -> str:
        name = self.tenant.name
        if not self.tenant.active_revision:
            return str(gettext("%(name)s is not set up yet.", name=name))
        if self.alone:
            return str(gettext("%(name)s is set up already.", name=name))
        if not self.changes:
            return str(gettext("%(name)s has the same setup, secrets aside.", name=name))
        if self.source:
            one, many = "%(name)s is one change behind.", "%(name)s is %(num)d changes behind."
            return str(ngettext(one, many, self.changes, name=self.target.name))
        one, many = "%(name)s differs in %(num)d value.", "%(name)s differs in %(num)d values."
        return str(ngettext(one, many, self.changes, name=name))


@tenant_route(bp, "/", permission=Permission.READ)
def overview() -> ResponseReturnValue:
    """Show where the tenant stands."""
    access, tenant = current_access(), current_tenant()
    session["tenant"] = tenant.slug
    stored = services().setups.active(tenant)
    enabled = set(stored.setup.flows.enabled())
    return render_template(
        "pages/overview/overview.html",
        status=status_of(tenant),
        flows=[Flow(title, name in enabled) for name, title in FLOW_TITLES.items()],
        last_changes=services().setups.history(tenant, limit=LAST_CHANGES),
        comparisons=_comparisons(tenant),
        summary=_summary,
        draft=services().drafts.load(access) if access.may(Permission.EDIT) else None,
        sandbox=_sandbox_card(tenant),
    )


def _comparisons(tenant: TenantInfo) -> list[Comparison]:
    """Compare with the tenants that this person is a member of; strangers' are not even counted."""
    person = current_person()
    if person is None or current_access().actor.kind != "person":
        return []
    own = services().setups.active(tenant).document
    found = []
    for other, role in services().tenants.of_person(person.id):
        if other.id == tenant.id:
            continue
        # What cannot be read is told on that tenant's own pages; this one does not suffer from it.
        with suppress(SetupUnreadableError):
            theirs = services().setups.active(other).document
            found.append(_compared(tenant, own, Access(current_access().actor, other, role), theirs))
    return found


def _compared(tenant: TenantInfo, own: dict[str, Any], there: Access, theirs: dict[str, Any]) -> Comparison:
    other, alone = there.tenant, not tenant.active_revision
    if tenant.production == other.production:
        return Comparison(other, _differences(own, theirs), alone, tenant)
    source, target = (other, current_access()) if tenant.production else (tenant, there)
    old, new = (own, theirs) if tenant.production else (theirs, own)
    behind = [each for each in differences(slotted(old), slotted(new)) if not each.left_alone]
    return Comparison(other, len(behind), alone, tenant, source, target.may(Permission.EDIT))


def _differences(one: dict[str, Any], other: dict[str, Any]) -> int:
    """Count what differs. A secret's marks say nothing across tenants."""
    return sum(not change.secret for change in changes(one, other))


def _summary(revision: RevisionInfo) -> str:
    """Say in a few words what a revision changed."""
    return ", ".join(map(translated, in_short(revision.changed, services().connectors))) or str(gettext("Saved"))


def _sandbox_card(tenant: TenantInfo) -> str | None:
    """The card that begins with the sandbox, where there is one to try."""
    return f"smtp:{SANDBOX}" if sandbox_usable(services(), tenant) else None
