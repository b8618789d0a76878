"""Secrets of plans that the operator lends: named where they may go, and only there."""

from __future__ import annotations

import pytest

from tests.canary import CANARY
from webapp.connectors import CONNECTORS
from webapp.domain.errors import SecretUnavailableError
from webapp.services.transfer.importing import GivenDocument, Importing
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.promoting import Promoting, Promotion

SLOT = "smtp.auth.pass"
LENT = f"{CANARY}-lent"


@pytest.fixture
def environ():
    """What the operator lends: one for the host of these tests, one for another, one to another tenant."""
    return {
        "POSTROOM_SECRET__DEV__RELAY": LENT,
        "POSTROOM_SECRET__DEV__RELAY__FOR": "smtp.example.com",
        "POSTROOM_SECRET__DEV__ELSEWHERE": f"{CANARY}-elsewhere",
        "POSTROOM_SECRET__DEV__ELSEWHERE__FOR": "smtp.example.net",
        "POSTROOM_SECRET__PROD__OTHER": f"{CANARY}-other",
        "POSTROOM_SECRET__PROD__OTHER__FOR": "smtp.example.com",
    }


@pytest.fixture
def planning(setups, db, vault):
    return Planning(setups, CONNECTORS, Plans(db, vault))


@pytest.fixture
def importing(setups, planning):
    return Importing(setups, planning)


@pytest.fixture
def slotted(document):
    found = document()
    found["connector"]["config"]["auth"]["pass"] = {"$secret": {"slot": SLOT}}
    return found


def lent(name):
    return {SLOT: {"env": name}}


def test_only_what_may_go_there_is_named(importing, ada, ada_in_prod, slotted):
    here, there = (importing.plan(each, GivenDocument(slotted)).transfer.slots for each in (ada, ada_in_prod))

    assert [slot.lendable for slot in here] == [("RELAY",)]
    assert [slot.lendable for slot in there] == [("OTHER",)]


def test_a_lent_one_is_named_in_the_setup_and_not_stored(importing, planning, setups, ada, slotted):
    plan = importing.plan(ada, GivenDocument(slotted, lent("RELAY"))).transfer

    saved = planning.apply(ada, plan.id, Confirmation())

    assert (plan.missing, [slot.way for slot in plan.slots]) == ((), ["lent"])
    assert saved.stored.document["connector"]["config"]["auth"]["pass"] == {"$secret": {"env": "RELAY"}}
    assert setups.secrets(ada, saved.number) == {}
    assert setups.resolve(ada.tenant).config.auth.password.get_secret_value() == LENT


@pytest.mark.parametrize("name", ["ELSEWHERE", "OTHER", "NOTHING", "", "relay", "A__FOR"])
def test_unset_and_forbidden_are_one_and_the_same_error(importing, ada, slotted, name):
    with pytest.raises(SecretUnavailableError) as raised:
        importing.plan(ada, GivenDocument(slotted, lent(name)))

    assert [error.pointer for error in raised.value.errors] == ["/connector/config/auth/pass"]
    assert str(raised.value) == str(_refusal(importing, ada, slotted))


def _refusal(importing, ada, slotted):
    with pytest.raises(SecretUnavailableError) as raised:
        importing.plan(ada, GivenDocument(slotted, lent("UNSET")))
    return raised.value


def test_what_was_chosen_outlives_planning_again(importing, ada, slotted):
    first = importing.plan(ada, GivenDocument(slotted, lent("RELAY"))).transfer

    again = importing.again(ada, first.id, {}).transfer

    assert [(slot.way, slot.lent) for slot in again.slots] == [("lent", "RELAY")]


def test_a_promotion_borrows_in_its_target(setups, planning, ada, ada_in_prod, document):
    setups.save(ada, document(), base=None)
    promoting = Promoting(setups, planning)

    place = promoting.places(ada, ada_in_prod, Promotion(["/connector"]))[0]
    plan = promoting.plan(ada, ada_in_prod, Promotion(["/connector"], secrets=lent("OTHER")))

    assert place.lendable == ("OTHER",)
    assert plan.missing == ()
    assert promoting.typed(ada_in_prod, plan.id, [place]) == {}


def test_what_is_lent_to_the_source_alone_is_asked_for_in_the_target(
    importing, planning, setups, ada, ada_in_prod, slotted
):
    plan = importing.plan(ada, GivenDocument(slotted, lent("RELAY"))).transfer
    planning.apply(ada, plan.id, Confirmation())
    promoting = Promoting(setups, planning)
    connector = Promotion(["/connector"])

    place = promoting.places(ada, ada_in_prod, connector)[0]
    asked = promoting.plan(ada, ada_in_prod, connector)
    typed = Promotion(["/connector"], secrets={SLOT: {"value": f"{CANARY}-typed"}})

    assert (place.slot, place.copyable, place.lendable) == (SLOT, False, ("OTHER",))
    assert asked.missing == (SLOT,)
    assert promoting.plan(ada, ada_in_prod, typed).missing == ()


def test_what_is_lent_to_both_by_one_name_is_borrowed_there_too(
    importing, planning, setups, ada, ada_in_prod, slotted, environ
):
    environ["POSTROOM_SECRET__PROD__RELAY"] = f"{CANARY}-of-prod"
    environ["POSTROOM_SECRET__PROD__RELAY__FOR"] = "smtp.example.com"
    plan = importing.plan(ada, GivenDocument(slotted, lent("RELAY"))).transfer
    planning.apply(ada, plan.id, Confirmation())

    promoted = Promoting(setups, planning).plan(ada, ada_in_prod, Promotion(["/connector"]))

    assert promoted.missing == ()
    assert promoted.plan.document["connector"]["config"]["auth"]["pass"] == {"$secret": {"env": "RELAY"}}
