"""JSON read strictly."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.errors import InputError
from webapp.domain.strict_json import DEPTH_LIMIT, NotJSONError, dumps, loads

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_is_written_is_read(value: object) -> None:
    assert loads(dumps(value)) == value


@given(st.binary(max_size=40))
def test_no_bytes_break_it(raw: bytes) -> None:
    with suppress(NotJSONError, InputError):
        loads(raw)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_the_limit_of_depth_is_exact(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    inside = "1" if opening != "[" else ""

    loads(opening * DEPTH_LIMIT + inside + closing * DEPTH_LIMIT)

    with pytest.raises(InputError):
        loads(opening * (DEPTH_LIMIT + 1) + inside + closing * (DEPTH_LIMIT + 1))


def test_every_duplicate_is_pointed_at() -> None:
    with pytest.raises(InputError) as refused:
        loads('{"a/b": 1, "a/b": 2, "c": [{"d": 1, "d": 1}]}')

    assert [error.pointer for error in refused.value.errors] == ["/a~1b", "/c/0/d"]
