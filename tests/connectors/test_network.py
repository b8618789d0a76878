"""The only way out: what may be reached, and that nothing else is."""

import asyncio
import socket
import ssl
import threading

import pytest

from webapp.connectors.network import Network, Route, Sandbox
from webapp.domain.message import DeliveryError

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "134744072",  # 8.8.8.8 in decimal
    "0x08080808",
    "010.8.8.8",  # octal
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",  # NAT64
    "2002:808:808::1",  # 6to4
]

CLOSED = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::127.0.0.1",
    "2002:7f00:1::",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "::ffff:10.0.0.1",
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.1",
    "240.0.0.1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "2001:db8::1",
    "2001::1",
    "64:ff9b:1::a00:1",
    "100::1",
]

ALWAYS_CLOSED = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fe80::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "0.0.0.0",
    "0",
    "0.1.2.3",
    "::",
    "::ffff:0.0.0.0",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "ff02::1",
]

EVERYTHING = ("0.0.0.0/0", "::/0")


def numeric(host, port, **hints):
    """Read addresses as the system does, without asking a name server."""
    return socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST, **hints)


def names(known):
    """Resolve names from a table."""

    def look_up(host, port, **hints):
        return [info for address in known[host] for info in numeric(address, port, **hints)]

    return look_up


def resolved(network, host, port=587) -> Route:
    return asyncio.run(network.resolve(host, port, seconds=2))


def refusal(network, host, port=587) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        resolved(network, host, port)
    return caught.value


class TestPolicy:
    @pytest.mark.parametrize("host", PUBLIC)
    def test_public_addresses_are_open_in_every_spelling(self, host):
        assert resolved(Network(getaddrinfo=numeric), host).addresses

    @pytest.mark.parametrize("host", CLOSED + ALWAYS_CLOSED)
    def test_everything_else_is_closed_in_every_spelling(self, host):
        assert refusal(Network(getaddrinfo=numeric), host).problem.code == "network.address_refused"

    @pytest.mark.parametrize("host", CLOSED)
    def test_the_operator_can_open_networks(self, host):
        assert resolved(Network(EVERYTHING, getaddrinfo=numeric), host).addresses

    @pytest.mark.parametrize("host", ALWAYS_CLOSED)
    def test_metadata_and_the_like_stay_closed_whatever_the_operator_opens(self, host):
        network = Network((*EVERYTHING, "169.254.0.0/16", "fe80::/10"), getaddrinfo=numeric)

        assert refusal(network, host).problem.code == "network.address_refused"

    def test_only_the_named_networks_are_open(self):
        network = Network(["10.1.0.0/16"], getaddrinfo=numeric)

        assert resolved(network, "10.1.2.3").addresses
        assert refusal(network, "10.2.2.3")
        assert resolved(network, "::ffff:10.1.2.3").addresses

    def test_a_name_with_open_and_closed_addresses_leads_to_the_open_ones(self):
        network = Network(getaddrinfo=names({"mixed.test": ["127.0.0.1", "8.8.8.8", "169.254.169.254"]}))

        assert str(resolved(network, "mixed.test")) == "8.8.8.8"

    def test_a_refusal_is_the_same_whatever_is_there(self, scripted):
        listening = scripted()
        network = Network()

        refusals = [refusal(network, "127.0.0.1", port) for port in (listening.port, 1)]

        assert refusals[0].problem == refusals[1].problem
        assert listening.conversations == []

    def test_a_refusal_does_not_tell_the_address_behind_a_name(self):
        error = refusal(Network(getaddrinfo=names({"inside.test": ["10.20.30.40"]})), "inside.test")

        assert "10.20.30.40" not in repr(error.problem)


class TestOwnAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "::ffff:127.0.0.1", "::1", "127.0.0.2"])
    def test_the_consoles_own_port_is_closed_at_every_address_of_this_machine(self, host):
        network = Network(EVERYTHING, [("127.0.0.1", 8420)], getaddrinfo=numeric)

        assert refusal(network, host, 8420).problem.code == "network.address_refused"

    def test_other_ports_of_this_machine_follow_the_policy(self):
        network = Network(["127.0.0.0/8"], [("127.0.0.1", 8420)], getaddrinfo=numeric)

        assert resolved(network, "127.0.0.1", 587).addresses

    def test_the_same_port_elsewhere_is_open(self):
        network = Network(own_addresses=[("0.0.0.0", 8420)], getaddrinfo=numeric)

        assert resolved(network, "8.8.8.8", 8420).addresses

    def test_a_public_address_of_ours_is_closed_at_our_port(self):
        network = Network(own_addresses=[("8.8.8.8", 443)], getaddrinfo=numeric)

        assert refusal(network, "8.8.8.8", 443)
        assert resolved(network, "8.8.8.8", 587).addresses


class TestSandbox:
    OURS = ("127.0.0.1", 8425)

    @pytest.fixture
    def sandbox(self, certificates):
        return Sandbox(*self.OURS, ca_pem=certificates.ca_pem)

    def test_a_development_tenant_reaches_it_at_exactly_its_address_and_port(self, sandbox):
        network = Network(own_addresses=[self.OURS], sandbox=sandbox, getaddrinfo=numeric)

        assert resolved(network, *self.OURS).sandbox
        assert refusal(network, "127.0.0.1", 8426)
        assert refusal(network, "127.0.0.2", 8425)

    def test_a_production_tenant_does_not_reach_it(self):
        network = Network(EVERYTHING, own_addresses=[self.OURS], getaddrinfo=numeric)

        assert refusal(network, *self.OURS)

    def test_its_authority_is_trusted_there_only(self, sandbox):
        network = Network(EVERYTHING, sandbox=sandbox, getaddrinfo=numeric)

        async def authorities(port):
            route = await network.resolve("127.0.0.1", port, seconds=2)
            return [dict(part[0] for part in ca["subject"]) for ca in (await network.tls_context(route)).get_ca_certs()]

        inside, outside = asyncio.run(authorities(8425)), asyncio.run(authorities(8426))
        assert [each["organizationName"] for each in inside] == ["Postroom tests"]
        assert "Postroom tests" not in [each.get("organizationName") for each in outside]


