"""Plans of what would replace a setup: what changes, what is missing, what breaks; then exactly that, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from webapp.domain import tenant_document
from webapp.domain.breaking import broken_flows
from webapp.domain.diff import changes
from webapp.domain.errors import (
    ApprovalRequiredError,
    ConfigInvalidError,
    FieldError,
    FlowsWouldBreakError,
    PlanProposedError,
    SecretsMissingError,
    SetupChangedMeanwhileError,
)
from webapp.domain.problem import Problem
from webapp.domain.roles import Access
from webapp.domain.setup import ConnectorSetup, Setup
from webapp.domain.strict_json import FAULTS_LIMIT
from webapp.domain.text import T
from webapp.services.limits import Limit, Limits
from webapp.services.marks import secret_pointers, standing_at
from webapp.services.requests import Origin, Request, check_way
from webapp.services.secrets import Connectors
from webapp.services.setups import Plan, Saved, Setups
from webapp.services.transfer.plans import KeptPlan, Plans
from webapp.services.transfer.slots import Choice, Filled, Slot, fill

LIMITED: Final = ("person", "token")
"""Kinds of actors whose plans are counted; the operator's machine is the operator's."""
PLAN_LIMIT: Final = Limit(120, 600)
"""Plans of one actor in one tenant: how many in how many seconds. Each is judged, sealed and stored."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A setup that shall replace the live one, its secrets as slots or as values."""

    setup: dict[str, Any]
    sealed: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Slot → value, for secrets that came with it."""
    warnings: tuple[Problem, ...] = ()
    origin: Origin = "import"
    origin_detail: str | None = None
    transfer: Mapping[str, Any] | None = None
    """Where it came from; see ``webapp.services.requests.Request``."""


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """What applying would do. Kept under its id until it is applied, or a day has passed."""

    id: str
    plan: Plan
    missing: tuple[str, ...] = ()
    """Slots of secrets that are needed and not there."""
    breaks: tuple[str, ...] = ()
    """Flows that are on and would lose their mail."""
    slots: tuple[Slot, ...] = ()
    """The places of secrets, and where their values are from."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What is said with the applying of a plan."""

    note: str | None = None
    reason: str | None = None
    allow_breaking: bool = False
    request_id: str | None = None


