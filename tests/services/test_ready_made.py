"""The ready-made mails: whole in every language, with nothing left unfilled, whatever is known of a mail."""

from __future__ import annotations

import re
import tomllib

import pytest

from webapp.connectors.base import Brand
from webapp.domain.address import Mailbox
from webapp.domain.usage import UsageType
from webapp.resources import resource
from webapp.services.defaults import sample_payload
from webapp.services.ready_made import language_for, languages, ready_made
from webapp.services.rendering import Identity, render

HOUSE = Identity(Mailbox("mail@operator.example", "Acme"))
ACME = Brand("Acme & <Sons>", 'Acme "Inc." {{code}}', "https://example.com/logo.png?a=1&b=2")
NOBODY = Brand()

every_language = pytest.mark.parametrize("language", languages())
every_use = pytest.mark.parametrize("usage_type", UsageType)


def mail(usage_type, language="en", brand=ACME, **given):
    payload = {**sample_payload(usage_type), **given}
    template, values = ready_made(usage_type, language, brand, payload)
    return render(template, usage_type, "ada@example.com", HOUSE, values)


def bare(usage_type, language, brand=NOBODY):
    """The mail for a caller who gives nothing but what is needed."""
    needed = usage_type.required_variable
    template, values = ready_made(usage_type, language, brand, {needed: sample_payload(usage_type)[needed]})
    return render(template, usage_type, "ada@example.com", HOUSE, values)


class TestLanguages:
    def test_they_are_those_of_the_source_documents(self):
        assert languages() == ("en", "ja", "pt-BR", "th", "zh-Hant")

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            (["zh-Hant"], "zh-Hant"),
            (["zh-Hant-TW"], "zh-Hant"),
            (["zh-TW"], "zh-Hant"),
            (["zh-HK"], "zh-Hant"),
            (["ja-JP"], "ja"),
            (["th-TH-u-nu-thai"], "th"),
            (["pt-BR"], "pt-BR"),
            (["pt"], "pt-BR"),
            (["pt-PT"], "pt-BR"),
            (["en-GB"], "en"),
            (["de", "fr", "ja"], "ja"),
            (["de"], "en"),
            (["zh-CN"], "en"),
            ([], "en"),
        ],
    )
    def test_the_nearest_one_is_found(self, wanted, found):
        assert language_for(wanted) == found

    @every_language
    def test_each_has_the_same_words(self, language):
        assert _names(language) == _names("en")

    @every_language
    def test_no_word_was_left_in_english(self, language):
        if language == "en":
            return
        theirs, ours = _words(language), _words("en")

        assert [name for name, words in theirs.items() if words == ours[name]] == []

    @every_language
    def test_each_uses_the_same_placeholders(self, language):
        theirs, ours = _words(language), _words("en")

        assert {name: _placeholders(words) for name, words in theirs.items()} == {
            name: _placeholders(words) for name, words in ours.items()
        }


class TestEveryMail:
    @every_language
    @every_use
    @pytest.mark.parametrize("brand", [ACME, NOBODY, Brand(name="Acme"), Brand(logo="https://example.com/l.png")])
    def test_nothing_is_left_unfilled(self, language, usage_type, brand):
        for rendered in (mail(usage_type, language, brand), bare(usage_type, language, brand)):
            made = rendered.mail

            assert rendered.warnings == ()
            assert re.findall(r"\$\w|\$\{", made.html + made.text + made.subject) == []
            assert "{{" not in (made.html + made.text).replace("{{code}}", "" if brand is ACME else "{{code}}")
            assert "\n\n\n" not in made.text

    @every_language
    @every_use
    def test_it_carries_what_it_is_for_in_both_parts(self, language, usage_type):
        made = bare(usage_type, language).mail
        value = str(sample_payload(usage_type)[usage_type.required_variable])

        assert value in made.text
        assert made.html.count(value) == (3 if usage_type is UsageType.ORGANIZATION_INVITATION else 1)
        assert f'lang="{language}"' in made.html

    @every_language
    @every_use
    def test_it_is_whole_html_that_fits_a_phone_and_a_dark_screen(self, language, usage_type):
        html = mail(usage_type, language).mail.html

        assert html.startswith("<!doctype html>")
        for tag in ("table", "tr", "td", "p", "h1", "a", "span"):
            assert len(re.findall(rf"<{tag}\b", html)) == html.count(f"</{tag}>"), tag
        assert 'name="viewport"' in html
        assert "prefers-color-scheme: dark" in html
        assert len(html.encode()) < 20_000


class TestBrand:
    def test_it_is_escaped_and_never_read_as_a_template(self):
        made = mail(UsageType.SIGN_IN).mail

        assert "Acme &amp; &lt;Sons&gt;" in made.html
        assert "Acme &quot;Inc.&quot; {{code}}" in made.html
        assert 'src="https://example.com/logo.png?a=1&amp;b=2"' in made.html
        assert made.text.startswith("Acme & <Sons>\n")
        assert made.text.endswith('Acme "Inc." {{code}}\n')

    def test_without_one_there_is_no_empty_place_for_it(self):
        made = mail(UsageType.SIGN_IN, brand=NOBODY).mail

        assert "<img" not in made.html
        assert made.text.startswith("Sign in\n")

    def test_a_caller_cannot_put_something_in_its_place(self):
        made = mail(UsageType.SIGN_IN, brand=Brand(name="Acme"), house={"name": "The bank", "minutes": 5}).mail

        assert "The bank" not in made.html + made.text
        assert "5 minutes" not in made.text


class TestWhatIsKnown:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({}, "only for a short time"),
            ({"expiresIn": 600}, "valid for 10 minutes"),
            ({"expiresIn": 90}, "only for a short time"),
            ({"expiresIn": 60}, "only for a short time"),
            ({"expiresIn": "600"}, "only for a short time"),
            ({"expiresIn": True}, "only for a short time"),
        ],
    )
    def test_how_long_a_code_is_valid_is_told_where_the_caller_said_so(self, given, words):
        assert words in mail(UsageType.SIGN_IN, **given).mail.text

    def test_an_invitation_does_not_speak_of_a_code(self):
        assert "code" not in mail(UsageType.ORGANIZATION_INVITATION, brand=NOBODY, expiresIn=600).mail.text

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"organization": None, "inviter": None}, "invited to become a member of an organization"),
            ({"organization": {"name": "Acme"}, "inviter": None}, "invited to become a member of Acme"),
            (
                {"organization": {"name": "Acme"}, "inviter": {"name": "Ada"}},
                "Ada has invited you to become a member of Acme",
            ),
            (
                {"organization": {"name": "go to evil.example"}, "inviter": {"name": "Ada"}},
                "member of an organization",
            ),
            ({"organization": {"name": "Acme"}, "inviter": {"name": "www.evil"}}, "invited to become a member of Acme"),
            ({"organization": {"name": "A" * 101}}, "member of an organization"),
            ({"organization": {"name": "A\u202eB"}}, "member of an organization"),
            ({"organization": {"name": "  "}}, "member of an organization"),
        ],
    )
    def test_an_invitation_names_who_invites_unless_that_would_be_a_link(self, given, words):
        made = mail(UsageType.ORGANIZATION_INVITATION, **given).mail

        assert words in made.text
        assert "evil" not in made.html + made.text + made.subject


def _words(language):
    file = resource("templates") / "mails" / "built-in" / f"{language}.toml"
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    return {(section, name): words for section, pairs in read.items() for name, words in pairs.items()}


def _names(language):
    return set(_words(language))


def _placeholders(words):
    return sorted(re.findall(r"\{\{.*?\}\}", words))
