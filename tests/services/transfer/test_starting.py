"""Files that are imported when the server starts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.canary import CANARY
from tests.services.conftest import ADA, smtp
from webapp.connectors import CONNECTORS
from webapp.db.models import TenantRow
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import LimitedError
from webapp.domain.roles import Access, ChangesBy, TenantInfo
from webapp.domain.tenant_document import FORMAT, VERSION, TenantDocument, slots, slotted
from webapp.services.audit import Audit
from webapp.services.examination import said_of
from webapp.services.limits import Limits
from webapp.services.setups import Setups
from webapp.services.tenants import Tenants
from webapp.services.transfer.importing import OPENING_LIMIT, GivenDocument, Importing
from webapp.services.transfer.planning import Planning
from webapp.services.transfer.plans import Plans
from webapp.services.transfer.sealing import seal
from webapp.services.transfer.starting import MountedFilesError, StartupImport

SECRET = f"{CANARY}-mounted"
PHRASE = f"{CANARY} a long passphrase"
Write = Callable[..., None]
Startup = Callable[[], StartupImport]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mounted"
    folder.mkdir()
    return folder


@pytest.fixture
def wanted(setups: Setups, prod: TenantInfo) -> dict[str, Any]:
    """A whole setup, its secret as a slot."""
    setup = deepcopy(setups.active(prod).document)
    setup["connector"] = smtp()
    setup["connector"]["config"]["auth"]["pass"] = {"$secret": {"slot": "smtp.auth.pass"}}
    return setup


@pytest.fixture
def write(folder: Path) -> Write:
    """Mount a document, with its secrets beside it: ``write(setup, secret="…")``."""

    def put(setup: Mapping[str, Any], tenant: str = "prod", secret: str | None = SECRET) -> None:
        document = {"format": FORMAT, "version": VERSION, "setup": setup}
        (folder / f"{tenant}.json").write_text(json.dumps(document))
        if secret:
            (folder / f"{tenant}.secrets.json").write_text(json.dumps({"smtp.auth.pass": {"value": secret}}))

    return put


@pytest.fixture
def startup(database_file: Path, keys: list[str], db: Database, vault: Vault, environ: dict[str, str]) -> Startup:
    """Another process that starts, on the same database."""

    def make() -> StartupImport:
        setups = Setups(db, vault, CONNECTORS, Audit(), environ=environ)
        planning = Planning(setups, CONNECTORS, Plans(db, vault))
        return StartupImport(db, vault, Tenants(db, vault), setups, Importing(setups, planning), planning)

    return make


def refused(startup: Startup, folder: Path) -> list[str]:
    """What is said of files that cannot be imported."""
    with pytest.raises(MountedFilesError) as refusal:
        startup().bring_in(folder)
    return [f"{each.pointer}: {each.message}" for each in refusal.value.errors]


class TestImport:
    def test_makes_live_what_the_file_says(
        self, startup: Startup, folder: Path, write: Write, wanted: dict[str, Any], setups: Setups, prod: TenantInfo
    ) -> None:
        write(wanted)

        (look,) = startup().bring_in(folder)

        assert (look.state, look.revision) == ("imported", 1)
        assert setups.resolve(prod).config.host == "smtp.example.com"  # type: ignore[attr-defined]
        (first,) = setups.history(prod)
        assert (first.origin, first.author_kind, first.author_name) == ("import", "system", "start-up")
        assert first.note == first.reason == "Imported at start-up from prod.json"
        assert (first.transfer or {})["file"] == "prod.json"

    def test_of_a_tenant_that_changes_by_promotion_only(
        self,
        startup: Startup,
        folder: Path,
        write: Write,
        wanted: dict[str, Any],
        tenants: Tenants,
        prod: TenantInfo,
    ) -> None:
        tenants.change("prod", ADA, name="P", editors_may_save_production=False, changes_by=ChangesBy.PROMOTION)
        write(wanted)

        assert startup().bring_in(folder)[0].state == "imported"

    def test_takes_yaml_and_ignores_what_is_not_for_it(self, startup: Startup, folder: Path, prod: TenantInfo) -> None:
        data = folder / "..2026_11_21"
        data.mkdir()
        (data / "prod.yaml").write_text(f"format: {FORMAT}\nversion: 1\nsetup: {{defaultLanguage: ja}}\n")
        (folder / "..data").symlink_to(data, target_is_directory=True)
        (folder / "prod.yaml").symlink_to(Path("..data") / "prod.yaml")
        (folder / "README.md").write_text("about these files")

        (look,) = startup().bring_in(folder)

        assert (look.file, look.changed) == ("prod.yaml", ("/defaultLanguage",))

    def test_sealed_secrets_open_with_the_passphrase_beside_it(
        self, startup: Startup, folder: Path, wanted: dict[str, Any], ada_in_prod: Access, setups: Setups
    ) -> None:
        document = TenantDocument(wanted)
        sealed = TenantDocument(wanted, seal({"smtp.auth.pass": SECRET}, document.content_hash, PHRASE))
        (folder / "prod.json").write_text(json.dumps(sealed.to_json()))
        (folder / "prod.passphrase").write_text(f"{PHRASE}\n")

        startup().bring_in(folder)

        assert setups.secrets(ada_in_prod, 1) == {"/connector/config/auth/pass": SECRET}

    def test_lent_secrets_are_named_in_the_document(
        self,
        startup: Startup,
        folder: Path,
        write: Write,
        wanted: dict[str, Any],
        setups: Setups,
        prod: TenantInfo,
        environ: dict[str, str],
    ) -> None:
        environ["POSTROOM_SECRET__PROD__RELAY"] = SECRET
        environ["POSTROOM_SECRET__PROD__RELAY__FOR"] = "smtp.example.com"
        wanted["connector"]["config"]["auth"]["pass"] = {"$secret": {"env": "RELAY"}}
        write(wanted, secret=None)

        startup().bring_in(folder)

        assert setups.resolve(prod).config.auth.password.get_secret_value() == SECRET  # type: ignore[attr-defined]

    def test_no_secret_is_in_what_is_remembered(
        self, startup: Startup, folder: Path, write: Write, wanted: dict[str, Any], db: Database
    ) -> None:
        write(wanted)

        startup().bring_in(folder)

        with db.read() as session:
            remembered = json.dumps(session.scalars(select(TenantRow.mounted)).all())
        assert CANARY not in remembered
        assert '"revision": 1' in remembered


class TestAgain:
    @pytest.fixture(autouse=True)
    def imported(self, startup: Startup, folder: Path, write: Write, wanted: dict[str, Any]) -> None:
        write(wanted)
        startup().bring_in(folder)

    def test_an_unchanged_file_changes_nothing(
        self, startup: Startup, folder: Path, setups: Setups, prod: TenantInfo
    ) -> None:
        assert startup().bring_in(folder)[0].state == "unchanged"
        assert setups.active(prod).number == 1

    def test_edits_last_until_the_file_changes(
        self,
        startup: Startup,
        folder: Path,
        write: Write,
        wanted: dict[str, Any],
        setups: Setups,
        ada_in_prod: Access,
        prod: TenantInfo,
    ) -> None:
        edited = setups.active(prod).document | {"defaultLanguage": "ja"}
        setups.save(ada_in_prod, edited, base=None)

        (kept,) = startup().bring_in(folder)
        write(wanted | {"defaultLanguage": "th"})
        (changed,) = startup().bring_in(folder)

        assert (kept.state, kept.since, kept.revision) == ("edited", 1, 2)
        assert (changed.state, changed.revision) == ("imported", 3)
        assert setups.active(prod).setup.default_language == "th"

    def test_a_changed_secret_is_noticed(
        self, startup: Startup, folder: Path, write: Write, wanted: dict[str, Any], setups: Setups, ada_in_prod: Access
    ) -> None:
        write(wanted, secret=f"{SECRET}-anew")

        assert startup().bring_in(folder)[0].changed == ("/connector/config/auth/pass",)
        assert setups.secrets(ada_in_prod, 2) == {"/connector/config/auth/pass": f"{SECRET}-anew"}

    def test_another_layout_of_the_same_is_no_change(
        self, startup: Startup, folder: Path, wanted: dict[str, Any]
    ) -> None:
        document = {"setup": wanted, "version": VERSION, "format": FORMAT}
        (folder / "prod.json").write_text(json.dumps(document, indent=7))

        assert startup().bring_in(folder)[0].state == "unchanged"

    def test_a_file_that_says_what_is_live_makes_no_revision_and_is_remembered(
        self,
        startup: Startup,
        folder: Path,
        write: Write,
        wanted: dict[str, Any],
        setups: Setups,
        ada_in_prod: Access,
        prod: TenantInfo,
    ) -> None:
        setups.save(ada_in_prod, setups.active(prod).document | {"defaultLanguage": "ja"}, base=None)
        write(wanted | {"defaultLanguage": "ja"})
        assert startup().bring_in(folder)[0].state == "same"
        setups.save(ada_in_prod, setups.active(prod).document | {"defaultLanguage": "th"}, base=None)

        (look,) = startup().bring_in(folder)

        assert (look.state, setups.active(prod).number) == ("edited", 3)

    def test_restoring_what_was_imported_is_no_drift(
        self, startup: Startup, folder: Path, setups: Setups, ada_in_prod: Access, prod: TenantInfo
    ) -> None:
        setups.save(ada_in_prod, setups.active(prod).document | {"defaultLanguage": "ja"}, base=None)
        setups.restore(ada_in_prod, 1)

        assert startup().bring_in(folder)[0].state == "unchanged"

    def test_looking_changes_nothing(
        self, startup: Startup, folder: Path, write: Write, wanted: dict[str, Any], setups: Setups, prod: TenantInfo
    ) -> None:
        write(wanted | {"defaultLanguage": "ja"})

        (look,), troubles = startup().look(folder)

        assert (look.state, look.changed, troubles) == ("new", ("/defaultLanguage",), [])
        assert setups.active(prod).number == 1


class TestRefusal:
    def test_names_every_trouble_of_every_file_and_changes_nothing(
        self,
        startup: Startup,
        folder: Path,
        write: Write,
        wanted: dict[str, Any],
        setups: Setups,
        dev: TenantInfo,
        prod: TenantInfo,
    ) -> None:
        write(wanted, secret=None)
        write({"defaultLanguage": "ja"}, tenant="dev", secret=None)
        write({}, tenant="nowhere", secret=None)
        (folder / "broken.yaml").write_text("a: [")
        broken = deepcopy(wanted)
        broken["connector"]["config"] |= {"port": 99999, "fromEmail": "nobody"}
        write(broken, tenant="prod", secret=None)

        said = "\n".join(refused(startup, folder))

        assert "prod.json /connector/config/port" in said
        assert "prod.json /connector/config/fromEmail" in said
        assert "There is no tenant “nowhere”" in said
        assert "broken.yaml" in said
        assert setups.active(dev).number == setups.active(prod).number == 0

    def test_missing_secrets_are_named(
        self, startup: Startup, folder: Path, write: Write, wanted: dict[str, Any]
    ) -> None:
        write(wanted, secret=None)

        (said,) = refused(startup, folder)

        assert "smtp.auth.pass" in said
        assert "prod.secrets.yaml" in said

    def test_flows_that_would_break_are_named(
        self, startup: Startup, folder: Path, write: Write, wanted: dict[str, Any], prod: TenantInfo
    ) -> None:
        write(wanted)
        startup().bring_in(folder)
        write(wanted | {"connector": None}, secret=None)
        (folder / "prod.secrets.json").unlink()

        assert all("would lose its mail" in each for each in refused(startup, folder))

    @pytest.mark.parametrize(
        ("files", "said"),
        [
            ({"prod.json": "{}", "prod.yaml": "{}"}, "prod.json, prod.yaml: These are for the same tenant"),
            ({"prod.secrets.yaml": "{}"}, "prod.secrets.yaml: There is no prod.yaml or prod.json"),
            ({"prod.passphrase": "x"}, "prod.passphrase: There is no prod.yaml or prod.json"),
            ({"prod.json": "[1, 2"}, "prod.json: This begins as JSON, but cannot be read"),
            ({"prod.json": '{"a": 1, "a": 2}'}, "prod.json"),
            ({"prod.yaml": "a: &x [1]\nb: *x\n"}, "prod.yaml: Aliases"),
            ({"prod.json": '{"format": "other"}'}, "prod.json /format"),
            (
                {"prod.yaml": "format: postroom/setup\nversion: 1\nsetup: {verificationCode: {length: .nan}}"},
                "prod.yaml",
            ),
            ({"prod.yaml": ""}, "prod.yaml"),
            ({"prod.json": "{}", "prod.secrets.yaml": "a: ["}, "prod"),
            ({"prod.json": "{}", "prod.secrets.json": '{"a": 1}'}, "prod.json /format"),
        ],
    )
    def test_odd_files(
        self, startup: Startup, folder: Path, prod: TenantInfo, files: Mapping[str, str], said: str
    ) -> None:
        for name, content in files.items():
            (folder / name).write_text(content)

        assert any(each.startswith(said) for each in refused(startup, folder))

    def test_a_file_too_large_is_not_even_read_whole(self, startup: Startup, folder: Path, prod: TenantInfo) -> None:
        with (folder / "prod.json").open("wb") as file:
            file.truncate(50 * 1024 * 1024)

        assert "more than 5 MB" in refused(startup, folder)[0]

    def test_a_wrong_passphrase_names_its_file(
        self, startup: Startup, folder: Path, wanted: dict[str, Any], prod: TenantInfo
    ) -> None:
        document = TenantDocument(wanted)
        sealed = TenantDocument(wanted, seal({"smtp.auth.pass": SECRET}, document.content_hash, PHRASE))
        (folder / "prod.json").write_text(json.dumps(sealed.to_json()))
        (folder / "prod.passphrase").write_text(f"{PHRASE} no")

        assert refused(startup, folder)[0].startswith("prod.passphrase /passphrase")

    def test_a_folder_that_is_not_there(self, startup: Startup, tmp_path: Path) -> None:
        assert "cannot be read" in refused(startup, tmp_path / "nowhere")[0]


class TestATenantsOwner:
    """Whoever owns one tenant keeps the server from starting for nobody."""

    def test_who_archives_it_lets_the_others_be_imported(
        self,
        startup: Startup,
        folder: Path,
        write: Write,
        wanted: dict[str, Any],
        tenants: Tenants,
        prod: TenantInfo,
        dev: TenantInfo,
        setups: Setups,
    ) -> None:
        write(wanted)
        write(wanted, tenant="dev")
        tenants.archive("prod", ADA)

        looks = startup().bring_in(folder)

        assert [(look.tenant.slug, look.state) for look in looks] == [("dev", "imported"), ("prod", "archived")]
        assert "prod is archived, so prod.json is not imported" in said_of(looks[1])
        assert setups.active(dev).number == 1
        tenants.bring_back("prod", ADA)
        assert [look.state for look in startup().bring_in(folder)] == ["unchanged", "imported"]

    def test_who_tries_passphrases_leaves_the_operators_alone(
        self,
        folder: Path,
        wanted: dict[str, Any],
        ada_in_prod: Access,
        setups: Setups,
        tenants: Tenants,
        db: Database,
        vault: Vault,
    ) -> None:
        document = TenantDocument(wanted)
        sealed = TenantDocument(wanted, seal({"smtp.auth.pass": SECRET}, document.content_hash, PHRASE)).to_json()
        (folder / "prod.json").write_text(json.dumps(sealed))
        (folder / "prod.passphrase").write_text(PHRASE)
        limits = Limits(db, vault)
        planning = Planning(setups, CONNECTORS, Plans(db, vault), limits)
        importing = Importing(setups, planning, limits)
        for _ in range(OPENING_LIMIT.amount):
            limits.hit("unseal", str(ada_in_prod.tenant.id), amount=OPENING_LIMIT.amount, seconds=OPENING_LIMIT.seconds)
        with pytest.raises(LimitedError):
            importing.plan(ada_in_prod, GivenDocument(sealed, phrase=PHRASE))

        (look,) = StartupImport(db, vault, tenants, setups, importing, planning).bring_in(folder)

        assert look.state == "imported"


def test_many_that_start_at_once_make_one_revision(
    startup: Startup, folder: Path, write: Write, wanted: dict[str, Any], setups: Setups, prod: TenantInfo
) -> None:
    write(wanted)
    together = threading.Barrier(6)
    states: list[str] = []

    def begin() -> None:
        process = startup()
        together.wait()
        states.extend(look.state for look in process.bring_in(folder))

    starting = [threading.Thread(target=begin) for _ in range(6)]
    for each in starting:
        each.start()
    for each in starting:
        each.join()

    assert setups.active(prod).number == 1
    assert sorted(states).count("imported") == 1
    assert len(states) == 6


def test_a_slot_is_what_an_export_has(setups: Setups, wanted: dict[str, Any]) -> None:
    assert slots(slotted(wanted)) == {"/connector/config/auth/pass": "smtp.auth.pass"}
