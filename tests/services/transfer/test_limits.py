"""Plans and passphrases are limited: each costs work and room."""

from __future__ import annotations

import pytest

from tests.canary import CANARY
from webapp.connectors import CONNECTORS
from webapp.domain.errors import LimitedError, PassphraseError
from webapp.domain.roles import OPERATOR, Access, Role
from webapp.domain.tenant_document import TenantDocument
from webapp.services.limits import Limits
from webapp.services.transfer.importing import OPENING_LIMIT, GivenDocument, Importing
from webapp.services.transfer.planning import PLAN_LIMIT, Planning
from webapp.services.transfer.plans import Plans

# Its work factor is refused before anything is tried, so that these tests need not wait for it.
COSTLY = (
    "-----BEGIN AGE ENCRYPTED FILE-----\n"
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBBQUFBQUFBQUFBQUFBQUFBQUFBQUFBIDIyCg==\n"
    "-----END AGE ENCRYPTED FILE-----"
)


@pytest.fixture
def importing(setups, db, vault):
    limits = Limits(db, vault)
    return Importing(setups, Planning(setups, CONNECTORS, Plans(db, vault), limits), limits)


def test_plans_of_one_person_in_a_tenant_are_limited(importing, ada, bob, ada_in_prod, document):
    given = GivenDocument(document())
    for _ in range(PLAN_LIMIT.amount):
        importing.plan(ada, given)

    with pytest.raises(LimitedError) as raised:
        importing.plan(ada, given)

    assert 0 < raised.value.retry_after <= PLAN_LIMIT.seconds
    assert importing.plan(bob, given)
    assert importing.plan(ada_in_prod, given)


def test_the_operator_is_not_limited(importing, dev, document):
    operator, given = Access(OPERATOR, dev, Role.OWNER), GivenDocument(document())

    for _ in range(PLAN_LIMIT.amount + 1):
        importing.plan(operator, given)


def test_what_was_typed_can_still_be_kept(importing, ada, document):
    for _ in range(PLAN_LIMIT.amount):
        plan = importing.plan(ada, GivenDocument(document())).transfer

    kept = importing.again(ada, plan.id, {}, counted=False)

    assert importing.look(ada, kept.transfer.id)


def test_passphrases_in_a_tenant_are_limited(importing, ada, bob, document):
    sealed = GivenDocument(TenantDocument(document(), COSTLY).to_json(), phrase=f"{CANARY} guess")
    for _ in range(OPENING_LIMIT.amount):
        with pytest.raises(PassphraseError):
            importing.plan(ada, sealed)

    with pytest.raises(LimitedError):
        importing.plan(bob, sealed)
