"""Deleting the connector: it says what breaks, and wants the name typed."""

from __future__ import annotations

import pytest

from tests.web.conftest import Browser, House
from tests.web.filling import FORM, fill
from tests.web.test_review import save

DELETE = f"{FORM}/delete"


@pytest.fixture
def set_up(ada: Browser) -> Browser:
    fill(ada)
    save(ada)
    return ada


def test_it_names_the_flows_that_stop(set_up: Browser) -> None:
    page = set_up.get(DELETE).text

    assert "6 flows that are on stop working" in page
    assert "Password reset by email" in page


def test_the_name_has_to_be_typed(house: House, set_up: Browser) -> None:
    set_up.get(DELETE)

    answer = set_up.post(DELETE, {"name": "Production", "base": set_up.field("base")})

    assert answer.status_code == 422
    assert "This is not the name" in answer.text
    assert house.services.setups.active(house.tenant("dev")).setup.connector


def test_it_is_deleted_and_can_be_undone(house: House, set_up: Browser) -> None:
    set_up.get(DELETE)

    answer = set_up.post(DELETE, {"name": "development ", "base": set_up.field("base")})
    page = set_up.get(answer.location).text

    assert house.services.setups.active(house.tenant("dev")).setup.connector is None
    assert "The connector is deleted" in page
    assert "/t/dev/history/1/restore" in page


def test_without_a_connector_there_is_nothing_to_delete(ada: Browser) -> None:
    assert ada.get(DELETE).status_code == 409


def test_only_an_owner_deletes(set_up: Browser, bob: Browser) -> None:
    assert bob.get(DELETE).status_code == 403
    assert bob.post(DELETE).status_code == 403
