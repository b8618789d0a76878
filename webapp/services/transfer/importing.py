"""Importing: first the plan, what would change and what is missing; then exactly that plan, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from webapp.domain import tenant_document
from webapp.domain.breaking import broken_flows
from webapp.domain.diff import changes
from webapp.domain.errors import (
    ConfigInvalidError,
    DocumentInvalidError,
    FlowsWouldBreakError,
    SecretsMissingError,
)
from webapp.domain.problem import Problem
from webapp.domain.roles import Access
from webapp.domain.setup import ConnectorSetup, Setup
from webapp.domain.strict_json import faults
from webapp.domain.tenant_document import TenantDocument
from webapp.domain.text import T, Text
from webapp.services.secrets import Connectors
from webapp.services.setups import Plan, Saved, Setups, StoredSetup
from webapp.services.transfer import logto
from webapp.services.transfer.plans import KeptPlan, Plans
from webapp.services.transfer.reading import parsed
from webapp.services.transfer.sealing import unseal
from webapp.services.transfer.slots import Filled, fill, read_choices


@dataclass(frozen=True, slots=True)
class GivenDocument:
    """What somebody wants imported."""

    document: Any
    """A document as JSON, or its text in JSON or YAML."""
    secrets: Any = field(default=None, repr=False)
    """``{slot: {"value": "…"} or "keep"}``."""
    phrase: str | None = field(default=None, repr=False)
    """Opens the sealed secrets."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do. Kept under its id until it is applied, or a day has passed."""

    id: str
    plan: Plan
    missing: tuple[str, ...] = ()
    """Slots of secrets that are needed and not there."""
    breaks: tuple[str, ...] = ()
    """Flows that are on and would lose their mail."""
    moved: tuple[logto.Moved, ...] = ()
    """For a document of another system: what became what."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is said with the applying of a plan."""

    note: str | None = None
    reason: str | None = None
    allow_breaking: bool = False
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A document of whatever kind, as a setup with slots."""

    setup: dict[str, Any]
    sealed: Mapping[str, str] = field(default_factory=dict, repr=False)
    moved: tuple[logto.Moved, ...] = ()
    warnings: tuple[Problem, ...] = ()


class Importing:
    """Plans imports and applies them."""

    def __init__(self, setups: Setups, connectors: Connectors, plans: Plans) -> None:
        self._setups = setups
        self._connectors = connectors
        self._plans = plans

    def plan(self, access: Access, given: GivenDocument, *, base: int | None = None) -> ImportPlan:
        """Say what importing would do; nothing is applied.

        Raises DocumentInvalidError and its kin for the document, ConfigInvalidError for the setup in it, InputError
        for the secrets, PreconditionError where ``base`` is not live any more.
        """
        choices = read_choices(given.secrets)
        active = self._setups.active(access.tenant)
        read = self._read(given, active)
        filled = fill(read.setup, choices, read.sealed, self._setups.keepable(access.tenant, read.setup))
        plan = self._judged(access, filled, base)
        plan = replace(plan, warnings=[*read.warnings, *plan.warnings])
        breaks = tuple(self._breaks(active.setup, plan.document))
        kept = KeptPlan(plan.base, filled.document, filled.missing, breaks)
        return ImportPlan(self._plans.keep(access, kept), plan, filled.missing, breaks, read.moved)

    def apply(self, access: Access, plan_id: str, confirmation: Confirmation) -> Saved:
        """Make live exactly what a plan showed.

        Raises NotFoundError, SecretsMissingError, FlowsWouldBreakError, SetupUnprovenError, or
        SetupChangedMeanwhileError where somebody saved since.
        """
        kept = self._plans.load(access, plan_id)
        if kept.missing:
            raise SecretsMissingError(kept.missing)
        if kept.breaks and not confirmation.allow_breaking:
            raise FlowsWouldBreakError(kept.breaks)
        return self._setups.save(
            access,
            kept.document,
            base=kept.base,
            note=confirmation.note,
            reason=confirmation.reason,
            origin="import",
            request_id=confirmation.request_id,
        )

    def _read(self, given: GivenDocument, active: StoredSetup) -> _Read:
        value = parsed(given.document) if isinstance(given.document, str) else given.document
        if not isinstance(given.document, str) and (errors := [*faults(value)]):
            raise DocumentInvalidError(errors=errors)
        if logto.reads(value):
            return _of_logto(logto.read(value), active)
        if isinstance(value, dict) and "format" not in value and value.keys() & {"connector", "templates", "flows"}:
            return _Read(value)
        document = TenantDocument.of(value)
        if document.sealed is None:
            return _Read(document.setup)
        if given.phrase is None:
            return _Read(document.setup, warnings=(_SEALED_UNOPENED,))
        return _Read(document.setup, unseal(document.sealed, document.content_hash, given.phrase))

    def _judged(self, access: Access, filled: Filled, base: int | None) -> Plan:
        try:
            plan = self._setups.plan(access, filled.document, base=base)
        except ConfigInvalidError as exc:
            # Where a secret has a form, a stand-in has not.
            rest = [error for error in exc.errors if error.pointer not in filled.missing_at]
            if rest or not filled.missing:
                raise ConfigInvalidError(errors=rest or exc.errors) from None
            plan = self._unjudged(access, filled)
        return replace(plan, proven=False, needs_reason=False) if filled.missing else plan

    def _unjudged(self, access: Access, filled: Filled) -> Plan:
        """The changes without the connector's own judgement, which needs the secrets that are missing."""
        active = self._setups.active(access.tenant)
        document = tenant_document.slotted_at(filled.document, filled.missing_at)
        return Plan(active.number, changes(active.document, document), False, document, [])

    def _breaks(self, old: Setup, document: Mapping[str, Any]) -> list[str]:
        try:
            new = Setup.model_validate(document)
        except ValueError:  # said already, with its place
            return []
        return broken_flows(old, new, self._needs_templates)

    def _needs_templates(self, section: ConnectorSetup) -> bool:
        connector = self._connectors.get(section.provider)
        return connector is None or connector.rendering == "here"


def _of_logto(reading: logto.Reading, active: StoredSetup) -> _Read:
    """Its connector and templates over what is live: an invitation keeps the mail it has, where none came."""
    setup = active.document
    if reading.connector:
        setup["connector"] = reading.connector
    if reading.templates:
        invitation = {usage: cells for usage, cells in setup["templates"].items() if usage == "OrganizationInvitation"}
        setup["templates"] = {**invitation, **reading.templates}
    if not reading.connector and not reading.templates:
        nothing = T("There is no email connector and no template in it that is known here.")
        raise DocumentInvalidError(nothing) if not reading.left else DocumentInvalidError(reading.left[0].why)
    return _Read(
        setup, moved=tuple(reading.moved), warnings=tuple(_left(left.source, left.why) for left in reading.left)
    )


def _left(source: str, why: Text) -> Problem:
    return Problem("import.left_out", T("Not taken over as it is: %(place)s", place=source), why)


_SEALED_UNOPENED = Problem(
    "import.sealed_unopened",
    T("The document's sealed secrets were not opened"),
    T("No passphrase was given, so they were not used."),
    (T("Give the passphrase that they were sealed with, or give the secrets one by one."),),
)
