"""The tenants that one person can promote between."""

from __future__ import annotations

from webapp.domain.roles import Access, Permission, TenantInfo
from webapp.web.context import current_actor, current_person, current_tenant, services


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


def source_of(slug: str | None) -> Access | None:
    """The tenant that was asked for, else the one to begin with. Raises NotFoundError for strangers' tenants."""
    if slug:
        return services().tenants.access(current_actor(), slug)
    here = current_tenant()
    pair = pair_of(here)
    others = [access for access in pairable() if access.tenant.id != here.id]
    usual = [access for access in others if pair and access.tenant.id == pair[0].id]
    return next(iter([*usual, *others]), None)
