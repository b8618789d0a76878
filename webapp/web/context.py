"""What a page works with: the services, the person, the standing in the tenant."""

from __future__ import annotations

from typing import cast

from flask import current_app, g
from flask_security import current_user

from webapp.accounts import Accounts, Installation, Person, User
from webapp.domain.roles import Access, Actor, TenantInfo
from webapp.services.wiring import Services


def services() -> Services:
    """The services of this process."""
    return cast("Services", current_app.extensions["postroom"])


def accounts() -> Accounts:
    """The people of this installation."""
    return cast("Accounts", current_app.extensions["postroom.accounts"])


def installation() -> Installation:
    """The house the console runs in."""
    return cast("Installation", current_app.extensions["postroom.installation"])


def current_person() -> Person | None:
    """Who is signed in, if anyone."""
    user = current_user._get_current_object()
    if not isinstance(user, User):
        return None
    return Person(user.id, user.email, user.administrator, user.active, user.create_datetime)


def current_actor() -> Actor:
    """The signed-in person as the services and the audit know them. Only behind a route that needs one."""
    person = current_person()
    if person is None:
        raise RuntimeError("there is no actor on a public route")
    return person.actor


def current_access() -> Access:
    """The person's standing in the tenant of the path. Only on tenant routes."""
    return cast("Access", g.access)


def current_tenant() -> TenantInfo:
    """The tenant of the path. Only on tenant routes."""
    return current_access().tenant


def request_id() -> str | None:
    """The id by which logs and audit events find this request."""
    return cast("str | None", g.get("request_id"))
