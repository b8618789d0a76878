"""Documents that an earlier Postroom exported: each is still read, and its setup exported as the same bytes.

When a new setting makes this fail, the export has to leave the setting out while it has its default; the documents
here stay as they are. When the format itself changes, it gets a new version, a reader for this one, and a folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.canary import CANARY
from tests.services.conftest import ADA
from webapp.connectors import CONNECTORS
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.roles import Access, Role, TenantInfo
from webapp.services.audit import Audit
from webapp.services.setups import Setups
from webapp.services.transfer.exporting import Exporting
from webapp.services.transfer.importing import GivenDocument, Importing
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.writing import as_json

VERSION_1 = {path.stem: path for path in sorted((Path(__file__).parent / "version_1").glob("*.json"))}


def test_there_is_a_document_of_each_provider_of_that_version():
    assert VERSION_1.keys() <= CONNECTORS.keys()
    assert len(VERSION_1) == 8


@pytest.mark.parametrize("kind", VERSION_1)
def test_a_document_of_version_1_is_read_and_written_as_the_same_bytes(
    kind: str, setups: Setups, dev: TenantInfo, db: Database, vault: Vault
):
    access = Access(ADA, dev, Role.OWNER)
    planning = Planning(setups, CONNECTORS, Plans(db, vault))
    importing = Importing(setups, planning)
    text = VERSION_1[kind].read_text(encoding="utf-8")
    missing = importing.plan(access, GivenDocument(text)).transfer.missing
    secrets = {slot: {"value": f"{CANARY}-{slot}"} for slot in missing}

    plan = importing.plan(access, GivenDocument(text, secrets)).transfer
    planning.apply(access, plan.id, Confirmation(allow_breaking=True))

    assert plan.missing == ()
    assert as_json(Exporting(db, setups, Audit()).export(access)) == text
    assert json.loads(text)["setup"]["connector"]["provider"] == kind
