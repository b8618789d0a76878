"""Flask-Security's models on our tables, and a person as the rest of the product sees one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_security import UserDatastore
from flask_security.models.sqla import FsModels, FsRoleMixin, FsUserMixin, FsWebAuthnMixin
from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.db.models import Base
from webapp.db.session import Database
from webapp.db.types import now
from webapp.domain.roles import Actor

FsModels.set_db_info(base_model=Base)  # type: ignore[no-untyped-call]  # the library has no types


class Role(Base, FsRoleMixin):
    """Flask-Security's role; ours are memberships, so the table stays empty."""

    __tablename__ = "role"

    update_datetime: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class User(Base, FsUserMixin):
    """A person who can sign in."""

    __tablename__ = "user"

    administrator: Mapped[bool] = mapped_column(default=False)
    """Installation administrator: tenants, people, operator settings; may read every tenant."""
    time_zone: Mapped[str | None] = mapped_column(String(64))
    """In which the person reads times; None: as the browser says."""
    last_sign_in_at: Mapped[datetime | None]
    create_datetime: Mapped[datetime] = mapped_column(default=now)
    update_datetime: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    # Loaded at once: a person outlives the short transaction that read it, and Flask-Security asks at each sign-in.
    roles = relationship("Role", secondary="roles_users", back_populates="users", lazy="joined")


class WebAuthn(Base, FsWebAuthnMixin):
    """A passkey of a person."""

    __tablename__ = "webauthn"

    create_datetime: Mapped[datetime] = mapped_column(default=now)


class InstallationRow(Base):
    """What the console knows about the house it runs in: one row."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation: Mapped[str] = mapped_column(String(120), default="")


@dataclass(frozen=True, slots=True)
class Person:
    """A person as lists and pages show them."""

    id: int
    email: str
    administrator: bool
    active: bool
    created_at: datetime
    time_zone: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor(kind="person", id=self.id, name=self.email, administrator=self.administrator)


class AccountStore(UserDatastore):
    """What Flask-Security loads people from: short transactions of our own instead of a session for each request."""

    def __init__(self, db: Database) -> None:
        super().__init__(User, Role, WebAuthn)
        self._db = db

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> User | None:
        ((name, value),) = kwargs.items()
        column = getattr(User, name)
        matches = func.lower(column) == str(value).lower() if case_insensitive else column == value
        with self._db.read() as session:
            return session.scalar(select(User).where(matches))


def person_of(user: User) -> Person:
    """An account as the rest of the product sees it."""
    return Person(user.id, user.email, user.administrator, user.active, user.create_datetime, user.time_zone)
