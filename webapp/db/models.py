"""The tables. People (accounts) live in ``webapp.accounts``; here a person is an id and a name."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    UniqueConstraint,
    column,
    table,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from webapp.db.types import UTCDateTime, now


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UTCDateTime(),
        bytes: LargeBinary(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
    }


PEOPLE: Final = table("user", column("id", Integer), column("active", Boolean))
"""The little that must be known of people below the accounts: who is switched off."""


class TenantRow(Base):
    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    environment: Mapped[str] = mapped_column(String(16))
    active_revision: Mapped[int] = mapped_column(default=0)
    """The live revision's number; moved only together with the insert of that revision. 0: nothing saved yet."""
    editors_may_save_production: Mapped[bool] = mapped_column(default=False)
    changes_by: Mapped[str] = mapped_column(String(16), default="all", server_default="all")
    """How its setup may change: ``all`` ways, by ``promotion`` only, or with a second person's ``approval``."""
    mounted: Mapped[dict[str, Any] | None]
    """What start-up read last from a mounted file: ``file``, the keyed ``hash`` of what it says, and the ``revision``
    that was live then."""
    sandbox_password: Mapped[bytes | None]
    """Sealed; development tenants only."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    archived_at: Mapped[datetime | None]


class MembershipRow(Base):
    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("tenant_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(index=True)
    role: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str] = mapped_column(String(16), default="hand", server_default="hand")
    """``hand``, or ``openid``: the role comes from the groups that the sign-in provider names."""
    hand_role: Mapped[str | None] = mapped_column(String(16))
    """The role given by hand that groups raised; it comes back when they no longer do."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class IdentityRow(Base):
    """How another system knows a person: its name for them never changes, their address may."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    made_administrator: Mapped[bool] = mapped_column(default=False)
    """Whether its groups, and nobody here, made the person an administrator."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime] = mapped_column(default=now)


