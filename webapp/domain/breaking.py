"""Which end-user flows a change of the setup would break."""

from __future__ import annotations

from collections.abc import Callable

from webapp.domain.setup import ConnectorSetup, Setup
from webapp.domain.template import find_template
from webapp.domain.usage import FLOW_USAGE_TYPES, UsageType

NeedsTemplates = Callable[[ConnectorSetup], bool]
"""Whether the mails of a connector are made of the setup's templates."""


def broken_flows(old: Setup, new: Setup, needs_templates: NeedsTemplates) -> list[str]:
    """Name the flows that are on and lose what they need: the connector, or the template of a mail."""
    if old.connector and not new.connector:
        return new.flows.enabled()
    if new.connector and not needs_templates(new.connector):
        return []
    lost = []
    for flow in new.flows.enabled():
        usage_types = FLOW_USAGE_TYPES.get(flow, ())
        if any(_found(old, each) and not _found(new, each) for each in usage_types):
            lost.append(flow)
    return lost


def _found(setup: Setup, usage_type: UsageType) -> bool:
    return find_template(setup.templates, usage_type, (), setup.default_language) is not None
