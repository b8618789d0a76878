"""No secret follows a changed destination: not by saving, testing, restoring or drafting, nor in small steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.peers.certificates import Certificates
from tests.services.conftest import ADA, PASSWORD, smtp
from webapp.connectors import CONNECTORS
from webapp.connectors.config import settings_of
from webapp.connectors.smtp.config import SmtpConfig
from webapp.domain.errors import SecretRetypeRequiredError
from webapp.domain.roles import Environment, Role
from webapp.services.drafts import Draft

POINTER = "/connector/config/auth/pass"
KEPT = {"$secret": {"set": True}}
DRAFTED = {"$secret": {"draft": True}}
slugs = (f"tenant-{number}" for number in itertools.count())

AUTHORITY = Certificates().ca_pem.strip()
BLIND = {"verify": False, "verifyOffReason": "A test"}
OTHER_VALUES: dict[str, Any] = {
    "host": {"host": "smtp.example.net"},
    "servername": {"servername": "other.example.com"},
    "tls.ca": {"tls": {"ca": AUTHORITY}},
    "tls.verify": {"tls": BLIND},
    "proxy.url": {"proxy": {"url": "socks5://proxy.example.net:1080"}},
}
"""For each destination setting of SMTP another value; a setting without one fails the first test."""

places = st.fixed_dictionaries(
    {
        "host": st.sampled_from(
            ["smtp.example.com", "SMTP.Example.COM.", "smtp.example.net", "127.0.0.1", "localhost"]
        ),
        "port": st.sampled_from([25, 465, 587, "587"]),
        "security": st.sampled_from(["tls", "starttls", "opportunistic", "none"]),
        "servername": st.sampled_from([None, "smtp.example.com", "other.example.com"]),
        "tls": st.sampled_from([None, {"minVersion": "1.3"}, {"ca": AUTHORITY}, BLIND]),
        "proxy": st.sampled_from([None, {"url": "http://proxy.example.net:8080"}]),
    }
)


def with_secret(secret: Any, **place: Any) -> dict[str, Any]:
    """A connector whose risk is accepted, so that only the pass-back rule can refuse it."""
    auth = {"type": "login", "user": "ada", "pass": secret}
    return smtp(auth=auth, allowInsecureAuth=True, insecureAuthReason="A test", **place)


def who(place: Mapping[str, Any]) -> tuple[str, str]:
    """Who receives the password: the host, and the proxy before it."""
    return place["host"].lower().rstrip("."), (place.get("proxy") or {}).get("url") or ""


def vouchers(place: Mapping[str, Any]) -> tuple[str, str] | None:
    """What has to vouch for the host: the name on its certificate, and the authority behind it."""
    tls = place.get("tls") or {}
    return None if tls.get("verify") is False else (place.get("servername") or who(place)[0], tls.get("ca") or "")


def may_keep(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """The rule of design 5.3, in the test's own words."""
    same_way = int(old["port"]) == int(new["port"]) and old["security"] == new["security"]
    if who(old) != who(new):
        return False
    if vouchers(old) != vouchers(new):
        return vouchers(old) is None and new["security"] in ("tls", "starttls")
    return same_way or new["security"] in ("tls", "starttls")


@pytest.fixture
def new_access(tenants):
    """A fresh tenant of Ada's for each example."""

    def make():
        tenant = tenants.add(next(slugs), "Tenant", Environment.DEVELOPMENT, ADA)
        tenants.add_member(tenant.id, 1, Role.OWNER)
        return tenants.access(ADA, tenant.slug)

    return make


@pytest.fixture
def saved_at(setups, new_access):
    """Save a connector with a typed password; answers the access and the rest of the document."""

    def save(place):
        access = new_access()
        document = setups.active(access.tenant).document
        setups.save(access, document | {"connector": with_secret(PASSWORD, **place)}, base=0)
        return access, document

    return save


properties = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HERE = {"host": "smtp.example.com", "port": 587, "security": "starttls", "servername": None, "tls": None, "proxy": None}


