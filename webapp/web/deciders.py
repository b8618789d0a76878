"""Who may make changes of a tenant live."""

from __future__ import annotations

from webapp.accounts import Person
from webapp.domain.roles import Access, Permission, TenantInfo
from webapp.web.context import accounts, services


def savers(tenant: TenantInfo) -> list[Person]:
    """The members who may save there, by address; not those who are switched off."""
    people = {person.id: person for person in accounts().list() if person.active}
    return sorted(
        (
            people[member.person_id]
            for member in services().tenants.members(tenant.id)
            if member.person_id in people
            and Access(people[member.person_id].actor, tenant, member.role).may(Permission.SAVE)
        ),
        key=lambda person: person.email,
    )