class Planning:
    """Makes plans and applies them."""

    def __init__(self, setups: Setups, connectors: Connectors, plans: Plans, limits: Limits | None = None) -> None:
        self._setups = setups
        self._connectors = connectors
        self._plans = plans
        self._limits = limits

    def plan(
        self,
        access: Access,
        wanted: Wanted,
        choices: Mapping[str, Choice],
        *,
        base: int | None = None,
        asked: Mapping[str, Any] | None = None,
        counted: bool = True,
    ) -> TransferPlan:
        """Say what would change, and keep that; nothing is applied. ``asked`` is kept with it, to be read again.

        Raises what ``look`` raises, and LimitedError for too many in a short time, unless it is not ``counted``.
        """
        if self._limits and counted and access.actor.kind in LIMITED:
            maker = (str(access.tenant.id), access.actor.kind, str(access.actor.id))
            self._limits.hit("plan", *maker, amount=PLAN_LIMIT.amount, seconds=PLAN_LIMIT.seconds)
        seen, filled = self._seen(access, wanted, choices, base)
        kept = KeptPlan(
            seen.plan.base,
            filled.document,
            wanted.origin,
            wanted.origin_detail,
            seen.missing,
            seen.breaks,
            asked,
            wanted.transfer,
        )
        return replace(seen, id=self._plans.keep(access, kept))

    def look(
        self, access: Access, wanted: Wanted, choices: Mapping[str, Choice], *, base: int | None = None
    ) -> TransferPlan:
        """Say what would change, and keep nothing. ``choices`` are slot → value, None for what is to be kept.

        Raises ConfigInvalidError for the setup, InputError for the choices, PreconditionError where ``base`` is not
        live any more.
        """
        return self._seen(access, wanted, choices, base)[0]

    def remember(self, access: Access, origin: Origin, asked: Mapping[str, Any]) -> str:
        """Keep what was asked for without a plan of it: it cannot be applied. Returns its id."""
        return self._plans.keep(access, KeptPlan(0, {}, origin, asked=asked, missing=("-",)))

    def kept(self, access: Access, plan_id: str) -> KeptPlan:
        """A plan of this actor in this tenant. Raises NotFoundError."""
        return self._plans.load(access, plan_id)

    def apply(self, access: Access, plan_id: str, confirmation: Confirmation) -> Saved:
        """Make live exactly what a plan showed.

        Raises NotFoundError, SecretsMissingError, FlowsWouldBreakError, SetupUnprovenError, ApprovalRequiredError,
        or SetupChangedMeanwhileError where somebody saved since.
        """
        kept = self._plans.load(access, plan_id)
        if kept.proposed:
            raise PlanProposedError
        check_answered(kept, confirmation)
        _check_way(access, plan_id, kept)
        return self._setups.save(
            access,
            kept.document,
            base=kept.base,
            note=confirmation.note,
            reason=confirmation.reason,
            origin=kept.origin,
            origin_detail=kept.origin_detail,
            request_id=confirmation.request_id,
            transfer=kept.transfer,
        )

    def _seen(
        self, access: Access, wanted: Wanted, choices: Mapping[str, Choice], base: int | None
    ) -> tuple[TransferPlan, Filled]:
        active = self._setups.active(access.tenant)
        tenant, setup = access.tenant, wanted.setup
        if misplaced := tuple(islice(self._misplaced(setup), FAULTS_LIMIT)):
            raise ConfigInvalidError(errors=misplaced)
        keepable, lendable = self._setups.keepable(tenant, setup), self._setups.lendable(tenant, setup)
        filled = fill(setup, choices, wanted.sealed, keepable, lendable)
        plan = self._judged(access, filled, base, wanted.origin)
        plan = replace(plan, warnings=[*wanted.warnings, *plan.warnings])
        breaks = tuple(self._breaks(active.setup, plan.document))
        return TransferPlan("", plan, filled.missing, breaks, filled.slots), filled

    def _misplaced(self, setup: Mapping[str, Any]) -> Iterator[FieldError]:
        """Slots at settings that are no secrets: nothing is asked for there."""
        for pointer in tenant_document.slots(setup):
            _, name, _, *path = pointer.split("/")
            provider = setup[name].get("provider")
            kind = self._connectors.get(provider) if isinstance(provider, str) else None
            if kind and f"/{'/'.join(path)}" not in secret_pointers(kind):
                yield FieldError(pointer, "secret.not_possible", T("This setting is not a secret. Give its value."))

    def _judged(self, access: Access, filled: Filled, base: int | None, origin: Origin) -> Plan:
        try:
            plan = self._setups.plan(access, filled.document, base=base, origin=origin)
        except ConfigInvalidError as exc:
            self._check_base(access, filled, base)
            # Where a secret has a form, a stand-in has not.
            rest = [error for error in exc.errors if error.pointer not in filled.missing_at]
            if rest or not filled.missing:
                raise ConfigInvalidError(errors=rest or exc.errors) from None
            plan = self._unjudged(access, filled)
        return replace(plan, proven=False, needs_reason=False) if filled.missing else plan

    def _check_base(self, access: Access, filled: Filled, base: int | None) -> None:
        """Whether what was compared with is still live: a secret that stays by now was missing then, or the reverse.

        Raises SetupChangedMeanwhileError.
        """
        active = self._setups.active(access.tenant)
        if base is None or base >= active.number:
            return
        seen = self._setups.revision(access.tenant, base).document
        wanted = tenant_document.slotted_at(filled.document, self._secrets_at(filled))
        theirs, yours = changes(seen, active.document), changes(seen, wanted)
        raise SetupChangedMeanwhileError(current=active.number, theirs=theirs, yours=yours, by=active.author_name)

    def _unjudged(self, access: Access, filled: Filled) -> Plan:
        """The changes without the connector's own judgement, which needs the secrets that are missing."""
        active = self._setups.active(access.tenant)
        document = tenant_document.slotted_at(filled.document, self._secrets_at(filled))
        return Plan(active.number, changes(active.document, document), False, document, [])

    def _secrets_at(self, filled: Filled) -> set[str]:
        """Where secrets stand that nobody has masked: those that were given, and those written into the document."""
        places = {slot.pointer for slot in filled.slots}
        for name in tenant_document.SECTIONS:
            section = filled.document.get(name)
            kind = self._connectors.get(section["provider"]) if isinstance(section, Mapping) else None
            places |= {f"/{name}/config{pointer}" for pointer in secret_pointers(kind)} if kind else set()
        return {pointer for pointer in places if isinstance(standing_at(filled.document, pointer), str)}

    def _breaks(self, old: Setup, document: Mapping[str, Any]) -> list[str]:
        try:
            new = Setup.model_validate(document)
        except ValueError:  # said already, with its place
            return []
        return broken_flows(old, new, self._needs_templates)

    def _needs_templates(self, section: ConnectorSetup) -> bool:
        connector = self._connectors.get(section.provider)
        return connector is None or connector.rendering == "here"


def _check_way(access: Access, plan_id: str, kept: KeptPlan) -> None:
    """Whether the tenant changes in this way, said with what to do about it. Raises as ``check_way`` does."""
    try:
        check_way(Request(access, kept.base, origin=kept.origin))
    except ApprovalRequiredError:
        raise ApprovalRequiredError(
            T(
                "Nothing was changed. Propose it; it goes live once another person who may save here approves it: "
                "--propose, or POST /api/v1/tenants/%(tenant)s/plans/%(plan)s/propose.",
                tenant=access.tenant.slug,
                plan=plan_id,
            )
        ) from None


def check_answered(kept: KeptPlan, confirmation: Confirmation) -> None:
    """Whether nothing is missing, and what breaks was allowed. Raises SecretsMissingError, FlowsWouldBreakError."""
    if kept.missing:
        raise SecretsMissingError(kept.missing)
    if kept.breaks and not confirmation.allow_breaking:
        raise FlowsWouldBreakError(kept.breaks)
