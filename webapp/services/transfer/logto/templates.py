"""Its templates, wherever they stand, as our cells of usage type and language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.domain.diff import escape
from webapp.domain.template import PLACEHOLDER
from webapp.domain.text import T
from webapp.domain.usage import UsageType
from webapp.services.transfer.logto.reading import Moved, Reading


def array_of_templates(reading: Reading, items: Any, at: str) -> None:
    """The templates in a connector's own config, which know no language."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, Mapping):
            alias = item.get("templateAlias")
            if isinstance(alias, str) and alias:
                cell: dict[str, Any] = {"providerTemplate": {"id": alias, "variables": {}}}
            else:
                cell = _cell(item, item.get("contentType", item.get("type")))
            _place(reading, item.get("usageType"), "*", cell, f"{at}/{index}")


def deliveries(reading: Reading, found: Any, at: str) -> None:
    """Mailgun's, by usage type: a mail of one's own, or a template stored there."""
    for usage_type, item in (found if isinstance(found, Mapping) else {}).items():
        if not isinstance(item, Mapping):
            continue
        cell = {"subject": item.get("subject")}
        if item.get("template"):
            cell["providerTemplate"] = {"id": item["template"], "variables": item.get("variables") or {}}
        else:
            cell |= {"contentType": "text/html", "content": item.get("html"), "text": item.get("text")}
        if item.get("replyTo"):
            cell["replyTo"] = item["replyTo"]
        _place(reading, usage_type, "*", cell, f"{at}/{escape(str(usage_type))}")


def listed_templates(reading: Reading, items: list[Any], at: str) -> None:
    """The list of templates by language and type."""
    for index, item in enumerate(items):
        details = item.get("details") if isinstance(item, Mapping) else None
        if isinstance(details, Mapping):
            cell = _cell(details, details.get("contentType"))
            _place(reading, item.get("templateType"), str(item.get("languageTag") or "*"), cell, f"{at}/{index}")


def _cell(item: Mapping[str, Any], content_type: Any) -> dict[str, Any]:
    plain = content_type == "text/plain"
    cell = {"contentType": "text/plain" if plain else "text/html"}
    return cell | {name: item[name] for name in ("subject", "content", "sendFrom", "replyTo") if item.get(name)}


def _place(reading: Reading, usage_type: Any, tag: str, cell: dict[str, Any], source: str) -> None:
    known = next((each for each in UsageType if each.value == usage_type), None)
    if known is None:
        reading.leave(source, T("“%(name)s” is no usage type here.", name=str(usage_type)[:60]))
        return
    cells = reading.templates.setdefault(known.value, {})
    if tag in cells:
        reading.leave(source, T("There is a template for this usage type and language before it, which was taken."))
        return
    bodies = (cell.get("content"), cell.get("text"))
    roots = {path.split(".")[0] for body in bodies if isinstance(body, str) for path in PLACEHOLDER.findall(body)}
    if "providerTemplate" not in cell and known.required_variable not in roots:
        why = T(
            "Its text does not show %(variable)s, so nobody could use this mail. What is there now stays.",
            variable="{{" + known.required_variable + "}}",
        )
        reading.leave(source, why)
        if not cells:
            del reading.templates[known.value]
        return
    cell.setdefault("subject", str(known.title))
    cells[tag] = {name: value for name, value in cell.items() if value is not None} | {
        "subject": cell["subject"] or str(known.title)
    }
    reading.moved.append(Moved(source, f"/templates/{known.value}/{escape(tag)}"))
