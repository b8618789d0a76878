"""The marks that stand for secrets in documents, and the places of secrets in configs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import SecretStr

from webapp.connectors.base import Connector, Destination
from webapp.connectors.config import settings_of
from webapp.domain.diff import escape
from webapp.domain.tenant_document import SECTIONS
from webapp.services.wording import pointer_of

_MARK_KEYS: Final = frozenset({"set", "fingerprint", "draft", "env", "slot"})


SecretWay = Literal["new", "kept", "lent"]
"""Given with a document, stored and staying, or lent by the operator."""


class DraftedSecret(str):
    """A secret that was typed and not saved, bound to the place it was typed for. Shows itself to nobody."""

    __slots__ = ("destination", "provider")

    provider: str
    destination: Destination

    @classmethod
    def bound(cls, value: str, provider: str, destination: Destination) -> DraftedSecret:
        secret = cls(value)
        secret.provider, secret.destination = provider, destination
        return secret

    def __repr__(self) -> str:
        return "DraftedSecret(…)"


def is_mark(mark: Any) -> bool:
    """Whether what stands under ``$secret`` says exactly one understood thing."""
    if not isinstance(mark, Mapping) or not mark or not _MARK_KEYS.issuperset(mark):
        return False
    if any(mark.get(name, True) is not True for name in ("set", "draft")):
        return False
    if any(not isinstance(mark.get(name, ""), str) for name in ("fingerprint", "env", "slot")):
        return False
    ways = [name for name in ("set", "draft", "env", "slot") if name in mark]
    return len(ways) == 1 and ("fingerprint" not in mark or ways == ["set"])


def secret_pointers(connector: type[Connector[Any]]) -> frozenset[str]:
    """The config pointers of a connector's secrets."""
    return frozenset(pointer_of(each.path) for each in settings_of(connector.config_model) if each.kind == "secret")


def secret_ways(document: Mapping[str, Any], connectors: Mapping[str, type[Connector[Any]]]) -> dict[str, SecretWay]:
    """Where secrets stand in a document that is to be saved, and where each is from: pointer → way."""
    found: dict[str, SecretWay] = {}
    for name in SECTIONS:
        section = document.get(name)
        kind = connectors.get(section["provider"]) if isinstance(section, Mapping) else None
        for pointer in secret_pointers(kind) if kind else ():
            match standing_at(section, f"/config{pointer}"):
                case None:
                    pass
                case str():
                    found[f"/{name}/config{pointer}"] = "new"
                case {"$secret": {"env": str()}}:
                    found[f"/{name}/config{pointer}"] = "lent"
                case _:
                    found[f"/{name}/config{pointer}"] = "kept"
    return found


def secret_leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Reveal the secrets of a dumped config, by pointer, for the sealed column and their tags."""
    if isinstance(value, SecretStr):
        yield pointer, value.get_secret_value()
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from secret_leaves(part, f"{pointer}/{escape(str(key))}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from secret_leaves(part, f"{pointer}/{index}")


def put(document: Any, pointer: str, value: Any) -> None:
    """Set what stands at a pointer, where its container is there."""
    *way, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    for step in way:
        document = document[int(step)] if isinstance(document, list) else document.get(step)
        if not isinstance(document, dict | list):
            return
    if isinstance(document, list):
        document[int(last)] = value
    else:
        document[last] = value


def standing_at(document: Any, pointer: str) -> Any:
    """Read what stands at a pointer; None where there is nothing."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(document, Mapping) or step not in document:
            return None
        document = document[step]
    return document
