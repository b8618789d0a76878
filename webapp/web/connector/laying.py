"""Laying a config that came as text over the one in the draft, and what of a text is kept meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from webapp.connectors.base import Connector
from webapp.connectors.config import settings_of
from webapp.domain.errors import InputError
from webapp.domain.strict_json import NotJSONError, loads
from webapp.services.drafts import DRAFT
from webapp.services.marks import DraftedSecret
from webapp.web.connector.documents import rebased, value_at
from webapp.web.connector.remarks import Remarks
from webapp.web.connector.text import LIMIT, Reading, TextFault, read_text, same, text_of, tidied
from webapp.web.forms import SettingsForm

_CONFIG: Final = "/connector/config"
_WAITING: Final = "/text"
"""Before the pointers of secrets of a text that is not taken over yet."""


@dataclass(frozen=True, slots=True)
class ShownText:
    """The config as the page of text shows it."""

    text: str
    drawn: Mapping[str, Any]
    """The config that it began from."""
    faults: tuple[TextFault, ...] = ()
    """Why it cannot be taken over; none where it is what the form says."""
    behind: bool = False
    """Whether the form has changed since this text was begun."""

    @property
    def pending(self) -> bool:
        return bool(self.faults)


def shown_text(
    remarks: Remarks, config: Mapping[str, Any], connector: type[Connector[Any]], form: SettingsForm | None
) -> ShownText:
    """The text as it was typed where that says the same as the form, or cannot be taken over yet."""
    reading = read_text(remarks.text, connector) if remarks.text is not None else None
    if reading and reading.config is None:
        drawn = remarks.drawn if isinstance(remarks.drawn, dict) else config
        return ShownText(reading.text, drawn, reading.faults, behind=not same(drawn, config, connector))
    if reading and reading.config is not None and same(reading.config, config, connector):
        return ShownText(reading.text, config)
    return ShownText(text_of(form) if form else "", config)


def taken_over(
    remarks: Remarks,
    posted: Mapping[str, str],
    config: dict[str, Any],
    secrets: Mapping[str, str],
    connector: type[Connector[Any]],
) -> tuple[dict[str, Any], dict[str, str]]:
    """Lay a posted text over a config: the config, which is the same one where nothing changed, and its secrets."""
    reading = read_text(posted["json"], connector)
    drawn = drawn_config(posted.get("drawn", ""), config)
    remarks.text, remarks.drawn = reading.text, drawn if reading.config is None else None
    remarks.page, remarks.sent = posted.get("page", "")[:32], page_count(posted)
    kept = with_texts(reading, secrets, connector)
    if reading.config is None:
        return config, kept
    merged = laid_over(drawn, config, reading.config, connector)
    if same(merged, config, connector):
        return config, kept
    # A form that was drawn before must not undo it.
    remarks.turn += 1
    return merged, kept


def drawn_config(posted: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config that a page was drawn from, as it says itself; the draft's where that cannot be read."""
    try:
        drawn = loads(posted) if 0 < len(posted) <= LIMIT else None
    except (NotJSONError, InputError):
        drawn = None
    return drawn if isinstance(drawn, dict) else dict(config)


def page_count(posted: Mapping[str, str]) -> int:
    """How often a page of text has sent itself."""
    count = posted.get("sent", "0")
    return int(count) if count.isdecimal() and len(count) < 9 else 0


def laid_over(
    drawn: Mapping[str, Any], live: Mapping[str, Any], mine: Mapping[str, Any], connector: type[Connector[Any]]
) -> dict[str, Any]:
    """What the draft says, with that put on top which a text changed against what its page was drawn from."""
    settings = settings_of(connector.config_model)
    documents = ({"connector": {"provider": "", "config": tidied(each, settings)}} for each in (drawn, live, mine))
    merged: dict[str, Any] = rebased(*documents)["connector"]["config"]
    return merged


def with_texts(reading: Reading, secrets: Mapping[str, str], connector: type[Connector[Any]]) -> dict[str, str]:
    """The draft's secrets with those that a text holds.

    Those of a text that is not taken over wait apart, bound to the place that the text seems to name, so that they
    follow no other once it is taken over.
    """
    if reading.config is None:
        place = connector.destination(reading.guess)
        typed = {
            f"{_WAITING}{pointer}": DraftedSecret.bound(value, connector.kind, place)
            for pointer, value in reading.secrets.items()
        }
        return {**secrets, **typed}
    kept = without_texts(secrets)
    for pointer, value in secrets.items():
        where = pointer.removeprefix(_WAITING)
        if pointer != where and value_at(reading.config, where) == DRAFT:
            kept[f"{_CONFIG}{where}"] = value
    return kept | {f"{_CONFIG}{pointer}": value for pointer, value in reading.secrets.items()}


def without_texts(secrets: Mapping[str, str]) -> dict[str, str]:
    """The draft's secrets without those that wait in a text."""
    return {pointer: value for pointer, value in secrets.items() if not pointer.startswith(f"{_WAITING}/")}
