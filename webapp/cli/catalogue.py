"""Commands about what there is to choose from."""

from __future__ import annotations

from typing import Any, Final

import click
from pydantic import TypeAdapter

from webapp.cli.backends import backend
from webapp.cli.output import json_option, report, report_json, table
from webapp.connectors import CONNECTORS
from webapp.domain.setup import Setup
from webapp.domain.tenant_document import FORMAT, VERSION
from webapp.services.transfer.writing import write_yaml


@click.command()
@click.argument("kind", required=False)
@json_option
def providers(kind: str | None, as_json: bool) -> None:
    """List the providers, or show one with the JSON Schema of its config and its presets."""
    with backend() as work:
        found = work.provider(kind) if kind else work.providers()
    if as_json:
        report_json(found)
    elif isinstance(found, list):
        report(table([(each["kind"], each["title"], each["summary"]) for each in found], ("KIND", "TITLE", "SUMMARY")))
    else:
        # The guide is a page to read in the console.
        report(write_yaml({name: value for name, value in found.items() if name != "guide"}))


@click.command()
def schema() -> None:
    """Print the JSON Schema of the tenant document, for editors and pipelines."""
    report_json(tenant_document_schema())


_SECRET_MARK: Final = {
    "type": "object",
    "description": "A secret that is kept, or named: never its value.",
    "properties": {"$secret": {"type": "object"}},
    "required": ["$secret"],
    "additionalProperties": False,
}


def tenant_document_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the tenant document, each provider's config included."""
    models = {kind: connector.config_model for kind, connector in CONNECTORS.items()}
    wanted: list[tuple[str, Any, TypeAdapter[Any]]] = [("", "validation", TypeAdapter(Setup))]
    wanted += [(kind, "validation", TypeAdapter(model)) for kind, model in models.items()]
    schemas, shared = TypeAdapter.json_schemas(wanted, ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = shared["$defs"]
    connector = definitions["ConnectorSetup"]
    connector["properties"]["provider"] |= {"enum": sorted(models)}
    connector["allOf"] = [
        {
            "if": {"properties": {"provider": {"const": kind}}},
            "then": {"properties": {"config": schemas[kind, "validation"]}},
        }
        for kind in models
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Postroom tenant document",
        "type": "object",
        "properties": {
            "format": {"const": FORMAT},
            "version": {"const": VERSION},
            "setup": schemas["", "validation"],
            "contentHash": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
            "secrets": {"type": "string", "description": "Sealed by age, armoured."},
        },
        "required": ["format", "version", "setup"],
        "additionalProperties": False,
        "$defs": {name: _with_marks(part) for name, part in definitions.items()} | {"SecretMark": _SECRET_MARK},
    }


def _with_marks(schema: Any) -> Any:
    """Let a mark stand wherever the schema wants a secret."""
    match schema:
        case {"secret": True}:
            return {"anyOf": [schema, {"$ref": "#/$defs/SecretMark"}]}
        case dict():
            return {key: _with_marks(part) for key, part in schema.items()}
        case list():
            return [_with_marks(part) for part in schema]
        case _:
            return schema
