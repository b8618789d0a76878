"""Setups: what is live, what it was before, and the one way a change becomes live."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, overload

from sqlalchemy.orm import Session

from webapp.connectors.base import Relay
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.diff import Change, changes
from webapp.domain.errors import (
    ConnectorNotSetUpError,
    FlowsDependOnConnectorError,
    ForbiddenError,
    NotFoundError,
)
from webapp.domain.problem import Problem
from webapp.domain.roles import Access, Actor, Permission, TenantInfo
from webapp.domain.template import Template
from webapp.domain.usage import UsageType
from webapp.services.audit import Audit
from webapp.services.defaults import default_templates
from webapp.services.history import RevisionInfo, Revisions, StoredSetup
from webapp.services.judging import Judge, Prepared, ResolvedConnector
from webapp.services.lent import LentSecrets
from webapp.services.patching import patched
from webapp.services.proofs import ProofInfo, Proofs
from webapp.services.requests import Origin, Request
from webapp.services.saving import Plan, Saved, Saving
from webapp.services.secrets import Connectors, SectionReader

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


class ConnectorState(StrEnum):
    """How far a tenant's connector is. The last two are said once messages are sent through it."""

    NOT_SET_UP = "not_set_up"
    NOT_PROVEN = "not_proven"
    PROVEN = "proven"
    DELIVERING = "delivering"
    FAILING = "failing"


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
        relay: Relay | None = None,
    ) -> None:
        reader = SectionReader(vault, connectors, LentSecrets(os.environ if environ is None else environ))
        self._proofs = Proofs(db)
        self._revisions = Revisions(db, vault, reader, templates)
        self._judge = Judge(self._revisions, reader, connectors, relay)
        self._saving = Saving(db, vault, self._revisions, self._proofs, audit or Audit())

    def active(self, tenant: TenantInfo) -> StoredSetup:
        """What is live; before the first save number 0, without connector, with the default templates."""
        return self._revisions.active(tenant)

    def revision(self, tenant: TenantInfo, number: int) -> StoredSetup:
        """One revision; 0 is what was there before the first. Raises NotFoundError."""
        return self._revisions.one(tenant, number)

    def secrets(self, access: Access, number: int) -> dict[str, str]:
        """A revision's secrets in clear, pointer → value, for owners alone. Raises ForbiddenError."""
        if not access.may(Permission.MANAGE):
            raise ForbiddenError
        return self._revisions.secrets(access.tenant, number) if number else {}

    def keepable(self, tenant: TenantInfo, document: Mapping[str, Any]) -> frozenset[str]:
        """The pointers of live secrets that may stay if this document replaces what is live."""
        return self._judge.keepable(tenant, document, self.active(tenant))

    def receivers(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Who receives the secrets of the sections of a document, to be compared: name of the section → word."""
        return self._judge.receivers(document)

    def lendable(self, tenant: TenantInfo, document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """What the operator lends for the connectors of a document: name of the section → names of secrets."""
        return self._judge.lendable(tenant, document)

    def history(
        self, tenant: TenantInfo, before: int | None = None, limit: int = 50, origins: Sequence[str] = ()
    ) -> list[RevisionInfo]:
        """The revisions, newest first; ``before`` is the last number seen, ``origins`` are those that are wanted."""
        return self._revisions.history(tenant, before, limit, origins)

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

    def validate(
        self, tenant: TenantInfo, document: Any, *, draft_secrets: Mapping[str, str] | None = None
    ) -> list[Problem]:
        """Judge a document by the rules of saving; answers warnings.

        Raises ConfigInvalidError, SecretRetypeRequiredError and their kin with pointers into the document.
        """
        return self._judge.prepare(tenant, document, self.active(tenant), draft_secrets).warnings

    def resolve(
        self,
        tenant: TenantInfo,
        connector_json: Mapping[str, Any] | None = None,
        *,
        draft_secrets: Mapping[str, str] | None = None,
    ) -> ResolvedConnector:
        """Make a connector usable by the rules of saving: the one that is given, else the live one."""
        return self._judge.resolve(tenant, connector_json, draft_secrets=draft_secrets)

    def patched(self, document: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A document with a JSON Patch applied, not yet judged. Raises InputError with pointers into the patch."""
        return patched(document, operations)

    def plan(
        self,
        access: Access,
        document: Any,
        *,
        base: int | None = None,
        draft_secrets: Mapping[str, str] | None = None,
        origin: Origin = "save",
    ) -> Plan:
        """What saving this document would do; refuses what saving would refuse, but asks for no proof."""
        return self._saving.planned(
            Request(access, base, origin=origin),
            lambda seen: self._judge.prepare(access.tenant, document, seen, draft_secrets),
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
        transfer: Mapping[str, Any] | None = None,
        approved_by: str | None = None,
        within: Callable[[Session, int], None] | None = None,
    ) -> Saved:
        """Make a whole setup live. ``base`` is the revision that the editor saw; without one the last write wins.

        ``within`` is done in the same transaction, with the new revision's number.
        """
        request = Request(access, base, note, reason, origin, origin_detail, request_id, transfer, approved_by, within)
        return self._saving.saved(
            request, Permission.SAVE, lambda seen: self._judge.prepare(access.tenant, document, seen, draft_secrets)
        )

    def begin(
        self,
        session: Session,
        access: Access,
        document: Any,
        *,
        origin_detail: str,
        transfer: Mapping[str, Any],
        request_id: str | None = None,
    ) -> None:
        """Give a tenant that is made in this transaction a copy of another's setup as its first revision.

        Raises InputError for what it cannot have, SetupUnprovenError for a connector in production.
        """
        request = Request(access, 0, None, None, "duplicate", origin_detail, request_id, transfer)
        self._saving.begin(session, request, lambda seen: self._judge.prepare(access.tenant, document, seen))

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
        request = Request(access, base, note, reason, "save", None, request_id)

        def make(seen: StoredSetup) -> Prepared:
            return self._judge.prepare(access.tenant, patched(seen.document, operations), seen)

        return self._saving.planned(request, make) if dry_run else self._saving.saved(request, Permission.SAVE, make)

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
        request = Request(access, base, note, reason, "restore", str(number), request_id)

        def make(seen: StoredSetup) -> Prepared:  # noqa: ARG001  the old revision vouches for itself
            return self._judge.prepare(tenant, old.document, old)

        return self._saving.planned(request, make) if dry_run else self._saving.saved(request, Permission.RESTORE, make)

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
        request = Request(access, base, note, None, "delete", None, request_id)

        def make(seen: StoredSetup) -> Prepared:
            if seen.setup.connector is None:
                raise ConnectorNotSetUpError
            flows = seen.setup.flows.enabled()
            if flows and not force:
                raise FlowsDependOnConnectorError(flows=flows)
            return self._judge.prepare(access.tenant, {**seen.document, "connector": None, "fallback": None}, seen)

        return self._saving.saved(request, Permission.SAVE, make)
