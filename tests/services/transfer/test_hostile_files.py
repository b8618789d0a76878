"""Whatever file is given: a refusal in words with pointers, or a harmless plan; and nothing is applied."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canary import CANARY
from tests.services.conftest import ADA, smtp
from tests.services.test_hostile_documents import anything, keys, places, with_value
from tests.services.transfer.hostile import HARMLESS, PHRASE, REFUSED, WORST, changed
from tests.services.transfer.house import LONG, House, examples
from webapp.connectors import CONNECTORS
from webapp.db.session import Database
from webapp.db.vault import vault_of
from webapp.domain.errors import (
    DocumentSealedMismatchError,
    PassphraseError,
    PayloadTooLargeError,
    PostroomError,
    SecretRetypeRequiredError,
)
from webapp.domain.roles import Access, Environment
from webapp.domain.setup import Setup
from webapp.domain.tenant_document import TenantDocument
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.importing import GivenDocument
from webapp.services.transfer.planning import Confirmation
from webapp.services.transfer.sealing import seal

MEGABYTE = 1024 * 1024
BOUND = 500 * MEGABYTE
"""What reading the worst file may take of a process's memory, beyond what it has anyway; far more than it does."""
CHILD = "from tests.services.transfer.test_hostile_files import read_all; read_all()"


@pytest.fixture
def here(house: House) -> Access:
    """A tenant with a connector and one mail."""
    return house.with_setup(little())


@pytest.fixture
def good(house: House, here: Access) -> dict[str, Any]:
    return house.exporting.shown(here).to_json()


def little() -> dict[str, Any]:
    """A setup with little text, so that the interesting places are often hit."""
    cell = {"contentType": "text/plain", "subject": "Hello", "content": "{{code}}"}
    return {
        "connector": smtp(customHeaders={"X-A": "b"}),
        "fallback": smtp(host="second.example.com"),
        "templates": {"Generic": {"*": cell}},
    }


def refusal_of(house: House, here: Access, document: Any, **given: Any) -> PostroomError | None:
    """Plan it; gives the refusal, if it was one. Nothing may be applied by that, and the next plan works."""
    before = house.rows(here)
    refusal = None
    try:
        house.importing.plan(here, GivenDocument(document, **given))
    except PostroomError as exc:
        refusal = exc
    assert house.rows(here) == before
    assert house.importing.plan(here, GivenDocument(little())).transfer.id
    return refusal


def assert_clear(refusal: PostroomError) -> None:
    """A refusal says what is wrong, where, and quotes no more than a little of it."""
    assert 400 <= refusal.status < 500
    said = [str(refusal.detail or refusal.title), *(str(error.message) for error in refusal.errors)]
    assert all(each.endswith((".", "?")) for each in said if each != str(refusal.title)), said
    assert len(refusal.errors) <= 100
    assert sum(map(len, said)) + sum(len(error.pointer) for error in refusal.errors) < 100_000
    assert CANARY not in repr(refusal.errors) + str(refusal)
    for error in refusal.errors:
        assert error.pointer == "" or error.pointer.startswith("/")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_words(house, here, good, name):
    refusal = refusal_of(house, here, REFUSED[name](good), phrase=PHRASE)

    assert refusal is not None
    assert_clear(refusal)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_only_odd_is_a_plan(house, here, good, name):
    assert refusal_of(house, here, HARMLESS[name](good)) is None


def test_a_sealed_part_does_not_open_with_another_document(house, here, good):
    other = TenantDocument(changed(good, "defaultLanguage", to="ja")["setup"])
    moved = {**good, "secrets": seal({"smtp.auth.pass": f"{CANARY}-x"}, other.content_hash, PHRASE)}

    refusal = refusal_of(house, here, moved, phrase=PHRASE)

    assert isinstance(refusal, DocumentSealedMismatchError)
    assert_clear(refusal)


def test_endless_work_is_refused_for_what_it_is(house, here, good):
    refusal = refusal_of(house, here, REFUSED["a sealed part of endless work"](good), phrase=PHRASE)

    assert isinstance(refusal, PassphraseError)


def test_50_mb_are_too_large(house, here):
    assert isinstance(refusal_of(house, here, "{" + " " * 50 * MEGABYTE + "}"), PayloadTooLargeError)


def test_a_document_does_not_lead_a_secret_to_another_host(house, here, good):
    wanted = changed(good, "connector", "config", "host", to="mallory.example.org")
    plan = house.importing.plan(here, GivenDocument(wanted)).transfer

    assert plan.missing == ("smtp.auth.pass",)
    marked = changed(good, "connector", "config", "host", to="mallory.example.org")
    marked["setup"]["connector"]["config"]["auth"]["pass"] = {"$secret": {"set": True}}
    refusal = refusal_of(house, here, marked)
    assert refusal is None or isinstance(refusal, SecretRetypeRequiredError)