class TokenRow(Base):
    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    read_from_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token, which is 256 random bits, so that a slow hash would add nothing."""
    scopes: Mapped[list[Any]]
    role: Mapped[str] = mapped_column(String(16))
    maker_id: Mapped[int | None]
    maker_name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RevisionRow(Base):
    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        Index("ix_revisions_tenant_id_origin_number", "tenant_id", "origin", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    number: Mapped[int]
    document: Mapped[dict[str, Any]]
    """The setup, each secret replaced by its mark."""
    secrets: Mapped[bytes]
    """Sealed map: secret's pointer → value."""
    tags: Mapped[dict[str, Any]]
    """Secret's pointer → keyed hash, so that a diff needs no decryption."""
    values_tag: Mapped[str | None] = mapped_column(String(64))
    """Keyed hash of provider, config and secrets: what a proof is about. None without a connector."""
    changed: Mapped[list[Any]]
    """What differs from the revision before: [[pointer, kind], …]."""
    origin: Mapped[str] = mapped_column(String(16))
    """``save``, ``restore``, ``import``, ``promote``, ``delete`` or ``duplicate``."""
    origin_detail: Mapped[str | None] = mapped_column(String(120))
    transfer: Mapped[dict[str, Any] | None]
    """For what came from elsewhere: from where exactly, as ``webapp.services.requests.Request`` says it."""
    note: Mapped[str | None] = mapped_column(String(1000))
    reason: Mapped[str | None] = mapped_column(String(1000))
    author_kind: Mapped[str] = mapped_column(String(16))
    author_id: Mapped[int | None]
    author_name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ProofRow(Base):
    """A test send or delivery that the provider accepted with exactly these values."""

    __tablename__ = "proofs"
    __table_args__ = (UniqueConstraint("tenant_id", "values_tag"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    values_tag: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(255))
    first_at: Mapped[datetime] = mapped_column(default=now)
    last_at: Mapped[datetime] = mapped_column(default=now)


class DraftRow(Base):
    """What a person has typed in a tenant and not saved; purged after 24 hours."""

    __tablename__ = "drafts"
    __table_args__ = (UniqueConstraint("tenant_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    person_id: Mapped[int]
    base_revision: Mapped[int]
    content: Mapped[bytes]
    """Sealed."""
    updated_at: Mapped[datetime] = mapped_column(default=now, index=True)


class PlanRow(Base):
    """What an import or a promotion would do, as somebody saw it; purged after 24 hours, a proposal after a week."""

    __tablename__ = "plans"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(255), default="", server_default="")
    base_revision: Mapped[int]
    content: Mapped[bytes]
    """Sealed: it holds the secrets that were typed for it."""
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
    proposed_at: Mapped[datetime | None]
    """When it was put before a second person, who may approve it."""


class RunRow(Base):
    """One check or test send, as pages poll it; purged after 24 hours."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(16))
    """``check`` or ``test_send``."""
    state: Mapped[str] = mapped_column(String(16))
    """``running``, ``done`` or ``cancelled``."""
    values_tag: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes]
    """Sealed: phases and result."""
    started_at: Mapped[datetime] = mapped_column(default=now, index=True)
    finished_at: Mapped[datetime | None]


class AccessRow(Base):
    """Access by OAuth 2.0 that was fetched, and the refresh token that a provider put in the place of the typed one."""

    __tablename__ = "access_tokens"
    __table_args__ = (UniqueConstraint("tenant_id", "tag"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    tag: Mapped[str] = mapped_column(String(64))
    """Keyed hash of whose consent it is and where it goes, the typed refresh token among it."""
    content: Mapped[bytes | None]
    """Sealed: the tokens."""
    version: Mapped[int] = mapped_column(default=0)
    """Counts what was written to ``content``, so that nobody writes over what they have not seen."""
    lease: Mapped[str | None] = mapped_column(String(32))
    """Who is fetching at the moment."""
    lease_until: Mapped[datetime | None]
    refreshed_at: Mapped[datetime | None]
    refresh_expires_at: Mapped[datetime | None]
    keep_until: Mapped[datetime] = mapped_column(index=True)


class AuditRow(Base):
    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_tenant_id_at", "tenant_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=now)
    action: Mapped[str] = mapped_column(String(64))
    """``area.what_happened``."""
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(255))
    detail: Mapped[dict[str, Any]]
    request_id: Mapped[str | None] = mapped_column(String(64))


class AttemptRow(Base):
    """Something that is limited: a sign-in that failed, a test send. Counted over a window, then purged."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_kind_key_at", "kind", "key", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(64))
    """A keyed hash of what is limited."""
    at: Mapped[datetime] = mapped_column(default=now)


class DailyUsageRow(Base):
    """What a tenant sent on one day at the operator's expense."""

    __tablename__ = "daily_usage"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    """In UTC."""
    mails: Mapped[int]


class InboxRow(Base):
    """A mail that was captured, or the request that would have carried one."""

    __tablename__ = "inbox_mails"
    __table_args__ = (Index("ix_inbox_mails_tenant_id_received_at", "tenant_id", "received_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    to_tag: Mapped[str] = mapped_column(String(64), index=True)
    """Keyed hash of the normalised recipient, for exact search."""
    summary: Mapped[bytes]
    """Sealed: recipient, sender, subject, code: what a list shows."""
    raw: Mapped[bytes]
    """Sealed: the mail's source."""
    media_type: Mapped[str] = mapped_column(String(32), default="message/rfc822", server_default="message/rfc822")
    """``message/rfc822`` for a mail, ``message/http`` for a request."""
    received_at: Mapped[datetime] = mapped_column(default=now)


class SessionRow(Base):
    """A browser in which a person is signed in; the cookie holds the session itself."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the session's random id."""
    browser: Mapped[str] = mapped_column(String(255))
    address: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)


class TotpRow(Base):
    """The authenticator app of a person."""

    __tablename__ = "totp_secrets"

    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[bytes]
    """Sealed."""
    last_counter: Mapped[int | None]
    """Of the code that was used last: it and those before it are refused."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class RecoveryCodeRow(Base):
    """A code that lets a person in once, in place of their authenticator app or passkey."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """A keyed hash."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]


class WrappedKeyRow(Base):
    """A random key of the database's own, sealed with the operator's keys."""

    __tablename__ = "wrapped_keys"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    key: Mapped[bytes]


class LinkRow(Base):
    """A one-time link, such as the one that makes the first administrator, or one that invites somebody."""

    __tablename__ = "links"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    payload: Mapped[dict[str, Any] | None]
    """What the purpose needs: for an invitation whom it invites as what, and who made it."""
    created_at: Mapped[datetime | None] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
