"""What is offered, from what was seen: which port is filled in, what is warned of, and in which order."""

from __future__ import annotations

from typing import Any

from webapp.connectors import CONNECTORS
from webapp.connectors.smtp.probing import DOORS, Door, Finding
from webapp.domain.problem import Problem
from webapp.domain.text import T
from webapp.services.detection import Candidate, recognition
from webapp.services.detection.candidates import candidates_of
from webapp.services.detection.survey import Clue, Seen
from webapp.services.detection.target import Target

HOST = "mail.example.com"
TYPED, ADDRESS = Target(HOST), Target("example.com", "ada@example.com")
CLOSED = Problem("network.connection_refused", T("Nothing answers at this port"), T("It accepts no connection."))


def findings(host: str, *open_ports: int, mechanisms: tuple[str, ...] = ("plain",)) -> list[Finding]:
    """A server that is as it should be at these ports, and closed at the others."""
    return [
        Finding(host, door, True, f"{host} ESMTP", True, "TLSv1.3", "2027-01-01", mechanisms)
        if door.port in open_ports
        else Finding(host, door, False, problem=CLOSED)
        for door in DOORS
    ]


def of_server(*open_ports: int, target: Target = TYPED, **options: Any) -> Candidate:
    seen = Seen(servers={HOST: findings(HOST, *open_ports, **options)})
    (only,) = candidates_of(target, seen, CONNECTORS)
    return only


def of_sendgrid(*open_ports: int) -> Candidate:
    provider = recognition.by_spf("sendgrid.net")[0]
    clue = Clue(provider, "sendgrid.net", T("SPF says so."), 70)
    host = provider.hosts()[0]
    found = candidates_of(ADDRESS, Seen(clues=[clue], servers={host: findings(host, *open_ports)}), CONNECTORS)
    return next(each for each in found if each.provider == "smtp")


def warnings(candidate: Candidate) -> str:
    return " ".join(map(str, candidate.warnings))


class TestPorts:
    def test_tls_from_the_start_is_preferred(self) -> None:
        found = of_server(25, 465, 587)

        assert (found.config["port"], found.config["security"]) == (465, "tls")
        assert found.warnings == ()

    def test_every_port_that_works_is_evidence(self) -> None:
        assert len(of_server(465, 587).evidence) == 2

    def test_starttls_comes_next(self) -> None:
        found = of_server(587, 2525)

        assert (found.config["port"], found.config["security"]) == (587, "starttls")

    def test_port_25_alone_is_warned_of(self) -> None:
        found = of_server(25)

        assert found.config["port"] == 25
        assert "Only port 25 answers safely." in warnings(found)

    def test_the_usual_port_of_a_provider_is_kept(self) -> None:
        assert of_sendgrid(465, 587).config["port"] == 587

    def test_another_port_of_a_provider_is_filled_in_where_the_usual_one_is_blocked(self) -> None:
        found = of_sendgrid(2525)

        assert (found.config["port"], found.config["security"]) == (2525, "starttls")
        assert "Port 587 does not answer from here, so port 2525 is filled in." in warnings(found)

    def test_a_provider_keeps_its_login_at_another_port(self) -> None:
        assert of_sendgrid(465).config["auth"] == {"type": "login", "user": "apikey"}

    def test_a_provider_out_of_reach_is_offered_with_a_warning(self) -> None:
        assert "could not be reached from here" in warnings(of_sendgrid())


class TestLogins:
    def test_an_address_is_the_user_name_to_begin_with(self) -> None:
        assert of_server(465, target=ADDRESS).config["auth"] == {"type": "login", "user": "ada@example.com"}

    def test_a_login_that_nobody_here_can_give_is_no_way_in(self) -> None:
        found = of_server(465, mechanisms=("gssapi", "ntlm"))

        assert found.problem is not None
        assert found.problem.code == "detection.login_unknown"
        assert "GSSAPI, NTLM" in str(found.problem.cause)


class TestOrder:
    def test_what_cannot_be_used_comes_last(self) -> None:
        broken = [Finding("smtp.example.com", Door(587, "starttls"), True, "smtp ESMTP", problem=CLOSED)]
        seen = Seen(servers={"smtp.example.com": broken, HOST: findings(HOST, 25)})

        assert [each.usable for each in candidates_of(ADDRESS, seen, CONNECTORS)] == [True, False]

    def test_a_server_where_nobody_is_makes_no_candidate(self) -> None:
        assert candidates_of(TYPED, Seen(servers={HOST: findings(HOST)}), CONNECTORS) == ()

    def test_a_provider_is_offered_once_however_much_points_to_it(self) -> None:
        provider = recognition.by_spf("sendgrid.net")[0]
        clues = [Clue(provider, "sendgrid.net", T("SPF."), 70), Clue(provider, "mx.sendgrid.net", T("MX."), 80)]

        found = candidates_of(ADDRESS, Seen(clues=clues), CONNECTORS)

        assert [each.provider for each in found] == ["smtp", "sendgrid"]
        assert [str(each) for each in found[0].evidence] == ["MX.", "SPF."]
