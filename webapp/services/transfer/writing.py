"""Writing a document: canonical JSON, or YAML 1.2 that people can read and edit."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from webapp.domain.tenant_document import TenantDocument, canonical

_YAML_1_1_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"})
"""What older readers take for something else than text."""


def as_json(document: TenantDocument) -> str:
    """The canonical text, with its final LF."""
    return canonical(document.to_json()) + "\n"


def as_yaml(document: TenantDocument) -> str:
    """The same as YAML 1.2, keys in the same order, longer texts as blocks."""
    return write_yaml(_sorted(document.to_json())) + "\n"


def write_yaml(value: Any) -> str:
    """Write a value as YAML 1.2, without a final LF."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 4096
    stream = io.StringIO()
    yaml.dump(_in_blocks(value), stream)
    return stream.getvalue().rstrip("\n")


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list) else value


def _in_blocks(value: Any) -> Any:
    match value:
        case dict():
            return {_quoted(key): _in_blocks(part) for key, part in value.items()}
        case list():
            return [_in_blocks(part) for part in value]
        case str() if _fits_block(value):
            return LiteralScalarString(value)
        case str():
            return _quoted(value)
        case _:
            return value


def _quoted(text: str) -> str:
    """Quotes around what a reader could take for something else, or for a line's end."""
    plain = text.isprintable() and text.lower() not in _YAML_1_1_WORDS
    return text if plain else DoubleQuotedScalarString(text)


def _fits_block(text: str) -> bool:
    """Whether a block gives back exactly this text: no line begins the block with a space, ends in one, or is odd."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and not lines[0].startswith((" ", "\t"))
        and lines[0] != ""
        and not any(line.endswith((" ", "\t")) for line in lines)
        and all(char.isprintable() or char in "\n\t" for char in text)
        and "\ufeff" not in text
    )
