"""Importing mounted files when the server starts: what they say is live then, and edits last until they change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import select, update

from webapp.db.models import TenantRow
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import FieldError, NotFoundError, PostroomError, SetupChangedMeanwhileError
from webapp.domain.roles import Access, Actor, Role, TenantInfo
from webapp.domain.tenant_document import canonical
from webapp.domain.text import T
from webapp.domain.usage import FLOW_TITLES
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.importing import Importing
from webapp.services.transfer.mounted import Bundle, Trouble, bundles
from webapp.services.transfer.planning import Confirmation, Planning, TransferPlan, Wanted

START_UP: Final = Actor(kind="system", id=None, name="start-up")
_TRIES: Final = 5
"""Many machines may start at once, and somebody may save in between."""


class MountedFilesError(PostroomError):
    """Files that are to be imported at start-up cannot be. Each is named with its place; nothing was imported."""

    code = "import.files_refused"
    status = 409
    title = T("The files to import at start-up were refused")


State = Literal["new", "same", "unchanged", "edited", "imported", "archived"]


@dataclass(frozen=True, slots=True)
class Look:
    """A mounted file, beside what is live."""

    file: str
    tenant: TenantInfo
    state: State
    """``new``: it would change what is live; ``same``: it says what is live; ``unchanged`` since it was imported;
    ``edited``: the tenant was changed since, and the file was not; ``imported`` just now; ``archived``: the tenant is,
    so the file waits."""
    changed: tuple[str, ...] = ()
    """Pointers, for ``new`` and ``imported``."""
    revision: int = 0
    """What is live now."""
    since: int = 0
    """What was live when the file was read last."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that can be imported."""

    look: Look
    access: Access
    wanted: Wanted
    choices: Mapping[str, Any]
    mark: Mapping[str, Any]
    """What is remembered of it: its name and keyed hash."""


