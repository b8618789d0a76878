"""A connector's config with its secrets: which value each has, and whether it may go where the config says.

In a submitted config a secret is a plain string (typed now) or a mark: ``{"$secret": {"set": true}}`` keeps the
stored one, ``{"draft": true}`` takes what was typed and not saved, ``{"env": "NAME"}`` borrows from the operator.

The pass-back rule (design, section 5.3): a stored or drafted secret stays only while the place that receives it is
the same.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from webapp.connectors.base import Connector, Destination
from webapp.connectors.config import ConnectorConfig, settings_of
from webapp.db.vault import Vault
from webapp.domain.diff import SECRET, escape, is_secret
from webapp.domain.errors import (
    ConfigInvalidError,
    FieldError,
    PreconditionError,
    SecretRetypeRequiredError,
    SecretUnavailableError,
)
from webapp.domain.problem import Problem
from webapp.domain.roles import TenantInfo
from webapp.domain.strict_json import dumps
from webapp.domain.text import T
from webapp.services.lent import LentSecrets
from webapp.services.marks import DraftedSecret, is_mark, put, secret_leaves, secret_pointers
from webapp.services.wording import field_errors

FINGERPRINT_LENGTH: Final = 12

Connectors = Mapping[str, type[Connector[Any]]]


@dataclass(frozen=True, slots=True)
class StoredSection:
    """A connector as a revision holds it. ``secrets`` opens the sealed map: config pointer → value."""

    provider: str
    config: Mapping[str, Any]
    tags: Mapping[str, str]
    secrets: Callable[[], Mapping[str, str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Section:
    """A connector that was judged: its config with all secrets inside, and the parts that are stored."""

    provider: str
    config: ConnectorConfig
    masked: Mapping[str, Any]
    """The config as JSON, each secret replaced by its mark."""
    sealed: Mapping[str, str] = field(repr=False)
    """Config pointer → value, of the secrets that we store."""
    tags: Mapping[str, str]
    """Config pointer → keyed hash, of the same."""
    values_tag: str
    """What a proof is about: provider, config and every secret's value, lent ones too."""
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What secrets may be taken from: a stored connector, a person's draft."""

    stored: StoredSection | None = None
    drafted: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Setup pointer → value. A DraftedSecret is bound to its place; a plain string was typed for this very config."""


class SectionReader:
    """Judges a connector's config and finds its secrets, by the same rules for save, check, test and restore."""

    def __init__(self, vault: Vault, connectors: Connectors, lent: LentSecrets) -> None:
        self._vault = vault
        self._connectors = connectors
        self._lent = lent

    def read(self, tenant: TenantInfo, pointer: str, submitted: Mapping[str, Any], source: Source) -> Section:
        """Judge ``{"provider", "config"}`` that stands at ``pointer`` of the setup.

        Raises ConfigInvalidError first; then PreconditionError, SecretRetypeRequiredError or SecretUnavailableError.
        """
        connector = self._connectors.get(submitted["provider"])
        if connector is None:
            raise ConfigInvalidError(errors=[self._unknown_provider(pointer)])
        return _Reading(self._vault, self._lent, tenant, f"{pointer}/config", connector, source).read(
            submitted["config"]
        )

    def keepable(self, submitted: Mapping[str, Any], stored: StoredSection) -> frozenset[str]:
        """The config pointers of stored secrets that may go where a config says: all of them, or none."""
        connector = self._connectors.get(submitted["provider"])
        if connector is None or connector.kind != stored.provider:
            return frozenset()
        here = connector.destination(submitted["config"])
        return frozenset(stored.tags) if here.keeps_secrets_of(connector.destination(stored.config)) else frozenset()

    def receiver(self, submitted: Mapping[str, Any]) -> str:
        """Who a config's secrets go to, and how safely, as one word to compare."""
        connector = self._connectors.get(submitted["provider"])
        return repr((submitted["provider"], connector.destination(submitted["config"]))) if connector else ""

    def lendable(self, tenant: TenantInfo, submitted: Mapping[str, Any]) -> tuple[str, ...]:
        """The names of secrets that the operator lends to the tenant for the place that a config leads to."""
        connector, names = self._connectors.get(submitted["provider"]), self._lent.names(tenant)
        if connector is None or not names:
            return ()
        here, usual = connector.destination(submitted["config"]), _usual(connector, submitted["config"])
        return tuple(name for name in names if self._lent.allows(tenant, name, here, usual))

    def _unknown_provider(self, pointer: str) -> FieldError:
        known = T(
            "There is no such provider here. Providers are: %(kinds)s.", kinds=", ".join(sorted(self._connectors))
        )
        return FieldError(f"{pointer}/provider", "connector.provider_unknown", known)


