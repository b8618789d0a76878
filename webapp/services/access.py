"""Access by OAuth 2.0 between two mails: fetched once, kept sealed, and no refresh token lost that a provider replaced.

A row belongs to one tenant and to a keyed hash of consent, destination and typed secret, so nothing that is kept goes
anywhere else than what was typed for it. Who fetches holds the row's lease; others wait for what comes of it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

import structlog
from pydantic import SecretStr
from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.connectors.authorization import Fetch, Identity, Kept, TokenRefusedError, Tokens
from webapp.db.models import AccessRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.roles import TenantInfo

LEASE: Final = timedelta(seconds=30)
"""How long others wait for somebody who fetches and gives no sign of life."""
POLL: Final = 0.1
"""Seconds between two looks at what another fetches."""
REFRESH_KEPT: Final = timedelta(days=400)
"""A replaced refresh token may be the only one that is left, also of a revision that somebody restores."""
ACCESS_KEPT: Final = timedelta(days=1)

log = structlog.get_logger(__name__)

_RUNNING: Final[set[asyncio.Task[Tokens]]] = set()
"""Fetches under way; a task that nobody holds may vanish."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of how long a consent lasts."""

    refreshed_at: datetime
    refresh_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Content:
    tokens: Tokens
    proof: str
    """Keyed hash of what was shown to get the access token."""

    def usable(self, proof: str, rejected: SecretStr | None) -> bool:
        return self.proof == proof and self.tokens.fresh_at(now()) and self.tokens.access_token != rejected


@dataclass(frozen=True, slots=True)
class _Held:
    """A lease, and what the row held when it was taken."""

    row: int
    lease: str
    version: int
    content: _Content | None


