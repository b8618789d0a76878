"""The same setup is the same bytes in every process, however Python's sets and maps happen to lie there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.conftest import ADA
from tests.services.transfer.house import LONG, House, examples
from tests.services.transfer.setups import CONFIGS
from tests.services.transfer.setups import setups as any_setup
from webapp.connectors import CONNECTORS
from webapp.db.session import Database
from webapp.db.vault import vault_of
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.writing import as_json, as_yaml

CHILD = "from tests.services.transfer.test_same_bytes import export_all; export_all()"
SEEDS = ("0", "1", "2", "4294967295") if LONG else ("0", "1")


def exports(house: House) -> str:
    """What every tenant exports, in both ways of writing, one after the other."""
    tenants = [house.tenants.access(ADA, tenant.slug) for tenant in house.tenants.all()]
    documents = [house.exporting.shown(access) for access in tenants]
    return "\n".join(as_json(document) + as_yaml(document) for document in documents)


def export_all() -> None:
    """What the child does."""
    db = Database(os.environ["DATABASE_URL"])
    vault = vault_of(db, [os.environ["POSTROOM_SECRET_KEYS"]])
    sys.stdout.buffer.write(exports(House(db, vault, Setups(db, vault, CONNECTORS), Tenants(db, vault))).encode())


@pytest.fixture
def many(house: House) -> House:
    """A tenant of each provider and more, each with a setup drawn at random."""

    @examples(3, 50)
    @given(data=st.data())
    def save(data: st.DataObject) -> None:
        for kind in CONFIGS:
            house.with_setup(data.draw(any_setup(kind)))

    save()
    return house


def test_an_export_is_the_same_in_every_process(many: House, database_file: Path, keys: list[str]):
    here = exports(many)

    for seed in SEEDS:
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "DATABASE_URL": f"sqlite:///{database_file}",
            "POSTROOM_SECRET_KEYS": keys[0],
        }
        there = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, env=environment, timeout=60)
        assert there.returncode == 0, there.stderr.decode()
        assert there.stdout == here.encode()


def test_keys_in_another_order_are_the_same_bytes(many: House):
    for tenant in many.tenants.all()[:8]:
        document = many.setups.active(tenant).document
        turned = many.tenant()
        secrets = many.setups.secrets(many.tenants.access(ADA, tenant.slug), 1)

        many.setups.save(turned, _reversed(_with(document, secrets)), base=0)

        original = many.tenants.access(ADA, tenant.slug)
        assert as_json(many.exporting.shown(turned)) == as_json(many.exporting.shown(original))


def _with(document: dict, secrets: dict[str, str]) -> dict:
    for pointer, value in secrets.items():
        *path, last = pointer.split("/")[1:]
        inner = document
        for step in path:
            inner = inner[step]
        inner[last] = value
    return document


def _reversed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _reversed(part) for key, part in reversed(value.items())}
    return value
