"""Revisions as they are stored: read, decoded once, listed. They never change."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.db.models import ProofRow, RevisionRow, TenantRow
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.diff import SECRET
from webapp.domain.errors import NotFoundError, PostroomError, SetupUnreadableError
from webapp.domain.roles import TenantInfo
from webapp.domain.setup import Setup
from webapp.domain.strict_json import dumps
from webapp.domain.template import Template
from webapp.domain.usage import UsageType
from webapp.services.secrets import FINGERPRINT_LENGTH, SectionReader, Source, StoredSection

NUMBER_LIMIT: Final = 2**31 - 1
"""Largest number that both databases can compare."""
CACHED: Final = 256
"""Decoded revisions kept in memory; about 50 KB each."""
CACHED_CHARACTERS: Final = 32 * 1024 * 1024
"""What they may hold together: one can have megabytes."""

SECTIONS: Final[tuple[Literal["connector", "fallback"], ...]] = ("connector", "fallback")


@dataclass(frozen=True, slots=True)
class StoredSetup:
    """A saved setup, or what stands for one before the first save (number 0). Holds no secret."""

    number: int
    setup: Setup
    values_tag: str | None
    """What a proof of its connector is about; None without a connector, or where a lent secret is not there."""
    tags: Mapping[str, str]
    """Pointer → keyed hash of each stored secret."""
    text: str = field(repr=False)
    author_name: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The setup as the API shows it, a copy of its own for each asker."""
        document: dict[str, Any] = json.loads(self.text)
        return document


@dataclass(frozen=True, slots=True)
class RevisionInfo:
    """A line of the history."""

    number: int
    created_at: datetime
    author_name: str
    author_kind: str
    origin: str
    origin_detail: str | None
    note: str | None
    reason: str | None
    changed: tuple[tuple[str, str], ...]
    """(pointer, kind) of what differs from the revision before."""
    proven_at: datetime | None
    active: bool
    transfer: Mapping[str, Any] | None = None
    """Where it came from, for a promotion or an import; see ``webapp.services.requests.Request``."""


