"""Guides: written once in Markdown, filled in from what is declared, clean when they reach a page."""

import re
from itertools import pairwise

import pytest

from webapp.connectors.base import Preset
from webapp.connectors.config import Setting, settings_of
from webapp.connectors.smtp.config import SmtpConfig
from webapp.connectors.smtp.presets import presets
from webapp.domain.errors import NotFoundError
from webapp.services.guides import guide_html, guide_names

STEPS = ["What you need", "Create the credentials", "Fill in the form", "Try it", "When it fails"]

every_guide = pytest.mark.parametrize("name", guide_names())


@every_guide
def test_it_leads_through_the_same_steps_in_the_same_order(name: str) -> None:
    titles = [step.title for step in guide_html(name).steps]

    expected = [title for title in STEPS if title != "Create the credentials" or name != "sandbox"]
    assert titles[: len(expected)] == expected


@every_guide
def test_it_has_a_title_and_says_what_it_is_for(name: str) -> None:
    guide = guide_html(name)

    assert guide.title
    assert re.fullmatch(r"(<p>.+?</p>\s*)+", guide.intro, re.DOTALL)


@every_guide
def test_each_step_can_be_linked_to(name: str) -> None:
    guide = guide_html(name)

    anchors = [step.anchor for step in guide.steps]

    assert len(anchors) == len(set(anchors))
    assert all(f'<section id="{anchor}"><h3>' in guide.html for anchor in anchors)


@every_guide
def test_headings_go_on_from_the_pages_own_without_a_gap(name: str) -> None:
    levels = [2, *(int(level) for level in re.findall(r"<h(\d)", guide_html(name).html))]

    assert min(levels[1:]) == 3
    assert all(after - before <= 1 for before, after in pairwise(levels))


@every_guide
def test_links_lead_outside_safely(name: str) -> None:
    for link in re.findall(r"<a [^>]*>", guide_html(name).html):
        assert 'href="https://' in link
        assert 'target="_blank"' in link
        assert 'rel="noopener noreferrer"' in link


@every_guide
def test_nothing_is_left_to_fill_in(name: str) -> None:
    placeholders = re.findall(r"\{\{[^}]*\}\}", guide_html(name).html)

    assert set(placeholders) <= {"{{code}}", "{{link}}"}


@every_guide
def test_it_keeps_calm(name: str) -> None:
    guide = guide_html(name)

    assert "!" not in re.sub(r"<[^>]+>", "", guide.html)
    assert not re.search(r"<(script|style|img|iframe|svg)|\bon\w+=|javascript:", guide.html)


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("gmail", ["https://mail.google.com/", "https://support.google.com/a/answer/176600"]),
        (
            "sendgrid-smtp",
            [
                "https://app.sendgrid.com/",
                "https://docs.sendgrid.com/for-developers/sending-email/integrating-with-the-smtp-api",
                "https://mc.sendgrid.com/senders",
            ],
        ),
        (
            "aliyun",
            [
                "https://cn.aliyun.com/",
                "https://www.alibabacloud.com/help/en/directmail/latest/send-emails-using-smtp",
                "https://www.alibabacloud.com/help/en/directmail/latest/smtp-service-address",
                "https://dm.console.aliyun.com/",
            ],
        ),
    ],
)
def test_it_leads_to_the_providers_own_pages(name: str, pages: list[str]) -> None:
    html = guide_html(name).html

    assert all(f'href="{page}"' in html for page in pages)


@pytest.mark.parametrize("setting", settings_of(SmtpConfig), ids=lambda setting: setting.name)
def test_the_smtp_guide_explains_every_setting(setting: Setting) -> None:
    html = guide_html("smtp").html

    assert f"<code>{setting.name}</code>" in html


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.id)
def test_the_guide_of_a_preset_shows_what_it_fills_in(preset: Preset) -> None:
    html = guide_html(preset.guide or "").html

    assert f"<code>{preset.config['host']}</code>" in html


def test_a_settings_value_is_text_and_not_markup() -> None:
    assert "email-smtp.&lt;region&gt;.amazonaws.com" in guide_html("amazon-ses").html


def test_it_is_made_once() -> None:
    assert guide_html("gmail") is guide_html("gmail")


@pytest.mark.parametrize(
    "name", ["nowhere", "", "../mails/default/layout", "parts/try", "Gmail", "gmail.md", "gmail\n"]
)
def test_a_guide_that_does_not_exist_is_not_found(name: str) -> None:
    with pytest.raises(NotFoundError):
        guide_html(name)
