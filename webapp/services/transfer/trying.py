"""Trying a plan inside its target before any of it is live: what a check or a test send of it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webapp.domain.errors import ConnectorNotSetUpError, SecretsMissingError
from webapp.domain.roles import Access
from webapp.domain.text import T
from webapp.services.setups import Plan, Setups
from webapp.services.transfer.planning import Planning
from webapp.services.transfer.plans import KeptPlan


@dataclass(frozen=True, slots=True)
class Trial:
    """The values of a plan, its secrets inside."""

    connector: Mapping[str, Any] = field(repr=False)
    templates: Mapping[str, Any]
    default_language: str
    plan: Plan
    """What applying would do, as it stands now: a test send that was accepted shows in it."""


class Trials:
    """Says what a check or a test send of a plan uses."""

    def __init__(self, planning: Planning, setups: Setups) -> None:
        self._planning = planning
        self._setups = setups

    def of(self, access: Access, plan_id: str) -> Trial:
        """The values of a plan of this actor, by the rules of applying it.

        Raises NotFoundError, SecretsMissingError, ConnectorNotSetUpError, what judging raises, and
        SetupChangedMeanwhileError where somebody saved since: a secret that is kept may be another one by now.
        """
        kept = self._planning.kept(access, plan_id)
        if kept.missing:
            raise SecretsMissingError(kept.missing)
        return trial_of(kept, self._setups.plan(access, kept.document, base=kept.base, origin=kept.origin))


def trial_of(kept: KeptPlan, plan: Plan) -> Trial:
    """The values of a plan that was judged. Raises ConnectorNotSetUpError."""
    if plan.document.get("connector") is None:
        raise ConnectorNotSetUpError(T("There is no connector in this plan, so nothing can be tried."))
    return Trial(kept.document["connector"], plan.document["templates"], plan.document["defaultLanguage"], plan)
