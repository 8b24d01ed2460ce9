"""The timeline of training, a row an n: distance still falling, distance down and few copies, copies.  Places are shares of a log axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from byheart.studies.onset.content import GEN, MEM, SPLIT, OnsetContent
from byheart.studies.onset.summary import Pooled, pooled

__all__ = ["Lane", "Part", "Tick", "Timeline", "timeline"]


@dataclass(frozen=True)
class Part:
    """A stretch of a lane.  kind: wait, good, unsure, open or copy.  left, width: per cent of the axis."""

    kind: str
    left: float
    width: float


@dataclass(frozen=True)
class Lane:
    """One n.  sign: where the losses part, per cent, None if they do not.  words: the same for readers of text."""

    n: int
    parts: tuple[Part, ...]
    sign: float | None
    words: str


@dataclass(frozen=True)
class Tick:
    """A mark of the axis.  at: per cent."""

    at: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """Lanes by n, over one axis."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]

    @property
    def any_open(self) -> bool:
        """Say whether some stretch can be called neither new nor copied."""
        return any(part.kind == "open" for lane in self.lanes for part in lane.parts)


@dataclass(frozen=True)
class _Axis:
    first: float
    last: float

    def place(self, step: float) -> float:
        """Place a step on the axis, in per cent of its length; steps beyond the axis lie at its ends."""
        inside = min(max(step, self.first), self.last)
        return round(100 * math.log(inside / self.first) / math.log(self.last / self.first), 2)


def timeline(content: OnsetContent) -> Timeline | None:
    """Make the timeline, pooled over seeds; None without times of memorization."""
    sizes = [n for n in content.sizes() if content.times(MEM, n)]
    steps = [float(row["step"] or 0) for run in content.runs for row in run.rows]
    first = min((step for step in steps if step >= 1), default=1.0)
    if not sizes:
        return None
    last = max(time.limit for time in content.times(MEM))
    if last <= first:
        return None
    axis = _Axis(first, last)
    lanes = (
        _lane(n, pooled(content.times(MEM, n)), _step(content, GEN, n), _step(content, SPLIT, n), axis)
        for n in sizes
    )
    return Timeline(tuple(lanes), _ticks(axis))


def _step(content: OnsetContent, rule: str, n: int) -> float | None:
    times = content.times(rule, n)
    return pooled(times).step if times else None


def _lane(n: int, mem: Pooled, good: float | None, sign: float | None, axis: _Axis) -> Lane:
    end = axis.place(mem.limit)
    copy = end if mem.high is None else axis.place(mem.high)
    unsure = end if mem.low is None else axis.place(mem.low)
    # What may be copied is never called good, and without a time of good samples nothing is.
    start = unsure if good is None else min(axis.place(good), copy)
    unsure = max(unsure, start)
    # Where the share of copies itself stayed low, a wide interval says nothing of a beginning.
    between = "open" if mem.step is None else "unsure"
    edges = [("wait", 0.0, start), ("good", start, unsure), (between, unsure, copy), ("copy", copy, end)]
    parts = tuple(Part(kind, left, round(right - left, 2)) for kind, left, right in edges if right > left)
    return Lane(n, parts, None if sign is None else axis.place(sign), _words(good, mem))


def _words(good: float | None, mem: Pooled) -> str:
    began = "" if good is None else f"FD down at {good:,.0f} · "
    if mem.step is None:
        return f"{began}under 10 % copies to {mem.limit:,.0f}"
    return f"{began}10 % copies at {mem.step:,.0f}"


def _ticks(axis: _Axis) -> tuple[Tick, ...]:
    powers = range(math.floor(math.log10(axis.first)), math.ceil(math.log10(axis.last)) + 1)
    steps: Sequence[int] = (1,) if axis.last / axis.first >= 100 else (1, 2, 5)
    places = [
        step * 10**power for power in powers for step in steps if axis.first <= step * 10**power <= axis.last
    ]
    return tuple(Tick(axis.place(step), f"{step:,}") for step in places)
