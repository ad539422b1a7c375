"""Where a time or a value stands in a plot, in percent: plots stretch, their text does not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis; on the time axis a whole period of ``width`` percent."""

    place: float
    label: str
    short: str = ""
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Time from left, 0 %, to right, 100 %."""

    since: datetime
    until: datetime

    def place(self, at: datetime) -> float:
        """Percent from the left, kept within the plot."""
        length = (self.until - self.since).total_seconds()
        if length <= 0:
            return 0.0
        share = (at - self.since).total_seconds() / length
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def width(self, since: datetime, until: datetime) -> float:
        """Percent of the plot between two instants."""
        return round(self.place(until) - self.place(since), 3)

    def ticks(self) -> tuple[Tick, ...]:
        """Whole periods: days, weeks, months or years, whichever gives a readable number."""
        ticks = []
        starts = self._starts()
        for begin, end in zip(starts, [*starts[1:], self.until], strict=True):
            label, short = self._names(begin)
            place = self.place(begin)
            ticks.append(Tick(place, label, short, round(self.place(end) - place, 3)))
        return tuple(ticks)

    def _days(self) -> float:
        return (self.until - self.since) / timedelta(days=1)

    def _starts(self) -> list[datetime]:
        """Where each period begins; the first may begin before the plot."""
        at = self.since.replace(hour=0, minute=0, second=0, microsecond=0)
        if self._days() > 800:
            at = at.replace(month=1, day=1)
        elif self._days() > 100:
            at = at.replace(day=1)
        elif self._days() > 16:
            at -= timedelta(days=at.weekday())
        starts = []
        while at < self.until:
            starts.append(at)
            at = self._next(at)
        return starts

    def _next(self, at: datetime) -> datetime:
        if self._days() > 800:
            return at.replace(year=at.year + 1)
        if self._days() > 100:
            return (at + timedelta(days=32)).replace(day=1)
        return at + timedelta(days=7 if self._days() > 16 else 1)

    def _names(self, at: datetime) -> tuple[str, str]:
        if self._days() > 800:
            return f"{at:%Y}", f"{at:%y}"
        if self._days() > 100:
            return f"{at:%b}", f"{at:%b}"[0]
        return f"{at.day} {at:%b}", f"{at.day}"


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """Values from the bottom, 100 %, to the top, 0 %, as a page counts."""

    low: float
    high: float
    step: float

    def place(self, value: float) -> float:
        """Percent from the top, kept within the plot."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * (1 - min(max(share, 0.0), 1.0)), 3)

    def ticks(self) -> tuple[Tick, ...]:
        """A line at each step."""
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        if not math.isclose(self.step * 10**digits, round(self.step * 10**digits)):
            digits += 1
        number = round((self.high - self.low) / self.step)
        values = (self.low + self.step * place for place in range(number + 1))
        return tuple(Tick(self.place(v), f"{v:,.{digits}f}") for v in values)


def value_axis(values: Iterable[float | None], *, lines: int = 5, zero: bool = False) -> ValueAxis:
    """An axis that holds all ``values`` with about ``lines`` lines at round numbers.

    ``zero`` makes it begin at 0. Without any value it goes from 0 to 1.
    """
    known = [value for value in values if value is not None]
    if not known:
        return ValueAxis(0.0, 1.0, 0.25)
    low, high = (0.0 if zero else min(known)), max(known)
    if high - low <= 1e-9 * max(abs(high), abs(low), 1e-3):
        spread = abs(high) * 0.1 if abs(high) > 1e-9 else 1.0
        low, high = (0.0 if zero else low - spread), high + spread
    step = round_step((high - low) / lines)
    return ValueAxis(math.floor(low / step) * step, math.ceil(high / step) * step, step)


def round_step(rough: float) -> float:
    """The round number (1, 2, 2.5 or 5 times a power of ten) next above ``rough``.

    >>> round_step(0.013), round_step(0.3), round_step(0.07)
    (0.02, 0.5, 0.1)
    """
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (1.0, 2.0, 2.5, 5.0):
        if rough <= factor * power * (1 + 1e-9):
            return float(f"{factor * power:.10g}")
    return float(f"{10 * power:.10g}")


def spread(places: list[float], gap: float) -> list[float]:
    """Move labels apart so that neighbours are at least ``gap`` percent from one another.

    Order is kept, and they stay within 0 to 100 as long as there is room.

    >>> spread([50.0, 51.0], 6)
    [47.5, 53.5]
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    for _ in range(50):
        for above, below in pairwise(order):
            lacking = gap - (moved[below] - moved[above])
            if lacking > 1e-6:
                moved[above] -= lacking / 2
                moved[below] += lacking / 2
        moved = [min(max(place, 0.0), 100.0) for place in moved]
    return [round(place, 3) for place in moved]
