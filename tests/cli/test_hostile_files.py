"""Hostile files at the command line: words and an exit code, no traceback, and nothing applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, Save
from tests.services.conftest import smtp
from tests.services.transfer.hostile import PHRASE, REFUSED

SOME = [
    "nothing",
    "truncated json",
    "nested json",
    "aliases that explode",
    "a key twice",
    "a later version",
    "changed after export",
    "a sealed part of endless work",
    "utf-16",
    "an archive",
    "__proto__ in the setup",
    "a hundred thousand settings",
    "five million letters in a mail",
]


@pytest.fixture
def good(run: Run, save: Save) -> dict[str, Any]:
    """What dev exports."""
    save({"connector": smtp()})
    document: dict[str, Any] = run("export", "dev").json
    return document


@pytest.mark.parametrize("name", SOME)
def test_an_import_of_it_says_what_is_wrong(run: Run, good: dict[str, Any], tmp_path: Path, name: str) -> None:
    content = REFUSED[name](good)
    file, phrase = tmp_path / "setup.json", tmp_path / "phrase"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    phrase.write_text(PHRASE)

    done = run("import", "dev", str(file), "--passphrase-file", str(phrase))

    assert done.code in (1, 2)
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err
    assert len(done.err) < 30_000
    assert run("export", "dev").json == good


def test_50_mb_are_refused(run: Run, good: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "setup.json"
    file.write_bytes(b"{" + b" " * 50 * 1024 * 1024)

    done = run("import", "dev", str(file))

    assert done.code == 2
    assert "is too large" in done.err


@pytest.mark.parametrize("name", ["truncated json", "a key twice", "nested yaml", "utf-16"])
def test_fmt_leaves_the_file_as_it_is(run: Run, good: dict[str, Any], tmp_path: Path, name: str) -> None:
    content = REFUSED[name](good)
    file = tmp_path / "setup.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    before = file.read_bytes()

    done = run("fmt", str(file))

    assert done.code in (1, 2)
    assert file.read_bytes() == before
