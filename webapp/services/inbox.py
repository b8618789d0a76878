"""Mail that was captured, and requests that would have carried some: kept encrypted, to be read by people and tests."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, Select, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from webapp.db.models import InboxRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.errors import NotFoundError
from webapp.domain.roles import TenantInfo
from webapp.services.captured import Request, read

KEPT: Final = timedelta(days=7)
KEPT_MAILS: Final = 500
"""Mails of one tenant; the oldest go first."""
POLL_EVERY: Final = 0.2
"""Seconds between two looks while somebody waits for a mail."""


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A captured mail as the list shows it."""

    id: str
    to: str
    sender: str
    subject: str
    received_at: datetime
    code: str | None
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InboxMail(InboxItem):
    """A captured mail with its parts."""

    html: str | None
    text: str | None
    headers: tuple[tuple[str, str], ...]
    source: str
    attachments: tuple[str, ...]
    request: Request | None = None
    """What would have been asked of a provider, where no mail but a request carries it."""


class Inbox:
    """Keeps and finds the captured mails of development tenants."""

    def __init__(self, db: Database, vault: Vault, clock: Callable[[], datetime] = now) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    def add(
        self, tenant_id: int, recipients: Sequence[str], raw: bytes, media_type: str = "message/rfc822"
    ) -> list[str]:
        """Keep one mail, or request, for each recipient; returns the ids. The oldest make room."""
        mail = read(raw, media_type)
        sealed = self._vault.seal(raw.decode("latin-1"))
        rows = [
            InboxRow(
                id=secrets.token_hex(8),
                tenant_id=tenant_id,
                to_tag=self._tag(tenant_id, to),
                summary=self._vault.seal([to, mail.sender[:1000], mail.subject[:1000], mail.code, mail.links]),
                raw=sealed,
                media_type=media_type,
                received_at=self._clock(),
            )
            for to in recipients
        ]
        ids = [row.id for row in rows]
        with self._db.write() as session:
            session.add_all(rows)
            session.flush()
            _make_room(session, tenant_id)
        return ids

    def mails(
        self, tenant: TenantInfo, limit: int = 50, before: str | None = None, to: str | None = None
    ) -> list[InboxItem]:
        """List mails, newest first: those older than the mail ``before``, those to exactly ``to``."""
        with self._db.read() as session:
            query = self._query(tenant, to)
            if before and (last := session.get(InboxRow, before)) and last.tenant_id == tenant.id:
                query = query.where(
                    or_(
                        InboxRow.received_at < last.received_at,
                        and_(InboxRow.received_at == last.received_at, InboxRow.id < last.id),
                    )
                )
            rows = session.execute(query.limit(limit)).all()
        return [self._item(*row) for row in rows]

    def mail(self, tenant: TenantInfo, mail_id: str) -> InboxMail:
        """Read one mail. Raises NotFoundError, for other tenants' mails too."""
        with self._db.read() as session:
            row = session.get(InboxRow, mail_id)
            if row is None or row.tenant_id != tenant.id:
                raise NotFoundError
            item, raw, media_type = self._item(row.id, row.summary, row.received_at), row.raw, row.media_type
        mail = read(self._vault.open(raw).encode("latin-1"), media_type)
        return InboxMail(
            id=item.id,
            to=item.to,
            sender=item.sender,
            subject=item.subject,
            received_at=item.received_at,
            code=item.code,
            links=item.links,
            html=mail.html,
            text=mail.text,
            headers=mail.headers,
            source=mail.source,
            attachments=mail.attachments,
            request=mail.request,
        )

    def state(self, tenant: TenantInfo) -> str:
        """A short mark that changes whenever the list does, so that pages can poll for little."""
        newest = select(InboxRow.id).where(InboxRow.tenant_id == tenant.id).order_by(*_NEWEST_FIRST).limit(1)
        with self._db.read() as session:
            newest_id = session.scalar(newest)
        return f"{self.count(tenant)}-{newest_id or 'none'}"

    def count(self, tenant: TenantInfo) -> int:
        """How many mails there are."""
        query = select(func.count()).select_from(InboxRow).where(InboxRow.tenant_id == tenant.id)
        with self._db.read() as session:
            return session.scalar(query) or 0

    def clear(self, tenant: TenantInfo) -> int:
        """Delete all mails of a tenant; returns how many."""
        with self._db.write() as session:
            return _rows(session, delete(InboxRow).where(InboxRow.tenant_id == tenant.id))

    def wait(
        self, tenant: TenantInfo, to: str | None = None, since: datetime | None = None, timeout: float = 30.0
    ) -> InboxMail | None:
        """Wait for the newest mail (to exactly ``to``, received after ``since``); None when the time is over."""
        give_up = time.monotonic() + timeout
        query = self._query(tenant, to)
        if since:
            query = query.where(InboxRow.received_at > since)
        while True:
            with self._db.read() as session:
                newest = session.scalars(query.limit(1)).first()
            if newest:
                return self.mail(tenant, newest)
            left = give_up - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(POLL_EVERY, left))

    def purge(self) -> int:
        """Delete mails older than seven days; returns how many."""
        with self._db.write() as session:
            return _rows(session, delete(InboxRow).where(InboxRow.received_at < self._clock() - KEPT))

    def _query(self, tenant: TenantInfo, to: str | None) -> Select[str, bytes, datetime]:
        query = select(InboxRow.id, InboxRow.summary, InboxRow.received_at).where(InboxRow.tenant_id == tenant.id)
        if to:
            query = query.where(InboxRow.to_tag == self._tag(tenant.id, to))
        return query.order_by(*_NEWEST_FIRST)

    def _item(self, mail_id: str, summary: bytes, received_at: datetime) -> InboxItem:
        to, sender, subject, code, links = self._vault.open(summary)
        return InboxItem(mail_id, to, sender, subject, received_at, code, tuple(links))

    def _tag(self, tenant_id: int, address: str) -> str:
        return self._vault.tag("inbox.to", str(tenant_id), address.strip().lower())


_NEWEST_FIRST = (InboxRow.received_at.desc(), InboxRow.id.desc())


def _make_room(session: Session, tenant_id: int) -> None:
    kept = (
        select(InboxRow.id).where(InboxRow.tenant_id == tenant_id).order_by(*_NEWEST_FIRST).limit(KEPT_MAILS).subquery()
    )
    session.execute(
        delete(InboxRow)
        .where(InboxRow.tenant_id == tenant_id, InboxRow.id.not_in(select(kept.c.id)))
        .execution_options(synchronize_session=False)
    )


def _rows(session: Session, statement: Any) -> int:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
