"""Where what is live came from, back through the promotions that led to it; what was undone is not among them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from webapp.domain.roles import TenantInfo
from webapp.services.history import RevisionInfo
from webapp.services.setups import Setups

LIMIT: Final = 50
"""Promotions that are looked back at."""
BATCH: Final = 200
CACHED: Final = 1024


@dataclass(frozen=True, slots=True)
class Promoted:
    """A promotion that what is live descends from."""

    number: int
    """The revision that it made."""
    at: datetime
    by: str
    source: str
    """The tenant that it came from, by its short name."""
    source_revision: int | None
    """What was live there; None where nobody wrote it down."""
    only: tuple[str, ...] = ()
    """What was looked at, as pointers; without any, everything."""
    _at: frozenset[str] = field(init=False, repr=False, compare=False)
    _on_the_way: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for each value that differs; a promotion may have looked at a thousand places.
        object.__setattr__(self, "_at", frozenset(self.only))
        object.__setattr__(self, "_on_the_way", frozenset(above for each in self.only for above in _above(each)))

    def covers(self, pointer: str) -> bool:
        """Whether this place was looked at."""
        if not self.only or pointer in self._at or pointer in self._on_the_way:
            return True
        return any(above in self._at for above in _above(pointer))


class Lineages:
    """Finds the promotions behind a revision. A revision never changes, so neither does what is found."""

    def __init__(self, setups: Setups) -> None:
        self._setups = setups
        self._found: OrderedDict[tuple[int, int], tuple[Promoted, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def promotions(self, tenant: TenantInfo, number: int) -> tuple[Promoted, ...]:
        """The promotions that led to a revision, newest first."""
        key = (tenant.id, number)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = tuple(self._walked(tenant, number))
        with self._lock:
            self._found[key] = found
            while len(self._found) > CACHED:
                self._found.popitem(last=False)
        return found

    def _walked(self, tenant: TenantInfo, number: int) -> list[Promoted]:
        found: list[Promoted] = []
        upto = number
        while upto > 0 and len(found) < LIMIT:
            lines = self._setups.history(tenant, before=upto + 1, limit=BATCH, origins=("promote", "restore"))
            for line in lines:
                if line.number > upto:  # undone: a newer one went back behind it
                    continue
                if line.origin == "restore":
                    upto = int(line.origin_detail or 0)
                else:
                    upto = line.number - 1
                    found.append(_promoted(line))
            if len(lines) < BATCH:
                break
            upto = min(upto, lines[-1].number - 1)
        return found[:LIMIT]


def _above(pointer: str) -> Iterator[str]:
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


def _promoted(line: RevisionInfo) -> Promoted:
    came = line.transfer or {}
    return Promoted(
        line.number,
        line.created_at,
        line.author_name,
        str(came.get("from", line.origin_detail or "")),
        came.get("revision"),
        tuple(came.get("only", ())),
    )
