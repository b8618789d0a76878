"""Importing: a document of ours, a setup, or what Logto's Management API gives, as a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from webapp.domain.errors import DocumentInvalidError
from webapp.domain.problem import Problem
from webapp.domain.roles import Access
from webapp.domain.strict_json import faults
from webapp.domain.tenant_document import TenantDocument
from webapp.domain.text import T, Text
from webapp.services.setups import Setups, StoredSetup
from webapp.services.transfer import logto
from webapp.services.transfer.planning import Planning, TransferPlan, Wanted
from webapp.services.transfer.reading import parsed
from webapp.services.transfer.sealing import unseal
from webapp.services.transfer.slots import read_choices


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
    """What an import would do, and how the document was understood."""

    transfer: TransferPlan
    moved: tuple[logto.Moved, ...] = ()
    """For a document of another system: what became what."""


class Importing:
    """Reads documents and plans what they would change."""

    def __init__(self, setups: Setups, planning: Planning) -> None:
        self._setups = setups
        self._planning = planning

    def plan(self, access: Access, given: GivenDocument, *, base: int | None = None) -> ImportPlan:
        """Say what importing would do; nothing is applied.

        Raises DocumentInvalidError and its kin for the document, and what planning raises.
        """
        choices = read_choices(given.secrets)
        value = parsed(given.document) if isinstance(given.document, str) else given.document
        if not isinstance(given.document, str) and (errors := [*faults(value)]):
            raise DocumentInvalidError(errors=errors)
        if logto.reads(value):
            reading = logto.read(value)
            wanted = _of_logto(reading, self._setups.active(access.tenant))
            return ImportPlan(self._planning.plan(access, wanted, choices, base=base), tuple(reading.moved))
        return ImportPlan(self._planning.plan(access, _of_ours(value, given.phrase), choices, base=base))


def _of_ours(value: Any, phrase: str | None) -> Wanted:
    if isinstance(value, dict) and "format" not in value and value.keys() & {"connector", "templates", "flows"}:
        return Wanted(value)
    document = TenantDocument.of(value)
    if document.sealed is None:
        return Wanted(document.setup)
    if phrase is None:
        return Wanted(document.setup, warnings=(_SEALED_UNOPENED,))
    return Wanted(document.setup, unseal(document.sealed, document.content_hash, phrase))


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
    return Wanted(setup, warnings=tuple(_left(left.source, left.why) for left in reading.left))


def _left(source: str, why: Text) -> Problem:
    return Problem("import.left_out", T("Not taken over as it is: %(place)s", place=source), why)


_SEALED_UNOPENED = Problem(
    "import.sealed_unopened",
    T("The document's sealed secrets were not opened"),
    T("No passphrase was given, so they were not used."),
    (T("Give the passphrase that they were sealed with, or give the secrets one by one."),),
)
