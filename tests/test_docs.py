"""What the README says is held against the code: undocumented means failing."""

import re
import tomllib
from pathlib import Path

from webapp.cli import COMMANDS
from webapp.settings import documented_settings, settings_table

README = Path(__file__).parents[1] / "README.md"
CONTRIBUTING = README.parent / "CONTRIBUTING.md"


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


class TestContributing:
    def test_it_is_read_in_a_few_minutes(self) -> None:
        assert len(CONTRIBUTING.read_text().splitlines()) < 100

    def test_every_place_it_names_is_there(self) -> None:
        named = set(re.findall(r"`((?:webapp|tests|templates|static)/[\w./-]+)`", CONTRIBUTING.read_text()))

        assert named
        assert [
            path for path in sorted(named) if "pigeon" not in path and not (CONTRIBUTING.parent / path).exists()
        ] == []

    def test_its_rule_is_one_of_the_example(self) -> None:
        (shown,) = re.findall(r"```toml\n(.*?)```", CONTRIBUTING.read_text(), re.DOTALL)
        rules = CONTRIBUTING.parent / "tests" / "example_connector" / "postroom_pigeon_post" / "rules.toml"

        (rule,) = tomllib.loads(shown)["rule"]

        assert rule in tomllib.loads(rules.read_text())["rule"]

    def test_its_commands_are_there(self) -> None:
        named = re.findall(r"^postroom ([a-z]+)", CONTRIBUTING.read_text(), re.MULTILINE)

        assert {"connector", "doctor"} == set(named) <= set(COMMANDS)
