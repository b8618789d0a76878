"""Providers, their settings and presets."""

from __future__ import annotations

from typing import Any, Literal

from webapp.answers.base import Answer
from webapp.connectors.base import Connector, Preset
from webapp.connectors.recipe import Recipe
from webapp.domain.problem import JSON
from webapp.services.guides import guide_html, guide_names


class ProviderAnswer(Answer):
    """A provider in the catalogue."""

    kind: str
    title: str
    summary: str
    """Choose this when …"""
    rendering: Literal["here", "provider", "none"]
    """Who makes the mail of the template."""
    badges: list[str]

    @classmethod
    def of(cls, connector: type[Connector[Any]]) -> ProviderAnswer:
        return cls(
            kind=connector.kind,
            title=connector.title,
            summary=str(connector.summary),
            rendering=connector.rendering,
            badges=[str(badge) for badge in connector.badges],
        )


class AlternativeAnswer(Answer):
    """Another region, port or login of the same provider."""

    title: str
    config: dict[str, JSON]
    """Settings to put over those of the preset; each replaces the whole setting."""
    region: bool
    """Whether it is one of the provider's regions; the preset's own is among them."""


class PresetAnswer(Answer):
    """A provider that is reached through a connector with most settings already known."""

    id: str
    kind: Literal["own", "service", "mailbox"]
    """A server of one's own, a service that sends for applications, or a mailbox of a person or an organisation."""
    title: str
    summary: str
    config: dict[str, JSON]
    labels: dict[str, str]
    """The provider's own word for a setting: dotted path → label."""
    helps: dict[str, str]
    badges: list[str]
    notes: list[str]
    links: list[dict[str, str]]
    alternatives: list[AlternativeAnswer]
    """The provider's other ways, in the order of the form."""
    guide: str | None = None

    @classmethod
    def of(cls, preset: Preset) -> PresetAnswer:
        return cls(
            id=preset.id,
            kind=preset.kind,
            title=preset.title,
            summary=str(preset.summary),
            config=dict(preset.config),
            labels={path: str(label) for path, label in preset.labels.items()},
            helps={path: str(text) for path, text in preset.helps.items()},
            badges=[str(badge) for badge in preset.badges],
            notes=[str(note) for note in preset.notes],
            links=[{"title": str(title), "href": href} for title, href in preset.links],
            alternatives=[
                AlternativeAnswer(title=str(other.title), config=dict(other.config), region=other.region)
                for other in preset.alternatives
            ],
            guide=_guide(preset.guide) if preset.guide else None,
        )


class KnownProblemAnswer(Answer):
    """What may be made of a provider's answers. Facts of a single case stand in braces, such as ``{host}``."""

    code: str
    title: str
    cause: str
    steps: list[str]
    temporary: bool
    """Whether trying again later can help."""

    @classmethod
    def of(cls, code: str, recipe: Recipe) -> KnownProblemAnswer:
        title, cause, *steps = (text.template % _InBraces() for text in (recipe.title, recipe.cause, *recipe.steps))
        return cls(code=code, title=title, cause=cause, steps=steps, temporary=recipe.temporary)


class _InBraces(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


class ProviderDetailAnswer(ProviderAnswer):
    """Everything needed to fill in a provider's config."""

    config_schema: dict[str, JSON]
    """JSON Schema of ``connector.config``."""
    presets: list[PresetAnswer]
    problems: list[KnownProblemAnswer]
    guide: str | None = None
    """How to get there, step by step, as clean HTML."""

    @classmethod
    def of(cls, connector: type[Connector[Any]]) -> ProviderDetailAnswer:
        return cls(
            **dict(ProviderAnswer.of(connector)),
            config_schema=connector.config_model.model_json_schema(by_alias=True),
            presets=[PresetAnswer.of(preset) for preset in connector.presets()],
            problems=[KnownProblemAnswer.of(code, recipe) for code, recipe in connector.known_problems().items()],
            guide=_guide(connector.kind),
        )


def _guide(name: str) -> str | None:
    return guide_html(name).html if name in guide_names() else None
