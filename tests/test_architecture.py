"""The layers of the design, where import-linter's lists could be forgotten."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest

from webapp.connectors import CONNECTORS

ROOT = Path(__file__).parents[1]
KINDS = [kind.replace("-", "_") for kind in CONNECTORS.ours]
EVERYBODY = {"webapp.connectors"}
"""What knows every connector: the package itself, with its catalogue."""


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("webapp", cache_dir=None)


def linted(name: str) -> dict[str, Any]:
    """A contract of import-linter."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract["name"] == name)


def owner(module: str) -> str | None:
    """The connector that a module belongs to, by its name; None for what they share."""
    name = module.removeprefix("webapp.connectors.").partition(".")[0]
    longest_first = sorted(KINDS, key=len, reverse=True)
    return next((kind for kind in longest_first if name == kind or name.startswith(f"{kind}_")), None)


def test_import_linter_knows_every_connector() -> None:
    assert linted("No connector imports another")["modules"] == sorted(f"webapp.connectors.{kind}" for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_module_of_a_connector_imports_one_of_another(kind: str) -> None:
    mine = [module for module in imports().modules if module.startswith("webapp.connectors.") and owner(module) == kind]

    crossing = [
        f"{module} → {imported}"
        for module in mine
        for imported in imports().find_modules_directly_imported_by(module)
        if imported in EVERYBODY or (imported.startswith("webapp.connectors.") and owner(imported) not in (None, kind))
    ]

    assert mine
    assert crossing == []


def test_what_connectors_share_knows_none_of_them() -> None:
    shared = [
        module
        for module in imports().modules
        if module.startswith("webapp.connectors.")
        and owner(module) is None
        and not module.startswith("webapp.connectors.contract")
    ]

    knowing = [
        f"{module} → {imported}"
        for module in shared
        for imported in imports().find_modules_directly_imported_by(module)
        if imported in EVERYBODY or (imported.startswith("webapp.connectors.") and owner(imported))
    ]

    assert knowing == []


def test_only_tests_import_the_contract() -> None:
    contract = {module for module in imports().modules if module.startswith("webapp.connectors.contract")}

    users = {user for module in contract for user in imports().find_modules_that_directly_import(module)}

    assert users <= contract


def test_the_package_itself_imports_nothing() -> None:
    assert imports().find_modules_directly_imported_by("webapp") == set()


def test_every_layer_of_the_package_stands_in_the_picture() -> None:
    layers = linted("Layers: entry points, services, the outside world and storage, domain")["layers"]
    drawn = {name.strip() for layer in layers for name in layer.split("|")}

    assert {path.removeprefix("webapp.") for path in imports().find_children("webapp")} == drawn
