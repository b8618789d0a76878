"""The house: its organisation, and how its first administrator comes in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, CursorResult, delete, select, update

from webapp.accounts.models import InstallationRow, Person
from webapp.accounts.people import Accounts, address_of
from webapp.db.models import LinkRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain import roles
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import OPERATOR, Environment
from webapp.domain.text import T

if TYPE_CHECKING:
    from webapp.services.wiring import Services

SETUP_PURPOSE: Final = "first-run"
SETUP_VALID: Final = timedelta(hours=24)


class Installation:
    """The house: its organisation, and the one-time link that makes its first administrator."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @property
    def organisation(self) -> str:
        with self._db.read() as session:
            return session.scalar(select(InstallationRow.organisation)) or ""

    def rename(self, organisation: str) -> None:
        with self._db.write() as session:
            row = session.get(InstallationRow, 1)
            if row:
                row.organisation = organisation
            else:
                session.add(InstallationRow(id=1, organisation=organisation))

    def new_setup_link(self) -> str:
        """Make the token of a new first-run link; older ones stop working."""
        token = secrets.token_urlsafe(32)
        with self._db.write() as session:
            session.execute(delete(LinkRow).where(LinkRow.purpose == SETUP_PURPOSE))
            session.add(LinkRow(purpose=SETUP_PURPOSE, digest=_digest(token), expires_at=now() + SETUP_VALID))
        return token

    def setup_link_valid(self, token: str) -> bool:
        with self._db.read() as session:
            return session.scalar(select(LinkRow.id).where(*_open_link(token))) is not None

    def use_setup_link(self, token: str) -> None:
        """Take the link out of use. Raises NotFoundError when it was used, has lapsed or never was."""
        with self._db.write() as session:
            taken: CursorResult[Any] = session.execute(  # type: ignore[assignment]  # of an update it is a cursor's
                # The conditions themselves, not a query of ids: a second post that waited judges them anew.
                update(LinkRow).where(*_open_link(token)).values(used_at=now())
            )
            if not taken.rowcount:
                raise NotFoundError(T("This set-up link has been used or has lapsed."))


def first_run(services: Services, email: str, password: str, organisation: str = "") -> Person:
    """Make the first administrator and the tenants Development and Production, owned by that person.

    Safe to repeat: what is there stays as it is, the person's password too.
    """
    accounts = Accounts(services.db, services.audit)
    try:
        person = accounts.by_email(address_of(email))
    except NotFoundError:
        person = accounts.add_person(email, password, administrator=True)
    if organisation:
        Installation(services.db).rename(organisation)
    existing = {tenant.slug for tenant in services.tenants.all(include_archived=True)}
    for slug, name, environment in (
        ("dev", "Development", Environment.DEVELOPMENT),
        ("prod", "Production", Environment.PRODUCTION),
    ):
        if slug not in existing:
            tenant = services.tenants.add(slug, name, environment, by=OPERATOR)
            services.tenants.add_member(tenant.id, person.id, roles.Role.OWNER)
    return person


def _open_link(token: str) -> tuple[ColumnElement[bool], ...]:
    """What is true of the row of a link that can be used."""
    return (
        LinkRow.purpose == SETUP_PURPOSE,
        LinkRow.digest == _digest(token),
        LinkRow.used_at.is_(None),
        LinkRow.expires_at > now(),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
