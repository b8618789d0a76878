"""Drafts: what a person has typed in a tenant and not saved, kept for a day so that nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, overload

from sqlalchemy import CursorResult, Select, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.connectors.base import Destination
from webapp.db.models import DraftRow
from webapp.db.session import Database
from webapp.db.types import now
from webapp.db.vault import Vault
from webapp.domain.diff import SECRET, is_secret
from webapp.domain.errors import ForbiddenError, InputError, PayloadTooLargeError
from webapp.domain.problem import JSON
from webapp.domain.roles import Access, Permission
from webapp.domain.strict_json import dumps, faults, loads
from webapp.services.history import SECTIONS
from webapp.services.marks import DraftedSecret, put, secret_pointers, standing_at
from webapp.services.secrets import Connectors

KEPT: Final = timedelta(hours=24)
SIZE_LIMIT: Final = 5 * 1024 * 1024
DRAFT: Final[Mapping[str, Any]] = {SECRET: {"draft": True}}


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsaved setup. Its document holds no secret: what was typed stands in ``secrets``, marked in the document.

    A secret in ``secrets`` that is a plain string was typed just now, for the document as it is; saving the draft binds
    it to that place (DraftedSecret), and it follows no other.
    """

    base_revision: int
    """The revision that the person saw when beginning."""
    document: dict[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Pointer into the document → value."""
    provider: str | None = None
    preset: str | None = None
    ui: dict[str, JSON] = field(default_factory=dict)
    """What the page remembers beside the document: ticked steps, open parts."""
    updated_at: datetime | None = None


class Drafts:
    """Keeps one draft for each person and tenant, sealed."""

    def __init__(self, db: Database, vault: Vault, connectors: Connectors) -> None:
        self._db = db
        self._vault = vault
        self._connectors = connectors

    def load(self, access: Access) -> Draft | None:
        """The person's draft, unless it is older than a day. Tokens and the operator have none."""
        person = _person(access)
        if person is None:
            return None
        with self._db.read() as session:
            row = _row(session, access.tenant.id, person)
            if row is None or row.updated_at <= now() - KEPT:
                return None
            content, base, at = self._vault.open(row.content), row.base_revision, row.updated_at
        return Draft(
            base_revision=base,
            document=content["document"],
            secrets={pointer: _bound_again(kept) for pointer, kept in content["secrets"].items()},
            provider=content["provider"],
            preset=content["preset"],
            ui=content["ui"],
            updated_at=at,
        )

    @overload
    def save(self, access: Access, draft: Draft) -> Draft: ...
    @overload
    def save(self, access: Access, draft: Draft, *, unless_newer: bool) -> Draft | None: ...
    def save(self, access: Access, draft: Draft, *, unless_newer: bool = False) -> Draft | None:
        """Keep a draft; answers it as it is kept, typed secrets taken out of the document and bound to their place.

        With ``unless_newer`` it is kept only over the draft that it was loaded as; None where another came between.
        """
        person = _person(access)
        if person is None or not access.may(Permission.EDIT):
            raise ForbiddenError
        kept = replace(self._separated(draft), updated_at=now())
        content = self._vault.seal(
            {
                "document": kept.document,
                "secrets": {pointer: _unbound(secret) for pointer, secret in kept.secrets.items()},
                "provider": kept.provider,
                "preset": kept.preset,
                "ui": kept.ui,
            }
        )
        only_over = (draft.updated_at,) if unless_newer else None
        try:
            written = self._write(access.tenant.id, person, kept, content, only_over)
        except IntegrityError:
            # The same person saved in another tab between our look and our insert.
            written = self._write(access.tenant.id, person, kept, content, only_over)
        return kept if written else None

    def discard(self, access: Access) -> None:
        """Forget the person's draft."""
        with self._db.write() as session:
            session.execute(
                delete(DraftRow).where(DraftRow.tenant_id == access.tenant.id, DraftRow.person_id == _person(access))
            )

    def purge(self, older_than: timedelta = KEPT) -> int:
        """Delete what nobody came back to; tells how many drafts."""
        with self._db.write() as session:
            result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
                delete(DraftRow).where(DraftRow.updated_at <= now() - older_than)
            )
            return result.rowcount

    def _write(
        self, tenant_id: int, person: int, draft: Draft, content: bytes, only_over: tuple[datetime | None] | None
    ) -> bool:
        with self._db.write() as session:
            row = session.scalar(_of(tenant_id, person).with_for_update())
            fresh = row.updated_at if row and row.updated_at > now() - KEPT else None
            if only_over and only_over != (fresh,):
                return False
            if row is None:
                row = DraftRow(tenant_id=tenant_id, person_id=person)
                session.add(row)
            row.base_revision, row.content, row.updated_at = draft.base_revision, content, draft.updated_at or now()
            return True

    def _separated(self, draft: Draft) -> Draft:
        """Take typed secrets out of the document, and bind every secret that is not yet bound."""
        if errors := [*faults(draft.document), *faults(draft.ui)]:
            raise InputError(errors=errors)
        text = dumps(draft.document)
        if len(text) > SIZE_LIMIT or sum(map(len, draft.secrets.values())) > SIZE_LIMIT:
            raise PayloadTooLargeError
        document = loads(text)
        typed = dict(draft.secrets)
        destinations: dict[str, tuple[str, Destination]] = {}
        for name, provider, config in self._sections(document):
            connector = self._connectors[provider]
            for pointer in secret_pointers(connector):
                typed |= _taken_out(config, pointer, f"/{name}/config")
            destinations[f"/{name}/config/"] = (provider, connector.destination(config))
        secrets: dict[str, DraftedSecret] = {}
        for pointer, value in typed.items():
            if isinstance(value, DraftedSecret):
                secrets[pointer] = value
                continue
            place = next((bound for prefix, bound in destinations.items() if pointer.startswith(prefix)), None)
            if place and value:
                secrets[pointer] = DraftedSecret.bound(value, *place)
        connector_json = document.get("connector")
        chosen = connector_json.get("provider") if isinstance(connector_json, dict) else None
        return replace(draft, document=document, secrets=secrets, provider=chosen if isinstance(chosen, str) else None)

    def _sections(self, document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for name in SECTIONS:
            section = document.get(name)
            if not isinstance(section, dict):
                continue
            provider, config = section.get("provider"), section.get("config")
            if isinstance(provider, str) and provider in self._connectors and isinstance(config, dict):
                yield name, provider, config


def _taken_out(config: dict[str, Any], pointer: str, prefix: str) -> dict[str, str]:
    """Replace a typed secret by its mark; answers it under its pointer into the document."""
    value = standing_at(config, pointer)
    if isinstance(value, str) and value:
        put(config, pointer, dict(DRAFT))
        return {prefix + pointer: value}
    if is_secret(value) and isinstance(value[SECRET], dict):
        # The fingerprint is that of the moment; what is kept is whatever is stored when the draft is saved.
        put(config, pointer, {SECRET: {key: part for key, part in value[SECRET].items() if key != "fingerprint"}})
    return {}


def _unbound(secret: str) -> dict[str, Any]:
    assert isinstance(secret, DraftedSecret)  # noqa: S101  _separated bound them all
    return {"value": str(secret), "provider": secret.provider, "destination": asdict(secret.destination)}


def _bound_again(kept: dict[str, Any]) -> DraftedSecret:
    place = kept["destination"]
    destination = Destination(
        place["place"],
        place["port"],
        place["protection"],
        tuple(place["verified"]),
        place.get("via", ""),
        place.get("token_url", ""),
    )
    return DraftedSecret.bound(kept["value"], kept["provider"], destination)


def _person(access: Access) -> int | None:
    return access.actor.id if access.actor.kind == "person" else None


def _row(session: Session, tenant_id: int, person_id: int) -> DraftRow | None:
    return session.scalar(_of(tenant_id, person_id))


def _of(tenant_id: int, person_id: int) -> Select[DraftRow]:
    return select(DraftRow).where(DraftRow.tenant_id == tenant_id, DraftRow.person_id == person_id)
