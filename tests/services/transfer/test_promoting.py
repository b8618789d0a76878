"""Promoting: from one tenant to another, part by part, with the secrets that may go along."""

from __future__ import annotations

from typing import Any

import pytest

from tests.canary import CANARY
from tests.services.conftest import ADA, BOB, PASSWORD, smtp
from webapp.connectors import CONNECTORS
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import (
    ForbiddenError,
    InputError,
    SecretRetypeRequiredError,
    SetupChangedMeanwhileError,
)
from webapp.domain.roles import Access, TenantInfo
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.promoting import Promoting, Promotion

SLOT = "smtp.auth.pass"
NEW = f"{CANARY}-of-production"
CELL = {"contentType": "text/plain", "subject": "Sign in", "content": "{{code}}"}


@pytest.fixture
def planning(db: Database, vault: Vault, setups: Setups) -> Planning:
    return Planning(setups, CONNECTORS, Plans(db, vault))


@pytest.fixture
def promoting(setups: Setups, planning: Planning) -> Promoting:
    return Promoting(setups, planning)


@pytest.fixture
def source(setups: Setups, ada: Access) -> Access:
    """Ada's development tenant, with a connector, a template of its own and a flow switched off."""
    document: dict[str, Any] = setups.active(ada.tenant).document
    document["connector"] = smtp()
    document["templates"]["SignIn"] = {"ja": CELL}
    document["flows"]["mfa"] = {"emailCode": False}
    document["verificationCode"]["length"] = 8
    setups.save(ada, document, base=None)
    return ada


@pytest.fixture
def target(tenants: Tenants, prod: TenantInfo) -> Access:
    return tenants.access(ADA, "prod")


def pointers(plan: Any) -> list[str]:
    return [change.pointer for change in plan.plan.changes]


def password(setups: Setups, access: Access) -> str:
    return setups.secrets(access, setups.active(access.tenant).number)["/connector/config/auth/pass"]


def _sendgrid() -> dict[str, Any]:
    return {"provider": "sendgrid", "config": {"apiKey": f"SG.{NEW}", "fromEmail": "no-reply@example.com"}}


def _mailgun() -> dict[str, Any]:
    config = {"apiKey": NEW, "domain": "mg.example.com", "fromEmail": "no-reply@mg.example.com"}
    return {"provider": "mailgun", "config": config}


class TestWhatGoes:
    def test_connector_and_templates_go_and_what_end_users_may_do_stays(self, promoting, source, target):
        plan = promoting.plan(source, target, Promotion())

        assert any(pointer.startswith("/connector") for pointer in pointers(plan))
        assert any(pointer.startswith("/templates/SignIn") for pointer in pointers(plan))
        assert not any(
            pointer.startswith(("/flows", "/verificationCode", "/addressPolicy")) for pointer in pointers(plan)
        )

    def test_named_they_go_as_well(self, promoting, source, target):
        plan = promoting.plan(source, target, Promotion(only=["/flows", "/verificationCode/length"]))

        assert pointers(plan) == ["/flows/mfa/emailCode", "/verificationCode/length"]

    def test_a_single_cell_can_be_promoted(self, promoting, planning, setups, source, target):
        plan = promoting.plan(source, target, Promotion(only=["/templates/SignIn/ja"]))
        planning.apply(target, plan.id, Confirmation())

        cells = setups.active(target.tenant).setup.templates["SignIn"]
        assert set(cells) == {"*", "ja"}

    def test_what_is_left_stays_the_targets(self, promoting, source, target):
        plan = promoting.plan(source, target, Promotion(leave=["/connector", "/templates/SignIn"]))

        assert pointers(plan) == []

    def test_what_the_source_has_not_is_taken_out(self, promoting, source, target):
        plan = promoting.plan(source, target, Promotion(only=["/templates/SignIn/*"]))

        assert [(change.pointer, change.kind) for change in plan.plan.changes] == [("/templates/SignIn/*", "removed")]

    @pytest.mark.parametrize("pointer", ["/nowhere", "/templates/SignIn/xx", "/connector/config/host/x"])
    def test_a_pointer_that_leads_nowhere_is_refused_at_its_place(self, promoting, source, target, pointer):
        with pytest.raises(InputError) as caught:
            promoting.plan(source, target, Promotion(only=["/templates", pointer]))

        assert [error.pointer for error in caught.value.errors] == ["/only/1"]

    def test_a_tenant_is_not_promoted_to_itself(self, promoting, source):
        with pytest.raises(InputError, match="same tenant"):
            promoting.plan(source, source, Promotion())


