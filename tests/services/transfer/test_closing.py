"""Closing a tenant holds from that moment on, for who was let in before as well."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.conftest import ADA, BOB
from webapp.connectors import CONNECTORS
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import ApprovalRequiredError, ClosedToChangesError, PostroomError
from webapp.domain.roles import Access, ChangesBy, TenantInfo
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.importing import GivenDocument, Importing
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import Plans

DOCUMENT: dict[str, Any] = {"defaultLanguage": "ja"}


@pytest.fixture
def under_way(tenants: Tenants, prod: TenantInfo) -> Access:
    """Ada's standing as it was when her request came in."""
    return tenants.access(ADA, "prod")


def close(tenants: Tenants, way: ChangesBy) -> None:
    tenants.change("prod", BOB, name="Production", editors_may_save_production=False, changes_by=way)


@pytest.mark.parametrize("way", [ChangesBy.APPROVAL, ChangesBy.PROMOTION])
def test_holds_for_a_save_that_is_under_way(
    under_way: Access, tenants: Tenants, setups: Setups, prod: TenantInfo, way: ChangesBy
) -> None:
    close(tenants, way)

    with pytest.raises(ClosedToChangesError):
        setups.save(under_way, DOCUMENT, base=0)

    assert setups.history(prod) == []


@pytest.mark.parametrize(
    ("way", "refusal"),
    [(ChangesBy.APPROVAL, ApprovalRequiredError), (ChangesBy.PROMOTION, ClosedToChangesError)],
)
def test_holds_for_a_plan_that_is_being_applied(
    under_way: Access,
    tenants: Tenants,
    setups: Setups,
    db: Database,
    vault: Vault,
    prod: TenantInfo,
    way: ChangesBy,
    refusal: type[PostroomError],
) -> None:
    planning = Planning(setups, CONNECTORS, Plans(db, vault))
    plan = Importing(setups, planning).plan(under_way, GivenDocument(setups.active(prod).document | DOCUMENT))
    close(tenants, way)

    with pytest.raises(refusal):
        planning.apply(under_way, plan.transfer.id, Confirmation())

    assert setups.history(prod) == []
