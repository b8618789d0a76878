"""A client certificate's key and a proxy's password: secrets that have a form, or another receiver."""

from __future__ import annotations

import pytest

from tests.canary import CANARY
from tests.peers.certificates import Certificates
from tests.services.conftest import ADA, smtp
from webapp.connectors import CONNECTORS
from webapp.domain.errors import ConfigInvalidError, SecretRetypeRequiredError, SecretUnavailableError
from webapp.services.drafts import Draft

MADE = Certificates()
CLIENT = MADE.client_pem()
CERT, KEY = CLIENT["cert"].strip(), CLIENT["key"].strip()
KEPT = {"$secret": {"set": True}}
LENT = {"$secret": {"env": "KEY"}}
PROXY = {"url": "socks5://proxy.example.com:1080", "user": "ada", "password": f"{CANARY}-proxy"}
ALL_KEPT = {
    "auth": {"type": "login", "user": "ada", "pass": KEPT},
    "tls": {"cert": CERT, "key": KEPT},
    "proxy": {**PROXY, "password": KEPT},
}
POINTERS = [f"/connector/config/{each}" for each in ("auth/pass", "proxy/password", "tls/key")]


@pytest.fixture
def ada(tenants, dev):
    return tenants.access(ADA, "dev")


@pytest.fixture
def document(setups, ada):
    """The tenant's setup with this connector."""
    bare = setups.active(ada.tenant).document
    return lambda **config: bare | {"connector": smtp(**config)}


def values(setups, ada):
    config = setups.resolve(ada.tenant).config
    return [config.tls.key.get_secret_value(), config.proxy.password.get_secret_value()]


class TestKeeping:
    def test_they_are_stored_masked_and_kept(self, setups, ada, document):
        saved = setups.save(ada, document(tls=CLIENT, proxy=PROXY), base=0)
        setups.save(ada, document(**ALL_KEPT, fromEmail="else@example.com"), base=1)

        shown = saved.stored.document["connector"]["config"]
        assert shown["tls"]["key"]["$secret"]["set"] is True
        assert shown["proxy"]["password"]["$secret"]["set"] is True
        assert CANARY not in str(shown)
        assert values(setups, ada) == [KEY, PROXY["password"]]

    @pytest.mark.parametrize(
        "moved",
        [
            {"host": "smtp.example.net"},
            {"servername": "smtp.example.net"},
            {"tls": {"cert": CERT, "key": KEPT, "ca": MADE.ca_pem}},
            {"tls": {"cert": CERT, "key": KEPT, "verify": False, "verifyOffReason": "A test"}},
            {"proxy": {**ALL_KEPT["proxy"], "url": "socks5://proxy.example.net:1080"}},
            {"proxy": {**ALL_KEPT["proxy"], "url": "http://proxy.example.com:1080"}},
        ],
    )
    def test_none_follows_to_another_place(self, setups, ada, document, moved):
        setups.save(ada, document(tls=CLIENT, proxy=PROXY), base=0)

        with pytest.raises(SecretRetypeRequiredError) as refusal:
            setups.save(ada, document(**{**ALL_KEPT, **moved}), base=1)

        assert sorted(error.pointer for error in refusal.value.errors) == POINTERS

    def test_a_kept_key_has_to_belong_to_the_certificate(self, setups, ada, document):
        setups.save(ada, document(tls=CLIENT, proxy=PROXY), base=0)
        another = MADE.client_pem("of_a_stranger")["cert"]

        with pytest.raises(ConfigInvalidError) as refusal:
            setups.save(ada, document(**{**ALL_KEPT, "tls": {"cert": another, "key": KEPT}}), base=1)

        ((pointer, words),) = [(error.pointer, str(error.message)) for error in refusal.value.errors]
        assert pointer == "/connector/config/tls/key"
        assert "does not belong" in words

    def test_a_typed_key_is_drafted_and_saved_from_there(self, setups, drafts, ada, document):
        drafts.save(ada, Draft(0, document(tls=CLIENT)))
        draft = drafts.load(ada)

        setups.save(ada, draft.document, base=0, draft_secrets=draft.secrets)

        assert CANARY not in str(draft.document)
        assert setups.resolve(ada.tenant).config.tls.key.get_secret_value() == KEY


