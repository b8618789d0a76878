"""What the tests of moving setups share."""

from __future__ import annotations

import pytest

from tests.services.transfer.house import House
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants


@pytest.fixture
def house(db: Database, vault: Vault, setups: Setups, tenants: Tenants) -> House:
    """The services, and a fresh tenant of Ada's for each example."""
    return House(db, vault, setups, tenants)
