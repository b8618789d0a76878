"""The role of this machine: for the tenants that the operator named, found as Amazon's SDKs find it, and in time."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import InstanceMetadataProvider

from tests.canary import CANARY
from tests.connectors.smtp_attempt import LOOPBACK_ONLY, MAIL, Attempt
from webapp.connectors import CONNECTORS
from webapp.connectors.contract import Reply, StandIn
from webapp.connectors.network import Network
from webapp.domain.message import DeliveryError, Outcome, Trace
from webapp.domain.roles import Environment, TenantInfo
from webapp.services.delivery import Delivery, Purpose
from webapp.services.machine_identity import MachineIdentity
from webapp.services.setups import ResolvedConnector
from webapp.settings import Settings

SECRET = f"{CANARY}-machine"
TOKEN = f"{CANARY}-token"


def tenant(slug):
    return TenantInfo(1, slug, slug.title(), Environment.PRODUCTION)


def send_as(slug):
    """Send a mail with the machine's role, as a tenant of this name."""
    with StandIn({"POST /v2/email/outbound-emails": Reply(200, {"MessageId": "m-1"})}) as provider:
        settings = {"region": "eu-central-1", "machineIdentity": True, "fromEmail": "no-reply@example.com"}
        config = CONNECTORS["aws-ses"].config_model.model_validate({**settings, "endpoint": provider.url})
        delivery = Delivery(CONNECTORS, lambda _: Network(LOOPBACK_ONLY), machine=MachineIdentity(["acme"]))
        resolved, trace = ResolvedConnector("aws-ses", config, "tag"), Trace()
        try:
            receipt = asyncio.run(delivery.deliver(tenant(slug), resolved, MAIL, trace, Purpose.TEST))
        except DeliveryError as error:
            assert provider.asked == []
            return Attempt(trace, None, error)
    return Attempt(trace, receipt)


def found(identity):
    return asyncio.run(identity.credentials())


@pytest.fixture(autouse=True)
def _nothing_on_this_machine(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


class TestWhoMayUseIt:
    @pytest.mark.parametrize(("slug", "may"), [("acme", True), ("acme-dev", False), ("other", False)])
    def test_only_tenants_that_the_operator_named(self, slug, may):
        identity = MachineIdentity(["acme", "shop"])

        assert (identity.of(tenant(slug)) is not None) is may

    def test_a_send_of_another_tenant_ends_before_anything_is_asked(self, environment):
        sent = {slug: send_as(slug) for slug in ("acme", "other")}

        assert sent["acme"].receipt.provider_message_id == "m-1"
        assert (sent["other"].code, sent["other"].outcome) == ("aws-ses.role_not_permitted", Outcome.NOT_SENT)

    def test_nobody_unless_somebody_is_named(self, monkeypatch):
        monkeypatch.delenv("POSTROOM_MACHINE_IDENTITY_TENANTS", raising=False)

        assert Settings().machine_identity_tenants == ()

    def test_names_are_listed_with_commas(self, monkeypatch):
        monkeypatch.setenv("POSTROOM_MACHINE_IDENTITY_TENANTS", "acme, shop-dev")

        assert Settings().machine_identity_tenants == ("acme", "shop-dev")

    @pytest.mark.parametrize("written", ["Acme", "*", "a__b", "acme;shop"])
    def test_what_is_no_tenants_name_stops_the_start(self, monkeypatch, written):
        monkeypatch.setenv("POSTROOM_MACHINE_IDENTITY_TENANTS", written)

        with pytest.raises(ValueError, match="short name"):
            Settings()


class TestFinding:
    def test_keys_of_the_environment(self, environment):
        credentials = found(MachineIdentity(["acme"]))

        assert credentials.access_key_id == "AKIAIOSFODNN7EXAMPLE"
        assert credentials.secret.get_secret_value() == SECRET
        assert credentials.session_token is None

    def test_a_shared_file(self, monkeypatch, tmp_path):
        # The watch looks into databases and logs only; this file is the operator's own.
        file = tmp_path / "credentials"
        file.write_text(f"[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = {SECRET}\n")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))

        assert found(MachineIdentity(["acme"])).access_key_id == "AKIAFILE"

    def test_the_role_of_a_container_with_its_session_token(self, monkeypatch):
        with StandIn({"GET /role": Reply(200, json.dumps(role()))}) as container:
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{container.url}/role")

            credentials = found(MachineIdentity(["acme"]))

        assert credentials.session_token is not None
        assert (credentials.access_key_id, credentials.session_token.get_secret_value()) == ("ASIAROLE", TOKEN)

    def test_it_is_asked_once_while_it_lasts(self, monkeypatch):
        with StandIn({"GET /role": Reply(200, json.dumps(role()))}) as container:
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{container.url}/role")
            identity = MachineIdentity(["acme"])

            found(identity), found(identity)

            assert len(container.asked) == 1

    def test_it_is_renewed_before_it_runs_out(self, monkeypatch):
        with StandIn({"GET /role": Reply(200, json.dumps(role(minutes=12)))}) as container:
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{container.url}/role")
            identity = MachineIdentity(["acme"])
            found(identity)
            container.answers["GET /role"] = Reply(200, json.dumps({**role(), "AccessKeyId": "ASIANEXT"}))

            assert found(identity).access_key_id == "ASIANEXT"

    def test_secrets_do_not_show(self, environment):
        assert SECRET not in repr(found(MachineIdentity(["acme"])))


class TestWhatGoesWrong:
    def code(self, identity):
        with pytest.raises(DeliveryError) as caught:
            found(identity)
        problem = caught.value.problem
        assert all("%(" not in str(text) for text in (problem.title, problem.cause, *problem.steps))
        return problem.code

    def test_there_is_none(self):
        assert self.code(MachineIdentity(["acme"])) == "machine_identity.not_found"

    def test_the_profile_is_unknown(self, monkeypatch):
        monkeypatch.setenv("AWS_PROFILE", "elsewhere")

        assert self.code(MachineIdentity(["acme"])) == "machine_identity.failed"

    def test_the_package_is_missing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "botocore.session", None)

        assert self.code(MachineIdentity(["acme"])) == "machine_identity.signer_missing"

    def test_whoever_should_give_it_is_silent(self, monkeypatch):
        released = threading.Event()
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setattr(InstanceMetadataProvider, "load", lambda self: released.wait(20) and None)

        try:
            assert self.code(MachineIdentity(["acme"], seconds=0.2)) == "machine_identity.too_slow"
        finally:
            released.set()


def role(minutes=120):
    expires = datetime.now(UTC) + timedelta(minutes=minutes)
    return {
        "AccessKeyId": "ASIAROLE",
        "SecretAccessKey": SECRET,
        "Token": TOKEN,
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
