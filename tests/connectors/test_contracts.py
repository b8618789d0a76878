"""Every connector of ours is complete: nothing about it can be forgotten."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from webapp.connectors import CONNECTORS
from webapp.connectors.belongings import guide_of, is_ours, logo_of
from webapp.connectors.contract import TROUBLES, ConnectorContract
from webapp.resources import resource

every_kind = pytest.mark.parametrize("kind", sorted(CONNECTORS.ours))


def contracts(kind: str) -> list[type[ConnectorContract]]:
    """The classes that hold a connector against the contract, in the test that has its name."""
    module = importlib.import_module(f"tests.connectors.test_{kind.replace('-', '_')}")
    return [
        found
        for name, found in vars(module).items()
        if name.startswith("Test") and inspect.isclass(found) and issubclass(found, ConnectorContract)
    ]


@every_kind
def test_it_is_held_against_the_contract(kind: str) -> None:
    assert CONNECTORS[kind] in [contract.connector for contract in contracts(kind)]


@every_kind
def test_each_of_the_six_troubles_is_told_apart(kind: str) -> None:
    for contract in contracts(kind):
        assert set(contract.troubles) == set(TROUBLES)
        assert len({contract.troubles[name].problem for name in TROUBLES[2:]}) >= 3


@every_kind
def test_no_rule_of_the_contract_is_taken_back(kind: str) -> None:
    asked = {name for name in dir(ConnectorContract) if name.startswith("test_")}

    assert [name for contract in contracts(kind) for name in asked if name in vars(contract)] == []


@every_kind
def test_it_is_found_by_its_name(kind: str) -> None:
    connector = CONNECTORS[kind]

    assert connector.kind == kind
    assert is_ours(connector)
    assert connector.__module__ == f"webapp.connectors.{kind.replace('-', '_')}"


@every_kind
def test_it_has_a_guide_and_a_logo_of_its_name(kind: str) -> None:
    guide = guide_of(CONNECTORS[kind])

    assert guide
    assert f"{{{{settings {kind}}}}}" in guide
    assert logo_of(CONNECTORS[kind]), "draw one, or a letter in the provider's colour"


def test_no_two_kinds_share_a_title() -> None:
    titles = [CONNECTORS[kind].title for kind in CONNECTORS.ours]

    assert len(set(titles)) == len(titles)


def test_every_rule_file_belongs_to_a_connector() -> None:
    folder = resource("templates").parent / "webapp" / "connectors"
    of_a_kind = {kind.replace("-", "_") for kind in CONNECTORS.ours}

    found = [Path(path).relative_to(folder) for path in folder.rglob("*.toml")]

    assert {path.parts[0].removesuffix(".toml") for path in found} <= of_a_kind