OAUTH = [each.name for each in settings_of(SmtpConfig) if each.about.show_if and each.name.startswith("auth.")]
"""Settings of another login than that of these tests; test_oauth_passback.py moves those."""
DESTINATIONS = [each for each in settings_of(SmtpConfig) if each.about.destination and each.name not in OAUTH]
OTHERS = [
    each
    for each in settings_of(SmtpConfig)
    if not each.about.destination
    and not each.about.secret
    # What comes as a pair with a destination or a secret has tests of its own.
    and each.name not in ("security", "auth.type", "tls.cert", "proxy.user")
    and (each.name not in OAUTH or each.name == "auth.user")
]
ANOTHER = {"number": 20_000, "switch": True, "headers": {"X-A": "b"}}
ANOTHER_NAMED = {
    "localAddress": "127.0.0.1",
    "fromEmail": "x@example.com",
    "replyTo": "x@example.com",
    "maxConnections": 20,
    "tls.minVersion": "1.3",
}


class TestEveryDestinationSetting:
    @pytest.mark.parametrize("setting", DESTINATIONS, ids=lambda setting: setting.name)
    def test_a_change_of_it_asks_for_the_secret_again(self, setups, saved_at, setting):
        access, document = saved_at(HERE)
        moved = HERE | OTHER_VALUES[setting.name]

        with pytest.raises(SecretRetypeRequiredError) as refusal:
            setups.save(access, document | {"connector": with_secret(KEPT, **moved)}, base=1)

        (error,) = refusal.value.errors
        assert (error.pointer, error.code) == (POINTER, "secret.retype_required")
        assert setups.active(access.tenant).number == 1

    @pytest.mark.parametrize("setting", OTHERS, ids=lambda setting: setting.name)
    def test_a_change_of_another_setting_does_not(self, setups, saved_at, setting):
        access, document = saved_at(HERE)
        connector = with_secret(KEPT, **HERE)
        place = connector["config"]
        for step in setting.path[:-1]:
            place[step] = place[step] or {}
            place = place[step]
        place[setting.path[-1]] = ANOTHER_NAMED.get(setting.name) or ANOTHER.get(setting.kind, "x")

        setups.save(access, document | {"connector": connector}, base=1)

        assert setups.resolve(access.tenant).config.auth.password.get_secret_value() == PASSWORD


class TestPassBack:
    @properties
    @given(old=places, new=places)
    def test_saving_keeps_a_secret_only_for_the_same_place(self, setups, saved_at, old, new):
        access, document = saved_at(old)
        wanted = document | {"connector": with_secret(KEPT, **new)}

        if may_keep(old, new):
            setups.save(access, wanted, base=1)
            assert setups.resolve(access.tenant).config.auth.password.get_secret_value() == PASSWORD
        else:
            with pytest.raises(SecretRetypeRequiredError):
                setups.save(access, wanted, base=1)
            assert setups.active(access.tenant).number == 1

    @properties
    @given(old=places, new=places)
    def test_check_and_test_send_get_it_only_for_the_same_place(self, setups, saved_at, old, new):
        access, _ = saved_at(old)
        tried = with_secret(KEPT, **new)

        if may_keep(old, new):
            assert setups.resolve(access.tenant, tried).config.auth.password.get_secret_value() == PASSWORD
        else:
            with pytest.raises(SecretRetypeRequiredError):
                setups.resolve(access.tenant, tried)

    @properties
    @given(old=places, new=places)
    def test_a_drafted_secret_stays_with_the_place_it_was_typed_for(self, setups, drafts, new_access, old, new):
        access = new_access()
        document = setups.active(access.tenant).document
        drafts.save(access, Draft(0, document | {"connector": with_secret(PASSWORD, **old)}))
        drafted = drafts.load(access)
        moved = document | {"connector": with_secret(DRAFTED, **new)}
        drafts.save(access, Draft(0, moved, secrets=drafted.secrets))
        drafted = drafts.load(access)

        if may_keep(old, new):
            resolved = setups.resolve(access.tenant, moved["connector"], draft_secrets=drafted.secrets)
            assert resolved.config.auth.password.get_secret_value() == PASSWORD
            assert setups.save(access, drafted.document, base=0, draft_secrets=drafted.secrets).created
        else:
            with pytest.raises(SecretRetypeRequiredError):
                setups.resolve(access.tenant, moved["connector"], draft_secrets=drafted.secrets)
            with pytest.raises(SecretRetypeRequiredError):
                setups.save(access, drafted.document, base=0, draft_secrets=drafted.secrets)

    @properties
    @given(old=places, new=places)
    def test_restoring_brings_back_the_secret_that_belongs_there(self, setups, saved_at, old, new):
        access, document = saved_at(old)
        setups.save(access, document | {"connector": with_secret("an0ther-secret", **new)}, base=1)

        setups.restore(access, 1)

        resolved = setups.resolve(access.tenant)
        assert resolved.config.auth.password.get_secret_value() == PASSWORD
        assert resolved.config.host == old["host"].lower().rstrip(".")

    @properties
    @given(typed=places, steps=st.lists(st.tuples(st.sampled_from(["save", "draft", "restore"]), places), max_size=6))
    def test_small_steps_do_not_carry_it_away(self, setups, drafts, saved_at, typed, steps):
        access, document = saved_at(typed)

        for kind, place in steps:
            wanted = document | {"connector": with_secret(KEPT, **place)}
            try:
                if kind == "save":
                    setups.save(access, wanted, base=None)
                elif kind == "draft":
                    draft = drafts.save(access, Draft(0, wanted))
                    setups.save(access, draft.document, base=None, draft_secrets=draft.secrets)
                else:
                    setups.restore(access, 1)
            except SecretRetypeRequiredError:
                continue

        config = setups.resolve(access.tenant).config
        live = config.model_dump(mode="json", by_alias=True)
        assert may_keep(typed, live)


