"""Guides: Markdown beside the form, with what is declared elsewhere filled in from there.

A line of its own may be a placeholder: ``{{settings smtp}}`` becomes the table of a connector's settings,
``{{preset gmail}}`` what to fill in for a preset, ``{{part try}}`` a passage that guides share.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from webapp.connectors import CONNECTORS
from webapp.connectors.base import Alternative, Connector, Preset
from webapp.connectors.belongings import guide_of
from webapp.connectors.config import Setting, settings_of
from webapp.domain.errors import NotFoundError
from webapp.domain.text import T
from webapp.resources import resource

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"^\{\{(settings|preset|part) ([a-z0-9-]+)\}\}$", re.MULTILINE)
_FILLED_IN = re.compile(r"<p>\{\{(settings|preset) ([a-z0-9-]+)\}\}</p>")
_TEXT_TAGS = {"p", "h4", "h5", "ol", "ul", "li", "a", "strong", "em", "code", "pre", "blockquote", "hr", "br"}
_TABLE_TAGS = {"div", "table", "thead", "tbody", "tr", "th", "td"}
_ATTRIBUTES = {"a": {"href", "target"}, "div": {"class"}, "th": {"scope"}}


@dataclass(frozen=True, slots=True)
class Step:
    """A section of a guide that a reader ticks off."""

    anchor: str
    title: str
    html: str
    """What stands under the heading; clean."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide ready for a page, whose heading of level 2 is the title."""

    name: str
    title: str
    intro: str
    """HTML before the first step."""
    steps: tuple[Step, ...]

    @property
    def html(self) -> str:
        """The whole guide below its title, each step under an anchored heading."""
        sections = (
            f'<section id="{step.anchor}"><h3>{escape(step.title)}</h3>\n{step.html}</section>\n' for step in self.steps
        )
        return self.intro + "".join(sections)


def guide_names() -> list[str]:
    """The guides there are: ours, and those that connectors of other packages bring."""
    ours = {path.stem for path in (resource("templates") / "guides").glob("*.md")}
    return sorted(ours.union(*map(_brought_by, CONNECTORS.others())))


@cache
def _brought_by(connector: type[Connector[Any]]) -> dict[str, str]:
    """Name to Markdown of the guides of another package; what does not begin with its title is none."""
    names = {connector.kind, *filter(None, (preset.guide for preset in connector.presets()))}
    guides = {name: (guide_of(connector, name) or "").lstrip() for name in names}
    return {name: text for name, text in guides.items() if text.startswith("# ")}


@cache
def guide_html(name: str) -> Guide:
    """Read a guide and make it HTML. Raises NotFoundError."""
    if not _NAME.fullmatch(name) or name not in guide_names():
        raise NotFoundError(T("There is no guide called %(name)s.", name=name[:60]))
    tokens = _MARKDOWN.parse(_PLACEHOLDER.sub(_shared, _read(name)))
    title, intro, *steps = _sections(tokens)
    return Guide(name, _words(title), _html(intro), tuple(_steps(steps)))


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def _read(name: str) -> str:
    """A guide, or a part of guides; ours before one of the same name that another package brings."""
    path = resource("templates") / "guides" / f"{name}.md"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    return next((guides[name] for guides in map(_brought_by, CONNECTORS.others()) if name in guides), "")


def _shared(placeholder: re.Match[str]) -> str:
    return _read(f"parts/{placeholder[2]}").strip() if placeholder[1] == "part" else placeholder[0]


def _filled_in(placeholder: re.Match[str]) -> str:
    try:
        return _TABLES[placeholder[1]](placeholder[2])
    except (KeyError, StopIteration):  # a name that another package's guide made up
        return ""


def _sections(tokens: Sequence[Token]) -> list[list[Token]]:
    """Split at the headings of level 1 and 2: heading, what follows it, heading, and so on."""
    sections: list[list[Token]] = []
    for token in tokens:
        starts = token.type == "heading_open" and token.tag in ("h1", "h2")
        follows = bool(sections) and sections[-1][-1].type == "heading_close" and sections[-1][0].tag in ("h1", "h2")
        if starts or follows or not sections:
            sections.append([])
        sections[-1].append(token)
    return sections


