"""Judging a setup document before anything is done with it: shape, connectors, secrets, all by the same rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from webapp.connectors.base import Means, Relay
from webapp.connectors.config import ConnectorConfig
from webapp.domain.errors import ConfigInvalidError, ConnectorNotSetUpError, InputError
from webapp.domain.problem import Problem
from webapp.domain.roles import TenantInfo
from webapp.domain.setup import Setup
from webapp.services.documents import read_setup
from webapp.services.history import SECTIONS, Revisions, StoredSetup, shown
from webapp.services.secrets import Connectors, Section, SectionReader, Source


@dataclass(frozen=True, slots=True)
class ResolvedConnector:
    """A connector ready to be used, its secrets inside the config."""

    provider: str
    config: ConnectorConfig
    values_tag: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A setup that was judged and may be saved."""

    setup: Setup
    document: dict[str, Any]
    """As the API shows it, fingerprints in the marks."""
    sealed: Mapping[str, str] = field(repr=False)
    tags: Mapping[str, str]
    values_tag: str | None
    warnings: list[Problem]


class Judge:
    """Says whether a document may be saved, and makes its connector usable."""

    def __init__(
        self, revisions: Revisions, reader: SectionReader, connectors: Connectors, relay: Relay | None
    ) -> None:
        self._revisions = revisions
        self._reader = reader
        self._connectors = connectors
        self._relay = relay

    def prepare(
        self,
        tenant: TenantInfo,
        document: Any,
        seen: StoredSetup,
        draft_secrets: Mapping[str, str] | None = None,
    ) -> Prepared:
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
        if "templates" not in document:
            # As with every part that is left out, its default: mails that work, not none.
            setup = setup.model_copy(update={"templates": self._revisions.one(tenant, 0).setup.templates})
        prepared = _prepared(setup, sections)
        return replace(prepared, warnings=[*prepared.warnings, *self._obstacles(tenant, sections.values())])

    def keepable(self, tenant: TenantInfo, document: Mapping[str, Any], seen: StoredSetup) -> frozenset[str]:
        """The pointers of stored secrets that may stay where a document wants one (design, section 5.3)."""
        found: set[str] = set()
        for name in SECTIONS:
            submitted, stored = _section_json(document, name), self._revisions.section(tenant, seen, name)
            if submitted is not None and stored is not None:
                found |= {f"/{name}/config{pointer}" for pointer in self._reader.keepable(submitted, stored)}
        return frozenset(found)

    def lendable(self, tenant: TenantInfo, document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        """What the operator lends for the sections of a document: name of the section → names of secrets."""
        sections = {name: _section_json(document, name) for name in SECTIONS}
        return {name: self._reader.lendable(tenant, section) for name, section in sections.items() if section}

    def receivers(self, document: Mapping[str, Any]) -> dict[str, str]:
        """Who receives the secrets of the sections of a document, to be compared: name of the section → word."""
        sections = {name: _section_json(document, name) for name in SECTIONS}
        return {name: self._reader.receiver(section) for name, section in sections.items() if section}

    def resolve(
        self,
        tenant: TenantInfo,
        connector_json: Mapping[str, Any] | None = None,
        *,
        draft_secrets: Mapping[str, str] | None = None,
    ) -> ResolvedConnector:
        """Make a connector usable by the rules of saving: the one that is given, else the live one."""
        active = self._revisions.active(tenant)
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

    def _obstacles(self, tenant: TenantInfo, sections: Iterable[Section]) -> list[Problem]:
        """What the operator still has to do; in a development tenant the inbox stands in for the mail server."""
        means = Means(relay=self._relay)
        found = [self._connectors[each.provider].obstacle(means) for each in sections if tenant.production]
        return [each for each in found if each]


def _prepared(setup: Setup, sections: Mapping[str, Section]) -> Prepared:
    masked = {
        name: getattr(setup, name).model_copy(update={"config": dict(section.masked)})
        for name, section in sections.items()
    }
    setup = setup.model_copy(update=masked)
    sealed = {f"/{n}/config{p}": value for n, section in sections.items() for p, value in section.sealed.items()}
    tags = {f"/{n}/config{p}": tag for n, section in sections.items() for p, tag in section.tags.items()}
    return Prepared(
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
