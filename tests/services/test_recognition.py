"""The data by which providers are recognised: each entry leads somewhere, and each pattern matches a sample."""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import chain

import pytest
from pydantic import ValidationError

from webapp.connectors import CONNECTORS
from webapp.connectors.config import settings_of
from webapp.connectors.smtp.presets import presets
from webapp.services.detection import recognition
from webapp.services.detection.recognition import Filter, Provider, filters, providers

KINDS = {"aliyun-dm", "aws-ses", "built-in", "http-email", "mailgun", "postmark", "sendgrid", "smtp"}


def named(each: Provider | Filter) -> str:
    return each.preset if isinstance(each, Provider) else each.title


@pytest.mark.parametrize("provider", providers(), ids=named)
class TestEachProvider:
    def test_has_a_preset(self, provider: Provider) -> None:
        assert provider.preset in {each.id for each in presets()}

    def test_names_a_connector_that_there_is(self, provider: Provider) -> None:
        assert provider.connector is None or provider.connector in KINDS

    @pytest.mark.parametrize("kind", ["mx", "spf", "banner"])
    def test_every_pattern_matches_a_sample(self, provider: Provider, kind: str) -> None:
        samples = [sample.lower() for sample in provider.samples.get(kind, ())]

        idle = [
            pattern for pattern in getattr(provider, kind) if not any(fnmatchcase(each, pattern) for each in samples)
        ]

        assert idle == []

    def test_every_sample_is_recognised_as_this_provider(self, provider: Provider) -> None:
        samples = provider.samples

        assert all(provider in recognition.by_mx(each) for each in samples.get("mx", ()))
        assert all(recognition.by_spf(each)[0] is provider for each in samples.get("spf", ()))
        assert all(recognition.by_banner(each) is provider for each in samples.get("banner", ()))

    def test_its_mailboxes_and_servers_are_its_own(self, provider: Provider) -> None:
        assert all(recognition.of_domain(each) is provider for each in provider.domains)
        assert all(recognition.of_host(each) is provider for each in provider.hosts())

    def test_its_mailboxes_lead_to_one_of_its_servers(self, provider: Provider) -> None:
        assert {provider.config_for(each)["host"] for each in provider.domains} <= set(provider.hosts())
        assert set(provider.servers) <= set(provider.domains)
        assert set(provider.servers.values()) <= set(provider.hosts())

    def test_what_it_fills_in_by_api_is_a_setting_there(self, provider: Provider) -> None:
        kind = CONNECTORS.get(provider.connector or "")
        names = {setting.path[0] for setting in settings_of(kind.config_model)} if kind else set()

        assert kind is None or {*provider.settings, *provider.from_host} <= names

    def test_what_it_fills_in_by_api_is_accepted_there(self, provider: Provider) -> None:
        kind = CONNECTORS.get(provider.connector or "")
        configs = [provider.api_config(host) for host in provider.hosts()] if kind else []

        refused = [
            error["loc"]
            for config in configs
            for error in _errors(provider.connector or "", config)
            if error["loc"][0] in config
        ]

        assert refused == []


def _errors(kind: str, config: dict[str, object]) -> list[dict[str, object]]:
    try:
        CONNECTORS[kind].config_model.model_validate(config)
    except ValidationError as exc:
        return [dict(each) for each in exc.errors()]
    return []


class TestTheFile:
    def test_every_preset_of_somebody_else_is_recognised_by_something(self) -> None:
        known = {provider.preset for provider in providers()}

        assert {preset.id for preset in presets() if preset.kind != "own"} == known

    def test_no_mailbox_domain_stands_twice(self) -> None:
        domains = list(chain.from_iterable(provider.domains for provider in providers()))

        assert len(domains) == len(set(domains))

    @pytest.mark.parametrize("each", filters(), ids=named)
    def test_a_filter_is_recognised_and_is_no_provider(self, each: Filter) -> None:
        assert each.samples
        assert all(recognition.filter_of(sample) is each for sample in each.samples)
        assert not any(recognition.by_mx(sample) for sample in each.samples)


class TestRegions:
    @pytest.mark.parametrize(
        ("name", "host"),
        [
            ("inbound-smtp.eu-west-1.amazonaws.com", "email-smtp.eu-west-1.amazonaws.com"),
            ("mx2.zoho.eu", "smtp.zoho.eu"),
            ("mx00.ionos.co.uk", "smtp.ionos.co.uk"),
            ("mx1.mail.ovh.ca", "smtp.mail.ovh.ca"),
        ],
    )
    def test_the_name_of_an_mx_tells_the_region(self, name: str, host: str) -> None:
        assert recognition.by_mx(name)[0].config_for(name)["host"] == host

    @pytest.mark.parametrize(
        ("domain", "host"),
        [
            ("126.com", "smtp.126.com"),
            ("yeah.net", "smtp.yeah.net"),
            ("gmx.com", "mail.gmx.com"),
            ("gmx.co.uk", "mail.gmx.com"),
            ("gmx.de", "mail.gmx.net"),
            ("ya.ru", "smtp.yandex.ru"),
        ],
    )
    def test_a_mailbox_domain_tells_the_server(self, domain: str, host: str) -> None:
        provider = recognition.of_domain(domain)

        assert provider is not None
        assert provider.config_for(domain)["host"] == host

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("amazonses.com", False),
            ("inbound-smtp.us-east-1.amazonaws.com", True),
            ("email-smtp.us-east-1.amazonaws.com", True),
            ("inbound-smtp.eu-west-1.amazonaws.com", True),
        ],
    )
    def test_a_name_tells_it_or_does_not(self, name: str, told: bool) -> None:
        provider = next(each for each in providers() if each.preset == "amazon-ses")

        assert provider.tells_region(name) is told

    def test_a_provider_of_one_region_has_nothing_to_tell(self) -> None:
        provider = next(each for each in providers() if each.preset == "postmark")

        assert provider.tells_region("spf.mtasv.net")

    def test_a_region_goes_into_the_settings_of_the_interface(self) -> None:
        provider = recognition.of_host("email-smtp.eu-central-1.amazonaws.com")

        assert provider is not None
        assert provider.api_config("email-smtp.eu-central-1.amazonaws.com") == {"region": "eu-central-1"}
