"""How TLS is done: the settings, what is refused at them, and each against certificates made for it."""

from __future__ import annotations

import builtins
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from tests.canary import CANARY
from tests.connectors.smtp_attempt import attempt
from tests.connectors.test_smtp_config import GOOD, config
from tests.peers.certificates import Certificates
from tests.peers.scripted import Script
from webapp.connectors.smtp import SmtpConnector
from webapp.connectors.smtp.config import SmtpConfig

MADE = Certificates()
CLIENT = MADE.client_pem()
OFF = {"verify": False, "verifyOffReason": "A test"}


def locked(pem: str) -> str:
    """The same key behind a passphrase."""
    key = serialization.load_pem_private_key(pem.partition("\n")[2].encode(), None)
    passphrase = serialization.BestAvailableEncryption(b"open sesame")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, passphrase).decode()


def refusals(**tls: Any) -> dict[str, str]:
    """Pointer → words of what is refused."""
    with pytest.raises(ValidationError) as caught:
        SmtpConfig.model_validate_json(json.dumps({**GOOD, "tls": tls}), strict=True)
    assert CANARY not in str(caught.value)
    errors = caught.value.errors(include_input=False, include_url=False)
    return {"/" + "/".join(map(str, error["loc"])): error["msg"] for error in errors}


class TestSettings:
    def test_nothing_said_is_the_usual(self):
        assert config(tls=None).tls == config(tls={}).tls == config().tls
        assert config().tls.trust().usual

    def test_the_usual_said_outright_is_the_same_config(self):
        said = {"minVersion": "1.2", "verify": True, "ca": "", "cert": None, "key": " ", "verifyOffReason": None}

        assert config(tls=said).model_dump(exclude_defaults=True) == config().model_dump(exclude_defaults=True)

    @pytest.mark.parametrize(("written", "meant"), [("1.3", "1.3"), ("TLSv1.2", "1.2"), ("TLSv1.3", "1.3")])
    def test_versions_may_be_written_as_elsewhere(self, written, meant):
        assert config(tls={"minVersion": written}).tls.min_version == meant

    @pytest.mark.parametrize("version", ["1.1", "TLSv1", "1.0", "1.4", "ssl3"])
    def test_older_versions_are_not_on_offer(self, version):
        assert list(refusals(minVersion=version)) == ["/tls/minVersion"]

    def test_certificates_may_come_from_windows_and_with_words_around(self):
        pem = "Subject: our own\r\n" + MADE.ca_pem.replace("\n", "\r\n") + "\r\n\r\n" + MADE.ca_pem

        assert "\r" not in (config(tls={"ca": pem}).tls.ca or "")

    def test_the_key_does_not_show(self):
        settings = config(tls=CLIENT)

        assert CANARY not in repr(settings) + settings.model_dump_json() + repr(settings.tls.trust())

    @pytest.mark.parametrize(
        ("tls", "pointer", "words"),
        [
            pytest.param({"ca": "Our CA"}, "/tls/ca", "no certificate in PEM form", id="no PEM"),
            pytest.param({"ca": MADE.ca_pem[:200]}, "/tls/ca", "no certificate in PEM form", id="cut off"),
            pytest.param({"ca": CLIENT["key"]}, "/tls/ca", "private key here", id="a key as authority"),
            pytest.param(
                {"cert": CLIENT["cert"] + CLIENT["key"], "key": CLIENT["key"]},
                "/tls/cert",
                "private key here",
                id="a key below the certificate",
            ),
            pytest.param({"ca": MADE.ca_pem + "\x07"}, "/tls/ca", "Control characters", id="a control character"),
            pytest.param({"cert": CLIENT["cert"]}, "/tls/key", "needs its private key", id="no key"),
            pytest.param({"key": CLIENT["key"]}, "/tls/key", "Give the client certificate", id="no certificate"),
            pytest.param(
                CLIENT | {"key": MADE.client_pem("of_a_stranger")["key"]}, "/tls/key", "does not belong", id="another"
            ),
            pytest.param(CLIENT | {"key": locked(CLIENT["key"])}, "/tls/key", "passphrase", id="locked"),
            pytest.param(CLIENT | {"key": f"{CANARY}"}, "/tls/key", "no private key in PEM form", id="no key at all"),
            pytest.param(CLIENT | {"key": "•••"}, "/tls/key", "mask", id="a mask"),
            pytest.param({"verify": False}, "/tls/verifyOffReason", "Say why", id="no reason"),
            pytest.param({"verify": False, "verifyOffReason": " "}, "/tls/verifyOffReason", "Say why", id="blank"),
            pytest.param({"verify": "false"}, "/tls/verify", "boolean", id="a word for a switch"),
            pytest.param({"rejectUnauthorized": False}, "/tls/rejectUnauthorized", "Extra", id="another's name"),
        ],
    )
    def test_what_is_refused_is_said_at_its_place(self, tls, pointer, words):
        ((place, said),) = refusals(**tls).items()

        assert place == pointer
        assert words in said