class TestMissing:
    """A stand-in for a missing key is no key; what is said is that it is missing."""

    def test_a_key_that_is_not_stored(self, setups, ada, document):
        with pytest.raises(ConfigInvalidError) as refusal:
            setups.save(ada, document(tls={"cert": CERT, "key": KEPT}), base=0)

        assert [(each.pointer, each.code) for each in refusal.value.errors] == [(POINTERS[2], "secret.not_stored")]

    def test_a_key_of_another_provider(self, setups, ada, document, monkeypatch):
        class Twin(CONNECTORS["smtp"]):
            kind = "twin"

        monkeypatch.setitem(CONNECTORS, "twin", Twin)
        setups.save(ada, document(tls=CLIENT), base=0)
        moved = document(tls={"cert": CERT, "key": KEPT})

        with pytest.raises(SecretRetypeRequiredError) as refusal:
            setups.save(ada, moved | {"connector": moved["connector"] | {"provider": "twin"}}, base=1)

        assert [each.pointer for each in refusal.value.errors] == [POINTERS[2]]

    @pytest.mark.parametrize(
        "environ_holds",
        [
            pytest.param({}, id="unset"),
            pytest.param({"": f"{CANARY}-no-key", "__FOR": "smtp.example.com"}, id="not a key"),
            pytest.param({"": KEY, "__FOR": "smtp.example.net"}, id="for another host"),
        ],
    )
    def test_what_the_operator_does_not_lend_is_one_answer(self, setups, ada, document, environ, environ_holds):
        environ.update({f"POSTROOM_SECRET__DEV__KEY{name}": value for name, value in environ_holds.items()})

        with pytest.raises(SecretUnavailableError) as refusal:
            setups.save(ada, document(tls={"cert": CERT, "key": LENT}), base=0)

        assert [each.pointer for each in refusal.value.errors] == [POINTERS[2]]


class TestLending:
    NAMES = {"POSTROOM_SECRET__DEV__KEY": KEY, "POSTROOM_SECRET__DEV__KEY__FOR": "smtp.example.com"}

    def test_the_operator_may_lend_a_key(self, setups, ada, document, environ):
        environ.update(self.NAMES)

        setups.save(ada, document(tls={"cert": CERT, "key": LENT}), base=0)

        assert setups.resolve(ada.tenant).config.tls.key.get_secret_value() == KEY

    @pytest.mark.parametrize(
        "config",
        [
            pytest.param({"tls": {"verify": False, "verifyOffReason": "A test"}}, id="not verified"),
            pytest.param({"tls": {"ca": MADE.ca_pem}}, id="another authority"),
            pytest.param({"proxy": {"url": "socks5://proxy.example.net"}}, id="through a proxy"),
        ],
    )
    def test_what_is_lent_goes_only_where_it_is_vouched_for_as_usual(self, setups, ada, document, environ, config):
        environ.update(self.NAMES)

        with pytest.raises(SecretUnavailableError):
            setups.save(ada, document(auth={"type": "login", "user": "ada", "pass": LENT}, **config), base=0)

    def test_no_proxy_gets_what_is_lent_for_the_server(self, setups, ada, document, environ):
        environ.update(self.NAMES | {"POSTROOM_SECRET__DEV__KEY": f"{CANARY}-lent"})

        with pytest.raises(SecretUnavailableError):
            setups.save(ada, document(proxy={**PROXY, "password": LENT}), base=0)


class TestWords:
    def test_verification_off_is_a_warning_of_the_plan(self, setups, ada, document):
        blind = {"verify": False, "verifyOffReason": "An appliance of ours"}

        plan = setups.plan(ada, document(tls=blind))

        assert [warning.code for warning in plan.warnings] == ["smtp.certificate_not_verified"]
        assert [each.value for each in plan.warnings[0].patch] == [True]

    def test_the_usual_said_outright_undoes_no_proof(self, setups, ada, document):
        short = setups.plan(ada, document())
        long = setups.plan(ada, document(tls={"minVersion": "1.2", "verify": True}, proxy=None, maxMessages=100))

        assert short.values_tag == long.values_tag
        assert setups.plan(ada, document(tls={"minVersion": "1.3"})).values_tag != short.values_tag
