"""The base of all answers, and the JSON that is answered as it is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from webapp.domain.problem import JSON
from webapp.domain.setup import Setup


class Answer(BaseModel):
    """Base of what is answered."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON; optional members that have no value are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


ChangeJSON = Annotated[
    dict[str, JSON],
    WithJsonSchema(
        {
            "type": "object",
            "description": "One value that differs between two setups; of a secret only that it does.",
            "properties": {
                "pointer": {"type": "string", "examples": ["/connector/config/host"]},
                "kind": {"enum": ["added", "changed", "removed"]},
                "old": {},
                "new": {},
                "secret": {"const": "different"},
            },
            "required": ["pointer", "kind"],
        }
    ),
]
PatchJSON = Annotated[
    dict[str, JSON],
    WithJsonSchema(
        {
            "type": "object",
            "description": "One operation of a JSON Patch (RFC 6902).",
            "properties": {
                "op": {"enum": ["add", "replace", "remove"]},
                "path": {"type": "string"},
                "value": {},
            },
            "required": ["op", "path"],
        }
    ),
]


class _AsSetup:
    """Describes a JSON object as the setup's own model does."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(Setup.__pydantic_core_schema__)


SetupJSON = Annotated[dict[str, JSON], _AsSetup]
"""A setup as it is answered: secrets are marks."""
