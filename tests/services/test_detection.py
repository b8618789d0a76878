"""From an address or a server's name to forms that are filled in, over a name server and mail servers of the tests."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.peers.aiosmtpd_server import ReceivingServer
from tests.peers.certificates import Certificates
from tests.peers.names import SILENT, NameServer, Zone, name_server
from tests.peers.ports import free_port
from tests.peers.postfix import PostfixServer
from tests.peers.scripted import Script, ScriptedServer, answer, endless, raw, silence
from webapp.connectors import CONNECTORS
from webapp.connectors.dns import DNS
from webapp.connectors.network import Network
from webapp.connectors.smtp.probing import Door
from webapp.db.session import Database
from webapp.db.vault import Vault
from webapp.domain.errors import InputError, LimitedError, NotFoundError
from webapp.domain.roles import Access, TenantInfo
from webapp.services import detection as detecting
from webapp.services.audit import Audit
from webapp.services.detection import Detection, Detections, Patience
from webapp.services.limits import Limit, Limits
from webapp.services.loop import BackgroundLoop
from webapp.services.runs import Runs

LOOPBACK_ONLY = ("127.0.0.0/8", "::1/128")
MAIL = "mail.example.test"
"""The name for which the tests' good certificate is valid."""


def names(known: dict[str, str]) -> Callable[..., list[Any]]:
    """A resolver that knows these names only: name → address."""

    def getaddrinfo(host: str, port: int, **hints: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(socket.getaddrinfo(known[host], port, **hints))

    return getaddrinfo


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    background = BackgroundLoop()
    yield background
    background.stop()


@pytest.fixture
def looking(
    db: Database, vault: Vault, loop: BackgroundLoop, certificates: Certificates
) -> Iterator[Callable[..., Detections]]:
    """Make the service over a world of its own: ``looking(zone={…}, hosts={…}, doors=[…])``."""
    with ExitStack() as stack:

        def make(
            zone: Zone | None = None,
            hosts: dict[str, str] | None = None,
            doors: list[Door] | None = None,
            patience: Patience | None = None,
            allowed: tuple[str, ...] = LOOPBACK_ONLY,
        ) -> Detections:
            server: NameServer = stack.enter_context(name_server(zone or {}))
            network = Network(allowed, extra_ca_pem=certificates.ca_pem, getaddrinfo=names(hosts or {}))
            return Detections(
                db,
                vault,
                loop,
                Limits(db, vault),
                Audit(),
                CONNECTORS,
                lambda _: network,
                dns=DNS([server.address]),
                doors=doors if doors is not None else [Door(free_port(), "starttls")],
                patience=patience or Patience(),
            )

        yield make


def evidence(found: Detection, number: int = 0) -> str:
    return " ".join(map(str, found.candidates[number].evidence))


class TestMailboxes:
    def test_a_known_mailbox_needs_no_question(self, looking: Callable[..., Detections], ada: Access) -> None:
        found = looking().detect(ada, "ada@gmail.com").result

        best = found.candidates[0]
        assert (best.provider, best.preset, best.title) == ("smtp", "gmail", "Gmail")
        assert best.config == {
            "host": "smtp.gmail.com",
            "port": 587,
            "security": "starttls",
            "auth": {"type": "login", "user": "ada@gmail.com"},
            "fromEmail": "ada@gmail.com",
        }
        assert [(each.path, str(each.title)) for each in best.needed] == [("auth.pass", "App password")]
        assert "are at Gmail" in evidence(found)

    def test_the_domain_alone_is_enough(self, looking: Callable[..., Detections], ada: Access) -> None:
        best = looking().detect(ada, "yeah.net").result.candidates[0]

        assert (best.preset, best.config["host"]) == ("netease", "smtp.yeah.net")
        assert "fromEmail" not in best.config
        assert [each.path for each in best.needed] == ["auth.user", "auth.pass", "fromEmail"]

    def test_oauth_asks_for_what_is_its_own(self, looking: Callable[..., Detections], ada: Access) -> None:
        best = looking().detect(ada, "ada@outlook.com").result.candidates[0]

        assert best.config["auth"]["type"] == "oauth2"
        assert "auth.clientId" in [each.path for each in best.needed]


class TestDNS:
    def test_an_mx_tells_the_provider(self, looking: Callable[..., Detections], ada: Access) -> None:
        zone = {("example.com", "MX"): ["10 aspmx.l.google.com."]}

        found = looking(zone).detect(ada, "ada@example.com").result

        assert [each.preset for each in found.candidates] == ["gmail", "google-workspace-relay"]
        assert "MX of example.com is aspmx.l.google.com, which is Gmail." in evidence(found)
        assert found.candidates[0].config["auth"]["user"] == "ada@example.com"

    def test_what_cannot_be_reached_from_here_is_said(self, looking: Callable[..., Detections], ada: Access) -> None:
        zone = {("example.com", "MX"): ["10 aspmx.l.google.com."]}

        found = looking(zone).detect(ada, "ada@example.com").result

        assert found.candidates[0].usable
        assert "smtp.gmail.com could not be reached" in str(found.candidates[0].warnings[0])

    def test_an_spf_record_tells_the_sending_service(self, looking: Callable[..., Detections], ada: Access) -> None:
        zone = {("example.com", "TXT"): ['"v=spf1 include:sendgrid.net -all"']}

        found = looking(zone).detect(ada, "ada@example.com").result

        by_smtp = next(each for each in found.candidates if each.preset == "sendgrid")
        assert "lets SendGrid send for it (sendgrid.net)" in evidence(found)
        assert by_smtp.config["auth"] == {"type": "login", "user": "apikey"}

    def test_a_connector_by_api_comes_first_where_the_ports_of_smtp_are_closed(
        self, looking: Callable[..., Detections], ada: Access
    ) -> None:
        zone = {("example.com", "TXT"): ['"v=spf1 include:sendgrid.net -all"']}

        found = looking(zone).detect(ada, "ada@example.com").result

        assert [each.provider for each in found.candidates] == ["sendgrid", "smtp"]
        assert found.candidates[0].config["fromEmail"] == "ada@example.com"
        assert "no port of SMTP needs to be open" in evidence(found)

    def test_a_connector_by_api_comes_second_where_smtp_answers(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(greeting=answer(220, "SG ESMTP service ready at geopod-ismtpd-0")))

        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{server.port}").result

        assert [each.provider for each in found.candidates] == ["smtp", "sendgrid"]

    def test_a_region_that_nothing_tells_is_asked_for(self, looking: Callable[..., Detections], ada: Access) -> None:
        zone = {("example.com", "TXT"): ['"v=spf1 include:amazonses.com -all"']}

        found = looking(zone).detect(ada, "ada@example.com").result

        assert len(found.candidates) == 2
        assert all("Nothing tells your account's region" in str(each.warnings[-1]) for each in found.candidates)

    def test_a_filter_is_no_provider(self, looking: Callable[..., Detections], ada: Access) -> None:
        zone = {("example.com", "MX"): ["10 eu-smtp-inbound-1.mimecast.com."]}

        found = looking(zone).detect(ada, "ada@example.com").result

        assert not found.found
        assert found.problem is not None
        assert found.problem.code == "detection.nothing_found"
        assert "(Mimecast), which takes mail for others" in str(found.remarks[0])

    def test_a_domain_that_takes_no_mail_is_told(self, looking: Callable[..., Detections], ada: Access) -> None:
        found = looking({("example.com", "MX"): ["0 ."]}).detect(ada, "ada@example.com").result

        assert [str(each) for each in found.remarks] == ["example.com says that it takes no mail (null MX)."]

    def test_a_silent_name_server_keeps_nobody_waiting(self, looking: Callable[..., Detections], ada: Access) -> None:
        service = looking({("example.com", each): SILENT for each in ("MX", "TXT")}, patience=Patience(dns=0.3))

        found = service.detect(ada, "ada@example.com").result

        assert found.problem is not None
        assert "No name server answered in time." in [str(step.outcome) for step in found.steps]
        assert "Looking again may find more." in str(found.remarks[0])

    def test_what_dns_says_of_mailboxes_is_never_asked_for_a_server_with_a_port(
        self, looking: Callable[..., Detections], ada: Access
    ) -> None:
        found = looking().detect(ada, f"{MAIL}:2525").result

        assert len(found.steps) == 1


class TestOwnServers:
    @pytest.mark.peers
    def test_the_safest_port_of_a_real_server_is_filled_in(
        self, looking: Callable[..., Detections], ada: Access, postfix: PostfixServer
    ) -> None:
        zone = {("example.test", "MX"): ["10 mail.example.test."]}
        doors = [
            Door(postfix.submissions_port, "tls"),
            Door(postfix.submission_port, "starttls"),
            Door(postfix.relay_port, "starttls"),
        ]

        found = looking(zone, {MAIL: "127.0.0.1"}, doors).detect(ada, "ada@example.test").result

        best = found.candidates[0]
        assert (best.provider, best.preset, best.title) == ("smtp", None, MAIL)
        assert best.config == {
            "host": MAIL,
            "port": postfix.submissions_port,
            "security": "tls",
            "auth": {"type": "login", "user": "ada@example.test"},
            "fromEmail": "ada@example.test",
        }
        assert "mail.example.test ESMTP Postfix" in evidence(found)
        assert "Certificate valid until" in evidence(found)
        assert "PLAIN" in evidence(found)

    def test_a_typed_server_is_looked_at_with_its_port(
        self, looking: Callable[..., Detections], ada: Access, receiving: Callable[..., ReceivingServer]
    ) -> None:
        server = receiving()

        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{server.port}").result

        assert found.candidates[0].config == {
            "host": MAIL,
            "port": server.port,
            "security": "starttls",
            "auth": {"type": "login"},
        }

    def test_a_server_that_the_domain_names_comes_first(
        self, looking: Callable[..., Detections], ada: Access, receiving: Callable[..., ReceivingServer]
    ) -> None:
        named, guessed = receiving(implicit_tls=True), receiving()
        zone = {("_submissions._tcp.example.test", "SRV"): [f"0 1 {named.port} localhost."]}
        hosts = {MAIL: "127.0.0.1", "localhost": "127.0.0.1"}

        found = looking(zone, hosts, [Door(guessed.port, "starttls")]).detect(ada, "ada@example.test").result

        assert [each.title for each in found.candidates] == ["localhost", MAIL]
        assert found.candidates[0].config["port"] == named.port
        assert f"names localhost port {named.port}" in evidence(found)

    def test_a_server_is_recognised_by_how_it_greets(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(greeting=answer(220, "SG ESMTP service ready at geopod-ismtpd-0")))

        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{server.port}").result

        best = found.candidates[0]
        assert (best.preset, best.config["host"]) == ("sendgrid", "smtp.sendgrid.net")
        assert "greets as SendGrid does" in evidence(found)

    def test_a_typed_server_of_a_known_provider_gives_its_preset(
        self, looking: Callable[..., Detections], ada: Access
    ) -> None:
        found = looking().detect(ada, "email-smtp.eu-west-1.amazonaws.com").result

        by_smtp = next(each for each in found.candidates if each.preset == "amazon-ses")
        by_api = next(each for each in found.candidates if each.provider == "aws-ses")
        assert by_smtp.config["host"] == "email-smtp.eu-west-1.amazonaws.com"
        assert by_api.config["region"] == "eu-west-1"
        assert not any("region" in str(warning) for warning in (*by_smtp.warnings, *by_api.warnings))

    def test_a_relay_that_knows_us_by_address_is_offered_to_whoever_types_its_name(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(mechanisms=()))

        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{server.port}").result

        assert found.candidates[0].config["auth"] == {"type": "none"}
        assert "offers no login" in str(found.candidates[0].warnings[0])

    def test_a_server_for_incoming_mail_only_is_not_offered(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(mechanisms=()))
        zone = {("example.test", "MX"): ["10 mail.example.test."]}

        found = (
            looking(zone, {MAIL: "127.0.0.1"}, [Door(server.port, "starttls")]).detect(ada, "ada@example.test").result
        )

        assert not found.found
        assert found.problem is not None
        assert found.problem.code == "detection.no_login"

    def test_a_server_with_oauth_only_gets_a_form_for_that(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(mechanisms=("XOAUTH2",)))

        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{server.port}").result

        assert found.candidates[0].config["auth"] == {"type": "oauth2"}


class TestSafety:
    def test_a_server_without_tls_is_named_and_never_filled_in(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(offers_starttls=False))

        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{server.port}").result

        (only,) = found.candidates
        assert not only.usable
        assert only.config == {}
        assert only.problem is not None
        assert only.problem.code == "detection.not_encrypted"
        assert found.problem == only.problem

    @pytest.mark.parametrize("certificate", ["wrong_name", "expired", "unknown_issuer", "self_signed"])
    def test_a_certificate_that_is_not_valid_is_no_way_in(
        self,
        looking: Callable[..., Detections],
        ada: Access,
        scripted: Callable[..., ScriptedServer],
        certificate: str,
    ) -> None:
        server = scripted(certificate=certificate)

        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{server.port}").result

        (only,) = found.candidates
        assert not only.usable
        assert only.config == {}
        assert only.problem is not None
        assert only.problem.code.startswith("network.certificate_")

    @pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1"])
    def test_an_mx_that_leads_inside_is_not_followed(
        self,
        looking: Callable[..., Detections],
        ada: Access,
        scripted: Callable[..., ScriptedServer],
        address: str,
    ) -> None:
        server = scripted()
        zone = {("example.org", "MX"): ["10 mx.example.org."]}
        service = looking(zone, {"mx.example.org": address}, [Door(server.port, "starttls")], allowed=())

        found = service.detect(ada, "mallory@example.org").result

        assert server.conversations == []
        assert not found.candidates
        assert [str(step.outcome) for step in found.steps if "mx.example.org, port" in str(step.text)] == [
            "This address is not permitted"
        ]

    def test_the_answer_is_the_same_whatever_is_behind_an_address(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        open_port, closed_port = scripted().port, free_port()
        service = looking(hosts={MAIL: "127.0.0.1"}, allowed=())

        there, not_there = (service.detect(ada, f"{MAIL}:{port}").result for port in (open_port, closed_port))

        assert there.problem is not None
        assert there.problem.code == "network.address_refused"
        assert there.problem == not_there.problem
        assert [step.outcome for step in there.steps] == [step.outcome for step in not_there.steps]


class TestHostileServers:
    @pytest.mark.parametrize(
        "script",
        [
            pytest.param(Script(greeting=silence), id="silence"),
            pytest.param(Script(greeting=raw(b"220 " + b"x" * 1_000_000 + b"\r\n")), id="a megabyte"),
            pytest.param(Script(greeting=endless(b"220-and more\r\n")), id="no end"),
            pytest.param(Script(greeting=raw(b"SSH-2.0-OpenSSH_9.9\r\n") + silence), id="another service"),
        ],
    )
    def test_they_come_to_nothing_within_the_time_bound(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer], script: Script
    ) -> None:
        server = scripted(script)
        service = looking(hosts={MAIL: "127.0.0.1"}, patience=Patience(overall=2.0, step=1.0))

        view = service.detect(ada, f"{MAIL}:{server.port}")

        assert view.state == "done"
        assert not view.result.found
        assert view.result.problem is not None
        assert len(json.dumps(detecting._CONTENT.dump_python(view.result, mode="json"))) < 20_000

    def test_a_domain_cannot_make_us_knock_everywhere(self, looking: Callable[..., Detections], ada: Access) -> None:
        zone = {
            ("example.org", "MX"): [f"{n} mx{n}.example.org." for n in range(20)],
            ("_submission._tcp.example.org", "SRV"): [f"{n} 0 587 s{n}.example.org." for n in range(20)],
        }

        found = looking(zone).detect(ada, "mallory@example.org").result

        assert len([step for step in found.steps if ", port" in str(step.text)]) <= 6

    def test_markup_in_a_greeting_stays_a_greeting(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(greeting=answer(220, "<b>%(host)s</b> \x1b[2J ESMTP")))

        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{server.port}").result

        assert "<b>%(host)s</b>" in evidence(found)
        assert "\x1b" not in evidence(found)


class TestAsking:
    @pytest.mark.parametrize(
        "typed", ["", "ada@", "a@b@c", "https://mail.example.com", "smtp.example.com:0", "two words", "x" * 400, "a\nb"]
    )
    def test_what_is_no_address_is_explained_at_its_place(
        self, looking: Callable[..., Detections], ada: Access, typed: str
    ) -> None:
        with pytest.raises(InputError) as refused:
            looking().detect(ada, typed, pointer="/host")

        assert [error.pointer for error in refused.value.errors] == ["/host"]

    def test_an_international_domain_is_understood(self, looking: Callable[..., Detections], ada: Access) -> None:
        zone = {("xn--bcher-kva.example", "MX"): ["10 in1-smtp.messagingengine.com."]}

        found = looking(zone).detect(ada, "Ada <ada@bücher.example>").result

        assert found.candidates[0].preset == "fastmail"
        assert found.asked == "bücher.example"

    def test_a_name_that_does_not_exist_is_said_to_be_that(
        self, looking: Callable[..., Detections], ada: Access
    ) -> None:
        found = looking().detect(ada, "smtp.exmaple.com").result

        assert found.problem is not None
        assert found.problem.code == "network.name_not_found"

    def test_a_server_where_nobody_answers_is_told_apart(self, looking: Callable[..., Detections], ada: Access) -> None:
        found = looking(hosts={MAIL: "127.0.0.1"}).detect(ada, f"{MAIL}:{free_port()}").result

        assert found.problem is not None
        assert found.problem.code == "detection.no_answer"

    def test_each_step_is_told_with_its_outcome(self, looking: Callable[..., Detections], ada: Access) -> None:
        found = looking({("example.com", "MX"): ["10 mx1.qq.com."]}).detect(ada, "ada@example.com").result

        assert ("MX records of example.com", "found", "mx1.qq.com") in [
            (str(step.text), step.state, str(step.outcome)) for step in found.steps
        ]
        assert all(step.state != "running" for step in found.steps)


class TestKeeping:
    def test_others_do_not_see_it(self, looking: Callable[..., Detections], ada: Access, mallory: Access) -> None:
        service = looking()
        view = service.detect(ada, "ada@gmail.com")

        with pytest.raises(NotFoundError):
            service.view(mallory.tenant, view.id)

    def test_it_is_no_check(self, looking: Callable[..., Detections], ada: Access, db: Database, vault: Vault) -> None:
        view = looking().detect(ada, "ada@gmail.com")

        with pytest.raises(NotFoundError):
            Runs(db, vault).view(ada.tenant, view.id)

    def test_it_can_be_stopped(
        self, looking: Callable[..., Detections], ada: Access, scripted: Callable[..., ScriptedServer]
    ) -> None:
        server = scripted(Script(greeting=silence))
        service = looking(hosts={MAIL: "127.0.0.1"})
        view = service.start(ada, f"{MAIL}:{server.port}")

        stopped = service.cancel(ada, view.id)

        assert stopped.state == "cancelled"
        assert service.wait(ada, stopped).state == "cancelled"

    def test_a_tenant_is_limited(self, looking: Callable[..., Detections], ada: Access, monkeypatch: Any) -> None:
        monkeypatch.setattr(detecting, "DETECT_LIMIT", Limit(2, 600))
        service = looking()
        for _ in range(2):
            service.detect(ada, "ada@gmail.com")

        with pytest.raises(LimitedError):
            service.detect(ada, "ada@gmail.com")

    def test_it_is_audited_without_the_mailbox(
        self, looking: Callable[..., Detections], ada: Access, dev: TenantInfo, db: Database
    ) -> None:
        looking().detect(ada, "ada.lovelace@gmail.com", request_id="r1")

        (event,) = [each for each in Audit().events(db, dev.id) if each.action == "provider.detected"]
        assert (event.detail["host"], event.detail["ok"], event.request_id) == ("gmail.com", True, "r1")
        assert "lovelace" not in str(event.detail)
