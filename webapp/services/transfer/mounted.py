"""A folder of files to import when the server starts, such as a mounted ConfigMap with a Secret beside it.

``prod.yaml`` (or ``.yml``, ``.json``) is imported into the tenant ``prod``; ``prod.secrets.yaml`` fills its slots, and
``prod.passphrase`` opens what is sealed in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from webapp.domain.errors import PayloadTooLargeError, PostroomError
from webapp.domain.text import T, Text
from webapp.services.transfer.importing import GivenDocument
from webapp.services.transfer.reading import SIZE_LIMIT, parsed

_DOCUMENTS: Final = (".json", ".yaml", ".yml")
_SECRETS: Final = ".secrets"
_PHRASE: Final = ".passphrase"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a file from being imported."""

    file: str
    says: Text
    pointer: str = ""

    @property
    def place(self) -> str:
        return " ".join(filter(None, (self.file, self.pointer)))


@dataclass(slots=True)
class Bundle:
    """The files of one tenant."""

    tenant: str
    documents: list[Path] = field(default_factory=list)
    secrets: list[Path] = field(default_factory=list)
    passphrase: Path | None = None

    @property
    def file(self) -> str:
        return self.documents[0].name

    def troubles(self) -> Iterator[Trouble]:
        """What is wrong with which files there are."""
        for found in (self.documents, self.secrets):
            if len(found) > 1:
                names = ", ".join(path.name for path in found)
                yield Trouble(names, T("These are for the same tenant. Keep one of them."))
        if not self.documents:
            name = self.secrets[0].name if self.secrets else f"{self.tenant}{_PHRASE}"
            alone = T("There is no %(tenant)s.yaml or %(tenant)s.json beside it to import.", tenant=self.tenant)
            yield Trouble(name, alone)

    def given(self) -> GivenDocument:
        """Read the files. Raises PostroomError or OSError for the first that cannot be read."""
        secrets: Any = parsed(read(self.secrets[0])) if self.secrets else None
        phrase = read(self.passphrase).decode("utf-8-sig", "replace").strip("\r\n") if self.passphrase else None
        return GivenDocument(parsed(read(self.documents[0])), secrets, phrase or None)

    def told(self, error: PostroomError) -> Iterator[Trouble]:
        """An error as troubles, each with the file that it is about."""
        for each in error.errors:
            yield Trouble(self._file_of(each.pointer), each.message, each.pointer)
        if not error.errors:
            yield Trouble(self.file, error.detail)

    def _file_of(self, pointer: str) -> str:
        if pointer.startswith("/secrets/") and self.secrets:
            return self.secrets[0].name
        return self.passphrase.name if pointer == "/passphrase" and self.passphrase else self.file


def bundles(folder: Path) -> list[Bundle]:
    """Find the files of each tenant, in their names' order. Raises OSError.

    Hidden files and folders are how Kubernetes swaps a mount; other files, such as a README, are nobody's business.
    """
    found: dict[str, Bundle] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix == _PHRASE:
            found.setdefault(path.stem, Bundle(path.stem)).passphrase = path
        elif path.suffix in _DOCUMENTS and path.stem.endswith(_SECRETS):
            tenant = path.stem.removesuffix(_SECRETS)
            found.setdefault(tenant, Bundle(tenant)).secrets.append(path)
        elif path.suffix in _DOCUMENTS:
            found.setdefault(path.stem, Bundle(path.stem)).documents.append(path)
    return list(found.values())


def read(path: Path) -> bytes:
    """Read a file, and no more of it than a document may have. Raises OSError or PayloadTooLargeError."""
    with path.open("rb") as file:
        content = file.read(SIZE_LIMIT + 1)
    if len(content) > SIZE_LIMIT:
        raise PayloadTooLargeError(T("%(file)s has more than %(limit)s MB.", file=path.name, limit=5))
    return content
