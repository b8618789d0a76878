"""Many mails on the page of a promotion: folded by usage type and by how they stand, to be ticked together or singly.

A fold has a tick, or the choice of a side, for all of its mails. Opened, it has one for each, and these count then; a
fold that was never opened says itself what shall become of its mails, and of which not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from werkzeug.datastructures import MultiDict

from webapp.domain.text import T, Text
from webapp.domain.usage import UsageType
from webapp.services.changed_mails import mails
from webapp.services.changes import template_part
from webapp.services.transfer import drift
from webapp.services.transfer.drift import Standing
from webapp.web.folds import counted

MAILS_AT_ONCE: Final = 16
"""Mails that are drawn line by line with the page; with more, all of them fold."""

Side = Literal["here", "there", ""]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, or a field of one, that can be promoted by itself."""

    pointer: str
    label: Text
    field: Text | None
    """The only field of it that this is about."""
    kind: Literal["added", "changed", "removed"]
    ticked: bool
    side: Side
    """For a conflict: which one was chosen."""


@dataclass(frozen=True, slots=True)
class Mails:
    """The mails of one usage type that stand alike."""

    key: str
    title: Text
    counts: Sequence[Text]
    """Such as "30 mails added"."""
    standing: str
    """The value of their standing; empty where nothing was promoted before."""
    words: Text | None
    """Their standing in words."""
    icon: str
    mails: Sequence[Mail]
    open: bool
    """Whether they are drawn one by one."""
    undecided: bool
    """For conflicts: whether they were confirmed without choosing."""

    @property
    def asked(self) -> bool:
        return self.standing == Standing.CONFLICT

    @property
    def chosen(self) -> Sequence[Mail]:
        """Those that shall go."""
        return [mail for mail in self.mails if mail.ticked]

    @property
    def side(self) -> Side:
        """The side that was chosen for all of them alike."""
        sides = {mail.side for mail in self.mails}
        return sides.pop() if len(sides) == 1 else ""


Standings = Callable[[drift.Part], tuple[str, Text | None, str]]
"""Says how a part stands: the value, the words and the icon."""


class Sent:
    """What a form says about parts, those in folds that were never opened among them."""

    def __init__(self, form: MultiDict[str, str]) -> None:
        self._form = form
        self._ticks, self._excepted = set(form.getlist("tick")), set(form.getlist("except"))
        self._folds, self._shown = set(form.getlist("tick-all")), set(form.getlist("shown"))
        self.open = form.get("open", "")

    def ticked(self, part: drift.Part) -> bool:
        """Whether the tick of a part is set, or that of its closed fold."""
        if part.pointer in self._ticks:
            return True
        key = key_of(part)
        return key in self._folds and key not in self._shown and part.pointer not in self._excepted

    def side(self, part: drift.Part) -> Side:
        """The side that was chosen for a conflict, or for all of its closed fold."""
        key = key_of(part)
        said = "" if key in self._shown else self._form.get(f"side:{key}", "")
        said = said or self._form.get(f"side:{part.pointer}", "")
        return "here" if said == "here" else "there" if said == "there" else ""


def key_of(part: drift.Part) -> str:
    """Name the fold of a part: how it stands, and its usage type."""
    return f"{part.standing}:{'/'.join(part.pointer.split('/')[:3])}"


def are_many(parts: Iterable[drift.Part]) -> bool:
    """Whether the mails among some parts fold."""
    return sum(len(mails(part.difference.changes)) for part in parts if is_mail(part)) > MAILS_AT_ONCE


def is_mail(part: drift.Part) -> bool:
    """Whether a part is a mail, or the mails of a usage type that one side has not."""
    return part.pointer.startswith("/templates/")


def folded(
    parts: Iterable[drift.Part],
    standing: Standings,
    ticks: Collection[str],
    sent: Sent,
    undecided: Collection[str] = (),
) -> list[Mails]:
    """Fold mails by usage type and standing."""
    groups: dict[str, list[drift.Part]] = {}
    for part in parts:
        groups.setdefault(key_of(part), []).append(part)
    return [_group(key, found, standing, ticks, sent, undecided) for key, found in groups.items()]


def _group(
    key: str,
    parts: Sequence[drift.Part],
    standing: Standings,
    ticks: Collection[str],
    sent: Sent,
    undecided: Collection[str],
) -> Mails:
    usage_type = key.rpartition("/")[2]
    changed = [mail for part in parts for mail in mails(part.difference.changes)]
    return Mails(
        key,
        UsageType(usage_type).title if usage_type in list(UsageType) else Text(usage_type),
        counted([mail.kind for mail in changed]),
        *standing(parts[0]),
        [_mail(part, ticks, sent) for part in parts],
        sent.open == key,
        any(part.pointer in undecided for part in parts),
    )


def _mail(part: drift.Part, ticks: Collection[str], sent: Sent) -> Mail:
    tag, field = (*part.pointer.split("/")[3:5], "", "")[:2]
    label = T("any language") if tag == "*" else Text(tag) if tag else T("every language")
    first = part.difference.changes[0]
    kind = first.kind if first.pointer == part.pointer else "changed"
    return Mail(
        part.pointer, label, template_part(field) if field else None, kind, part.pointer in ticks, sent.side(part)
    )