class TestOwnAuthority:
    @pytest.mark.parametrize("security", ["tls", "starttls"])
    def test_it_vouches_for_the_server(self, scripted, security):
        server = scripted(Script(implicit_tls=security == "tls"), certificates=MADE)

        assert attempt(server.port, security=security, tls={"ca": MADE.ca_pem}).error is None
        assert attempt(server.port, security=security).code == "network.certificate_unknown_issuer"

    def test_it_takes_the_place_of_the_others(self, scripted, certificates):
        """What the system trusts besides does not count any more."""
        server = scripted()

        tried = attempt(server.port, ca_pem=certificates.ca_pem, tls={"ca": MADE.alone_pem})

        assert tried.code == "network.certificate_unknown_issuer"

    def test_a_self_signed_certificate_vouches_for_itself_once_it_is_named(self, scripted):
        server = scripted(certificate="self_signed", certificates=MADE)

        pinned = attempt(server.port, host="localhost", servername="localhost", tls={"ca": MADE.alone_pem})

        # Its name is still compared, and this one carries none.
        assert pinned.code == "network.certificate_wrong_name"
        assert attempt(server.port).code == "network.certificate_self_signed"

    def test_the_servers_own_certificate_may_be_named(self, scripted):
        server = scripted(certificate="unknown_issuer", certificates=MADE)
        leaf = MADE.unknown_issuer.cert_chain_pems[0].bytes().decode()

        assert attempt(server.port, tls={"ca": leaf}).error is None

    @pytest.mark.parametrize("fault", ["expired", "not_yet_valid", "wrong_name"])
    def test_it_does_not_excuse_the_rest(self, scripted, fault):
        server = scripted(certificate=fault, certificates=MADE)

        assert attempt(server.port, tls={"ca": MADE.ca_pem}).code == f"network.certificate_{fault}"

    def test_another_name_may_be_expected(self, scripted):
        server = scripted(certificate="wrong_name", certificates=MADE)

        tried = attempt(server.port, servername="mail.another-company.test", tls={"ca": MADE.ca_pem})

        assert tried.error is None


class TestClientCertificate:
    @pytest.mark.parametrize("security", ["tls", "starttls"])
    @pytest.mark.parametrize("version", ["demanding", "demanding_tls_1_2"])
    def test_it_is_shown_to_a_server_that_asks(self, scripted, security, version):
        server = scripted(Script(implicit_tls=security == "tls"), certificate=version, certificates=MADE)

        tried = attempt(server.port, security=security, tls={"ca": MADE.ca_pem, **CLIENT})

        assert tried.error is None, tried.trace.transcript
        assert len(server.bodies) == 1
        assert CANARY not in tried.everything

    def test_one_that_does_not_ask_does_not_mind(self, scripted):
        server = scripted(certificates=MADE)

        assert attempt(server.port, tls={"ca": MADE.ca_pem, **CLIENT}).error is None

    def test_a_stranger_is_told_which_certificate_is_meant(self, scripted):
        server = scripted(Script(implicit_tls=True), certificate="demanding", certificates=MADE)

        tried = attempt(server.port, security="tls", tls={"ca": MADE.ca_pem, **MADE.client_pem("of_a_stranger")})

        assert "unknown ca" in str(tried.error.problem.cause)

    def test_the_key_never_touches_the_disk(self, scripted, monkeypatch, tmp_path):
        """Every file that is opened for writing meanwhile is one in memory."""
        server = scripted(certificates=MADE)
        written: list[Any] = []
        plain_open, plain_os_open = builtins.open, os.open
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        monkeypatch.setattr(builtins, "open", lambda file, *a, **k: written.append(file) or plain_open(file, *a, **k))
        monkeypatch.setattr(os, "open", lambda file, *a, **k: written.append(file) or plain_os_open(file, *a, **k))

        tried = attempt(server.port, tls={"ca": MADE.ca_pem, **CLIENT})

        assert tried.error is None
        assert list(tmp_path.iterdir()) == []
        assert [each for each in written if isinstance(each, str | Path) and "/proc/" not in str(each)] == []


class TestVersions:
    @pytest.mark.parametrize("security", ["tls", "starttls"])
    @pytest.mark.parametrize(("speaks", "asked"), [("tls_1_1", "1.2"), ("tls_1_1", "1.3"), ("tls_1_2", "1.3")])
    def test_a_server_that_is_too_old_is_named(self, scripted, security, speaks, asked):
        server = scripted(Script(implicit_tls=security == "tls"), certificate=speaks, certificates=MADE)

        tried = attempt(server.port, security=security, tls={"ca": MADE.ca_pem, "minVersion": asked})

        assert (tried.code, tried.phases[-1]) == ("network.tls_too_old", security)
        assert f"TLS {asked} or newer" in str(tried.error.problem.cause)

    def test_one_that_is_new_enough_is_spoken_to(self, scripted):
        server = scripted(Script(implicit_tls=True), certificates=MADE)

        tried = attempt(server.port, security="tls", tls={"ca": MADE.ca_pem, "minVersion": "1.3"})

        assert tried.error is None
        assert next(phase.text for phase in tried.trace.phases if phase.phase == "tls").startswith("TLSv1.3 ")


class TestVerificationOff:
    @pytest.mark.parametrize("security", ["tls", "starttls"])
    @pytest.mark.parametrize("fault", ["expired", "wrong_name", "self_signed", "unknown_issuer", "invalid"])
    def test_any_certificate_will_do(self, scripted, security, fault):
        server = scripted(Script(implicit_tls=security == "tls"), certificate=fault, certificates=MADE)

        assert attempt(server.port, security=security, tls=OFF).error is None

    def test_it_is_a_caution_for_as_long_as_it_is_so(self):
        (caution,) = SmtpConnector.cautions({**GOOD, "tls": OFF})

        assert caution.code == "smtp.certificate_not_verified"
        assert "“A test”" in str(caution.cause)
        assert SmtpConnector.cautions(GOOD) == SmtpConnector.cautions({}) == []

    def test_it_lets_no_old_version_in(self, scripted):
        server = scripted(Script(implicit_tls=True), certificate="tls_1_1", certificates=MADE)

        assert attempt(server.port, security="tls", tls=OFF).code == "network.tls_too_old"
