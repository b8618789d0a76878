"""The tables of plans in the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from webapp.cli.changes import change_lines, mapped_lines, plan_lines

PLAN: dict[str, Any] = {
    "planId": "0" * 32, "changes": [], "missingSecrets": [], "warnings": [], "breaks": [], "needsReason": False,
}  # fmt: skip


def changed(pointer: str, old: Any, new: Any) -> dict[str, Any]:
    return {"pointer": pointer, "kind": "changed", "old": old, "new": new}


def lines(*changes: dict[str, Any], **rest: Any) -> list[str]:
    return plan_lines({**PLAN, "changes": list(changes), **rest})


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def test_columns_stand_below_each_other_and_the_count_is_last() -> None:
    host = changed("/connector/config/host", "smtp.old.example", "smtp.new.example")
    removed = {
        "pointer": "/templates/SignIn/ja",
        "kind": "removed",
        "old": {"contentType": "text/plain", "subject": "コード", "content": "x"},
    }

    assert lines(host, removed) == [
        "~ changed  /connector/config/host  smtp.old.example → smtp.new.example",
        "- removed  /templates/SignIn/ja    “コード” (1 line)",
        "",
        "1 changed, 1 removed.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("a\n" * 12, "b\n" * 14, "text, 12 lines → 14 lines"),
        (None, "b\n" * 14, "nothing → text, 14 lines"),
        ("a\n" * 12, None, "text, 12 lines → nothing"),
        ("a\n" * 12, "b", "text, 12 lines → 1 line"),
        ("Hello", None, "Hello → nothing"),
    ],
)
def test_long_texts_are_counted_in_lines(old: str | None, new: str | None, told: str) -> None:
    assert lines(changed("/templates/SignIn/en/content", old, new))[0].endswith(f"  {told}")


@pytest.mark.parametrize(("kind", "words"), [("added", "set"), ("changed", "another one"), ("removed", "gone")])
def test_secrets_are_said_in_words(kind: str, words: str) -> None:
    change = {"pointer": "/connector/config/auth/pass", "kind": kind, "secret": "different"}

    assert lines(change)[0].endswith(f"  secret, {words}")


def test_a_secret_that_is_missing_is_said_to_be() -> None:
    places = ("/connector/config/auth/pass", "/fallback/config/auth/pass")
    found = [{"pointer": place, "kind": "added", "secret": "different"} for place in places]

    told = lines(*found, missingSecrets=["smtp.auth.pass"])

    assert told[0].endswith("  secret, missing")
    assert told[1].endswith("  secret, set")


def test_what_comes_as_a_whole_is_told_part_by_part() -> None:
    login = {"user": "ada", "pass": {"$secret": {"set": True}}}
    connector = {"provider": "smtp", "config": {"port": 587, "auth": login, "replyTo": None}}

    assert lines(changed("/connector", None, connector)) == [
        "+ added  /connector/provider          smtp",
        "+ added  /connector/config/port       587",
        "+ added  /connector/config/auth/user  ada",
        "+ added  /connector/config/auth/pass  secret, set",
        "",
        "4 added.",
    ]


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_nothing_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    subjects = changed("/templates/OrganizationInvitation/pt-BR/subject", "old " * 40, "コード" * 40)

    told = lines(subjects)[:-2]

    width = max(sum(2 if ord(char) > 0x2FFF else 1 for char in line) for line in told)
    assert width <= max(columns, len(subjects["pointer"]) + 11)
    assert "→" in told[-1]


def test_what_a_document_says_cannot_steer_the_terminal() -> None:
    told = "\n".join(lines(changed("/defaultLanguage", "en", "\x1b[2Jde\x07"), missingSecrets=["\x1b]0;x"]))

    assert told.isprintable() or "\x1b" not in told
    assert "\x07" not in told


def test_what_is_missing_what_breaks_and_what_to_know_follow() -> None:
    warning = {"title": "Left out", "cause": "There is no such connector."}

    told = lines(
        changed("/defaultLanguage", "en", "ja"),
        missingSecrets=["smtp.auth.pass"],
        breaks=["signUp"],
        warnings=[warning],
    )

    assert "! Left out. There is no such connector." in told
    assert "  smtp.auth.pass" in told
    assert any("--secrets" in line and '{"env": "NAME"}' in line for line in told)
    assert any("--allow-breaking" in line for line in told)
    assert told[-1] == "1 changed."


def test_what_is_kept_says_how_to_go_on() -> None:
    plan = {**PLAN, "changes": [changed("/defaultLanguage", "en", "ja")], "needsReason": True}

    told = plan_lines(plan, apply="prod")

    assert f"Kept for a day: postroom apply prod {'0' * 32}" in told
    assert any(f"postroom test-send prod --plan {'0' * 32}" in line for line in told)


def test_without_changes_it_says_so() -> None:
    assert change_lines(PLAN) == ["Nothing to change."]


def test_a_mapping_is_shown_in_two_columns() -> None:
    mapped = [{"source": "/config/host", "target": "/connector/config/host"}, {"source": "/a", "target": "/b"}]

    assert mapped_lines(mapped)[1:3] == ["  /config/host → /connector/config/host", "  /a           → /b"]


def test_there_is_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    change = changed("/defaultLanguage", "en", "ja")

    assert "\x1b[33m" in lines(change)[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in lines(change)[0]
