"""How many connections one account may have open at its server; whoever is one too many waits for their turn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self
from weakref import WeakKeyDictionary

from webapp.connectors.smtp.config import SmtpConfig

Key = tuple[str, int, str, int]


@dataclass(slots=True)
class _Room:
    """The places at one server, and how many hold or want one."""

    places: asyncio.Semaphore
    guests: int = 0


_ROOMS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Key, _Room]] = WeakKeyDictionary()
"""For each loop: places cannot be waited for across loops, and a process has one that sends."""


@dataclass(slots=True)
class Place:
    """The right to have one connection open."""

    _rooms: dict[Key, _Room] = field(repr=False)
    _key: Key

    @classmethod
    async def take(cls, config: SmtpConfig) -> Self:
        """Wait for a free place. How long is for whoever asks to say, by cancelling."""
        rooms = _ROOMS.setdefault(asyncio.get_running_loop(), {})
        limit = config.max_connections
        place = cls(rooms, (config.host, config.port, getattr(config.auth, "user", ""), limit))
        room = rooms.setdefault(place._key, _Room(asyncio.Semaphore(limit)))
        room.guests += 1
        try:
            await room.places.acquire()
        except BaseException:
            place._leave(room)
            raise
        return place

    def free_after(self, farewell: asyncio.Task[None] | None) -> None:
        """Let the next one in, once the connection is closed."""
        if farewell is None:
            self._free()
        else:
            farewell.add_done_callback(lambda _: self._free())

    def _free(self) -> None:
        room = self._rooms[self._key]
        room.places.release()
        self._leave(room)

    def _leave(self, room: _Room) -> None:
        room.guests -= 1
        if not room.guests:
            self._rooms.pop(self._key, None)
