"""Which passwords are too easy to guess, and that people are told why."""

from __future__ import annotations

import pytest

from webapp.domain.password import LONGEST, normalised, weakness


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "at least 10"),
        ("123456789", "at least 10"),
        ("x" * (LONGEST + 1), "at most 200"),
        ("abababababab", "repeats"),
        ("0987654321", "row of keys"),
        ("qwertyuiop", "row of keys"),
        ("qwerty-uiop", "row of keys"),
        ("Password2026!", "first passwords"),
        ("!!p4ssw0rd!!", "first passwords"),
        ("2026-11-21-12", "first passwords"),
        ("changeme1234", "first passwords"),
        ("ada@example.com", "little more"),
        ("Example-Acme-7", "little more"),
    ],
)
def test_refuses_what_is_guessed_first(password: str, words: str) -> None:
    refusal = weakness(password, about=("ada@example.com", "Acme Ltd"))

    assert words in str(refusal)


@pytest.mark.parametrize(
    "password",
    [
        "wandering teapot 41",
        "nine lilac drawers",
        "acme wandering teapot",
        "k3#Vr9!qLw2z",
        "Ünïcödé wörds",
        "色々な言葉を並べた文",
    ],
)
def test_accepts_what_is_not(password: str) -> None:
    assert weakness(password, about=("ada@example.com", "Acme Ltd")) is None


def test_is_the_same_from_every_keyboard() -> None:
    assert normalised("Zürich am See") == normalised("Zu\u0308rich am See")
