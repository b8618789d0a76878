"""Where a revision came from, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from webapp.domain.text import T, Text

ORIGINS: Final[Mapping[str, Text]] = {
    "save": T("Saved"),
    "import": T("Imported"),
    "promote": T("Promoted"),
    "restore": T("Restored"),
    "delete": T("Connector deleted"),
    "duplicate": T("Begun as a copy"),
}


def origin_words(origin: str, detail: str | None, transfer: Mapping[str, Any] | None) -> list[Text]:
    """Say how a revision came to be: what was done, whether in part, what stayed, who approved it."""
    came = transfer or {}
    said = [_done(origin, detail, came)]
    if came.get("only"):
        said.append(T("in part"))
    if came.get("kept"):
        said.append(T("kept its own where both had changed"))
    if came.get("approvedBy"):
        said.append(T("approved by %(name)s", name=came["approvedBy"]))
    return said


def _done(origin: str, detail: str | None, came: Mapping[str, Any]) -> Text:
    """``origin``, ``detail`` and ``came`` are what ``webapp.services.requests.Request`` says."""
    tenant, revision = came.get("from") or detail, came.get("revision")
    match origin:
        case "promote" if tenant and revision is not None:
            return T("Promoted from %(tenant)s, revision %(revision)s", tenant=tenant, revision=revision)
        case "promote" if tenant:
            return T("Promoted from %(tenant)s", tenant=tenant)
        case "duplicate" if tenant and revision is not None:
            return T("Begun as a copy of %(tenant)s, revision %(revision)s", tenant=tenant, revision=revision)
        case "duplicate" if tenant:
            return T("Begun as a copy of %(tenant)s", tenant=tenant)
        case "import" if came.get("file"):
            return T("Imported from %(file)s", file=came["file"])
        case "import" if came.get("system"):
            return T("Imported from %(system)s", system=came["system"])
        case "restore" if detail:
            return T("Restored from revision %(number)s", number=detail)
        case _:
            return ORIGINS.get(origin, Text(origin))
