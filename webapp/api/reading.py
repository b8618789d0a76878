"""Reading what a request carries: JSON bodies, query parameters, preconditions."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeVar

from flask import request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from webapp.api.problems import BadRequestError, UnsupportedMediaTypeError
from webapp.domain import strict_json
from webapp.domain.errors import FieldError, InputError, PayloadTooLargeError, PreconditionError
from webapp.domain.text import T
from webapp.services.wording import field_errors

BODY_LIMIT: Final = 5 * 1024 * 1024
NUMBER_LIMIT: Final = 2**31 - 1
"""Largest revision number that both databases can compare."""
JSON_TYPES: Final = ("application/json",)
PATCH_TYPES: Final = ("application/json-patch+json", "application/json")

ModelT = TypeVar("ModelT", bound=BaseModel)
_ETAG = re.compile(r'(?:W/)?"?(\d{1,10})"?')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Given(BaseModel):
    """Base of what requests carry; unknown members are refused, so that a misspelt one does no harm."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("line breaks and control characters are not possible here")
    return value


def _named_means_true(value: object) -> object:
    return True if value == "" else value


Sentence = Annotated[str, Field(max_length=1000), AfterValidator(_one_line)]
"""What a person says about a change."""
Switch = Annotated[bool, BeforeValidator(_named_means_true)]
"""``?dryRun`` alone means true."""
Number = Annotated[int, Field(ge=0, le=NUMBER_LIMIT)]


def read_body(adapter: TypeAdapter[Any], types: tuple[str, ...]) -> Any:
    """Read the JSON body as what the route takes. No body at all counts as an empty object."""
    raw = request.get_data(cache=False)
    if request.content_length is None and len(raw) >= BODY_LIMIT:
        # A body that comes in chunks is cut at the limit without an error.
        raise PayloadTooLargeError
    if not raw and not request.mimetype:
        raw = b"{}"
    elif request.mimetype not in types:
        raise UnsupportedMediaTypeError(
            T(
                "This call takes %(types)s, not %(given)s.",
                types=" or ".join(types),
                given=request.mimetype or "nothing",
            )
        )
    value = strict_json.loads(raw)
    try:
        return adapter.validate_python(value)
    except ValidationError as exc:
        raise InputError(errors=field_errors(exc, value)) from None


def read_query(model: type[ModelT]) -> ModelT:
    """Read the query parameters; unknown and repeated ones are refused."""
    given: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            repeated = FieldError(f"/{name}", "parameter.repeated", T("Give this query parameter once."))
            raise InputError(errors=(repeated,))
        given[name] = values[0]
    try:
        return model.model_validate(given)
    except ValidationError as exc:
        raise InputError(T("A query parameter cannot be accepted."), errors=field_errors(exc, given)) from None


def read_if_match() -> int | None:
    """Read the revision that the caller saw; None when any will do.

    A weak tag counts too: proxies that compress weaken ours.
    """
    header = request.headers.get("If-Match", "").strip()
    if header in ("", "*"):
        return None
    if "," in header:
        raise BadRequestError(T("If-Match names one revision here, as the ETag that was answered."))
    match = _ETAG.fullmatch(header)
    if not match or int(match[1]) > NUMBER_LIMIT:
        raise PreconditionError(T("If-Match is no ETag of a setup. Read the setup again and send its ETag."))
    return int(match[1])
