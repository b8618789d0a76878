"""Whether the operator wants a second factor of somebody who has none."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from flask import g, session

from webapp.accounts import Person
from webapp.domain.roles import Role
from webapp.settings import SecondFactorRequired
from webapp.web.context import current_person, second_factor, services

VIA: Final = "via"
"""Where the session keeps how its person came in."""


class Via(StrEnum):
    """How somebody has shown who they are."""

    PASSWORD = "password"  # noqa: S105  the name of a way in
    PASSKEY = "passkey"
    OPENID = "openid"
    INVITATION = "invitation"
    FIRST_RUN = "first_run"
    LINK = "link"


def owes_second_factor() -> bool:
    """Whether there has to be a second factor and is none: its page is all that this person gets to."""
    if "owes_second_factor" not in g:
        g.owes_second_factor = _owes_second_factor()
    return bool(g.owes_second_factor)


def _owes_second_factor() -> bool:
    required = services().settings.require_second_factor
    person = None if required is SecondFactorRequired.NONE else current_person()
    # Whoever comes by OpenID Connect is asked for it by the provider.
    if person is None or session.get(VIA) == Via.OPENID:
        return False
    if required is SecondFactorRequired.ADMINISTRATORS and not _administers(person):
        return False
    return not second_factor().standing(person.id).on


def _administers(person: Person) -> bool:
    return person.administrator or any(role is Role.OWNER for _tenant, role in services().tenants.of_person(person.id))
