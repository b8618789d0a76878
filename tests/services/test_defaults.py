"""The default mails: one for each purpose, useful with the least and with the most that a caller gives."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from webapp.domain.address import parse_mailbox
from webapp.domain.problem import JSON
from webapp.domain.template import PLACEHOLDER, find_template, in_header, in_html, substitute
from webapp.domain.usage import UsageType
from webapp.services.defaults import default_templates, sample_payload
from webapp.services.rendering import Identity, render

every_usage_type = pytest.mark.parametrize("usage_type", UsageType, ids=lambda each: each.value)


IDENTITY = Identity(parse_mailbox("Acme <no-reply@example.com>"))

Payloads = Callable[[UsageType], dict[str, JSON]]


def minimal_payload(usage_type: UsageType) -> dict[str, JSON]:
    return {usage_type.required_variable: "123456"}


def test_there_is_one_for_each_usage_type_in_any_language() -> None:
    assert {usage_type: list(cells) for usage_type, cells in default_templates().items()} == {
        usage_type: ["*"] for usage_type in UsageType
    }


def test_changing_the_answer_changes_nobody_elses() -> None:
    default_templates()[UsageType.SIGN_IN].clear()

    assert default_templates()[UsageType.SIGN_IN]


@every_usage_type
@pytest.mark.parametrize("locale", ["en", "pt-BR", "zh-Hant-TW"])
def test_lookup_finds_its_own_mail_in_every_language(usage_type: UsageType, locale: str) -> None:
    found = find_template(default_templates(), usage_type, [locale], "en")

    assert found
    assert found[:2] == (usage_type, "*")


@every_usage_type
def test_both_bodies_carry_the_required_variable(usage_type: UsageType) -> None:
    template = default_templates()[usage_type]["*"]

    assert f"{{{{{usage_type.required_variable}}}}}" in template.content
    assert f"{{{{{usage_type.required_variable}}}}}" in (template.text or "")


@every_usage_type
@pytest.mark.parametrize("payload_of", [sample_payload, minimal_payload])
def test_no_placeholder_and_no_slot_of_the_layout_is_ever_mailed(usage_type: UsageType, payload_of: Payloads) -> None:
    template = default_templates()[usage_type]["*"]
    payload = payload_of(usage_type)

    texts = [
        substitute(template.subject, payload, in_header),
        substitute(template.preheader or "", payload, in_header),
        substitute(template.content, payload, in_html),
        substitute(template.text or "", payload),
    ]

    for text in texts:
        assert "{{" not in text
        assert not re.search(r"\$[a-z]", text)


@every_usage_type
def test_a_variable_that_may_be_empty_stands_alone(usage_type: UsageType) -> None:
    template = default_templates()[usage_type]["*"]

    words = (
        Words.of(template.content) + (template.text or "").splitlines() + [template.subject, template.preheader or ""]
    )

    for sentence in words:
        optional = set(PLACEHOLDER.findall(sentence)) - {"code", "link"}
        assert not optional or PLACEHOLDER.fullmatch(sentence.strip()), sentence


@every_usage_type
def test_a_caller_that_gives_only_the_code_gets_no_warning(usage_type: UsageType) -> None:
    template = default_templates()[usage_type]["*"]

    rendered = render(template, usage_type, "ada@example.com", IDENTITY, minimal_payload(usage_type))

    missing = template.variables() - {usage_type.required_variable}
    assert len(rendered.warnings) == len(missing)
    assert not missing or usage_type is UsageType.ORGANIZATION_INVITATION


@every_usage_type
def test_the_sample_leaves_nothing_to_warn_about(usage_type: UsageType) -> None:
    template = default_templates()[usage_type]["*"]

    rendered = render(template, usage_type, "ada@example.com", IDENTITY, sample_payload(usage_type))

    assert not rendered.warnings
    assert rendered.mail.html
    assert in_html(template.preheader or "") in rendered.mail.html


@every_usage_type
def test_it_is_small_enough_never_to_be_clipped(usage_type: UsageType) -> None:
    template = default_templates()[usage_type]["*"]

    assert len(template.content.encode()) < 4096


@every_usage_type
def test_it_is_a_whole_page_that_screen_readers_and_dark_screens_understand(usage_type: UsageType) -> None:
    content = default_templates()[usage_type]["*"].content

    assert content.startswith("<!doctype html>")
    assert '<html lang="en"' in content
    assert re.search(r"<title>[^<]+</title>", content)
    assert '<meta name="color-scheme" content="light dark">' in content
    assert content.count("<table") == content.count('<table role="presentation"')
    assert not re.search(r"<(script|link|img|iframe|form)\b", content)


def test_a_link_with_ampersands_stays_one_link() -> None:
    template = default_templates()[UsageType.ORGANIZATION_INVITATION]["*"]

    content = substitute(template.content, {"link": 'https://example.com/i?a=1&b="2'}, in_html)

    assert content.count('href="https://example.com/i?a=1&amp;b=&quot;2"') == 2


def test_a_name_cannot_bring_markup() -> None:
    template = default_templates()[UsageType.SIGN_IN]["*"]

    content = substitute(template.content, {"code": "1", "application": {"name": "<b>Mallory</b>"}}, in_html)

    assert "<b>Mallory" not in content


@every_usage_type
def test_the_sample_has_the_code_of_tests_or_a_link(usage_type: UsageType) -> None:
    payload = sample_payload(usage_type)

    assert payload.get("code", "000000") == "000000"
    assert payload[usage_type.required_variable]


class Words(HTMLParser):
    """Collects what a reader sees, one entry for each piece of text."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @classmethod
    def of(cls, content: str) -> list[str]:
        parser = cls()
        parser.feed(content)
        return [piece for piece in parser.pieces if piece.strip()]
