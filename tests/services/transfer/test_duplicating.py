"""Tenants that begin as a copy of another, whose secrets stay behind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.canary import CANARY
from tests.services.conftest import ADA, MALLORY, smtp
from webapp.connectors import CONNECTORS
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import ConflictError, InputError, NotFoundError
from webapp.domain.roles import OPERATOR, Access, Actor, Role, TenantInfo
from webapp.services.audit import Audit
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.duplicating import Duplicating, Wish
from webapp.services.transfer.importing import Importing
from webapp.services.transfer.planning import Confirmation, Planning
from webapp.services.transfer.plans import Plans

ROOT = Actor("person", 9, "root@example.com", administrator=True)
BARE: dict[str, Any] = {
    "provider": "smtp",
    "config": {
        "host": "smtp.example.com",
        "port": 587,
        "security": "starttls",
        "auth": {"type": "none"},
        "fromEmail": "no-reply@example.com",
    },
}


@pytest.fixture
def planning(db: Database, vault: Vault, setups: Setups) -> Planning:
    return Planning(setups, CONNECTORS, Plans(db, vault))


@pytest.fixture
def importing(setups: Setups, planning: Planning) -> Importing:
    return Importing(setups, planning)


@pytest.fixture
def duplicating(tenants: Tenants, setups: Setups, importing: Importing) -> Duplicating:
    return Duplicating(tenants, setups, importing)


@pytest.fixture
def live(setups: Setups, ada: Access, document: Any) -> dict[str, Any]:
    """What is live in Ada's development tenant."""
    setups.save(ada, document() | {"defaultLanguage": "ja", "flows": {"mfa": {"emailCode": True}}}, base=None)
    return setups.active(ada.tenant).document


def without_connector(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"connector": None, "fallback": None}


class TestCopy:
    def test_has_at_once_all_that_needs_no_secret(
        self, duplicating: Duplicating, setups: Setups, ada: Access, live: dict[str, Any]
    ) -> None:
        made = duplicating.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)

        assert made.tenant.active_revision == 1
        assert setups.active(made.tenant).document == without_connector(live)

    def test_says_where_it_is_from(
        self, duplicating: Duplicating, setups: Setups, db: Database, ada: Access, live: dict[str, Any]
    ) -> None:
        made = duplicating.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)

        (first,) = setups.history(made.tenant)
        assert (first.origin, first.origin_detail, first.transfer) == (
            "duplicate",
            "dev",
            {"from": "dev", "revision": 1},
        )
        assert [event.action for event in Audit().events(db, made.tenant.id)] == ["setup.duplicated", "tenant.added"]

    def test_the_maker_owns_it(self, duplicating: Duplicating, tenants: Tenants, ada: Access, live: Any) -> None:
        made = duplicating.make(Wish("stage", "Staging", "production", ada), ADA, owner=ADA.id)

        assert tenants.access(ADA, "stage").role is Role.OWNER
        assert [member.person_id for member in tenants.members(made.tenant.id)] == [ADA.id]

    def test_secrets_stay_behind_and_are_listed(
        self, duplicating: Duplicating, setups: Setups, ada: Access, live: Any
    ) -> None:
        made = duplicating.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)

        assert made.waits
        assert made.left == ("smtp.auth.pass",)
        assert setups.secrets(Access(ADA, made.tenant, Role.OWNER), 1) == {}

    def test_typing_them_finishes_it(
        self,
        duplicating: Duplicating,
        importing: Importing,
        planning: Planning,
        setups: Setups,
        ada: Access,
        live: dict[str, Any],
    ) -> None:
        made = duplicating.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)
        there = Access(ADA, made.tenant, Role.OWNER)

        plan = importing.again(there, made.plan or "", {"smtp.auth.pass": f"{CANARY}-anew"})
        planning.apply(there, plan.transfer.id, Confirmation())

        assert setups.secrets(there, 2) == {"/connector/config/auth/pass": f"{CANARY}-anew"}
        assert setups.active(made.tenant).setup.connector is not None

    def test_a_connector_without_secrets_comes_along(
        self, duplicating: Duplicating, setups: Setups, ada: Access, document: Any
    ) -> None:
        setups.save(ada, document() | {"connector": BARE}, base=None)

        made = duplicating.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)

        assert (made.waits, made.plan) == (False, None)
        assert setups.active(made.tenant).document == setups.active(ada.tenant).document

    def test_into_production_it_waits_for_a_proof(
        self, duplicating: Duplicating, setups: Setups, ada: Access, document: Any
    ) -> None:
        setups.save(ada, document() | {"connector": BARE}, base=None)

        made = duplicating.make(Wish("stage", "Staging", "production", ada), ADA, owner=ADA.id)

        assert (made.waits, made.left) == (True, ())
        assert made.plan
        assert setups.active(made.tenant).setup.connector is None

    def test_of_a_tenant_where_nothing_was_saved_is_empty(
        self, duplicating: Duplicating, setups: Setups, ada: Access
    ) -> None:
        made = duplicating.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)

        assert (made.tenant.active_revision, made.waits) == (0, False)


