from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import LargeBinary

from webapp.db import migrate
from webapp.db.keys import KeyFile, operator_keys
from webapp.db.models import Base
from webapp.db.rotation import SEALED
from webapp.db.session import Database
from webapp.db.vault import Vault, VaultKeyError, vault_of

KEY, OTHER = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def database(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path / 'postroom.db'}")
    migrate.upgrade(database)
    yield database
    database.dispose()


class TestSealing:
    def test_what_was_sealed_can_be_opened(self):
        vault = Vault([KEY])

        assert vault.open(vault.seal({"pass": "wörd"})) == {"pass": "wörd"}

    def test_another_key_opens_nothing(self):
        with pytest.raises(VaultKeyError):
            Vault([OTHER]).open(Vault([KEY]).seal("x"))

    def test_an_old_key_still_opens_behind_a_new_one(self):
        assert Vault([OTHER, KEY]).open(Vault([KEY]).seal("x")) == "x"

    def test_a_key_that_is_none_is_not_shown(self):
        with pytest.raises(VaultKeyError) as refusal:
            Vault(["my-secret-key"])

        assert "my-secret-key" not in str(refusal.value)
        assert refusal.value.__cause__ is None

    def test_a_vault_shows_nothing(self):
        assert KEY not in repr(Vault([KEY], b"hash"))


class TestTags:
    def test_equal_parts_have_equal_tags(self):
        vault = Vault([KEY], b"hash")

        assert vault.tag("secret", "1", "x") == vault.tag("secret", "1", "x")
        assert vault.tag("secret", "1", "x") != vault.tag("secret", "2", "x")
        assert vault.tag("secret", "1", "x") != vault.tag("limit", "1", "x")

    def test_parts_cannot_be_shifted_into_each_other(self):
        vault = Vault([KEY], b"hash")

        assert vault.tag("a", "b\x00c") != vault.tag("a", "b", "c")
        assert vault.tag("a", "bc") != vault.tag("a", "b", "c")

    def test_without_its_hash_key_a_vault_makes_none(self):
        with pytest.raises(VaultKeyError):
            Vault([KEY]).tag("secret", "x")

    def test_all_processes_make_the_same_ones(self, database):
        with ThreadPoolExecutor(4) as pool:
            tags = set(pool.map(lambda _: vault_of(database, [KEY]).tag("secret", "x"), range(4)))

        assert len(tags) == 1

    def test_new_operator_keys_change_none(self, database):
        before = vault_of(database, [KEY]).tag("secret", "x")

        assert vault_of(database, [OTHER, KEY]).tag("secret", "x") == before

    def test_a_vault_can_be_made_before_the_tables(self, tmp_path):
        bare = Database(f"sqlite:///{tmp_path / 'bare.db'}")
        vault = vault_of(bare, [KEY])

        migrate.upgrade(bare)

        assert vault.tag("secret", "x")
        bare.dispose()


class TestKeys:
    def test_a_key_file_is_made_for_its_owner_only(self, tmp_path):
        keys = operator_keys((), tmp_path / "data")

        assert Vault(keys).open(Vault(keys).seal("x")) == "x"
        assert (tmp_path / "data" / "secret.keys").stat().st_mode & 0o777 == 0o600
        assert operator_keys((), tmp_path / "data")() == keys()

    def test_given_keys_come_first(self, tmp_path):
        assert operator_keys([KEY], tmp_path)() == (KEY,)
        assert list(tmp_path.iterdir()) == []


class TestAKeyFileThatChanges:
    @pytest.fixture
    def running(self, tmp_path):
        """The vault of a server that has been running for a while."""
        return Vault(operator_keys((), tmp_path))

    def test_is_followed_at_once(self, running, tmp_path):
        before = running.seal("x")

        KeyFile(tmp_path).add()

        newest, oldest = KeyFile(tmp_path)()
        assert Vault([newest]).open(running.seal("y")) == "y"
        assert running.open(Vault([newest]).seal("z")) == "z"
        assert running.open(before) == Vault([oldest]).open(before) == "x"

    def test_stays_for_its_owner_only_and_leaves_nothing_beside_it(self, running, tmp_path):
        KeyFile(tmp_path).add()
        KeyFile(tmp_path).keep_newest()

        assert [path.name for path in tmp_path.iterdir()] == ["secret.keys"]
        assert (tmp_path / "secret.keys").stat().st_mode & 0o777 == 0o600
        assert len(KeyFile(tmp_path)()) == 1

    @pytest.mark.parametrize("content", ["", "half-a-ke"])
    def test_into_nonsense_changes_nothing_in_a_running_server(self, running, tmp_path, content):
        before = running.seal("x")

        (tmp_path / "secret.keys").write_text(content)

        assert running.open(before) == "x"
        with pytest.raises(VaultKeyError):
            Vault(KeyFile(tmp_path))

    def test_that_is_gone_changes_nothing_in_a_running_server(self, running, tmp_path):
        before = running.seal("x")

        (tmp_path / "secret.keys").unlink()

        assert running.open(before) == "x"
        with pytest.raises(VaultKeyError):
            Vault(KeyFile(tmp_path))


class TestRotation:
    def test_every_sealed_column_is_known(self):
        sealed = {
            (table.name, column.name)
            for table in Base.metadata.tables.values()
            for column in table.columns
            if isinstance(column.type, LargeBinary) and table.name != "webauthn"
        }

        assert {(model.__tablename__, name) for model, name in SEALED} == sealed
