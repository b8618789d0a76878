"""Mallory lets the console knock where she cannot reach herself: inside its network, at itself, at metadata."""

from __future__ import annotations

import pytest

from tests.api.conftest import API, smtp
from tests.canary import CANARY
from tests.peers.ports import free_port
from webapp.domain.roles import OPERATOR, Access, Role, Scope

INSIDE = [
    "127.0.0.1", "localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0",
    "１２７.0.0.1", "[::1]", "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::",  # noqa: RUF001
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "240.0.0.1", "224.0.0.1", "255.255.255.255",
    "169.254.169.254", "2852039166", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16",
    "fe80::1", "fc00::1", "ff02::1", "2001:db8::1",
]  # fmt: skip
NEVER = ["169.254.169.254", "2852039166", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0", "fe80::1", "ff02::1"]

REFUSED = ("resolve", "network.address_refused")


def asked(house, slug: str = "dev") -> API:
    access = Access(OPERATOR, house.tenant(slug), Role.OWNER)
    token = house.services.tokens.create(access, "test", tuple(Scope), OPERATOR)
    return API(house.app.test_client(), token, slug)


def found(api: API, host: str, port: int, **config) -> tuple[str, str]:
    """The problem of a check, without the host that was asked for."""
    auth = {"type": "login", "user": "ada", "pass": f"{CANARY}-typed"}
    connector = smtp(host=host, port=port, auth=auth, **config)
    answer = api.post(f"/tenants/{api.tenant}/check", json={"connector": connector})
    assert answer.status_code == 200, answer.text
    phase = answer.json["phases"][-1]
    return phase["phase"], phase["problem"]["code"]


class TestMallory:
    def test_is_refused_inside_addresses_in_every_spelling(self, open_house) -> None:
        api = asked(open_house(allowed_networks=()))

        answers = {host: found(api, host, 587) for host in INSIDE}

        assert answers == dict.fromkeys(INSIDE, REFUSED)

    def test_is_refused_metadata_whatever_the_operator_opens(self, open_house) -> None:
        api = asked(open_house(allowed_networks=("0.0.0.0/0", "::/0")))

        answers = {host: found(api, host, 587) for host in NEVER}

        assert answers == dict.fromkeys(NEVER, REFUSED)

    def test_cannot_tell_an_open_port_from_a_closed_one(self, open_house, scripted) -> None:
        api, open_port, closed_port = asked(open_house(allowed_networks=())), scripted().port, free_port()

        assert found(api, "127.0.0.1", open_port) == found(api, "127.0.0.1", closed_port)

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "::ffff:127.0.0.1"])
    def test_cannot_make_the_console_talk_to_itself(self, open_house, host) -> None:
        port = free_port()
        api = asked(open_house(port=port))

        assert found(api, host, port) == REFUSED

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
    def test_cannot_reach_the_sandbox_from_production(self, open_house, host) -> None:
        port = free_port()
        house = open_house(sandbox_smtp_port=port)

        assert found(asked(house, "prod"), host, port) == REFUSED

    def test_cannot_use_a_name_that_means_another_address_the_second_time(self, open_house, monkeypatch) -> None:
        looked_up = []

        def rebinding(host: str, port: int, **hints: object) -> list[object]:
            looked_up.append(host)
            address = "192.0.2.1" if len(looked_up) > 1 else "127.0.0.1"
            return [(2, 1, 6, "", (address, port))]

        house = open_house(allowed_networks=())
        network = house.services.delivery._network_for(house.tenant("dev"))
        monkeypatch.setattr(network, "_getaddrinfo", rebinding)

        assert found(asked(house), "rebinding.example.net", 587) == REFUSED
        assert looked_up == ["rebinding.example.net"]
