"""Secrets survive and stay: sealed, shown to nobody, lent only where the operator says."""

from __future__ import annotations

import json
import traceback
from typing import ClassVar

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from tests.services.conftest import PASSWORD, smtp
from webapp.connectors import CONNECTORS
from webapp.db.rotation import rotate
from webapp.db.vault import VaultKeyError, vault_of
from webapp.domain.errors import ConfigInvalidError, PreconditionError, SecretUnavailableError
from webapp.services.drafts import Draft, Drafts
from webapp.services.setups import Setups

POINTER = "/connector/config/auth/pass"
IN_CLEAR = {"security": "none", "allowInsecureAuth": True, "insecureAuthReason": "A test"}


def with_secret(secret, **config):
    return smtp(auth={"type": "login", "user": "ada", "pass": secret}, **config)


class TestMarks:
    def test_a_stored_secret_shows_as_a_fingerprint(self, setups, ada, document):
        saved = setups.save(ada, document(), base=0)

        mark = saved.stored.document["connector"]["config"]["auth"]["pass"]["$secret"]
        assert mark["set"] is True
        assert len(mark["fingerprint"]) == 12

    def test_equal_secrets_have_equal_fingerprints_in_one_tenant_only(self, setups, ada, mallory, document):
        ours = setups.save(ada, document() | {"fallback": smtp(host="second.example.com")}, base=0).stored.tags
        theirs = setups.save(mallory, document(), base=0).stored.tags

        assert ours["/connector/config/auth/pass"] == ours["/fallback/config/auth/pass"]
        assert ours["/connector/config/auth/pass"] != theirs["/connector/config/auth/pass"]

    def test_a_fingerprint_that_is_not_the_stored_one_is_a_failed_precondition(self, setups, ada, document):
        setups.save(ada, document(), base=0)
        wanted = document() | {"connector": with_secret({"$secret": {"set": True, "fingerprint": "000000000000"}})}

        with pytest.raises(PreconditionError) as refusal:
            setups.save(ada, wanted, base=1)

        assert refusal.value.errors[0].pointer == POINTER

    def test_a_slot_keeps_the_stored_one(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        wanted = document() | {"connector": with_secret({"$secret": {"slot": "smtp.auth.pass"}})}

        assert not setups.save(ada, wanted, base=1).created

    def test_a_secret_that_is_not_there_any_more_is_gone(self, setups, ada, document):
        setups.save(ada, document(), base=0)
        setups.save(ada, document(auth={"type": "none"}), base=1)

        with pytest.raises(ConfigInvalidError) as refusal:
            setups.save(ada, document() | {"connector": with_secret({"$secret": {"set": True}})}, base=2)

        assert refusal.value.errors[0].code == "secret.not_stored"


class TestLentSecrets:
    LENT = {"$secret": {"env": "SMTP"}}
    NAMES = {"POSTROOM_SECRET__DEV__SMTP": PASSWORD, "POSTROOM_SECRET__DEV__SMTP__FOR": "smtp.example.com"}
    TO_ANOTHER = {name.replace("DEV", "PROD"): value for name, value in NAMES.items()}

    def test_the_operator_lends_a_secret_for_a_destination(self, setups, ada, document, environ):
        environ.update(self.NAMES)

        saved = setups.save(ada, document() | {"connector": with_secret(self.LENT)}, base=0)

        assert saved.stored.document["connector"]["config"]["auth"]["pass"] == self.LENT
        assert setups.resolve(ada.tenant).config.auth.password.get_secret_value() == PASSWORD
        assert saved.stored.tags == {}

    @pytest.mark.parametrize(
        ("names", "config"),
        [
            pytest.param({}, {}, id="unset"),
            pytest.param({"POSTROOM_SECRET__DEV__SMTP": PASSWORD}, {}, id="for nowhere"),
            pytest.param(TO_ANOTHER, {}, id="another tenant's"),
            pytest.param(NAMES, {"host": "smtp.example.net"}, id="another host"),
            pytest.param(NAMES, {"host": "smtp.example.com.example.net"}, id="a longer host"),
            pytest.param(NAMES | {"POSTROOM_SECRET__DEV__SMTP__FOR": "smtp.example.com:465"}, {}, id="another port"),
            pytest.param(NAMES, {"servername": "smtp.example.net"}, id="another certificate"),
            pytest.param(NAMES, IN_CLEAR, id="in clear"),
            pytest.param(NAMES, {"security": "opportunistic"}, id="perhaps in clear"),
            pytest.param(NAMES | {"POSTROOM_SECRET__DEV__SMTP__FOR": "http://["}, {}, id="for nonsense"),
        ],
    )  # fmt: skip
    def test_unset_and_forbidden_are_one_and_the_same_error(self, setups, ada, document, environ, names, config):
        environ.update(names)

        with pytest.raises(SecretUnavailableError) as refusal:
            setups.save(ada, document() | {"connector": with_secret(self.LENT, **config)}, base=0)

        (error,) = refusal.value.errors
        assert (error.pointer, error.code) == (POINTER, "secret.unavailable")
        assert str(error.message) == "The operator lends no such secret to this tenant for this destination."
        assert setups.active(ada.tenant).number == 0

    @pytest.mark.parametrize("name", ["SMTP__FOR", "smtp", "", "A B", "_SMTP", "SMTP_", "../SMTP"])
    def test_odd_names_are_unavailable_too(self, setups, ada, document, environ, name):
        environ.update(self.NAMES | {"POSTROOM_SECRET__DEV__SMTP__FOR__FOR": "smtp.example.com"})

        with pytest.raises(SecretUnavailableError):
            setups.save(ada, document() | {"connector": with_secret({"$secret": {"env": name}})}, base=0)

    @pytest.mark.parametrize("lent_for", ["smtp.example.com:587", "SMTP.example.com", "smtp.example.com."])
    def test_a_destination_may_name_the_port(self, setups, ada, document, environ, lent_for):
        environ.update(self.NAMES | {"POSTROOM_SECRET__DEV__SMTP__FOR": lent_for})

        assert setups.save(ada, document() | {"connector": with_secret(self.LENT)}, base=0).created

    SENDER: ClassVar = {"fromEmail": "no-reply@example.com"}
    AWS: ClassVar = {"region": "eu-central-1", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", **SENDER}
    ALIYUN: ClassVar = {"accessKeyId": "LTAI5tExampleExample", **SENDER}

    @pytest.mark.parametrize(
        ("provider", "config", "secret", "host"),
        [
            ("sendgrid", SENDER, "apiKey", "api.sendgrid.com"),
            ("mailgun", {"domain": "mg.example.com", **SENDER}, "apiKey", "api.mailgun.net"),
            ("postmark", SENDER, "serverToken", "api.postmarkapp.com:443"),
            ("aws-ses", AWS, "accessKeySecret", "email.eu-central-1.amazonaws.com"),
            ("aliyun-dm", ALIYUN, "accessKeySecret", "dm.aliyuncs.com"),
        ],
    )
    def test_a_providers_own_address_is_a_destination(
        self, setups, ada, document, environ, provider, config, secret, host
    ):
        connector = {"provider": provider, "config": {**config, secret: self.LENT}}
        elsewhere = {**connector, "config": {**connector["config"], "endpoint": "https://api.example.net"}}
        environ.update(self.NAMES | {"POSTROOM_SECRET__DEV__SMTP": f"SG.{PASSWORD}.x"})

        for lent_for in (provider, f"{host}.example.net", "api.example.org"):
            environ["POSTROOM_SECRET__DEV__SMTP__FOR"] = lent_for
            with pytest.raises(SecretUnavailableError):
                setups.save(ada, document() | {"connector": connector}, base=0)
        environ["POSTROOM_SECRET__DEV__SMTP__FOR"] = host
        with pytest.raises(SecretUnavailableError):
            setups.save(ada, document() | {"connector": elsewhere}, base=0)

        assert setups.save(ada, document() | {"connector": connector}, base=0).created

    def test_another_value_of_the_operator_is_not_proven(self, setups, ada, document, db, vault, environ):
        environ.update(self.NAMES)
        saved = setups.save(ada, document() | {"connector": with_secret(self.LENT)}, base=0)

        environ["POSTROOM_SECRET__DEV__SMTP"] = "another"
        after_restart = Setups(db, vault, CONNECTORS, environ=environ)

        assert after_restart.active(ada.tenant).values_tag != saved.stored.values_tag

    def test_a_setup_whose_lent_secret_went_away_can_still_be_read(self, setups, ada, document, db, vault, environ):
        environ.update(self.NAMES)
        setups.save(ada, document() | {"connector": with_secret(self.LENT)}, base=0)

        after_restart = Setups(db, vault, CONNECTORS, environ={})

        assert after_restart.active(ada.tenant).values_tag is None
        assert after_restart.active(ada.tenant).document["connector"]["config"]["host"] == "smtp.example.com"


class TestNeverShown:
    def test_no_secret_is_in_the_bytes_of_the_database(self, setups, drafts, ada, document, database_file):
        setups.save(ada, document(), base=0, note="First")
        setups.save(ada, document(auth={"type": "login", "user": "ada", "pass": "an0ther-s3cret"}), base=1)
        drafts.save(ada, Draft(2, document(auth={"type": "login", "user": "ada", "pass": "dr4fted-s3cret"})))
        setups.restore(ada, 1)

        files = list(database_file.parent.glob(f"{database_file.name}*"))
        assert {file.name for file in files} >= {database_file.name, f"{database_file.name}-wal"}
        for file in files:
            stored = file.read_bytes()
            for secret in (PASSWORD, "an0ther-s3cret", "dr4fted-s3cret"):
                assert secret.encode() not in stored

    def test_no_secret_is_in_what_is_handed_about(self, setups, drafts, ada, document):
        saved = setups.save(ada, document(), base=0)
        draft = drafts.save(ada, Draft(0, document()))
        loaded = drafts.load(ada)
        resolved = setups.resolve(ada.tenant)
        plan = setups.plan(ada, document(port=2525))

        for thing in (saved, draft, loaded, resolved, plan, setups.history(ada.tenant), setups.active(ada.tenant)):
            assert PASSWORD not in repr(thing)
        for shown in (saved.stored.document, draft.document, loaded.document, plan.document):
            assert PASSWORD not in json.dumps(shown)

    @pytest.mark.parametrize("config", [{"host": ""}, {"port": "x"}, {"unknown": 1}, {"fromEmail": []}])
    def test_no_secret_is_in_an_error_nor_in_its_trace(self, setups, ada, document, config):
        with pytest.raises(ConfigInvalidError) as refusal:
            setups.save(ada, document(**config), base=0)

        told = "".join(traceback.format_exception(refusal.value)) + repr(refusal.value.errors)
        assert PASSWORD not in told


class TestRotation:
    def test_new_keys_change_nothing_else(self, setups, drafts, ada, document, db, vault, keys, tenants):
        saved = setups.save(ada, document(), base=0)
        drafts.save(ada, Draft(1, document(port=2525)))
        password = tenants.sandbox_password(ada.tenant).get_secret_value()
        before = plain_rows(db)
        new_key = Fernet.generate_key().decode()

        rotated = rotate(db, vault_of(db, [new_key, *keys]))

        only_new = vault_of(db, [new_key])
        after = Setups(db, only_new, CONNECTORS)
        assert (rotated.values, rotated.renewed, rotated.unreadable) == (4, 4, 0)
        assert rotate(db, only_new).renewed == 0
        assert after.active(ada.tenant).tags == saved.stored.tags
        assert after.active(ada.tenant).values_tag == saved.stored.values_tag
        assert not after.save(ada, document(), base=1).created
        assert Drafts(db, only_new, CONNECTORS).load(ada).secrets[POINTER] == PASSWORD
        assert type(tenants)(db, only_new).sandbox_password(ada.tenant).get_secret_value() == password
        assert plain_rows(db) == before

    def test_without_the_old_keys_nothing_can_be_read(self, setups, ada, document, db):
        setups.save(ada, document(), base=0)
        stranger = Setups(db, vault_of(db, [Fernet.generate_key().decode()]), CONNECTORS)

        with pytest.raises(VaultKeyError):
            stranger.resolve(ada.tenant)


def plain_rows(db):
    """All rows of the tables that hold sealed values, without those."""
    sealed = {"secrets", "content", "key", "sandbox_password"}
    with db.read() as session:
        return [
            {name: value for name, value in row._mapping.items() if name not in sealed}
            for table in ("tenants", "revisions", "drafts", "wrapped_keys", "proofs", "audit_events")
            for row in session.execute(text(f"SELECT * FROM {table}"))  # noqa: S608  our own names
        ]
