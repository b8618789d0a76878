"""Importing: a document of ours, a setup, or what Logto's Management API gives, as a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from webapp.domain.errors import DocumentInvalidError, NotFoundError
from webapp.domain.problem import Problem
from webapp.domain.roles import Access
from webapp.domain.strict_json import faults
from webapp.domain.tenant_document import TenantDocument, slots
from webapp.domain.text import T, Text
from webapp.services.limits import Limit, Limits
from webapp.services.setups import Setups, StoredSetup
from webapp.services.transfer import logto
from webapp.services.transfer.planning import Planning, TransferPlan, Wanted
from webapp.services.transfer.reading import parsed
from webapp.services.transfer.sealing import unseal
from webapp.services.transfer.slots import Choice, read_choices

FILE_NAME_LIMIT: Final = 120

OPENING_LIMIT: Final = Limit(6, 60)
"""Passphrases tried in one tenant: how many in how many seconds. Each takes two seconds and a gigabyte."""


@dataclass(frozen=True, slots=True)
class GivenDocument:
    """What somebody wants imported."""

    document: Any
    """A document as JSON, or its text in JSON or YAML."""
    secrets: Any = field(default=None, repr=False)
    """``{slot: {"value": "…"}, {"env": "NAME"} or "keep"}``."""
    phrase: str | None = field(default=None, repr=False)
    """Opens the sealed secrets."""
    file: str | None = None
    """What its file was called, for the history."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do, and how the document was understood."""

    transfer: TransferPlan
    moved: tuple[logto.Moved, ...] = ()
    """For a document of another system: what became what."""


class Importing:
    """Reads documents and plans what they would change."""

    def __init__(self, setups: Setups, planning: Planning, limits: Limits | None = None) -> None:
        self._setups = setups
        self._planning = planning
        self._limits = limits

    def plan(self, access: Access, given: GivenDocument, *, base: int | None = None) -> ImportPlan:
        """Say what importing would do; nothing is applied.

        Raises DocumentInvalidError and its kin for the document, what planning raises, and LimitedError for too many
        passphrases in a short time.
        """
        choices = read_choices(given.secrets)
        value = given.document
        if isinstance(value, str | bytes):
            value = parsed(value)
        elif errors := [*faults(value)]:
            raise DocumentInvalidError(errors=errors)
        wanted, moved = self._read(access, value, phrase=given.phrase)
        wanted = replace(wanted, transfer=_came_from(given.file, wanted))
        return self._kept(access, _Asked(value, wanted, moved, choices), base)

    def understood(self, access: Access, given: GivenDocument) -> tuple[Wanted, Mapping[str, Choice]]:
        """Read a document that was parsed, with the choices for its secrets; nothing is planned. Raises as ``plan``."""
        return self._read(access, given.document, phrase=given.phrase)[0], read_choices(given.secrets)

    def look(self, access: Access, plan_id: str) -> ImportPlan:
        """What a kept plan would do, as it was seen. Raises NotFoundError, or SetupChangedMeanwhileError."""
        asked, base = self._asked(access, plan_id)
        seen = self._planning.look(access, asked.wanted, asked.choices, base=base)
        return ImportPlan(replace(seen, id=plan_id), asked.moved)

    def slots(self, access: Access, plan_id: str) -> dict[str, str]:
        """The places of secrets in the document of a kept plan: slot → pointer. Raises NotFoundError."""
        asked, _ = self._asked(access, plan_id)
        return {slot: pointer for pointer, slot in slots(asked.wanted.setup).items()}

    def again(
        self,
        access: Access,
        plan_id: str,
        choices: Mapping[str, Choice],
        *,
        without: Collection[str] = (),
        anew: bool = False,
        counted: bool = True,
    ) -> ImportPlan:
        """Plan the same document with other secrets; ``without`` names slots whose choice is taken back.

        ``anew``: against what is live by now, which may be another revision than was compared with. ``counted``: by the
        limit of plans.
        """
        asked, base = self._asked(access, plan_id)
        chosen = {slot: choice for slot, choice in asked.choices.items() if slot not in without}
        asked = replace(asked, choices={**chosen, **choices})
        return self._kept(access, asked, None if anew else base, counted=counted)

    def _kept(self, access: Access, asked: _Asked, base: int | None, *, counted: bool = True) -> ImportPlan:
        told = {
            "document": asked.document,
            "sealed": dict(asked.wanted.sealed),
            "choices": dict(asked.choices),
            "transfer": asked.wanted.transfer,
        }
        plan = self._planning.plan(access, asked.wanted, asked.choices, base=base, asked=told, counted=counted)
        return ImportPlan(plan, asked.moved)

    def _asked(self, access: Access, plan_id: str) -> tuple[_Asked, int]:
        kept = self._planning.kept(access, plan_id)
        if kept.origin != "import" or kept.asked is None:
            raise NotFoundError
        document = kept.asked["document"]
        wanted, moved = self._read(access, document, opened=kept.asked["sealed"])
        wanted = replace(wanted, transfer=kept.asked.get("transfer"))
        return _Asked(document, wanted, moved, kept.asked["choices"]), kept.base

    def _read(
        self, access: Access, value: Any, *, phrase: str | None = None, opened: Mapping[str, str] | None = None
    ) -> tuple[Wanted, tuple[logto.Moved, ...]]:
        if logto.reads(value):
            reading = logto.read(value)
            return _of_logto(reading, self._setups.active(access.tenant)), tuple(reading.moved)
        return self._of_ours(access, value, phrase, opened or {}), ()

    def _of_ours(self, access: Access, value: Any, phrase: str | None, opened: Mapping[str, str]) -> Wanted:
        if isinstance(value, dict) and "format" not in value and value.keys() & {"connector", "templates", "flows"}:
            return Wanted(value)
        document = TenantDocument.of(value)
        if document.sealed is None:
            return Wanted(document.setup)
        if opened:
            return Wanted(document.setup, opened)
        if phrase is None:
            return Wanted(document.setup, warnings=(_SEALED_UNOPENED,))
        if self._limits and access.actor.kind != "system":
            # What starts with the server comes from its operator: many machines at once, and nobody keeps them off.
            tenant, most = str(access.tenant.id), OPENING_LIMIT
            self._limits.hit("unseal", tenant, amount=most.amount, seconds=most.seconds)
        return Wanted(document.setup, unseal(document.sealed, document.content_hash, phrase))


@dataclass(frozen=True, slots=True)
class _Asked:
    document: Any
    wanted: Wanted
    moved: tuple[logto.Moved, ...]
    choices: Mapping[str, Choice] = field(repr=False)


def _of_logto(reading: logto.Reading, active: StoredSetup) -> Wanted:
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
    return Wanted(
        setup, warnings=tuple(_left(left.source, left.why) for left in reading.left), transfer={"system": "Logto"}
    )


def _came_from(file: str | None, wanted: Wanted) -> dict[str, Any] | None:
    name = (file or "").replace("\\", "/").rpartition("/")[2][:FILE_NAME_LIMIT]
    known = {**(wanted.transfer or {}), **({"file": name} if name.isprintable() and name else {})}
    return known or None


def _left(source: str, why: Text) -> Problem:
    return Problem("import.left_out", T("Not taken over as it is: %(place)s", place=source), why)


_SEALED_UNOPENED = Problem(
    "import.sealed_unopened",
    T("The document's sealed secrets were not opened"),
    T("No passphrase was given, so they were not used."),
    (T("Give the passphrase that they were sealed with, or give the secrets one by one."),),
)
