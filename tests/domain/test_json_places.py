"""Where values stand in a JSON text, right or not yet."""

from __future__ import annotations

import pytest

from webapp.domain.json_places import line_of, places


def found(text):
    return {place.pointer: text[place.value_start : place.value_end] for place in places(text)}


def test_every_value_is_found_with_its_pointer():
    text = '{"a": {"b/c": [1, "two"]}, "d~": null}'

    assert found(text) == {
        "/a/b~1c/0": "1",
        "/a/b~1c/1": '"two"',
        "/a/b~1c": '[1, "two"]',
        "/a": '{"b/c": [1, "two"]}',
        "/d~0": "null",
        "": text,
    }


@pytest.mark.parametrize(
    ("text", "pointer", "value"),
    [
        ('{"a": "b" "c": "d"}', "/c", '"d"'),
        ('{"a" "b", "c": 1}', "/c", "1"),
        ('{"a": "b": "c"}', "/b", '"c"'),
        ('{"a": {"b": "c"', "/a/b", '"c"'),
        ('{"a": "not closed\n, "b": 1}', "/b", "1"),
        ("}}]] {", "", "{"),
    ],
)
def test_what_is_broken_is_guessed_at(text, pointer, value):
    assert found(text)[pointer] == value


def test_a_text_that_is_not_closed_ends_with_its_line():
    place = next(each for each in places('{"a": "b\n}') if each.pointer == "/a")

    assert (place.whole, place.value) == (False, None)


def test_lines_are_counted_from_one():
    assert [line_of("a\nb\n", offset) for offset in (0, 1, 2, 4)] == [1, 1, 2, 3]
