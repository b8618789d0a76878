"""The tenants that one person can promote between."""

from __future__ import annotations

from webapp.domain.roles import Access, Permission, TenantInfo
from webapp.web.context import current_actor, current_person, services


def pairable() -> list[Access]:
    """The person's standing in each tenant that they are a member of."""
    person = current_person()
    members = services().tenants.of_person(person.id) if person else []
    return [Access(current_actor(), tenant, role) for tenant, role in members]


def pair_of(here: TenantInfo) -> tuple[TenantInfo, TenantInfo] | None:
    """Source and target to begin with: from development to production, this tenant among them where it can be."""
    others = [access for access in pairable() if access.tenant.id != here.id]
    if not here.production:
        targets = [each for each in others if each.may(Permission.EDIT)]
        target = next((each for each in targets if each.tenant.production), next(iter(targets), None))
        return (here, target.tenant) if target else None
    source = next((each for each in others if not each.tenant.production), next(iter(others), None))
    return (source.tenant, here) if source else None