class Revisions:
    """Reads revisions. The active number is read each time, so a save is live at once in every process."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        reader: SectionReader,
        default_templates: Callable[[], Mapping[UsageType, Mapping[str, Template]]],
    ) -> None:
        self._db = db
        self._vault = vault
        self._reader = reader
        self._default_templates = default_templates
        self._decoded: OrderedDict[tuple[int, int], StoredSetup] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def active(self, tenant: TenantInfo) -> StoredSetup:
        """The setup that is live now. Raises NotFoundError when the tenant was archived meanwhile."""
        with self._db.read() as session:
            return self._load(session, tenant, _active_number(session, tenant))

    def replaceable(self, tenant: TenantInfo) -> StoredSetup:
        """What is live, to be replaced: where it cannot be read, what is there before the first save in its place."""
        with self._db.read() as session:
            number = _active_number(session, tenant)
            try:
                return self._load(session, tenant, number)
            except SetupUnreadableError:
                return replace(self._load(session, tenant, 0), number=number)

    def one(self, tenant: TenantInfo, number: int) -> StoredSetup:
        """One revision. Raises NotFoundError."""
        with self._db.read() as session:
            return self._load(session, tenant, number)

    def section(
        self, tenant: TenantInfo, stored: StoredSetup, name: Literal["connector", "fallback"]
    ) -> StoredSection | None:
        """A revision's connector or fallback, its secrets within reach."""
        section = getattr(stored.setup, name)
        if section is None:
            return None
        prefix = f"/{name}/config"
        tags = {p.removeprefix(prefix): tag for p, tag in stored.tags.items() if p.startswith(f"{prefix}/")}

        def opened() -> dict[str, str]:
            values = self.secrets(tenant, stored.number)
            return {p.removeprefix(prefix): value for p, value in values.items() if p.startswith(f"{prefix}/")}

        return StoredSection(section.provider, section.config, tags, opened)

    def history(
        self, tenant: TenantInfo, before: int | None = None, limit: int = 50, origins: Sequence[str] = ()
    ) -> list[RevisionInfo]:
        """Lines of the history, newest first; ``before`` is the last number seen. Reads no document."""
        row = RevisionRow
        columns = (
            row.number, row.created_at, row.author_name, row.author_kind,
            row.origin, row.origin_detail, row.note, row.reason, row.changed,
            ProofRow.first_at, TenantRow.active_revision, row.transfer,
        )  # fmt: skip
        proof = (ProofRow.tenant_id == row.tenant_id) & (ProofRow.values_tag == row.values_tag)
        query = (
            select(*columns)
            .join(TenantRow, TenantRow.id == row.tenant_id)
            .outerjoin(ProofRow, proof)
            .where(row.tenant_id == tenant.id)
            .order_by(row.number.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(row.number < min(before, NUMBER_LIMIT))
        # One query for each origin: several in one would read every revision there is.
        queries = [query.where(row.origin == origin) for origin in origins] or [query]
        with self._db.read() as session:
            found = [_info(*columns) for query in queries for columns in session.execute(query)]
        return sorted(found, key=lambda info: info.number, reverse=True)[:limit]

    def _load(self, session: Session, tenant: TenantInfo, number: int) -> StoredSetup:
        key = (tenant.id, number)
        with self._lock:
            if key in self._decoded:
                self._decoded.move_to_end(key)
                return self._decoded[key]
        stored = self._decode(session, tenant, number) if number else self._default()
        with self._lock:
            if key not in self._decoded:
                self._decoded[key] = stored
                self._characters += len(stored.text)
            while len(self._decoded) > CACHED or (self._characters > CACHED_CHARACTERS and len(self._decoded) > 1):
                _, oldest = self._decoded.popitem(last=False)
                self._characters -= len(oldest.text)
        return stored

    def _default(self) -> StoredSetup:
        setup = Setup(templates={usage: dict(cells) for usage, cells in self._default_templates().items()})
        return StoredSetup(0, setup, None, {}, dumps(setup.document()))

    def _decode(self, session: Session, tenant: TenantInfo, number: int) -> StoredSetup:
        if not 0 < number < NUMBER_LIMIT:
            raise NotFoundError
        query = select(RevisionRow).where(RevisionRow.tenant_id == tenant.id, RevisionRow.number == number)
        try:
            row = session.scalar(query)
            if row is None:
                raise NotFoundError
            setup = Setup.model_validate(row.document)
            text = dumps(shown(setup.document(), row.tags))
        except (ValueError, LookupError, TypeError, AttributeError) as exc:
            # What is stored was valid once: its text is damaged, or it is of a version to come.
            raise SetupUnreadableError(number) from exc
        stored = StoredSetup(number, setup, row.values_tag, dict(row.tags), text, row.author_name)
        if setup.connector and _borrows(setup.connector.config):
            # The operator may have changed what is lent; what was proven is then another value.
            secrets = self._vault.open(row.secrets)
            tag = self._values_tag_now(tenant, stored, lambda: secrets)
            stored = StoredSetup(number, setup, tag, stored.tags, text, row.author_name)
        return stored

    def _values_tag_now(
        self, tenant: TenantInfo, stored: StoredSetup, secrets: Callable[[], Mapping[str, str]]
    ) -> str | None:
        section = self.section(tenant, stored, "connector")
        if section is None:
            return None
        prefix = "/connector/config"
        own = {p.removeprefix(prefix): value for p, value in secrets().items() if p.startswith(f"{prefix}/")}
        source = Source(StoredSection(section.provider, section.config, section.tags, lambda: own))
        try:
            submitted = {"provider": section.provider, "config": section.config}
            return self._reader.read(tenant, "/connector", submitted, source).values_tag
        except PostroomError:
            return None

    def secrets(self, tenant: TenantInfo, number: int) -> dict[str, str]:
        """Open a revision's secrets. They are kept in no cache."""
        query = select(RevisionRow.secrets).where(RevisionRow.tenant_id == tenant.id, RevisionRow.number == number)
        with self._db.read() as session:
            sealed = session.scalars(query).one()
        secrets: dict[str, str] = self._vault.open(sealed)
        return secrets


def _active_number(session: Session, tenant: TenantInfo) -> int:
    number = session.scalar(
        select(TenantRow.active_revision).where(TenantRow.id == tenant.id, TenantRow.archived_at.is_(None))
    )
    if number is None:
        raise NotFoundError
    return number


def shown(document: dict[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """Put fingerprints into the marks of stored secrets; changes the document it is given."""
    for pointer, tag in tags.items():
        value: Any = document
        for step in pointer.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            value = value[int(step)] if isinstance(value, list) else value[step]
        value[SECRET] = {"set": True, "fingerprint": tag[:FINGERPRINT_LENGTH]}
    return document


def _borrows(value: Any) -> bool:
    if isinstance(value, Mapping):
        mark = value.get(SECRET)
        return (isinstance(mark, Mapping) and "env" in mark) or any(_borrows(part) for part in value.values())
    return isinstance(value, list) and any(_borrows(part) for part in value)


def _info(
    number: int,
    created_at: datetime,
    author_name: str,
    author_kind: str,
    origin: str,
    origin_detail: str | None,
    note: str | None,
    reason: str | None,
    changed: list[list[str]],
    proven_at: datetime | None,
    active: int,
    transfer: Mapping[str, Any] | None,
) -> RevisionInfo:
    pairs = tuple((pointer, kind) for pointer, kind in changed)
    return RevisionInfo(
        number, created_at, author_name, author_kind, origin, origin_detail, note, reason, pairs, proven_at,
        number == active, transfer,
    )  # fmt: skip