class TestSecrets:
    def test_none_goes_by_itself(self, promoting, source, target):
        assert promoting.plan(source, target, Promotion()).missing == (SLOT,)

    def test_copied_it_is_the_sources(self, promoting, planning, setups, source, target):
        plan = promoting.plan(source, target, Promotion(secrets={SLOT: "copy"}))
        planning.apply(target, plan.id, Confirmation(reason="first"))

        assert password(setups, target) == PASSWORD

    def test_typed_it_is_the_typed_one(self, promoting, planning, setups, source, target):
        plan = promoting.plan(source, target, Promotion(secrets={SLOT: {"value": NEW}}))
        planning.apply(target, plan.id, Confirmation(reason="first"))

        assert password(setups, target) == NEW

    def test_the_targets_own_stays_where_the_place_is_the_same(self, promoting, planning, setups, source, target):
        own = smtp(auth={"type": "login", "user": "prod", "pass": NEW})
        setups.save(target, {"connector": own}, base=None, reason="first")

        plan = promoting.plan(source, target, Promotion())
        planning.apply(target, plan.id, Confirmation(reason="user name"))

        assert plan.missing == ()
        assert password(setups, target) == NEW

    def test_only_an_owner_of_both_copies(self, promoting, tenants, setups, source, target):
        bob = tenants.access(BOB, "dev")

        with pytest.raises(ForbiddenError, match="owns both"):
            promoting.plan(bob, target, Promotion(secrets={SLOT: "copy"}))
        with pytest.raises(ForbiddenError, match="owns both"):
            promoting.plan(source, tenants.access(BOB, "prod"), Promotion(secrets={SLOT: "copy"}))

    def test_nothing_is_copied_out_of_production(self, promoting, setups, source, target):
        setups.save(target, {"connector": smtp(host="smtp.example.net")}, base=None, reason="first")

        with pytest.raises(ForbiddenError, match="never copied"):
            promoting.plan(target, source, Promotion(secrets={SLOT: "copy"}))

    @pytest.mark.parametrize(
        "changed",
        [
            {"host": "smtp.attacker.example"},
            {"security": "none", "insecureAuthReason": "lab", "allowInsecureAuth": True},
        ],
        ids=["another host", "in clear"],
    )
    def test_a_copied_secret_follows_no_changed_destination(self, promoting, setups, source, target, changed):
        setups.save(target, {"connector": smtp(**changed)}, base=None, reason="first")

        with pytest.raises(SecretRetypeRequiredError) as caught:
            promoting.plan(source, target, Promotion(only=["/templates"], secrets={SLOT: "copy"}))

        assert [error.pointer for error in caught.value.errors] == [f"/secrets/{SLOT}"]

    def test_a_copied_secret_of_another_provider_is_not_put_at_the_same_place(self, promoting, setups, source, target):
        setups.save(source, {"connector": _sendgrid()}, base=None)
        setups.save(target, {"connector": _mailgun()}, base=None, reason="first")

        with pytest.raises(SecretRetypeRequiredError):
            promoting.plan(source, target, Promotion(only=["/templates"], secrets={"mailgun.apiKey": "copy"}))

    def test_a_slot_that_the_source_has_not_is_refused(self, promoting, source, target):
        with pytest.raises(InputError) as caught:
            promoting.plan(source, target, Promotion(secrets={"smtp.auth.refreshToken": "copy"}))

        assert [error.pointer for error in caught.value.errors] == ["/secrets/smtp.auth.refreshToken"]


class TestApplying:
    def test_history_says_where_it_came_from(self, promoting, planning, setups, source, target):
        plan = promoting.plan(source, target, Promotion(secrets={SLOT: "copy"}))
        done = planning.apply(target, plan.id, Confirmation(note="release 7", reason="first"))

        line = setups.history(target.tenant)[0]
        assert (line.number, line.origin, line.origin_detail, line.note) == (done.number, "promote", "dev", "release 7")

    def test_a_change_in_the_target_meanwhile_leaves_all_as_it_is(self, promoting, planning, setups, source, target):
        plan = promoting.plan(source, target, Promotion(secrets={SLOT: "copy"}))
        setups.save(target, {"defaultLanguage": "ja"}, base=None)

        with pytest.raises(SetupChangedMeanwhileError):
            planning.apply(target, plan.id, Confirmation(reason="first"))

        assert setups.active(target.tenant).setup.connector is None

    def test_a_second_time_there_is_nothing_to_do(self, promoting, planning, source, target):
        plan = promoting.plan(source, target, Promotion(secrets={SLOT: "copy"}))
        planning.apply(target, plan.id, Confirmation(reason="first"))

        assert pointers(promoting.plan(source, target, Promotion())) == []