class AccessTokens:
    """Keeps the tokens of all tenants."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    def keeper(self, tenant: TenantInfo) -> Keeper:
        """What connectors of this tenant keep their tokens with."""
        return Keeper(self._db, self._vault, tenant.id)

    def outlook(self, tenant: TenantInfo, identity: Identity) -> Outlook | None:
        """How long a consent lasts; None where there is none, or nothing was fetched by it yet."""
        query = select(AccessRow.refreshed_at, AccessRow.refresh_expires_at).where(
            AccessRow.tenant_id == tenant.id, AccessRow.tag == _tag(self._vault, tenant.id, identity)
        )
        with self._db.read() as session:
            found = session.execute(query).first()
        return Outlook(found[0], found[1]) if found and found[0] else None

    def purge(self) -> int:
        """Delete what nobody used for long; tells how much."""
        with self._db.write() as session:
            gone = cast("CursorResult[Any]", session.execute(delete(AccessRow).where(AccessRow.keep_until <= now())))
            return gone.rowcount


class Keeper:
    """Keeps the tokens of one tenant."""

    def __init__(self, db: Database, vault: Vault, tenant_id: int) -> None:
        self._db = db
        self._vault = vault
        self._tenant_id = tenant_id

    async def obtain(self, identity: Identity, fetch: Fetch, *, rejected: SecretStr | None = None) -> Kept:
        """Give the tokens of ``identity``, fetched once however many processes ask. Raises what ``fetch`` raises."""
        tag = _tag(self._vault, self._tenant_id, identity)
        proof = self._vault.tag("access.proof", str(self._tenant_id), *identity.proof)
        while True:
            seen = await asyncio.to_thread(self._look, tag)
            if seen and seen.usable(proof, rejected):
                return Kept(seen.tokens, before=True)
            held = await asyncio.to_thread(self._hold, tag)
            if held:
                break
            await asyncio.sleep(POLL)
        if held.content and held.content.usable(proof, rejected):
            # Another fetched it between our look and our turn.
            await asyncio.to_thread(self._let_go, held)
            return Kept(held.content.tokens, before=True)
        # What a provider gives in exchange for a refresh token is written down, even if nobody waits for it any more.
        task = asyncio.create_task(self._renew(held, proof, fetch, identity.by_consent))
        _RUNNING.add(task)
        task.add_done_callback(_RUNNING.discard)
        return Kept(await asyncio.shield(task), before=False)

    async def _renew(self, held: _Held, proof: str, fetch: Fetch, by_consent: bool) -> Tokens:
        alive = asyncio.create_task(self._stay_alive(held))
        try:
            tokens = await self._fetched(held, fetch)
            await asyncio.to_thread(self._write, held, _Content(tokens, proof), by_consent)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(self._let_go, held))
            raise
        finally:
            alive.cancel()
        return tokens

    async def _fetched(self, held: _Held, fetch: Fetch) -> Tokens:
        kept = held.content.tokens.refresh_token if held.content else None
        try:
            tokens = await fetch(kept)
        except TokenRefusedError as exc:
            if kept is None or exc.error != "invalid_grant":
                raise
            # The one that was typed may be good where its successor is not.
            return await fetch(None)
        if tokens.refresh_token is None and kept and held.content:
            ends = tokens.refresh_expires_at or held.content.tokens.refresh_expires_at
            return replace(tokens, refresh_token=kept, refresh_expires_at=ends)
        return tokens

    async def _stay_alive(self, held: _Held) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            await asyncio.to_thread(self._prolong, held)

    def _look(self, tag: str) -> _Content | None:
        with self._db.read() as session:
            row = self._row(session, tag)
            sealed = row.content if row else None
        return self._opened(sealed)

    def _hold(self, tag: str) -> _Held | None:
        """Take the lease; None where another has it."""
        try:
            return self._taken(tag)
        except IntegrityError:
            with self._db.read() as session:
                if self._row(session, tag) is None:
                    raise
            # Another made the row between our look and our insert.
            return None

    def _taken(self, tag: str) -> _Held | None:
        with self._db.write() as session:
            row = self._row(session, tag, lock=True)
            if row is None:
                row = AccessRow(tenant_id=self._tenant_id, tag=tag, keep_until=now() + ACCESS_KEPT)
                session.add(row)
                session.flush()
            elif row.lease and row.lease_until and row.lease_until > now():
                return None
            row.lease, row.lease_until = secrets.token_hex(16), now() + LEASE
            return _Held(row.id, row.lease, row.version, self._opened(row.content))

    def _prolong(self, held: _Held) -> None:
        change = update(AccessRow).where(AccessRow.id == held.row, AccessRow.lease == held.lease)
        with self._db.write() as session:
            session.execute(change.values(lease_until=now() + LEASE))

    def _let_go(self, held: _Held) -> None:
        change = update(AccessRow).where(AccessRow.id == held.row, AccessRow.lease == held.lease)
        with self._db.write() as session:
            session.execute(change.values(lease=None, lease_until=None))

    def _write(self, held: _Held, content: _Content, by_consent: bool) -> None:
        tokens = content.tokens
        until = now() + REFRESH_KEPT if by_consent else (tokens.expires_at or now()) + ACCESS_KEPT
        # Whose lease lapsed writes all the same where nobody else has written since.
        mine = or_(AccessRow.lease == held.lease, AccessRow.version == held.version)
        change = (
            update(AccessRow)
            .where(AccessRow.id == held.row, mine)
            .values(
                content=self._sealed(content),
                version=AccessRow.version + 1,
                lease=None,
                lease_until=None,
                refreshed_at=now() if by_consent else None,
                refresh_expires_at=tokens.refresh_expires_at,
                keep_until=until,
            )
        )
        with self._db.write() as session:
            if not cast("CursorResult[Any]", session.execute(change)).rowcount:
                log.warning("access.overtaken", tenant=self._tenant_id)

    def _here(self, tag: str) -> Any:
        return (AccessRow.tenant_id == self._tenant_id) & (AccessRow.tag == tag)

    def _row(self, session: Session, tag: str, *, lock: bool = False) -> AccessRow | None:
        query = select(AccessRow).where(self._here(tag))
        return session.scalar(query.with_for_update() if lock else query)

    def _sealed(self, content: _Content) -> bytes:
        tokens = content.tokens
        return self._vault.seal(
            {
                "proof": content.proof,
                "access": tokens.access_token.get_secret_value(),
                "refresh": tokens.refresh_token.get_secret_value() if tokens.refresh_token else None,
                "obtained": tokens.obtained_at.isoformat(),
                "expires": tokens.expires_at.isoformat() if tokens.expires_at else None,
                "refreshExpires": tokens.refresh_expires_at.isoformat() if tokens.refresh_expires_at else None,
            }
        )

    def _opened(self, sealed: bytes | None) -> _Content | None:
        if sealed is None:
            return None
        kept: Mapping[str, Any] = self._vault.open(sealed)
        tokens = Tokens(
            SecretStr(kept["access"]),
            datetime.fromisoformat(kept["obtained"]),
            _moment(kept["expires"]),
            SecretStr(kept["refresh"]) if kept["refresh"] else None,
            _moment(kept["refreshExpires"]),
        )
        return _Content(tokens, kept["proof"])


def _tag(vault: Vault, tenant_id: int, identity: Identity) -> str:
    return vault.tag("access.grant", str(tenant_id), *identity.grant)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
