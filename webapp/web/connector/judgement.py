"""What the services say about the values on the screen, over the same rules as saving."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.domain.errors import FieldError, InputError, PreconditionError
from webapp.domain.roles import Access
from webapp.services.drafts import Draft
from webapp.services.setups import ProofInfo, Setups


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the values can be used, and whether they are proven."""

    errors: tuple[FieldError, ...] = ()
    values_tag: str | None = None
    """None where the values cannot be used yet."""
    proof: ProofInfo | None = None


def judged(setups: Setups, access: Access, draft: Draft) -> Judgement:
    """Judge what is typed."""
    try:
        plan = setups.plan(access, draft.document, draft_secrets=draft.secrets)
    except (InputError, PreconditionError) as refusal:
        # Not yet usable is a normal state of something that is being typed.
        return Judgement(errors=refusal.errors)
    return proven(setups, access, plan.values_tag)


def proven(setups: Setups, access: Access, tag: str | None) -> Judgement:
    """Values that can be used, with their proof where there is one."""
    return Judgement(values_tag=tag, proof=setups.proven(access.tenant, tag) if tag else None)
