"""What a page works with: the services, the person, the standing in the tenant."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final, cast

from flask import current_app, g, request, session
from flask_security import current_user

from webapp.accounts import (
    Accounts,
    Directory,
    Federation,
    Installation,
    Passkeys,
    Person,
    SecondFactor,
    User,
    person_of,
)
from webapp.connectors.openid import OpenIDProvider
from webapp.domain.roles import Access, Actor, TenantInfo
from webapp.services.wiring import Services

POLLS: Final = ("inbox.news", "connector.run", "migrate.plan_run", "migrate.proposal_run")
"""What pages ask for again and again by themselves."""


def unattended() -> bool:
    """Whether a page asks by itself: nobody need be there any more, so no session lives longer for it."""
    return request.endpoint in POLLS


UNTIL: Final = "until"
"""Where the session keeps when it ends at the latest, where another system has to say again who it is."""


def services() -> Services:
    """The services of this process."""
    return cast("Services", current_app.extensions["postroom"])


def console_url() -> str:
    """The console as browsers reach it: by its public URL; without one, as it was asked for just now."""
    return (services().settings.public_url or request.host_url).rstrip("/")


@contextmanager
def waiting_place() -> Iterator[bool]:
    """Take one of the places for requests that wait, which pages and API share; tells whether there was one."""
    places: BoundedSemaphore = current_app.extensions["postroom.waiting"]
    free = places.acquire(blocking=False)
    try:
        yield free
    finally:
        if free:
            places.release()


def accounts() -> Accounts:
    """The people of this installation."""
    return cast("Accounts", current_app.extensions["postroom.accounts"])


def second_factor() -> SecondFactor:
    """What is asked after the password."""
    return cast("SecondFactor", current_app.extensions["postroom.second_factor"])


def passkeys() -> Passkeys:
    """The passkeys of the people."""
    return cast("Passkeys", current_app.extensions["postroom.passkeys"])


def federation() -> Federation:
    """The people who sign in by another system."""
    return cast("Federation", current_app.extensions["postroom.federation"])


def directory() -> Directory:
    """The people as administrators look after them."""
    return cast("Directory", current_app.extensions["postroom.directory"])


def openid_provider() -> OpenIDProvider | None:
    """The system that people may sign in by, where the operator named one."""
    return cast("OpenIDProvider | None", current_app.extensions["postroom.openid"])


def installation() -> Installation:
    """The house the console runs in."""
    return cast("Installation", current_app.extensions["postroom.installation"])


def current_person() -> Person | None:
    """Who is signed in, if anyone."""
    user = current_user._get_current_object()
    if not isinstance(user, User) or _signed_out():
        return None
    return person_of(user)


def _signed_out() -> bool:
    """Whether this session is over: it was signed out of, or the provider's word for its person is too old."""
    if UNTIL in session and session[UNTIL] < time.time():
        return True
    if "sid" not in session:
        return False
    if "signed_out" not in g:
        g.signed_out = services().sessions.ended(session["sid"], seen=not unattended())
    return bool(g.signed_out)


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
