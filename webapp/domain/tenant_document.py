"""The tenant document: a setup as a file that moves between tenants, and is the same bytes for the same setup.

It holds no time, no tenant's name and no secret: where a secret stands in the setup, the document has a slot, named
by provider and path: ``{"$secret": {"slot": "smtp.auth.pass"}}``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from webapp.domain.diff import SECRET, escape, is_secret
from webapp.domain.errors import DocumentHashMismatchError, DocumentInvalidError, FieldError
from webapp.domain.strict_json import FAULTS_LIMIT
from webapp.domain.text import T

FORMAT: Final = "postroom/setup"
VERSION: Final = 1
SECTIONS: Final = ("connector", "fallback")

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_KEY_SHOWN: Final = 200
"""Characters of a key that has no place, so that a pointer stays readable."""
_KEYS: Final = frozenset({"format", "version", "setup", "contentHash", "secrets"})


@dataclass(frozen=True, slots=True)
class TenantDocument:
    """What such a file holds."""

    setup: dict[str, Any]
    """The setup, its secrets as slots or as whatever somebody wrote there by hand."""
    sealed: str | None = None
    """The secrets, sealed by age with a passphrase, armoured."""

    @property
    def content_hash(self) -> str:
        """SHA-256 over the canonical text of the setup."""
        return f"sha256:{hashlib.sha256(canonical(self.setup).encode()).hexdigest()}"

    def to_json(self) -> dict[str, Any]:
        """The whole document, its hash made anew."""
        document = {"format": FORMAT, "version": VERSION, "setup": self.setup, "contentHash": self.content_hash}
        return document | ({"secrets": self.sealed} if self.sealed else {})

    @classmethod
    def of(cls, value: Any, *, verify: bool = True) -> TenantDocument:
        """Read what was parsed from a file. The setup itself is not judged here.

        Raises DocumentInvalidError, or DocumentHashMismatchError unless ``verify`` is off.
        """
        errors = list(islice(_faults(value), FAULTS_LIMIT))
        if errors:
            raise DocumentInvalidError(errors=errors)
        document = cls(value["setup"], value.get("secrets"))
        if verify and "contentHash" in value and value["contentHash"] != document.content_hash:
            raise DocumentHashMismatchError(
                T("It was changed after it was exported. If that was meant, run `postroom fmt` on the file.")
            )
        return document


def canonical(value: Any) -> str:
    """Write JSON in the one way: sorted keys, two spaces, LF, letters as themselves; no final LF."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False)


def slotted(setup: Mapping[str, Any]) -> dict[str, Any]:
    """A setup document with a slot in the place of each stored secret; what the operator lends keeps its name."""
    document = dict(setup)
    for name in SECTIONS:
        section = document.get(name)
        if isinstance(section, Mapping):
            first = slot_prefix(name, str(section["provider"]))
            document[name] = {**section, "config": _slotted(section["config"], first)}
    return document


def lent(setup: Mapping[str, Any]) -> dict[str, str]:
    """What the operator lends to a setup: pointer → name."""
    sections = {name: setup[name]["config"] for name in SECTIONS if isinstance(setup.get(name), Mapping)}
    return dict(found for name, config in sections.items() for found in _lent(config, f"/{name}/config"))


def slots(setup: Mapping[str, Any]) -> dict[str, str]:
    """The slot of each place of a secret: pointer into the setup → slot."""
    found: dict[str, str] = {}
    for name in SECTIONS:
        section = setup.get(name)
        if isinstance(section, Mapping) and isinstance(section.get("config"), Mapping):
            first = slot_prefix(name, str(section.get("provider")))
            found |= {
                f"/{name}/config/{'/'.join(map(escape, path))}": ".".join((first, *path))
                for path in _marked(section["config"])
            }
    return found


def slotted_at(setup: Mapping[str, Any], pointers: Collection[str], at: str = "") -> dict[str, Any]:
    """A setup document with marks in the place of what stands at some pointers."""
    return {
        key: {SECRET: {"set": True}}
        if f"{at}/{escape(key)}" in pointers
        else slotted_at(part, pointers, f"{at}/{escape(key)}")
        if isinstance(part, Mapping)
        else part
        for key, part in setup.items()
    }


def slot_prefix(section: str, provider: str) -> str:
    """What a slot begins with: the provider, which may stand in both sections."""
    return provider if section == "connector" else f"{section}.{provider}"


def _slotted(value: Any, slot: str) -> Any:
    if is_secret(value):
        return value if "env" in value[SECRET] else {SECRET: {"slot": slot}}
    if isinstance(value, Mapping):
        return {key: _slotted(part, f"{slot}.{key}") for key, part in value.items()}
    return value


def _lent(value: Any, at: str) -> Iterator[tuple[str, str]]:
    if is_secret(value):
        if "env" in value[SECRET]:
            yield at, str(value[SECRET]["env"])
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _lent(part, f"{at}/{escape(key)}")


def _marked(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if is_secret(value):
        if isinstance(value[SECRET], Mapping) and "env" not in value[SECRET]:
            yield path
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _marked(part, (*path, str(key)))


def _faults(value: Any) -> Iterator[FieldError]:
    if not isinstance(value, dict):
        yield FieldError(
            "", "value.type", T("A tenant document is expected: an object with format, version and setup.")
        )
        return
    if value.get("format") != FORMAT:
        expected = T("This is no tenant document: “%(format)s” is expected here.", format=FORMAT)
        yield FieldError("/format", "document.format_unknown", expected)
        return
    version = value.get("version")
    if type(version) is not int or version != VERSION:
        newer = type(version) is int and version > VERSION
        known = (
            T("This document is of a later Postroom. Update this one, or export it again with the older.")
            if newer
            else T("Version %(version)s is expected here.", version=VERSION)
        )
        yield FieldError("/version", "document.version_unknown", known)
        return
    if not isinstance(value.get("setup"), dict):
        yield FieldError("/setup", "value.missing", T("The setup is missing."))
    if "contentHash" in value and not (isinstance(value["contentHash"], str) and _HASH.fullmatch(value["contentHash"])):
        yield FieldError("/contentHash", "value.format", T("A hash looks like sha256: and 64 digits from 0 to f."))
    if "secrets" in value and not isinstance(value["secrets"], str):
        yield FieldError(
            "/secrets", "value.type", T("The sealed secrets are text, as `postroom export --seal` wrote it.")
        )
    for key in value:
        if key not in _KEYS:
            yield FieldError(
                f"/{escape(key[:_KEY_SHOWN])}", "value.unknown", T("This has no place in a tenant document.")
            )