class TestStrangeValues:
    """Of every type at every place of a document."""

    @examples(40, 3000)
    @given(data=st.data())
    def test_one_anywhere(self, house, here, good, data):
        path = data.draw(st.sampled_from(places(good)))

        self._is_handled(house, here, with_value(good, path, data.draw(anything)), hashed=data.draw(st.booleans()))

    @examples(40, 3000)
    @given(data=st.data())
    def test_one_more_key_anywhere(self, house, here, good, data):
        containers = [path for path in places(good) if isinstance(_at(good, path), dict)]
        path = (*data.draw(st.sampled_from(containers)), data.draw(keys))

        self._is_handled(house, here, with_value(good, path, data.draw(anything)), hashed=True)

    @examples(30, 1000)
    @given(secrets=anything)
    def test_as_secrets(self, house, here, good, secrets):
        refusal = None
        try:
            house.importing.plan(here, GivenDocument(good, secrets))
        except PostroomError as exc:
            refusal = exc
        if refusal:
            assert_clear(refusal)

    @examples(40, 2000)
    @given(text=st.text(max_size=40) | st.binary(max_size=40))
    def test_any_text(self, house, here, text):
        refusal = refusal_of(house, here, text)

        assert refusal is not None
        assert_clear(refusal)

    @staticmethod
    def _is_handled(house: House, here: Access, document: Any, *, hashed: bool) -> None:
        """Refused in words; or a plan which, if it can be applied, leaves a setup that validates."""
        if hashed and isinstance(document, dict):
            document.pop("contentHash", None)
        before = house.setups.active(here.tenant)
        refusal = None
        try:
            plan = house.importing.plan(here, GivenDocument(document)).transfer
            house.planning.apply(here, plan.id, Confirmation(allow_breaking=True))
        except PostroomError as exc:
            refusal = exc
        live = house.setups.active(here.tenant)
        if refusal:
            assert_clear(refusal)
            assert live.number == before.number
        Setup.model_validate(live.document)
        house.setups.validate(here.tenant, live.document)
        if live.number != before.number:
            house.setups.restore(here, before.number)


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


class TestEnvironments:
    """No document makes a tenant reach what its environment keeps from it."""

    def test_a_production_tenant_does_not_send_to_the_sandbox(self, house, here, good):
        production = house.tenant(Environment.PRODUCTION)
        wanted = changed(good, "connector", "config", "host", to="127.0.0.1")
        wanted = changed(wanted, "connector", "config", "port", to=8425)
        secrets = {slot: {"value": f"{CANARY}-x"} for slot in ("smtp.auth.pass", "fallback.smtp.auth.pass")}
        plan = house.importing.plan(production, GivenDocument(wanted, secrets)).transfer
        saved = house.planning.apply(production, plan.id, Confirmation(reason="a test", allow_breaking=True))

        # It may be written down; the way there stays closed, since only the tenant's environment opens it.
        assert saved.stored.document["connector"]["config"]["port"] == 8425
        assert production.tenant.production
        with pytest.raises(PostroomError):
            house.tenants.sandbox_password(production.tenant)

    @pytest.mark.parametrize("key", ["environment", "allowlist", "captured", "changesBy", "slug", "members"])
    def test_what_is_no_part_of_a_setup_has_no_place_in_a_document(self, house, here, good, key):
        refusal = refusal_of(house, here, changed(good, key, to="production"))

        assert refusal is not None
        assert [error.pointer for error in refusal.errors] == [f"/{key}"]


def test_memory_is_bounded(house, here, database_file: Path, keys_of: str):
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(database_file), here.tenant.slug],
        input=keys_of,
        capture_output=True,
        text=True,
        timeout=110,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < BOUND


@pytest.fixture
def keys_of(keys: list[str]) -> str:
    return keys[0]


def read_all() -> None:
    """What the child does: plan the worst files, and tell how much more memory that took at its worst."""
    db = Database(f"sqlite:///{sys.argv[1]}")
    vault = vault_of(db, [sys.stdin.read()])
    house = House(db, vault, Setups(db, vault, CONNECTORS), Tenants(db, vault))
    here = house.tenants.access(ADA, sys.argv[2])
    good = house.exporting.shown(here).to_json()
    refusal_of(house, here, good)
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    large = ["{" + " " * 50 * MEGABYTE + "}", b"a: " + b"b" * 50 * MEGABYTE, b"\x00" * 50 * MEGABYTE]
    names = REFUSED if LONG else WORST
    for document in [*large, *(REFUSED[name](good) for name in names)]:
        refusal_of(house, here, document, phrase=PHRASE)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun) * 1024)
