"""Documents as text from anybody: read, or refused with the place, in bounded time and memory."""

from __future__ import annotations

import pytest

from webapp.domain.errors import DocumentInvalidError, PayloadTooLargeError
from webapp.services.transfer.reading import SIZE_LIMIT, YAML_LIMIT, parsed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "no"}', {"a": "no"}),
        ("a: no\nb: 0o17\n", {"a": "no", "b": 15}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 2026-01-02", {"a": "2026-01-02"}),
    ],
    ids=["json", "yaml 1.2", "byte order mark", "a date"],
)
def test_it_reads_json_and_yaml(text, value):
    assert parsed(text) == value


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1',
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        '{"a": "\\u0000"}',
        '{"a":' * 5000 + "1" + "}" * 5000,
        "a: 1\na: 2\n",
        "a: [" * 5000,
        "a: " + "[" * 5000,
        "a: " + "{a: " * 5000,
        "- " * 5000,
        "- x\n" * 50_000,
        "a: !!bool maybe",
        "a: !!int ''",
        "a: !!float ''",
        'a: "\\U99999999"',
        "a: 0x" + "f" * 100_000,
        BOMB,
        "a: !!python/object/apply:os.system [id]",
        "a: !!set {x}",
        "1: one",
        "\x01\x02",
        b"\xff\xfe\xfa",
    ],
    ids=[
        "truncated", "a key twice", "not a number", "too large a number", "half a character", "nul", "deep json",
        "a key twice in yaml", "deep yaml", "brackets", "braces", "dashes", "too many values",
        "no switch", "no whole number", "no number", "no letter", "a number without end", "aliases that explode",
        "a call", "a set", "a key that is a number",
        "control characters", "no utf-8",
    ],
)  # fmt: skip
def test_it_refuses_what_two_readers_could_understand_differently(text):
    with pytest.raises(DocumentInvalidError):
        parsed(text)


@pytest.mark.parametrize(
    "text", ["{" + " " * SIZE_LIMIT + "}", "a: " + "b" * YAML_LIMIT, b" " * 50_000_000], ids=["json", "yaml", "50 MB"]
)
def test_it_refuses_what_is_too_large_before_reading(text):
    with pytest.raises(PayloadTooLargeError):
        parsed(text)


def test_a_refusal_names_the_line_and_quotes_nothing_of_it():
    with pytest.raises(DocumentInvalidError) as caught:
        parsed("host: a\npass: [5ecret-canary\n")

    assert "line" in str(caught.value)
    assert "5ecret" not in str(caught.value)