class TestLookUp:
    @pytest.mark.parametrize(
        ("number", "code", "temporary"),
        [
            (socket.EAI_NONAME, "network.name_not_found", False),
            (socket.EAI_NODATA, "network.name_not_found", False),
            (socket.EAI_AGAIN, "network.dns_failed", True),
            (socket.EAI_FAIL, "network.dns_failed", True),
        ],
    )
    def test_a_missing_name_and_a_broken_name_server_are_two_things(self, number, code, temporary):
        def broken(*_, **__):
            raise socket.gaierror(number, "no")

        error = refusal(Network(getaddrinfo=broken), "smtp.example.test")

        assert (error.problem.code, error.problem.temporary) == (code, temporary)

    def test_a_name_server_that_does_not_answer_is_not_waited_for(self):
        released = threading.Event()

        def silent(*_, **__):
            released.wait(10)
            return []

        async def look_up():
            try:
                await Network(getaddrinfo=silent).resolve("smtp.example.test", 587, seconds=0.05)
            finally:
                released.set()

        with pytest.raises(DeliveryError) as caught:
            asyncio.run(look_up())

        assert caught.value.problem.code == "network.dns_timeout"
        assert caught.value.problem.temporary

    def test_names_in_any_script_are_looked_up_in_ascii(self):
        asked = []

        def remember(host, port, **hints):
            asked.append(host)
            return numeric("8.8.8.8", port, **hints)

        route = resolved(Network(getaddrinfo=remember), "bücher.example")

        assert asked == ["xn--bcher-kva.example"]
        assert route.tls_name == "xn--bcher-kva.example"

    def test_a_name_is_looked_up_once_and_its_checked_address_used(self, scripted):
        """A second answer (DNS rebinding) could lead anywhere."""
        server, answers = scripted(), iter([["127.0.0.1"], ["169.254.169.254"]])

        def changing(host, port, **hints):
            return [info for address in next(answers) for info in numeric(address, port, **hints)]

        network = Network(["127.0.0.0/8"], getaddrinfo=changing)

        async def connect():
            route = await network.resolve("rebinding.test", server.port, seconds=2)
            connection = await network.connect(route, seconds=2)
            with connection:
                return connection.getpeername()[0]

        assert asyncio.run(connect()) == "127.0.0.1"


class TestConnect:
    NETWORK = Network(["127.0.0.0/8", "::1/128"], getaddrinfo=numeric)

    def connected(self, host, port, **options):
        async def connect():
            route = await self.NETWORK.resolve(host, port, seconds=2)
            connection = await self.NETWORK.connect(route, seconds=2, **options)
            with connection:
                nodelay = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                return connection.getsockname()[0], nodelay

        return asyncio.run(connect())

    def test_small_commands_are_sent_at_once(self, scripted):
        assert self.connected("127.0.0.1", scripted().port)[1] != 0

    def test_the_local_address_can_be_chosen(self, scripted):
        address, _ = self.connected("127.0.0.1", scripted().port, local_address="127.0.0.9")

        assert address == "127.0.0.9"

    @pytest.mark.parametrize("local_address", ["192.0.2.77", "::1"])
    def test_a_local_address_that_cannot_be_used_is_named(self, scripted, local_address):
        with pytest.raises(DeliveryError) as caught:
            self.connected("127.0.0.1", scripted().port, local_address=local_address)

        assert caught.value.problem.code == "network.local_address_unusable"
        assert local_address in str(caught.value.problem.cause)

    def test_a_closed_port_is_said_to_be_closed(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

        with pytest.raises(DeliveryError) as caught:
            self.connected("127.0.0.1", port)

        assert caught.value.problem.code == "network.connection_refused"

    def test_a_silent_address_is_given_up(self):
        """A listener whose queue is full lets connections hang, as a firewall does."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            filling = [socket.socket() for _ in range(4)]
            for each in filling:
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", port))

            async def connect():
                route = await self.NETWORK.resolve("127.0.0.1", port, seconds=2)
                await self.NETWORK.connect(route, seconds=0.2)

            with pytest.raises(DeliveryError) as caught:
                asyncio.run(connect())
            for each in filling:
                each.close()

        assert caught.value.problem.code == "network.connect_timeout"

    def test_proxies_of_the_environment_are_ignored(self, scripted, monkeypatch):
        for variable in ("ALL_PROXY", "HTTPS_PROXY", "http_proxy"):
            monkeypatch.setenv(variable, "socks5://127.0.0.1:1")

        assert self.connected("127.0.0.1", scripted().port)


def test_old_versions_of_tls_are_not_spoken():
    async def context():
        network = Network(getaddrinfo=numeric)
        route = await network.resolve("8.8.8.8", 465, seconds=2)
        return await network.tls_context(route), await network.tls_context(route)

    first, second = asyncio.run(context())

    assert first is second
    assert first.minimum_version == ssl.TLSVersion.TLSv1_2
    assert first.verify_mode == ssl.CERT_REQUIRED
    assert first.check_hostname
