"""Setups: what is live, what it was before, and the one way a change becomes live."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, overload

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from webapp.connectors.config import ConnectorConfig
from webapp.db.models import RevisionRow, TenantRow
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.diff import Change, changes
from webapp.domain.errors import (
    ConfigInvalidError,
    ConnectorNotSetUpError,
    FieldError,
    FlowsDependOnConnectorError,
    ForbiddenError,
    InputError,
    NotFoundError,
    SetupChangedMeanwhileError,
    SetupUnprovenError,
)
from webapp.domain.problem import Problem
from webapp.domain.roles import Access, Actor, Permission, TenantInfo
from webapp.domain.setup import Setup
from webapp.domain.strict_json import dumps
from webapp.domain.template import Template
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.audit import Audit
from webapp.services.defaults import default_templates
from webapp.services.documents import read_setup
from webapp.services.history import SECTIONS, RevisionInfo, Revisions, StoredSetup, shown
from webapp.services.lent import LentSecrets
from webapp.services.patching import patched
from webapp.services.proofs import ProofInfo, Proofs
from webapp.services.secrets import Connectors, Section, SectionReader, Source

__all__ = [
    "ConnectorState",
    "Plan",
    "ProofInfo",
    "ResolvedConnector",
    "RevisionInfo",
    "Saved",
    "Setups",
    "StoredSetup",
]

Origin = Literal["save", "restore", "import", "promote", "delete"]
SENTENCE_LIMIT = 1000


class ConnectorState(StrEnum):
    """How far a tenant's connector is. The last two are said once messages are sent through it."""

    NOT_SET_UP = "not_set_up"
    NOT_PROVEN = "not_proven"
    PROVEN = "proven"
    DELIVERING = "delivering"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class ResolvedConnector:
    """A connector ready to be used, its secrets inside the config."""

    provider: str
    config: ConnectorConfig
    values_tag: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a save or restore would do."""

    base: int
    changes: list[Change]
    proven: bool
    document: dict[str, Any]
    """The setup as it would be saved, secrets masked."""
    warnings: list[Problem]
    needs_reason: bool = False
    """Whether saving it into this tenant asks for a reason."""
    values_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What is live now. ``created`` is False where there was nothing to change."""

    number: int
    created: bool
    stored: StoredSetup
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A setup that was judged and may be saved."""

    setup: Setup
    document: dict[str, Any]
    """As the API shows it, fingerprints in the marks."""
    sealed: Mapping[str, str] = field(repr=False)
    tags: Mapping[str, str]
    values_tag: str | None
    warnings: list[Problem]


@dataclass(frozen=True, slots=True)
class _Request:
    """Who wants to change what is live, and how it is written down."""

    access: Access
    base: int | None
    note: str | None = None
    reason: str | None = None
    origin: Origin = "save"
    origin_detail: str | None = None
    request_id: str | None = None

    @property
    def tenant(self) -> TenantInfo:
        return self.access.tenant


Make = Callable[[StoredSetup], _Prepared]
"""Judges what is wanted, seen from the revision that the editor saw."""


class Setups:
    """Reads, judges, saves and restores the setups of tenants."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        connectors: Connectors,
        audit: Audit | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        templates: Callable[[], Mapping[UsageType, Mapping[str, Template]]] = default_templates,
    ) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit or Audit()
        self._proofs = Proofs(db)
        self._reader = SectionReader(vault, connectors, LentSecrets(os.environ if environ is None else environ))
        self._revisions = Revisions(db, vault, self._reader, templates)

    # Reading

    def active(self, tenant: TenantInfo) -> StoredSetup:
        """What is live; before the first save number 0, without connector, with the default templates."""
        return self._revisions.active(tenant)

    def revision(self, tenant: TenantInfo, number: int) -> StoredSetup:
        """One revision; 0 is what was there before the first. Raises NotFoundError."""
        return self._revisions.one(tenant, number)

    def history(self, tenant: TenantInfo, before: int | None = None, limit: int = 50) -> list[RevisionInfo]:
        """The revisions, newest first; ``before`` is the last number seen."""
        return self._revisions.history(tenant, before, limit)

    def diff(self, tenant: TenantInfo, old: int, new: int) -> list[Change]:
        """What leads from one revision to another."""
        return changes(self.revision(tenant, old).document, self.revision(tenant, new).document)

    def state(self, tenant: TenantInfo) -> ConnectorState:
        """How far the live connector is."""
        active = self.active(tenant)
        if active.setup.connector is None:
            return ConnectorState.NOT_SET_UP
        proven = active.values_tag and self.proven(tenant, active.values_tag)
        return ConnectorState.PROVEN if proven else ConnectorState.NOT_PROVEN

    def proven(self, tenant: TenantInfo, values_tag: str) -> ProofInfo | None:
        """The proof of exactly these values, if there is one."""
        return self._proofs.find(tenant, values_tag)

    def record_proof(self, tenant: TenantInfo, values_tag: str, kind: str, by: Actor) -> None:
        """Note that the provider accepted a mail with these values."""
        self._proofs.record(tenant, values_tag, kind, by)

    # Judging

    def validate(
        self, tenant: TenantInfo, document: Any, *, draft_secrets: Mapping[str, str] | None = None
    ) -> list[Problem]:
        """Judge a document by the rules of saving; answers warnings.

        Raises ConfigInvalidError, SecretRetypeRequiredError and their kin with pointers into the document.
        """
        return self._prepare(tenant, document, self.active(tenant), draft_secrets).warnings

    def resolve(
        self,
        tenant: TenantInfo,
        connector_json: Mapping[str, Any] | None = None,
        *,
        draft_secrets: Mapping[str, str] | None = None,
    ) -> ResolvedConnector:
        """Make a connector usable by the rules of saving: the one that is given, else the live one."""
        active = self.active(tenant)
        source = Source(self._revisions.section(tenant, active, "connector"), draft_secrets or {})
        if connector_json is None:
            if active.setup.connector is None:
                raise ConnectorNotSetUpError
            connector_json = active.setup.connector.model_dump()
        else:
            _, errors = read_setup({"connector": connector_json})
            if errors:
                raise ConfigInvalidError(errors=errors)
        section = self._reader.read(tenant, "/connector", connector_json, source)
        return ResolvedConnector(section.provider, section.config, section.values_tag)

    def patched(self, document: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A document with a JSON Patch applied, not yet judged. Raises InputError with pointers into the patch."""
        return patched(document, operations)

    # Changing

    def plan(
        self,
        access: Access,
        document: Any,
        *,
        base: int | None = None,
        draft_secrets: Mapping[str, str] | None = None,
    ) -> Plan:
        """What saving this document would do; refuses what saving would refuse, but asks for no proof."""
        return self._planned(
            _Request(access, base), lambda seen: self._prepare(access.tenant, document, seen, draft_secrets)
        )

    def save(
        self,
        access: Access,
        document: Any,
        *,
        base: int | None,
        note: str | None = None,
        reason: str | None = None,
        origin: Origin = "save",
        origin_detail: str | None = None,
        draft_secrets: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> Saved:
        """Make a whole setup live. ``base`` is the revision that the editor saw; without one the last write wins."""
        request = _Request(access, base, note, reason, origin, origin_detail, request_id)
        return self._saved(
            request, Permission.SAVE, lambda seen: self._prepare(access.tenant, document, seen, draft_secrets)
        )

    @overload
    def patch(
        self, access: Access, operations: Any, *, base: int | None = ..., note: str | None = ...,
        reason: str | None = ..., dry_run: Literal[False] = ..., request_id: str | None = ...,
    ) -> Saved: ...  # fmt: skip
    @overload
    def patch(
        self, access: Access, operations: Any, *, base: int | None = ..., note: str | None = ...,
        reason: str | None = ..., dry_run: bool, request_id: str | None = ...,
    ) -> Saved | Plan: ...  # fmt: skip
    def patch(
        self,
        access: Access,
        operations: Any,
        *,
        base: int | None = None,
        note: str | None = None,
        reason: str | None = None,
        dry_run: bool = False,
        request_id: str | None = None,
    ) -> Saved | Plan:
        """Save what a JSON Patch makes of the live setup, or plan it."""
        request = _Request(access, base, note, reason, "save", None, request_id)

        def make(seen: StoredSetup) -> _Prepared:
            return self._prepare(access.tenant, patched(seen.document, operations), seen)

        return self._planned(request, make) if dry_run else self._saved(request, Permission.SAVE, make)

    @overload
    def restore(
        self, access: Access, number: int, *, base: int | None = ..., note: str | None = ...,
        reason: str | None = ..., dry_run: Literal[False] = ..., request_id: str | None = ...,
    ) -> Saved: ...  # fmt: skip
    @overload
    def restore(
        self, access: Access, number: int, *, base: int | None = ..., note: str | None = ...,
        reason: str | None = ..., dry_run: bool, request_id: str | None = ...,
    ) -> Saved | Plan: ...  # fmt: skip
    def restore(
        self,
        access: Access,
        number: int,
        *,
        base: int | None = None,
        note: str | None = None,
        reason: str | None = None,
        dry_run: bool = False,
        request_id: str | None = None,
    ) -> Saved | Plan:
        """Make an old revision live again, as a new one, with the secrets it had. It asks for no proof."""
        tenant = access.tenant
        old = self.revision(tenant, number)
        if number < 1:
            raise NotFoundError
        request = _Request(access, base, note, reason, "restore", str(number), request_id)

        def make(seen: StoredSetup) -> _Prepared:  # noqa: ARG001  the old revision vouches for itself
            return self._prepare(tenant, old.document, old)

        return self._planned(request, make) if dry_run else self._saved(request, Permission.RESTORE, make)

    def remove_connector(
        self,
        access: Access,
        *,
        base: int | None = None,
        force: bool = False,
        note: str | None = None,
        request_id: str | None = None,
    ) -> Saved:
        """Delete the connector and its fallback; templates and flows stay.

        Raises FlowsDependOnConnectorError while flows that send mail are on, unless forced.
        """
        request = _Request(access, base, note, None, "delete", None, request_id)

        def make(seen: StoredSetup) -> _Prepared:
            if seen.setup.connector is None:
                raise ConnectorNotSetUpError
            flows = seen.setup.flows.enabled()
            if flows and not force:
                raise FlowsDependOnConnectorError(flows=flows)
            return self._prepare(access.tenant, {**seen.document, "connector": None, "fallback": None}, seen)

        return self._saved(request, Permission.SAVE, make)

    # How

    def _prepare(
        self,
        tenant: TenantInfo,
        document: Any,
        seen: StoredSetup,
        draft_secrets: Mapping[str, str] | None = None,
    ) -> _Prepared:
        """Judge a document: shape, then connectors, all faults together; then secrets."""
        setup, errors = read_setup(document)
        sections: dict[str, Section] = {}
        refusals: list[InputError] = []
        for name in SECTIONS:
            submitted = _section_json(document, name)
            if submitted is None or any(
                error.pointer in ("", f"/{name}/provider", f"/{name}/config") for error in errors
            ):
                continue
            source = Source(self._revisions.section(tenant, seen, name), draft_secrets or {})
            try:
                sections[name] = self._reader.read(tenant, f"/{name}", submitted, source)
            except ConfigInvalidError as refusal:
                errors += refusal.errors
            except InputError as refusal:
                refusals.append(refusal)
        if errors or setup is None:
            raise ConfigInvalidError(errors=errors)
        if refusals:
            raise refusals[0]
        return _prepared(setup, sections)

    def _planned(self, request: _Request, make: Make) -> Plan:
        if not request.access.may(Permission.EDIT):
            raise ForbiddenError
        active = self.active(request.tenant)
        prepared = make(self._seen(request, active))
        found = changes(active.document, prepared.document)
        if found:
            self._check_base(request, active, prepared)
        unproven = self._unproven(request, active, prepared)
        proof = self.proven(request.tenant, prepared.values_tag) if prepared.values_tag else None
        return Plan(
            base=active.number,
            changes=found,
            proven=proof is not None,
            document=prepared.document,
            warnings=prepared.warnings,
            needs_reason=bool(found) and unproven,
            values_tag=prepared.values_tag,
        )

    def _saved(self, request: _Request, permission: Permission, make: Make) -> Saved:
        if not request.access.may(permission):
            raise ForbiddenError
        _check_sentences(request)
        while True:
            active = self.active(request.tenant)
            prepared = make(self._seen(request, active))
            found = changes(active.document, prepared.document)
            if not found:
                return Saved(active.number, False, active, [])
            unproven = self._unproven(request, active, prepared)
            if unproven and not (request.reason or "").strip():
                raise SetupUnprovenError(
                    T(
                        "No test mail was accepted with exactly these values in this tenant. "
                        "Send one, or say why they go live without."
                    )
                )
            self._check_base(request, active, prepared)
            with self._db.write() as session:
                if self._moved(session, request, active.number):
                    self._insert(session, request, active.number + 1, prepared, found, unproven=unproven)
                    break
            # Somebody was faster. Judge again, seen from what is live now.
        stored = self.revision(request.tenant, active.number + 1)
        return Saved(stored.number, True, stored, found)

    def _seen(self, request: _Request, active: StoredSetup) -> StoredSetup:
        """The revision that the editor saw. What is prepared from an older one is never saved, only compared."""
        if request.base is None or not 0 <= request.base < active.number:
            return active
        return self.revision(request.tenant, request.base)

    def _check_base(self, request: _Request, active: StoredSetup, prepared: _Prepared) -> None:
        if request.base is None or request.base == active.number:
            return
        seen = self._seen(request, active)
        raise SetupChangedMeanwhileError(
            current=active.number,
            theirs=changes(seen.document, active.document),
            yours=changes(seen.document, prepared.document),
            by=active.author_name,
        )

    def _unproven(self, request: _Request, active: StoredSetup, prepared: _Prepared) -> bool:
        """Whether values that were never live and never proven would go into production."""
        if not request.tenant.production or prepared.values_tag is None or request.origin == "restore":
            return False
        return prepared.values_tag != active.values_tag and not self.proven(request.tenant, prepared.values_tag)

    def _moved(self, session: Session, request: _Request, seen: int) -> bool:
        """Move the active pointer where it still is what was judged; locks the tenant until the commit."""
        still = (TenantRow.id == request.tenant.id, TenantRow.active_revision == seen, TenantRow.archived_at.is_(None))
        result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(TenantRow).where(*still).values(active_revision=seen + 1)
        )
        return bool(result.rowcount)

    def _insert(
        self,
        session: Session,
        request: _Request,
        number: int,
        prepared: _Prepared,
        found: list[Change],
        *,
        unproven: bool,
    ) -> None:
        actor, tenant = request.access.actor, request.tenant
        changed = [[change.pointer, change.kind] for change in found]
        session.add(
            RevisionRow(
                tenant_id=tenant.id,
                number=number,
                document=prepared.setup.document(),
                secrets=self._vault.seal(dict(prepared.sealed)),
                tags=dict(prepared.tags),
                values_tag=prepared.values_tag,
                changed=changed,
                origin=request.origin,
                origin_detail=request.origin_detail,
                note=_said(request.note),
                reason=_said(request.reason),
                author_kind=actor.kind,
                author_id=actor.id,
                author_name=actor.name,
            )
        )
        self._audit.record(
            session,
            _ACTIONS[request.origin],
            actor,
            tenant_id=tenant.id,
            request_id=request.request_id,
            revision=number,
            changed=[pointer for pointer, _ in changed],
            detail=request.origin_detail,
            note=_said(request.note),
            reason=_said(request.reason),
            unproven=True if unproven else None,
        )


_ACTIONS: Mapping[Origin, str] = {
    "save": "setup.saved",
    "restore": "setup.restored",
    "import": "setup.imported",
    "promote": "setup.promoted",
    "delete": "connector.deleted",
}


def _prepared(setup: Setup, sections: Mapping[str, Section]) -> _Prepared:
    masked = {
        name: getattr(setup, name).model_copy(update={"config": dict(section.masked)})
        for name, section in sections.items()
    }
    setup = setup.model_copy(update=masked)
    sealed = {f"/{n}/config{p}": value for n, section in sections.items() for p, value in section.sealed.items()}
    tags = {f"/{n}/config{p}": tag for n, section in sections.items() for p, tag in section.tags.items()}
    return _Prepared(
        setup=setup,
        document=shown(setup.document(), tags),
        sealed=sealed,
        tags=tags,
        values_tag=sections["connector"].values_tag if "connector" in sections else None,
        warnings=[warning for section in sections.values() for warning in section.warnings],
    )


def _section_json(document: Any, name: str) -> Mapping[str, Any] | None:
    section = document.get(name) if isinstance(document, dict) else None
    if not isinstance(section, dict):
        return None
    well_formed = isinstance(section.get("provider"), str) and isinstance(section.get("config"), dict)
    return section if well_formed else None


def _said(sentence: str | None) -> str | None:
    return (sentence or "").strip() or None


def _check_sentences(request: _Request) -> None:
    errors = []
    for pointer, value in (("/note", request.note), ("/reason", request.reason)):
        if value is not None and len(value) > SENTENCE_LIMIT:
            long = T("At most %(limit)s characters are possible here.", limit=SENTENCE_LIMIT)
            errors.append(FieldError(pointer, "value.too_long", long))
        elif value is not None and ("\x00" in value or not _encodable(value)):
            errors.append(FieldError(pointer, "value.invalid", T("This is not readable text.")))
    if errors:
        raise InputError(errors=errors)


def _encodable(value: str) -> bool:
    try:
        dumps(value).encode()
    except UnicodeEncodeError:
        return False
    return True
