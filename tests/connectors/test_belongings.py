"""Guide, logo and translations of another package: found beside its class, and never more than they should be."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog as Messages
from babel.messages.mofile import write_mo
from flask_babel import force_locale, gettext

from tests.web.conftest import settings_in
from webapp.app import create_app
from webapp.connectors import CONNECTORS
from webapp.connectors.base import Connector
from webapp.connectors.belongings import LIMIT, guide_of, is_ours, logo_of, translations_of
from webapp.domain.errors import NotFoundError
from webapp.services.guides import guide_html, guide_names

CODE = """
from webapp.connectors.smtp import SmtpConnector


class Doves(SmtpConnector):
    kind, title = "doves", "Doves"

    @classmethod
    def presets(cls):
        return ()
"""
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="#fff"/></svg>'

Bring = Callable[..., type[Connector[Any]]]


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Bring]:
    """Make a package with a connector and these files beside it, and give the class."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(**files: str | bytes) -> type[Connector[Any]]:
        name = f"doves_{abs(hash(request.node.name))}"
        package = tmp_path / name
        package.mkdir()
        (package / "__init__.py").write_text(CODE)
        for ending, content in files.items():
            (package / f"doves.{ending}").write_bytes(content.encode() if isinstance(content, str) else content)
        found: type[Connector[Any]] = importlib.import_module(name).Doves
        monkeypatch.setitem(CONNECTORS, "doves", found)
        return found

    guide_html.cache_clear()
    yield make
    guide_html.cache_clear()


class TestOurs:
    @pytest.mark.parametrize("kind", CONNECTORS.ours)
    def test_they_lie_in_our_folders(self, kind: str) -> None:
        assert is_ours(CONNECTORS[kind])
        assert (guide_of(CONNECTORS[kind]) or "").startswith("# ")
        assert (logo_of(CONNECTORS[kind]) or "").startswith("<svg")
        assert translations_of(CONNECTORS[kind]) is None


class TestGuides:
    def test_it_is_a_page_like_ours(self, bring: Bring) -> None:
        bring(md="# Doves\n\nWhite ones.\n\n## What you need\n\n{{settings doves}}\n\n## Try it\n\n{{part try}}\n")

        guide = guide_html("doves")

        assert "doves" in guide_names()
        assert [step.title for step in guide.steps] == ["What you need", "Try it"]
        assert "<table>" in guide.html
        assert "Check connection" in guide.html

    def test_what_it_makes_up_is_left_out(self, bring: Bring) -> None:
        bring(
            md="# Doves\n\n{{settings ravens}}\n\n## Try it\n\n{{preset ravens}}\n\n{{part ravens}}\n\n{{part ../x}}\n"
        )

        shown = guide_html("doves").html

        assert "ravens" not in shown

    def test_it_brings_no_script(self, bring: Bring) -> None:
        bring(md="# Doves\n\n<script>alert(1)</script> [link](javascript:alert(1))\n\n## Try it\n\n<img onerror=x>\n")

        shown = guide_html("doves").html

        assert "<script" not in shown
        assert "<img" not in shown
        assert 'href="javascript' not in shown

    @pytest.mark.parametrize("text", ["", "No title.", "## Only a step\n"])
    def test_without_a_title_it_is_none(self, bring: Bring, text: str) -> None:
        bring(md=text)

        assert "doves" not in guide_names()
        with pytest.raises(NotFoundError):
            guide_html("doves")

    def test_one_that_is_too_long_is_none(self, bring: Bring) -> None:
        assert guide_of(bring(md="# Doves\n" + "x" * LIMIT)) is None

    def test_it_cannot_stand_in_for_ours(self, bring: Bring) -> None:
        connector = bring(md="# Doves\n")

        assert guide_of(connector, "../doves") is None
        assert guide_html("smtp").title != "Doves"


class TestLogos:
    def test_a_drawing_is_shown(self, bring: Bring) -> None:
        assert logo_of(bring(svg=DRAWING)) == DRAWING

    def test_none_is_none(self, bring: Bring) -> None:
        assert logo_of(bring()) is None

    @pytest.mark.parametrize(
        "more",
        [
            "<script>alert(1)</script>",
            '<rect onload="alert(1)"/>',
            "<foreignObject><p>hello</p></foreignObject>",
            '<image href="https://example.com/x.png"/>',
            '<use xlink:href="#a"/>',
            '<rect fill="url(https://example.com/x)"/>',
            "<style>@import 'https://example.com/x.css'</style>",
            '<a href="https://example.com">x</a>',
        ],
    )
    def test_what_is_more_than_a_drawing_is_not_shown(self, bring: Bring, more: str) -> None:
        assert logo_of(bring(svg=DRAWING.replace("</svg>", f"{more}</svg>"))) is None

    @pytest.mark.parametrize("content", [b"\x89PNG\r\n", b"<!DOCTYPE svg><svg/>", b"<?xml version='1.0'?><svg/>", b""])
    def test_what_is_no_plain_svg_is_not_shown(self, bring: Bring, content: bytes) -> None:
        assert logo_of(bring(svg=content)) is None


class TestTranslations:
    def test_the_console_says_its_texts_in_the_readers_language(self, bring: Bring, tmp_path: Path) -> None:
        connector = bring()
        messages, compiled = Messages(locale="de"), io.BytesIO()
        messages.add("Choose this when doves are at home.", "Wählen Sie dies, wenn Tauben da sind.")
        write_mo(compiled, messages)
        (folder,) = tmp_path.glob("doves_*")
        (folder / "translations" / "de" / "LC_MESSAGES").mkdir(parents=True)
        (folder / "translations" / "de" / "LC_MESSAGES" / "messages.mo").write_bytes(compiled.getvalue())

        app = create_app(settings_in(tmp_path / "instance"))
        with app.app_context(), force_locale("de"):
            said = gettext("Choose this when doves are at home.")

        assert translations_of(connector) == folder / "translations"
        assert said == "Wählen Sie dies, wenn Tauben da sind."
        app.extensions["postroom"].close()