@dataclass(slots=True)
class _Reading:
    """One judgement in progress. Pointers inside are relative to the config."""

    vault: Vault
    lent: LentSecrets
    tenant: TenantInfo
    at: str
    connector: type[Connector[Any]]
    source: Source
    marks: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)

    def read(self, submitted: Mapping[str, Any]) -> Section:
        plain = self._without_marks(submitted)
        values = {pointer: self._candidate(pointer, mark) for pointer, mark in self.marks.items()}
        for pointer, value in values.items():
            # What is missing is said below; a stand-in lets the rest of the config be judged all the same.
            put(plain, pointer, "stand-in-" + secrets.token_hex(8) if value is None else value)
        config = self._validated(plain, values)
        if config is None:
            if not self.errors:
                # Only stand-ins were refused, where a secret has a form: what is wrong is that it is not there.
                self._judge_marks(plain, values)
            raise ConfigInvalidError(errors=self.errors)
        found = dict(secret_leaves(config.model_dump(by_alias=True)))
        masked = self._masked(config, found)
        warnings = self._contradictions(masked)
        self._missing(values)
        if self.errors:
            raise ConfigInvalidError(errors=self.errors)
        self._judge_marks(masked, values)
        return self._section(config, masked, found, warnings)

    def _without_marks(self, submitted: Mapping[str, Any]) -> dict[str, Any]:
        """Copy the config, collecting its marks. One at a setting that is no secret is refused."""
        allowed = secret_pointers(self.connector)

        def copied(value: Any, pointer: str) -> Any:
            if is_secret(value):
                self._note(pointer, value, allowed)
                return None
            if isinstance(value, Mapping):
                return {key: copied(part, f"{pointer}/{escape(key)}") for key, part in value.items()}
            if isinstance(value, list):
                return [copied(part, f"{pointer}/{index}") for index, part in enumerate(value)]
            return value

        return {key: copied(part, f"/{escape(key)}") for key, part in submitted.items()}

    def _note(self, pointer: str, value: Mapping[str, Any], allowed: frozenset[str]) -> None:
        mark = value[SECRET]
        if pointer not in allowed:
            self._refuse(pointer, "secret.not_possible", T("This setting is not a secret. Give its value."))
        elif len(value) != 1 or not is_mark(mark):
            understood = T("Give the secret as text, or keep the stored one with {“$secret”: {“set”: true}}.")
            self._refuse(pointer, "secret.mark_invalid", understood)
        else:
            self.marks[pointer] = mark

    def _candidate(self, pointer: str, mark: Mapping[str, Any]) -> str | None:
        """The value that a mark means, whether or not it may be used here."""
        if "env" in mark:
            return self.lent.value(self.tenant, mark["env"])
        if mark.get("draft"):
            drafted = self.source.drafted.get(f"{self.at}{pointer}")
            return None if drafted is None else str(drafted)
        stored = self._stored()
        return stored.secrets().get(pointer) if stored and pointer in stored.tags else None

    def _stored(self) -> StoredSection | None:
        stored = self.source.stored
        return stored if stored and stored.provider == self.connector.kind else None

    def _validated(self, plain: Mapping[str, Any], values: dict[str, str | None]) -> ConnectorConfig | None:
        model = self.connector.config_model
        try:
            # Strict, as JSON: "yes" is no switch. By alias only: the places of secrets are known by their JSON keys.
            config = model.model_validate_json(dumps(plain), strict=True, by_alias=True, by_name=False)
        except ValidationError as exc:
            refused = {error.pointer for error in self.errors}
            found = [each for each in field_errors(exc, plain, self.at, model) if each.pointer not in refused]
            for each in found:
                pointer = each.pointer.removeprefix(self.at)
                if "env" in self.marks.get(pointer, {}):
                    # What is lent and does not fit is as unavailable as what is not there: the answer tells nothing.
                    values[pointer] = None
                elif values.get(pointer, "") is not None:
                    self.errors.append(each)
            self._missing({pointer: value for pointer, value in values.items() if value is None})
            return None
        return config

    def _masked(self, config: ConnectorConfig, found: Mapping[str, str]) -> dict[str, Any]:
        masked = config.model_dump(mode="json", by_alias=True)
        for pointer in found:
            name = self.marks.get(pointer, {}).get("env")
            put(masked, pointer, {SECRET: {"env": name}} if name else {SECRET: {"set": True}})
        return masked

    def _contradictions(self, masked: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Combinations that cannot work: an error where there is no way out, else a warning with its correction."""
        warnings = []
        for pointer, problem in self.connector.contradictions(masked):
            if problem.patch:
                warnings.append(problem)
            else:
                self._refuse(pointer, problem.code, problem.cause)
        return tuple(warnings)

    def _missing(self, values: Mapping[str, str | None]) -> None:
        """Name the secrets that are kept or drafted but are not there."""
        for pointer, value in values.items():
            mark = self.marks[pointer]
            if value is not None or "env" in mark or self._moved_from_another_provider(mark):
                continue
            if mark.get("draft"):
                self._refuse(
                    pointer, "secret.not_drafted", T("What you typed here is not kept any more. Type it again.")
                )
            else:
                self._refuse(pointer, "secret.not_stored", T("Nothing is stored here yet. Type the secret."))

    def _moved_from_another_provider(self, mark: Mapping[str, Any]) -> bool:
        return not mark.get("draft") and self.source.stored is not None and self._stored() is None

    def _judge_marks(self, masked: Mapping[str, Any], values: Mapping[str, str | None]) -> None:
        destination = self.connector.destination(masked)
        moved = [p for p, mark in self.marks.items() if "env" not in mark and not self._stays(p, mark, destination)]
        outdated = [pointer for pointer, mark in self.marks.items() if self._outdated(pointer, mark)]
        barred = [
            pointer
            for pointer, mark in self.marks.items()
            if "env" in mark
            and (
                values[pointer] is None
                or not self.lent.allows(self.tenant, mark["env"], destination, _usual(self.connector, masked))
            )
        ]
        if outdated:
            another = T("The stored secret is not the one you saw. Read the setup again.")
            raise PreconditionError(another, errors=self._at(outdated, "secret.changed_meanwhile", another))
        if moved:
            again = T("The place that receives this secret changed, so it was not taken along. Type it again.")
            raise SecretRetypeRequiredError(again, errors=self._at(moved, SecretRetypeRequiredError.code, again))
        if barred:
            # One and the same answer for unset and forbidden: a tenant may not learn what the operator has.
            lacking = T("The operator lends no such secret to this tenant for this destination.")
            raise SecretUnavailableError(lacking, errors=self._at(barred, SecretUnavailableError.code, lacking))

    def _outdated(self, pointer: str, mark: Mapping[str, Any]) -> bool:
        stored = self._stored()
        wanted = mark.get("fingerprint")
        return bool(wanted and stored and stored.tags.get(pointer, "")[:FINGERPRINT_LENGTH] != wanted)

    def _stays(self, pointer: str, mark: Mapping[str, Any], destination: Destination) -> bool:
        if mark.get("draft"):
            drafted = self.source.drafted.get(f"{self.at}{pointer}")
            if not isinstance(drafted, DraftedSecret):
                return True
            return drafted.provider == self.connector.kind and destination.keeps_secrets_of(drafted.destination)
        stored = self._stored()
        return stored is not None and destination.keeps_secrets_of(self.connector.destination(stored.config))

    def _section(
        self, config: ConnectorConfig, masked: dict[str, Any], found: Mapping[str, str], warnings: tuple[Problem, ...]
    ) -> Section:
        tenant = str(self.tenant.id)
        tags = {pointer: self.vault.tag("secret", tenant, value) for pointer, value in found.items()}
        lent = {pointer for pointer, mark in self.marks.items() if "env" in mark}
        # Defaults are left out, so that a setting that a later version adds does not undo a proof.
        bare = config.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for pointer in found:
            put(bare, pointer, None)
        canonical = json.dumps(bare, sort_keys=True)
        values_tag = self.vault.tag(
            "values", tenant, self.connector.kind, canonical, *(part for pair in sorted(tags.items()) for part in pair)
        )
        return Section(
            provider=self.connector.kind,
            config=config,
            masked=masked,
            sealed={pointer: value for pointer, value in found.items() if pointer not in lent},
            tags={pointer: tag for pointer, tag in tags.items() if pointer not in lent},
            values_tag=values_tag,
            warnings=warnings,
        )

    def _refuse(self, pointer: str, code: str, message: Any) -> None:
        self.errors.append(FieldError(f"{self.at}{pointer}", code, message))

    def _at(self, pointers: list[str], code: str, message: Any) -> list[FieldError]:
        return [FieldError(f"{self.at}{pointer}", code, message) for pointer in pointers]


def _usual(connector: type[Connector[Any]], config: Mapping[str, Any]) -> Destination:
    """The destination with everything optional at its default: how such a place is normally vouched for."""
    usual = json.loads(dumps(config))
    for each in settings_of(connector.config_model):
        if each.about.destination and not each.required:
            put(usual, each.pointer, each.default)
    return connector.destination(usual)
