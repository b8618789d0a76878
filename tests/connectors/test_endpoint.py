"""The address of an HTTP interface: written in one way, or refused with words."""

from __future__ import annotations

import pytest

from webapp.connectors.endpoint import destination_of, normal_endpoint, origin_of

OFFICIAL = frozenset({"https://api.example.com"})


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://API.Example.com:443/", "https://api.example.com"),
        ("https://api.example.com:8443/v1/", "https://api.example.com:8443/v1"),
        ("http://localhost:8025", "http://localhost:8025"),
        ("http://127.0.0.1:8025", "http://127.0.0.1:8025"),
        ("http://[::1]:8025", "http://[::1]:8025"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://192.0.2.1", "https://192.0.2.1"),
    ],
)
def test_it_is_written_in_one_way(written, normal):
    assert normal_endpoint(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://api.example.com:0",
        "https://api.example.com:99999",
        "https://user:pass@api.example.com",
        "https://api.example.com\\@evil.example",
        "https://api.example.com/a b",
        "https://api.example.com/?key=1",
        "https://api.example.com/#there",
        "http://api.example.com",
        "http://192.0.2.1",
        "https://256.256.256.256",
        "https://1.2.3",
        "https://2130706433",
    ],
)
def test_what_leads_nowhere_or_in_clear_is_refused(written):
    with pytest.raises(ValueError, match=r"address"):
        normal_endpoint(written)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com.evil.example",
        "https://api.example.com:8443",
        "https://user@api.example.com",
        "http://api.example.com",
        "https://evil.example/api.example.com",
        "https://api.example.co",
    ],
)
def test_what_only_looks_like_the_providers_own_is_another_place(url):
    own = destination_of("example", "https://api.example.com", OFFICIAL)

    assert not destination_of("example", url, OFFICIAL).keeps_secrets_of(own)


def test_the_providers_own_addresses_are_one_place():
    both = frozenset({"https://api.example.com", "https://api.eu.example.com"})
    first, second = (destination_of("example", url, both) for url in sorted(both))

    assert first.keeps_secrets_of(second)
    assert (first.reaches, second.reaches) == tuple(sorted(both))


def test_what_is_no_address_yet_stands_for_itself():
    assert origin_of(" not yet ") == "not yet"
