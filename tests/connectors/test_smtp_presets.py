"""Presets are data; what a card promises must hold: the values are accepted, tile and guide exist, links are safe."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from webapp.connectors.base import Preset
from webapp.connectors.config import settings_of
from webapp.connectors.smtp import SmtpConnector
from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.presets import SANDBOX, presets
from webapp.resources import resource

PORTS_WITH_TLS = {465, 2465}
"""Ports on which a provider speaks TLS from the first byte; on every other port of ours TLS begins by STARTTLS."""

KEY = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
USER = {"user": "ada@example.com"}
CLIENT = {**USER, "clientId": "4b1d0000-aaaa-4bbb-8ccc-1234567890ab", "clientSecret": "correct horse"}
PROOFS: dict[str, dict[str, str]] = {
    "none": {},
    "login": {**USER, "pass": "correct horse"},
    "oauth2": {**CLIENT, "refreshToken": "battery staple"},
    "refresh_token": {**CLIENT, "refreshToken": "battery staple"},
    "client_credentials": {**CLIENT, "tenantId": "contoso.onmicrosoft.com"},
    "service_account": {**USER, "privateKey": KEY, "serviceClient": "mailer@acme.iam.gserviceaccount.com"},
}
"""What an admin types for each way to log in."""

every_preset = pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.id)
every_variant = pytest.mark.parametrize(
    ("preset", "config"),
    [
        pytest.param(preset, config, id=f"{preset.id}: {title}")
        for preset in presets()
        for title, config in [
            ("as it is", preset.config),
            *((str(other.title), {**preset.config, **other.config}) for other in preset.alternatives),
        ]
    ],
)


def filled_in(config: Mapping[str, Any]) -> dict[str, Any]:
    """The preset as an admin completes it: what it leaves open is typed, nothing else is touched."""
    auth = PROOFS[config["auth"].get("grant", config["auth"]["type"])]
    return {"port": 8425, "fromEmail": "Acme <no-reply@example.com>", **config, "auth": {**auth, **config["auth"]}}


WANTED = {
    "gmail",
    "google-workspace-relay",
    "microsoft-365",
    "outlook-com",
    "icloud",
    "yahoo",
    "zoho",
    "fastmail",
    "sendgrid",
    "mailgun-us",
    "mailgun-eu",
    "postmark",
    "amazon-ses",
    "aliyun-direct-mail",
    "tencent-exmail",
    "tencent-ses",
    "brevo",
    "mailjet",
    "resend",
    "sparkpost",
    "mailtrap",
    "smtp2go",
    "scaleway",
    "ovh",
    "local-relay",
    SANDBOX,
}
"""The providers that were asked for."""


def test_the_providers_that_were_asked_for_are_there() -> None:
    ids = [preset.id for preset in presets()]

    assert set(ids) >= WANTED
    assert len(ids) == len(set(ids)) >= 28


def test_two_cards_are_never_called_the_same() -> None:
    titles = [preset.title.lower() for preset in presets()]

    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("kind", ["service", "mailbox"])
def test_providers_of_a_kind_stand_in_the_order_of_the_alphabet(kind: str) -> None:
    titles = [preset.title.lower() for preset in presets() if preset.kind == kind]

    assert titles == sorted(titles)


@pytest.mark.parametrize(
    ("preset_id", "hosts"),
    [
        ("amazon-ses", 18),
        ("aliyun-direct-mail", 4),
        ("tencent-ses", 3),
        ("zoho", 10),
        ("smtp2go", 4),
        ("sendgrid", 2),
        ("sparkpost", 2),
    ],
)
def test_every_region_of_a_provider_is_one_click_away(preset_id: str, hosts: int) -> None:
    preset = next(preset for preset in presets() if preset.id == preset_id)

    regions = [other.config["host"] for other in preset.alternatives if other.region]

    assert len(regions) == len(set(regions)) == hosts
    assert preset.config["host"] in regions


@every_preset
def test_a_region_changes_the_server_and_nothing_else(preset: Preset) -> None:
    for other in preset.alternatives:
        assert not other.region or set(other.config) == {"host"}


@every_preset
def test_no_two_ways_are_the_same(preset: Preset) -> None:
    ways = [sorted(map(str, other.config.items())) for other in preset.alternatives]
    titles = [str(other.title) for other in preset.alternatives]

    assert all(ways.count(way) == 1 for way in ways)
    assert len(titles) == len(set(titles))


@every_variant
def test_what_it_fills_in_is_accepted(preset: Preset, config: Mapping[str, Any]) -> None:
    accepted = SmtpConfig.model_validate(filled_in(config))

    assert accepted.host == config["host"]


@every_variant
def test_port_and_security_belong_together(preset: Preset, config: Mapping[str, Any]) -> None:
    accepted = SmtpConfig.model_validate(filled_in(config))

    if preset.id == "local-relay":
        assert accepted.security in ("none", "opportunistic")
    else:
        assert accepted.security == ("tls" if accepted.port in PORTS_WITH_TLS else "starttls")


@every_variant
def test_the_form_has_nothing_to_correct(preset: Preset, config: Mapping[str, Any]) -> None:
    assert not SmtpConnector.contradictions(filled_in(config))


@every_variant
def test_it_holds_no_secret(preset: Preset, config: Mapping[str, Any]) -> None:
    secrets = {setting.path[-1] for setting in settings_of(SmtpConfig) if setting.about.secret}

    assert not secrets & set(config["auth"])


@every_preset
def test_labels_and_helps_name_settings_that_exist(preset: Preset) -> None:
    settings = {setting.name for setting in settings_of(SmtpConfig)}

    assert {*preset.labels, *preset.helps} <= settings


@every_preset
def test_user_and_password_have_the_providers_own_words(preset: Preset) -> None:
    configs = (preset.config, *(other.config for other in preset.alternatives))
    ways = {config["auth"]["type"] for config in configs if "auth" in config}

    assert ("auth.user" in preset.labels) == (ways != {"none"})
    assert ("auth.pass" in preset.labels) == ("login" in ways)


@pytest.mark.parametrize("preset_id", ["gmail", "google-workspace-relay", "microsoft-365", "outlook-com"])
def test_google_and_microsoft_are_reached_with_oauth(preset_id: str) -> None:
    preset = next(preset for preset in presets() if preset.id == preset_id)

    ways = [preset.config, *(other.config for other in preset.alternatives)]

    assert any(config.get("auth", {}).get("type") == "oauth2" for config in ways)


def test_personal_mailboxes_at_microsoft_take_nothing_but_oauth() -> None:
    preset = next(preset for preset in presets() if preset.id == "outlook-com")

    assert preset.config["auth"] == {
        "type": "oauth2",
        "grant": "refresh_token",
        "provider": "microsoft",
        "tenantId": "consumers",
    }
    assert not preset.alternatives


@every_preset
def test_the_card_says_when_to_choose_it_and_what_is_needed(preset: Preset) -> None:
    texts = [str(text) for text in (preset.summary, *preset.badges, *preset.notes)]

    assert str(preset.summary).startswith("Choose this when ")
    assert len(str(preset.summary)) <= 120
    assert "SMTP" in texts
    assert len(preset.badges) >= 2
    assert all(len(str(badge)) <= 30 for badge in preset.badges)
    assert preset.notes
    assert not any("!" in text for text in texts)


@every_preset
def test_links_are_https_and_lead_to_a_page(preset: Preset) -> None:
    for title, url in preset.links:
        parts = urlsplit(url)

        assert str(title)
        assert parts.scheme == "https"
        assert parts.hostname
        assert not parts.username


@every_preset
def test_it_has_links_unless_it_is_ours(preset: Preset) -> None:
    assert preset.links or preset.id == SANDBOX


@every_preset
def test_its_guide_leads_to_the_providers_own_pages(preset: Preset) -> None:
    guide = (resource("templates") / "guides" / f"{preset.guide}.md").read_text(encoding="utf-8")

    assert not preset.links or any(url in guide for _, url in preset.links)


@every_preset
def test_its_guide_exists(preset: Preset) -> None:
    assert (resource("templates") / "guides" / f"{preset.guide}.md").is_file()


@pytest.mark.parametrize("name", [preset.id for preset in presets()] + ["smtp"])
def test_its_tile_is_a_small_plain_drawing(name: str) -> None:
    tile = (resource("static") / "logos" / f"{name}.svg").read_text(encoding="utf-8")

    assert tile.startswith("<svg ")
    assert 'viewBox="0 0 40 40"' in tile
    assert len(tile) < 1024
    assert not re.search(r"<script|\bon\w+=|style=|href|url\(", tile)


def test_the_fixed_user_names_are_filled_in() -> None:
    fixed = {preset.id: preset.config["auth"]["user"] for preset in presets() if "user" in preset.config["auth"]}

    assert fixed == {"sendgrid": "apikey", "resend": "resend", "mailtrap": "api", "sparkpost": "SMTP_Injection"}


def test_the_sandbox_leaves_to_the_server_what_only_it_knows() -> None:
    sandbox = next(preset for preset in presets() if preset.id == SANDBOX)

    assert dict(sandbox.config) == {"host": "127.0.0.1", "security": "starttls", "auth": {"type": "login"}}