class TestAnotherProvider:
    def test_it_gets_no_secret_of_the_old_one(self, setups, saved_at, monkeypatch):
        class Twin(CONNECTORS["smtp"]):
            kind = "twin"

        monkeypatch.setitem(CONNECTORS, "twin", Twin)
        access, document = saved_at(HERE)
        wanted = document | {"connector": with_secret(KEPT, **HERE) | {"provider": "twin"}}

        with pytest.raises(SecretRetypeRequiredError) as refusal:
            setups.save(access, wanted, base=1)

        assert refusal.value.errors[0].pointer == POINTER

    def test_it_gets_no_draft_of_the_old_one(self, setups, drafts, new_access, monkeypatch):
        class Twin(CONNECTORS["smtp"]):
            kind = "twin"

        monkeypatch.setitem(CONNECTORS, "twin", Twin)
        access = new_access()
        document = setups.active(access.tenant).document
        draft = drafts.save(access, Draft(0, document | {"connector": with_secret(PASSWORD, **HERE)}))
        twin = with_secret(DRAFTED, **HERE) | {"provider": "twin"}

        with pytest.raises(SecretRetypeRequiredError):
            setups.resolve(access.tenant, twin, draft_secrets=draft.secrets)


class TestTheFallback:
    def test_it_does_not_get_the_connectors_secret(self, setups, saved_at):
        access, document = saved_at(HERE)
        wanted = document | {"connector": with_secret(KEPT, **HERE), "fallback": with_secret(KEPT, **HERE)}

        with pytest.raises(Exception, match="Some settings need attention") as refusal:
            setups.save(access, wanted, base=1)

        assert [error.pointer for error in refusal.value.errors] == ["/fallback/config/auth/pass"]

    def test_its_own_secret_stays_under_the_same_rule(self, setups, saved_at):
        access, document = saved_at(HERE)
        both = document | {"connector": with_secret(KEPT, **HERE), "fallback": with_secret("s3cond-secret", **HERE)}
        setups.save(access, both, base=1)
        moved = HERE | {"host": "smtp.example.net"}

        with pytest.raises(SecretRetypeRequiredError) as refusal:
            setups.save(access, both | {"fallback": with_secret(KEPT, **moved)}, base=2)

        assert [error.pointer for error in refusal.value.errors] == ["/fallback/config/auth/pass"]
