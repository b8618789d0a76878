"""Timing: interleaved rounds, medians, and a ratio against the peer of the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds of one thing over all rounds."""

    name: str
    median: float
    p95: float

    def __str__(self) -> str:
        return f"{self.name:<52} {self.median:9.2f} ms   p95 {self.p95:9.2f} ms"


def measure(things: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 3) -> dict[str, Figure]:
    """Time each thing once a round, so that what else the machine does falls on all alike."""
    for _ in range(warm_up):
        for thing in things.values():
            thing()
    times: dict[str, list[float]] = {name: [] for name in things}
    for _ in range(rounds):
        for name, thing in things.items():
            started = time.perf_counter()
            thing()
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: _figure(name, taken) for name, taken in times.items()}


def report(title: str, figures: Mapping[str, Figure], peer: str) -> None:
    """Print the figures, each beside its ratio to the peer."""
    print(f"\n{title}")
    for name, figure in figures.items():
        ratio = "" if name == peer else f"   {figure.median / figures[peer].median:6.2f} x the peer"
        print(f"  {figure}{ratio}")


def _figure(name: str, times: list[float]) -> Figure:
    ordered = sorted(times)
    return Figure(name, statistics.median(ordered), ordered[int(len(ordered) * 0.95)])
