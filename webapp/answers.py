"""How results look as JSON: the one shape that the API answers and the commands print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from webapp.connectors.base import Connector, Preset
from webapp.domain.diff import Change
from webapp.domain.message import Phase
from webapp.domain.problem import JSON, Problem
from webapp.domain.roles import Role, TenantInfo
from webapp.domain.setup import Setup
from webapp.services.guides import guide_html, guide_names

if TYPE_CHECKING:
    from webapp.services.inbox import InboxItem, InboxMail
    from webapp.services.setups import Plan, RevisionInfo, Saved
    from webapp.services.testing import RunView


class Answer(BaseModel):
    """Base of what is answered."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON; optional members that have no value are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


ChangeJSON = Annotated[
    dict[str, JSON],
    WithJsonSchema(
        {
            "type": "object",
            "description": "One value that differs between two setups; of a secret only that it does.",
            "properties": {
                "pointer": {"type": "string", "examples": ["/connector/config/host"]},
                "kind": {"enum": ["added", "changed", "removed"]},
                "old": {},
                "new": {},
                "secret": {"const": "different"},
            },
            "required": ["pointer", "kind"],
        }
    ),
]
PatchJSON = Annotated[
    dict[str, JSON],
    WithJsonSchema(
        {
            "type": "object",
            "description": "One operation of a JSON Patch (RFC 6902).",
            "properties": {
                "op": {"enum": ["add", "replace", "remove"]},
                "path": {"type": "string"},
                "value": {},
            },
            "required": ["op", "path"],
        }
    ),
]


class _AsSetup:
    """Describes a JSON object as the setup's own model does."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(Setup.__pydantic_core_schema__)


SetupJSON = Annotated[dict[str, JSON], _AsSetup]
"""A setup as it is answered: secrets are marks."""


class ProblemAnswer(Answer):
    """A diagnosis: what failed, why, and what to do."""

    code: str
    title: str
    cause: str
    steps: list[str]
    temporary: bool
    """Whether trying again later can help."""
    patch: list[PatchJSON] | None = None
    """A JSON Patch for the setup that mends it; never lowers security."""
    transcript: str | None = None

    @classmethod
    def of(cls, problem: Problem) -> ProblemAnswer:
        return cls(
            code=problem.code,
            title=str(problem.title),
            cause=str(problem.cause),
            steps=[str(step) for step in problem.steps],
            temporary=problem.temporary,
            patch=[operation.to_json() for operation in problem.patch] or None,
            transcript=problem.transcript,
        )


class PhaseAnswer(Answer):
    """One step of talking to a provider."""

    phase: str
    ok: bool
    ms: float
    code: int | None = None
    enhanced_code: str | None = None
    text: str | None = None
    """The provider's own words."""
    problem: ProblemAnswer | None = None

    @classmethod
    def of(cls, phase: Phase) -> PhaseAnswer:
        return cls(
            phase=phase.phase,
            ok=bool(phase.ok),
            ms=phase.ms or 0.0,
            code=phase.code,
            enhanced_code=phase.enhanced_code,
            text=phase.text,
            problem=ProblemAnswer.of(phase.problem) if phase.problem else None,
        )


class CheckAnswer(Answer):
    """What a check found."""

    ok: bool
    phases: list[PhaseAnswer]
    problem: ProblemAnswer | None = None
    transcript: str | None = None
    """The conversation, credentials taken out."""

    @classmethod
    def of(cls, run: RunView) -> CheckAnswer:
        return cls(
            ok=bool(run.ok),
            phases=[PhaseAnswer.of(phase) for phase in run.phases],
            problem=ProblemAnswer.of(run.problem) if run.problem else None,
            transcript=run.transcript or None,
        )


class TestSendAnswer(CheckAnswer):
    """What became of a test mail."""

    outcome: Literal["sent", "not_sent", "maybe_sent"]
    message_id: str | None = None
    provider_message_id: str | None = None
    warnings: list[ProblemAnswer] = Field(default_factory=list)
    """What the mail could not be given as the template says."""

    @classmethod
    def of(cls, run: RunView) -> TestSendAnswer:
        return cls(
            **dict(CheckAnswer.of(run)),
            outcome=run.outcome.value if run.outcome else "not_sent",
            message_id=run.message_id,
            provider_message_id=run.receipt.provider_message_id if run.receipt else None,
            warnings=[ProblemAnswer.of(problem) for problem in run.warnings],
        )


class PlanAnswer(Answer):
    """What a save or restore would do, or did."""

    plan_id: str | None = None
    base: int
    """The revision that was compared with."""
    changes: list[ChangeJSON]
    missing_secrets: list[str] = Field(default_factory=list)
    warnings: list[ProblemAnswer] = Field(default_factory=list)
    breaks: list[str] = Field(default_factory=list)
    """Flows that are on and would have no connector."""
    proven: bool
    applied: bool = False
    revision: int | None = None

    @classmethod
    def of(cls, plan: Plan) -> PlanAnswer:
        had_connector = not any(change.pointer == "/connector" and change.old is None for change in plan.changes)
        gone = plan.document.get("connector") is None and had_connector
        return cls(
            base=plan.base,
            changes=_changes(plan.changes),
            warnings=[ProblemAnswer.of(problem) for problem in plan.warnings],
            breaks=Setup.model_validate(plan.document).flows.enabled() if gone and plan.changes else [],
            proven=plan.proven,
        )


