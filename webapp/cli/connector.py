"""Commands for people who write connectors."""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Final

import click

from webapp.cli.output import BadInputError, report, tell
from webapp.connectors import CONNECTORS
from webapp.connectors.base import INTERFACE
from webapp.connectors.catalogue import KIND
from webapp.resources import resource


@click.group()
def connector() -> None:
    """Write connectors to other providers."""


@connector.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Make the folder in here (the current one).",
)
def new(name: str, into: Path) -> None:
    """Write a package with a connector to the provider NAME, such as pigeon-post.

    It becomes a folder postroom-NAME with four files: the package's description, the connector, its guide and its
    test. The test runs at once and fails only where there is something to write.
    """
    folder = into / f"postroom-{named(name)}"
    if folder.exists():
        raise BadInputError(f"{folder} is there already. Nothing was written.")
    for path, content in files_of(name).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        report(str(file))
    tell(_NEXT.format(folder=folder))


_NEXT: Final = """
Next:
  cd {folder}
  pip install --editable .     where Postroom is installed
  pytest                       names each place where there is something to write
  postroom doctor              says whether Postroom takes it
How a connector is written: CONTRIBUTING.md of Postroom."""


def named(name: str) -> str:
    """Check the name of a new connector. Raises BadInputError."""
    if not KIND.fullmatch(name):
        raise BadInputError(
            f"“{name}” cannot be its name: 2 to 40 small letters, digits and single hyphens, beginning with a letter, "
            "such as pigeon-post."
        )
    if name in CONNECTORS.ours:
        raise BadInputError(f"Postroom has a connector “{name}” itself, and it cannot be replaced. Take another name.")
    return name


def files_of(kind: str) -> dict[str, str]:
    """The files of a new package: path to content."""
    words = kind.split("-")
    package = "_".join(["postroom", *words])
    values = {
        "kind": kind,
        "package": package,
        "name": "".join(word.capitalize() for word in words),
        "title": " ".join(word.capitalize() for word in words),
        "interface": str(INTERFACE),
    }
    places = {
        "pyproject.toml": "pyproject.toml",
        f"{package}/__init__.py": "module.py",
        f"{package}/{kind}.md": "guide.md",
        f"tests/test_{'_'.join(words)}.py": "test.py",
    }
    return {path: Template(_starter(name)).substitute(values) for path, name in places.items()}


def _starter(name: str) -> str:
    return (resource("templates") / "connector" / f"{name}.txt").read_text(encoding="utf-8")
