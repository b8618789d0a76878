"""What a domain says of its mail, asked of a real name server."""

from __future__ import annotations

import asyncio

import pytest

from tests.peers.names import GARBAGE, REFUSED, SILENT, Zone, name_server
from webapp.connectors.dns import ANSWERS_LIMIT, DNS, DNSUnansweredError


def exchangers(zone: Zone, domain: str = "example.com", seconds: float = 5.0) -> list[str] | None:
    with name_server(zone) as server:
        return asyncio.run(DNS([server.address]).mail_exchangers(domain, seconds=seconds))


def senders(*records: str) -> list[str]:
    with name_server({("example.com", "TXT"): records}) as server:
        return asyncio.run(DNS([server.address]).senders("example.com", seconds=5.0))


class TestMailExchangers:
    def test_the_preferred_comes_first(self) -> None:
        assert exchangers({("example.com", "MX"): ["20 b.example.com.", "10 A.Example.com."]}) == [
            "a.example.com",
            "b.example.com",
        ]

    def test_a_domain_without_any_has_none(self) -> None:
        assert exchangers({("example.com", "A"): ["192.0.2.1"]}) == []

    def test_a_domain_that_does_not_exist_has_none(self) -> None:
        assert exchangers({}) == []

    def test_a_domain_can_say_that_it_takes_no_mail(self) -> None:
        assert exchangers({("example.com", "MX"): ["0 ."]}) is None

    def test_an_international_name_is_asked_for_as_dns_writes_it(self) -> None:
        zone = {("xn--bcher-kva.example", "MX"): ["10 mail.xn--bcher-kva.example."]}

        assert exchangers(zone, "bücher.example") == ["mail.xn--bcher-kva.example"]

    def test_aliases_are_followed(self) -> None:
        zone = {("example.com", "CNAME"): ["other.example.net."], ("other.example.net", "MX"): ["10 mx.example.net."]}

        assert exchangers(zone) == ["mx.example.net"]

    def test_no_more_are_read_than_anybody_needs(self) -> None:
        found = exchangers({("example.com", "MX"): [f"{n} mx{n:03}.example.com." for n in range(100)]})

        assert found is not None
        assert len(found) == ANSWERS_LIMIT


class TestTrouble:
    @pytest.mark.parametrize(
        "zone",
        [
            pytest.param({("example.com", "MX"): SILENT}, id="silence"),
            pytest.param({("example.com", "MX"): REFUSED}, id="refusal"),
            pytest.param({("example.com", "MX"): GARBAGE}, id="garbage"),
            pytest.param(
                {("example.com", "CNAME"): ["loop.example.com."], ("loop.example.com", "CNAME"): ["example.com."]},
                id="aliases in a circle",
            ),
        ],
    )
    def test_it_ends_in_words(self, zone: Zone) -> None:
        with pytest.raises(DNSUnansweredError):
            exchangers(zone, seconds=0.5)

    def test_a_name_that_is_none_is_never_asked_for(self) -> None:
        with pytest.raises(DNSUnansweredError):
            exchangers({}, f"{'x' * 64}.example.com", seconds=0.5)


class TestServices:
    def test_host_and_port_are_told_best_first(self) -> None:
        zone = {
            ("_submissions._tcp.example.com", "SRV"): [
                "10 0 465 slow.example.com.",
                "0 1 465 one.example.com.",
                "0 5 4650 two.example.com.",
            ]
        }

        with name_server(zone) as server:
            found = asyncio.run(DNS([server.address]).service("submissions", "example.com", seconds=5.0))

        assert found == [("two.example.com", 4650), ("one.example.com", 465), ("slow.example.com", 465)]

    def test_a_service_that_is_said_not_to_be_there_is_not_there(self) -> None:
        with name_server({("_submission._tcp.example.com", "SRV"): ["0 0 0 ."]}) as server:
            found = asyncio.run(DNS([server.address]).service("submission", "example.com", seconds=5.0))

        assert found == []


class TestSenders:
    def test_includes_and_a_redirect_are_read(self) -> None:
        assert senders(
            '"v=spf1 ip4:192.0.2.0/24 include:SendGrid.net ?include:_spf.google.com redirect=x.example.org"'
        ) == [
            "sendgrid.net",
            "_spf.google.com",
            "x.example.org",
        ]

    def test_a_long_record_is_put_together(self) -> None:
        assert senders('"v=spf1 include:amazon" "ses.com -all"') == ["amazonses.com"]

    def test_other_texts_are_not_read(self) -> None:
        assert senders('"google-site-verification=x include:sendgrid.net"', '"v=spf10 include:sendgrid.net"') == []