class SavedAnswer(Answer):
    """A revision that was made, or the one that already was so."""

    revision: int
    created: bool
    """False when there was nothing to change."""
    changes: list[ChangeJSON]
    setup: SetupJSON

    @classmethod
    def of(cls, saved: Saved) -> SavedAnswer:
        return cls(
            revision=saved.number,
            created=saved.created,
            changes=_changes(saved.changes),
            setup=saved.stored.document,
        )


class ChangedAnswer(Answer):
    """Where a revision differs from the one before."""

    pointer: str
    kind: str


class RevisionAnswer(Answer):
    """One saved setup's line in the history."""

    number: int
    active: bool
    created_at: datetime
    author: str
    author_kind: str
    """``person``, ``token``, ``operator`` or ``system``."""
    origin: str
    """``save``, ``restore``, ``import``, ``promote`` or ``delete``."""
    origin_detail: str | None = None
    note: str | None = None
    reason: str | None = None
    changed: list[ChangedAnswer]
    proven_at: datetime | None = None
    setup: SetupJSON | None = None
    """The whole setup, where one revision was asked for."""

    @classmethod
    def of(cls, info: RevisionInfo, setup: Mapping[str, Any] | None = None) -> RevisionAnswer:
        return cls(
            number=info.number,
            active=info.active,
            created_at=info.created_at,
            author=info.author_name,
            author_kind=info.author_kind,
            origin=info.origin,
            origin_detail=info.origin_detail,
            note=info.note,
            reason=info.reason,
            changed=[ChangedAnswer(pointer=pointer, kind=kind) for pointer, kind in info.changed],
            proven_at=info.proven_at,
            setup=dict(setup) if setup is not None else None,
        )


class DiffAnswer(Answer):
    """What leads from one revision to another."""

    old: int
    new: int
    changes: list[ChangeJSON]

    @classmethod
    def of(cls, old: int, new: int, changes: Iterable[Change]) -> DiffAnswer:
        return cls(old=old, new=new, changes=_changes(changes))


class TenantAnswer(Answer):
    """A tenant as this token sees it."""

    slug: str
    name: str
    environment: Literal["development", "production"]
    role: Role
    active_revision: int
    state: str
    """``not_set_up``, ``not_proven`` or ``proven``."""

    @classmethod
    def of(cls, tenant: TenantInfo, role: Role, state: str) -> TenantAnswer:
        return cls(
            slug=tenant.slug,
            name=tenant.name,
            environment=tenant.environment.value,
            role=role,
            active_revision=tenant.active_revision,
            state=state,
        )


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


class PresetAnswer(Answer):
    """A provider that is reached through a connector with most settings already known."""

    id: str
    title: str
    summary: str
    config: dict[str, JSON]
    labels: dict[str, str]
    """The provider's own word for a setting: dotted path → label."""
    helps: dict[str, str]
    badges: list[str]
    notes: list[str]
    links: list[dict[str, str]]
    guide: str | None = None

    @classmethod
    def of(cls, preset: Preset) -> PresetAnswer:
        return cls(
            id=preset.id,
            title=preset.title,
            summary=str(preset.summary),
            config=dict(preset.config),
            labels={path: str(label) for path, label in preset.labels.items()},
            helps={path: str(text) for path, text in preset.helps.items()},
            badges=[str(badge) for badge in preset.badges],
            notes=[str(note) for note in preset.notes],
            links=[{"title": str(title), "href": href} for title, href in preset.links],
            guide=_guide(preset.guide) if preset.guide else None,
        )


class ProviderDetailAnswer(ProviderAnswer):
    """Everything needed to fill in a provider's config."""

    config_schema: dict[str, JSON]
    """JSON Schema of ``connector.config``."""
    presets: list[PresetAnswer]
    guide: str | None = None
    """How to get there, step by step, as clean HTML."""

    @classmethod
    def of(cls, connector: type[Connector[Any]]) -> ProviderDetailAnswer:
        return cls(
            **dict(ProviderAnswer.of(connector)),
            config_schema=connector.config_model.model_json_schema(by_alias=True),
            presets=[PresetAnswer.of(preset) for preset in connector.presets()],
            guide=_guide(connector.kind),
        )


class InboxItemAnswer(Answer):
    """A mail that the sandbox captured, as the list shows it."""

    id: str
    to: str
    sender: str
    subject: str
    received_at: datetime
    code: str | None = None
    """The verification code, where the mail carries one."""
    links: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, item: InboxItem) -> InboxItemAnswer:
        return cls(
            id=item.id,
            to=item.to,
            sender=item.sender,
            subject=item.subject,
            received_at=item.received_at,
            code=item.code or None,
            links=list(item.links),
        )


class InboxMailAnswer(InboxItemAnswer):
    """A captured mail with its parts."""

    html: str | None = None
    text: str | None = None
    headers: list[tuple[str, str]]
    source: str
    attachments: list[str]
    """Names of what hangs on it besides its text."""

    @classmethod
    def of_mail(cls, mail: InboxMail) -> InboxMailAnswer:
        return cls(
            **dict(InboxItemAnswer.of(mail)),
            html=mail.html,
            text=mail.text,
            headers=list(mail.headers),
            source=mail.source,
            attachments=list(mail.attachments),
        )


def _changes(changes: Iterable[Change]) -> list[dict[str, JSON]]:
    return [change.to_json() for change in changes]


def _guide(name: str) -> str | None:
    return guide_html(name).html if name in guide_names() else None