class StartupImport:
    """Imports what is mounted."""

    def __init__(
        self, db: Database, vault: Vault, tenants: Tenants, setups: Setups, importing: Importing, planning: Planning
    ) -> None:
        self._db = db
        self._vault = vault
        self._tenants = tenants
        self._setups = setups
        self._importing = importing
        self._planning = planning

    def look(self, folder: Path) -> tuple[list[Look], list[Trouble]]:
        """Say what importing would do, and what keeps it from being done; nothing is changed."""
        found, troubles = self._read_all(folder)
        return [each.look for each in found], troubles

    def bring_in(self, folder: Path) -> list[Look]:
        """Make live what the files say, each tenant in one transaction.

        Raises MountedFilesError with every trouble of every file, before anything was changed.
        """
        found, troubles = self._read_all(folder)
        if troubles:
            raise _refused(folder, troubles)
        return [self._brought_in(each) for each in found]

    def _read_all(self, folder: Path) -> tuple[list[_Read], list[Trouble]]:
        found: list[_Read] = []
        troubles: list[Trouble] = []
        try:
            there = bundles(folder)
        except OSError as exc:
            return [], [Trouble(str(folder), T("It cannot be read: %(why)s.", why=exc.strerror or exc))]
        archived = {tenant.slug: tenant for tenant in self._tenants.all(include_archived=True) if tenant.archived}
        for bundle in there:
            if wrong := [*bundle.troubles()]:
                troubles += wrong
                continue
            if bundle.tenant in archived:
                # Its owner may archive a tenant at any time; that must not keep the others' mail from going out.
                found.append(_waiting(bundle, archived[bundle.tenant]))
                continue
            try:
                read, wrong = self._read(bundle)
                found.append(read)
                troubles += wrong
            except PostroomError as exc:
                troubles += bundle.told(exc)
            except OSError as exc:
                troubles.append(Trouble(bundle.file, T("It cannot be read: %(why)s.", why=exc.strerror or exc)))
        return found, troubles

    def _read(self, bundle: Bundle) -> tuple[_Read, list[Trouble]]:
        try:
            tenant = self._tenants.by_slug(bundle.tenant)
        except NotFoundError:
            raise NotFoundError(
                T(
                    "There is no tenant “%(tenant)s”. Make it: postroom tenant add %(tenant)s --environment …",
                    tenant=bundle.tenant,
                )
            ) from None
        access = Access(START_UP, tenant, Role.OWNER)
        wanted, choices = self._importing.understood(access, bundle.given())
        mark = {"file": bundle.file, "hash": self._hash(tenant, wanted, choices)}
        wanted = replace(wanted, transfer=mark)
        last, live = self._last(tenant), tenant.active_revision
        look = Look(bundle.file, tenant, "unchanged", revision=live, since=int(last.get("revision", 0)))
        read = _Read(look, access, wanted, choices, mark)
        if last.get("hash") == mark["hash"]:
            return replace(read, look=replace(look, state="edited" if self._edited(look) else "unchanged")), []
        plan = self._planning.look(access, wanted, choices)
        changed = tuple(change.pointer for change in plan.plan.changes)
        seen = replace(look, state="new" if changed else "same", changed=changed)
        return replace(read, look=seen), [*_lacking(bundle, plan)]

    def _edited(self, look: Look) -> bool:
        """Whether something else is live than when the file was read last."""
        try:
            return look.since != look.revision and bool(self._setups.diff(look.tenant, look.since, look.revision))
        except PostroomError:
            # What cannot be read is told on the tenant's own pages; it keeps no server off.
            return True

    def _hash(self, tenant: TenantInfo, wanted: Wanted, choices: Mapping[str, Any]) -> str:
        """A keyed hash of what a file says, its secrets included, off which nothing can be read."""
        parts = (canonical(wanted.setup), canonical(dict(wanted.sealed)), canonical(json.loads(json.dumps(choices))))
        return self._vault.tag("mounted", str(tenant.id), *parts)

    def _last(self, tenant: TenantInfo) -> Mapping[str, Any]:
        with self._db.read() as session:
            return session.scalar(select(TenantRow.mounted).where(TenantRow.id == tenant.id)) or {}

    def _brought_in(self, read: _Read) -> Look:
        if read.look.state in ("unchanged", "edited", "archived"):
            return read.look
        number, created = self._applied(read)
        self._remember(read, number)
        state: State = "imported" if created else "same"
        return replace(read.look, state=state, revision=number, since=number)

    def _applied(self, read: _Read) -> tuple[int, bool]:
        words = f"Imported at start-up from {read.look.file}"
        for _ in range(_TRIES):
            plan = self._planning.plan(read.access, read.wanted, read.choices)
            said = Confirmation(note=words, reason=words if plan.plan.needs_reason else None)
            try:
                saved = self._planning.apply(read.access, plan.id, said)
            except SetupChangedMeanwhileError:
                # Somebody saved in between. What the file says is compared with that.
                continue
            return saved.number, saved.created
        raise _refused(Path(read.look.file), [Trouble(read.look.file, T("The tenant is saved again and again."))])

    def _remember(self, read: _Read, number: int) -> None:
        with self._db.write() as session:
            here = update(TenantRow).where(TenantRow.id == read.access.tenant.id)
            session.execute(here.values(mounted={**read.mark, "revision": number}))


def _waiting(bundle: Bundle, tenant: TenantInfo) -> _Read:
    """A file that is not even opened, as its tenant is archived."""
    return _Read(Look(bundle.file, tenant, "archived"), Access(START_UP, tenant, Role.OWNER), Wanted({}), {}, {})


def _lacking(bundle: Bundle, plan: TransferPlan) -> list[Trouble]:
    missing = [
        Trouble(
            bundle.file,
            T(
                "The secret %(slot)s is missing. Give it in %(file)s, or lend it by the environment.",
                slot=slot,
                file=bundle.secrets[0].name if bundle.secrets else f"{bundle.tenant}.secrets.yaml",
            ),
        )
        for slot in plan.missing
    ]
    broken = [
        Trouble(
            bundle.file,
            T(
                "The flow %(flow)s is on and would lose its mail. Add the template, or switch the flow off in it.",
                flow=FLOW_TITLES.get(flow, flow),
            ),
            f"/setup/flows/{flow}",
        )
        for flow in plan.breaks
    ]
    return missing + broken


def _refused(folder: Path, troubles: Sequence[Trouble]) -> MountedFilesError:
    return MountedFilesError(
        T("The server does not start, and nothing was imported. In %(folder)s:", folder=folder),
        errors=[FieldError(each.place, MountedFilesError.code, each.says) for each in troubles],
    )