def _steps(sections: list[list[Token]]) -> Iterable[Step]:
    for heading, body in zip(sections[::2], sections[1::2], strict=True):
        title = _words(heading)
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        yield Step(f"guide-{slug}", title, _html(body))


def _words(heading: list[Token]) -> str:
    """The plain words of a heading."""
    return "".join(part.content for part in heading[1].children or ())


def _html(tokens: list[Token]) -> str:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 5)}"  # the title is the page's h2, steps are h3
        for part in token.children or ():
            if part.type == "link_open" and str(part.attrGet("href")).startswith("https://"):
                part.attrSet("target", "_blank")
    rendered = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return nh3.clean(
        _FILLED_IN.sub(_filled_in, rendered),
        tags=_TEXT_TAGS | _TABLE_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"https", "mailto"},
        link_rel="noopener noreferrer",
    )


def _settings_table(kind: str) -> str:
    """The declared settings of a connector, as the form shows them."""
    rows = [
        (f"{escape(str(each.about.title))}<br><code>{escape(each.name)}</code>", _meaning(each))
        for each in settings_of(CONNECTORS[kind].config_model)
    ]
    return _table(("Setting", "What it is"), rows)


def _meaning(setting: Setting) -> str:
    words = [escape(" ".join(setting.help.split()))]
    if setting.required:
        words.append("Required.")
    elif setting.default not in (None, False) and setting.default != {}:
        words.append(f"Default: <code>{escape(str(setting.default))}</code> {escape(str(setting.about.unit))}".strip())
    return " ".join(words)


def _preset_table(preset_id: str) -> str:
    """What a preset fills in, and what the provider says about the rest."""
    connector, preset = next(
        (connector, each) for connector in CONNECTORS.values() for each in connector.presets() if each.id == preset_id
    )
    settings = settings_of(connector.config_model)
    values = _flat(preset.config)
    rows = [
        (escape(str(preset.labels.get(each.name, each.about.title))), _value(each, values.get(each.name), preset))
        for each in settings
        if each.name in values or each.name in preset.helps
    ]
    others = "".join(
        f"<li>{escape(str(other.title))}: {_changes(settings, other)}</li>"
        for other in preset.alternatives
        if any(preset.config.get(key) != value for key, value in other.config.items())
    )
    return _table(("Setting", "Value"), rows) + (f"<p>Also possible:</p><ul>{others}</ul>" if others else "")


def _value(setting: Setting, value: object, preset: Preset) -> str:
    said = escape(str(preset.helps.get(setting.name, "")))
    return "<br>".join(words for words in (_shown(setting, value), said) if words)


def _shown(setting: Setting, value: object) -> str:
    """A value as the form shows it: the label of a choice, everything else to be copied as it is."""
    if value is None:
        return ""
    label = next((str(label) for key, label in setting.about.choices if key == value), None)
    return escape(label.partition(":")[0]) if label else f"<code>{escape(str(value))}</code>"


def _changes(settings: Iterable[Setting], other: Alternative) -> str:
    values = _flat(other.config)
    return ", ".join(
        f"{escape(str(each.about.title))} {_shown(each, values[each.name])}" for each in settings if each.name in values
    )


def _flat(config: object, prefix: str = "") -> dict[str, object]:
    if not isinstance(config, dict):
        return {prefix: config}
    return {
        path: value
        for key, nested in config.items()
        for path, value in _flat(nested, f"{prefix}.{key}" if prefix else key).items()
    }


def _table(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    """A table of two columns in a box that scrolls on its own; the cells are HTML."""
    body = "".join(f'<tr><th scope="row">{name}</th><td>{words}</td></tr>' for name, words in rows)
    head = "".join(f'<th scope="col">{word}</th>' for word in heads)
    return f'<div class="guide-table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


_TABLES: dict[str, Callable[[str], str]] = {"settings": _settings_table, "preset": _preset_table}
