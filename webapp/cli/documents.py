"""Setups in files: JSON or YAML 1.2 in, YAML out."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import LiteralScalarString

from webapp.cli.output import BadInputError
from webapp.domain import strict_json
from webapp.domain.errors import InputError

SIZE_LIMIT: Final = 5 * 1024 * 1024
FORMAT: Final = "postroom/setup"


def read_setup(path: Path) -> dict[str, Any]:
    """Read a setup from a file: the setup itself, or a tenant document that holds one."""
    document = _read(path)
    if not isinstance(document, dict):
        raise BadInputError(f"{path} holds no setup: an object with connector, templates, flows … is expected.")
    if "format" not in document:
        return document
    if document["format"] != FORMAT or document.get("version") != 1:
        raise BadInputError(f"{path} is of another format or version; this command reads {FORMAT} version 1.")
    setup = document.get("setup")
    if not isinstance(setup, dict):
        raise BadInputError(f"{path} holds no setup.")
    return setup


def write_yaml(value: Any) -> str:
    """Write a value as YAML 1.2, longer texts as blocks that people can read and edit."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 4096
    stream = io.StringIO()
    yaml.dump(_in_blocks(value), stream)
    return stream.getvalue().rstrip("\n")


def _read(path: Path) -> Any:
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= SIZE_LIMIT else b""
    except OSError as exc:
        raise BadInputError(f"{path} cannot be read: {exc.strerror}.") from exc
    if size > SIZE_LIMIT:
        raise BadInputError(f"{path} is larger than 5 MB.")
    if raw.lstrip()[:1] == b"{":
        return strict_json.loads(raw)
    try:
        value = _plain(YAML(typ="safe", pure=True).load(raw.decode("utf-8-sig")), str(path))
    except (YAMLError, UnicodeDecodeError, RecursionError) as exc:
        # The parser's own message quotes the line, which may hold a secret; its place is enough.
        mark = getattr(exc, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadInputError(f"{path} is neither JSON nor YAML{where}.") from None
    if errors := tuple(strict_json.faults(value)):
        raise InputError(errors=errors)
    return value


def _plain(value: Any, where: str) -> Any:
    """Take only what JSON knows too."""
    match value:
        case dict():
            return {_key(key, where): _plain(part, where) for key, part in value.items()}
        case list():
            return [_plain(part, where) for part in value]
        case None | bool() | int() | float() | str():
            return value
        case date():
            return value.isoformat()
        case _:
            raise BadInputError(
                f"{where} holds a value that JSON does not know ({type(value).__name__}); put it in quotes."
            )


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise BadInputError(f"{where} has a key that is not text: put {key} in quotes.")
    return key


def _in_blocks(value: Any) -> Any:
    match value:
        case dict():
            return {key: _in_blocks(part) for key, part in value.items()}
        case list():
            return [_in_blocks(part) for part in value]
        case str() if "\n" in value and "\r" not in value and not any(line.endswith(" ") for line in value.split("\n")):
            return LiteralScalarString(value)
        case _:
            return value
