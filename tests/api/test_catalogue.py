"""Providers over the API."""

from __future__ import annotations

from tests.api.conftest import API, House, smtp
from webapp.domain.roles import Scope


def test_the_list_says_what_each_is_for(ada: API) -> None:
    providers = ada.get("/providers").json

    (smtp_provider,) = [each for each in providers if each["kind"] == "smtp"]
    assert smtp_provider["rendering"] == "here"
    assert smtp_provider["summary"]


def test_a_provider_comes_with_schema_presets_and_guide(ada: API) -> None:
    provider = ada.get("/providers/smtp").json

    assert set(provider["configSchema"]["properties"]) >= set(smtp()["config"])
    assert {"gmail"} <= {preset["id"] for preset in provider["presets"]}
    assert provider["guide"]


def test_a_preset_names_its_kind_and_every_region(ada: API) -> None:
    presets = {preset["id"]: preset for preset in ada.get("/providers/smtp").json["presets"]}

    regions = [other for other in presets["amazon-ses"]["alternatives"] if other["region"]]
    assert presets["gmail"]["kind"] == "mailbox"
    assert len(regions) == 18
    assert regions[0] == {
        "title": "US East (N. Virginia)",
        "config": {"host": "email-smtp.us-east-1.amazonaws.com"},
        "region": True,
    }


def test_secrets_are_marked_in_the_schema(ada: API) -> None:
    schema = ada.get("/providers/smtp").json["configSchema"]

    assert schema["$defs"]["LoginAuth"]["properties"]["pass"]["secret"] is True


def test_a_token_of_any_scope_may_look(house: House) -> None:
    assert house.api("dev", scopes=(Scope.SEND,)).get("/providers").status_code == 200


def test_a_tenant_says_whether_it_can_send(ada: API) -> None:
    before = ada.get("/tenants/dev").json
    ada.put("/tenants/dev/setup", json={"connector": smtp()})

    after = ada.get("/tenants/dev").json

    assert (before["state"], before["activeRevision"]) == ("not_set_up", 0)
    assert (after["state"], after["activeRevision"]) == ("not_proven", 1)
    assert after["environment"] == "development"