class TestLentSecrets:
    @pytest.fixture
    def lent(self, setups: Setups, ada: Access, document: Any, environ: dict[str, str]) -> None:
        environ["POSTROOM_SECRET__DEV__RELAY"] = f"{CANARY}-lent"
        environ["POSTROOM_SECRET__DEV__RELAY__FOR"] = "smtp.example.com"
        login = {"type": "login", "user": "ada", "pass": {"$secret": {"env": "RELAY"}}}
        setups.save(ada, document() | {"connector": smtp(auth=login)}, base=None)

    def test_of_the_other_tenant_are_asked_for(
        self, duplicating: Duplicating, setups: Setups, ada: Access, lent: None
    ) -> None:
        made = duplicating.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)

        assert made.lent == ("RELAY",)
        assert made.left == ("smtp.auth.pass",)
        assert setups.active(made.tenant).setup.connector is None

    def test_lent_to_both_they_come_along(
        self, duplicating: Duplicating, setups: Setups, ada: Access, lent: None, environ: dict[str, str]
    ) -> None:
        environ["POSTROOM_SECRET__STAGE__RELAY"] = f"{CANARY}-lent-too"
        environ["POSTROOM_SECRET__STAGE__RELAY__FOR"] = "smtp.example.com"

        made = duplicating.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)

        assert not made.waits
        assert setups.resolve(made.tenant).config.auth.password.get_secret_value() == f"{CANARY}-lent-too"  # type: ignore[attr-defined]


class TestRefusals:
    def test_a_taken_short_name_leaves_nothing(
        self, duplicating: Duplicating, tenants: Tenants, ada: Access, live: Any
    ) -> None:
        with pytest.raises(ConflictError) as refusal:
            duplicating.make(Wish("dev", "Again", "development", ada), ADA, owner=ADA.id)

        assert refusal.value.errors[0].pointer == "/slug"
        assert [tenant.slug for tenant in tenants.all()] == ["dev"]

    def test_an_archived_tenant_keeps_its_short_name(
        self, duplicating: Duplicating, tenants: Tenants, prod: TenantInfo, ada: Access
    ) -> None:
        tenants.archive("prod", ADA)

        with pytest.raises(ConflictError) as refusal:
            duplicating.make(Wish("prod", "Again", "development"), ADA)

        assert "archived" in str(refusal.value.detail)

    def test_odd_names_are_refused_first(self, duplicating: Duplicating, tenants: Tenants, ada: Access) -> None:
        with pytest.raises(InputError) as refusal:
            duplicating.make(Wish("A b", "", "nowhere", ada), ADA, owner=ADA.id)

        assert {error.pointer for error in refusal.value.errors} == {"/slug", "/name", "/environment"}
        assert [tenant.slug for tenant in tenants.all()] == ["dev"]

    def test_a_copy_that_cannot_be_saved_leaves_no_tenant(
        self, db: Database, vault: Vault, tenants: Tenants, importing: Importing, ada: Access, live: Any
    ) -> None:
        class Refusing(Setups):
            def begin(self, *_given: object, **_more: object) -> None:
                raise InputError

        refusing = Duplicating(tenants, Refusing(db, vault, CONNECTORS), importing)

        with pytest.raises(InputError):
            refusing.make(Wish("stage", "Staging", "development", ada), ADA, owner=ADA.id)

        assert [tenant.slug for tenant in tenants.all()] == ["dev"]

    def test_what_is_not_installed_stays_behind(
        self, db: Database, vault: Vault, tenants: Tenants, setups: Setups, ada: Access, live: Any
    ) -> None:
        fewer = {kind: CONNECTORS[kind] for kind in CONNECTORS if kind != "smtp"}
        poorer = Setups(db, vault, fewer, Audit(), environ={})
        importing = Importing(poorer, Planning(poorer, fewer, Plans(db, vault)))

        made = Duplicating(tenants, poorer, importing).make(Wish("stage", "Staging", "development", ada), ADA)

        assert (made.waits, made.plan) == (True, None)
        assert made.tenant.active_revision == 1


class TestWho:
    def test_an_administrator_copies_what_they_may_read(
        self, duplicating: Duplicating, tenants: Tenants, ada: Access, live: Any
    ) -> None:
        made = duplicating.make(Wish("stage", "Staging", "development", tenants.access(ROOT, "dev")), ROOT, owner=9)

        assert made.left == ("smtp.auth.pass",)

    def test_others_do_not_even_find_it(self, tenants: Tenants, ada: Access) -> None:
        with pytest.raises(NotFoundError):
            tenants.access(MALLORY, "dev")

    def test_the_operator_may(self, duplicating: Duplicating, tenants: Tenants, ada: Access, live: Any) -> None:
        made = duplicating.make(Wish("stage", "Staging", "production", tenants.access(OPERATOR, "dev")), OPERATOR)

        assert tenants.members(made.tenant.id) == []
