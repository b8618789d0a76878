"""What the README says is held against the code: undocumented means failing."""

import re
from pathlib import Path

from webapp.settings import documented_settings, settings_table

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_lists_the_settings_as_they_are_declared() -> None:
    text = README.read_text()

    table = re.search(r"<!-- settings -->\n(.*?)\n<!-- /settings -->", text, re.DOTALL)

    assert table, "the README has lost its settings table"
    assert table[1] == settings_table(), "run: python -m webapp.settings, and put the table into the README"


def test_every_setting_says_what_it_is_for() -> None:
    undocumented = [variable for variable, _, meaning in documented_settings() if not meaning.endswith(".")]

    assert undocumented == []


def test_every_picture_of_the_readme_is_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README.read_text())

    assert pictures
    assert [name for name in pictures if not (README.parent / name).is_file()] == []
