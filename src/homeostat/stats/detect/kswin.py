"""KSWIN: whether the last values are distributed as those before them in a window."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.detect.detector import Change, Detector, at_least


class Kswin(Detector):
    """Two-sample Kolmogorov-Smirnov test in a sliding window (Raab, Heusinger & Schleif 2020).

    Values have any unit. After every ``stride`` values the last ``recent`` of the last
    ``window`` are compared with all older ones in it; the paper compares with a random sample
    of these, which makes the answer depend on chance. A change is found when the largest
    distance of the two empirical distributions reaches the threshold.

    Error rate: that of any alarm within ``horizon`` values. Each look has an equal part of it
    (Bonferroni), and the threshold of a look is exact for values of any one distribution
    without ties; ties only make it rarer. No distribution is assumed, only independence. Looks
    overlap, so the tests measure rates below it.

    Finds a change of any kind, the mean or the spread, that is large within ``recent`` values:
    a distance of about 0.14 as set here. A doubling of a small error rate is less than that
    and is seldom found. Does not see a slow change, as the window moves along with it, nor any
    change before the window is full; inconclusive until then. Once the change has filled the
    window unseen it is no longer there to be found. Values that are not finite are left out.
    ``result.estimate`` is the mean of the last values; the reason of an alarm names the means of
    the two parts, which may be equal when the spread changed.

    >>> found = Kswin()
    >>> found.update_many(np.random.default_rng(1).normal(0, 1, size=2000))
    >>> found.result.verdict.value
    'pass'
    >>> found.update_many(np.random.default_rng(2).normal(1, 1, size=500))
    >>> found.result.reason
    'The level went from 0.02504 to 0.4069; found after 2100 values.'
    """

    assumed = "independent values of one distribution"

    def __init__(
        self,
        *,
        error_rate: float = 0.05,
        horizon: int = 10_000,
        window: int = 1000,
        recent: int = 300,
        stride: int = 100,
    ) -> None:
        super().__init__(error_rate=error_rate, horizon=horizon)
        at_least("recent", recent, 2)
        at_least("window", window, 2 * recent)
        at_least("stride", stride, 1)
        self.window, self.recent, self.stride = int(window), int(recent), int(stride)
        looks = max(0, self.horizon - self.window) // self.stride + 1
        self.threshold = distance_threshold(
            self.window - self.recent, self.recent, self.error_rate / looks
        )
        self.reset()

    def _clear(self) -> None:
        self._values: deque[float] = deque(maxlen=self.window)

    def _read(self, values: list[float]) -> None:
        start, row = 0, self._rows
        while start < len(values):
            wait = self.window - row if row < self.window else self.stride
            if row > self.window:
                wait -= (row - self.window) % self.stride
            taken = values[start : start + wait]
            self._values.extend(taken)
            start, row = start + len(taken), row + len(taken)
            if len(taken) == wait:
                self._change = self._look(row)
                if self._change is not None:
                    return

    def _look(self, row: int) -> Change | None:
        """Compare the two parts of the full window."""
        values = np.array(self._values)
        older, newer = values[: -self.recent], values[-self.recent :]
        if largest_distance(older, newer) < self.threshold:
            return None
        return Change(row, float(older.mean()), float(newer.mean()))

    def _waiting(self) -> str:
        if self._rows >= self.window:
            return ""
        return f"{self._rows} values were read and the window takes {self.window}."


def largest_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> int:
    """The Kolmogorov-Smirnov distance times the numbers of both samples, a whole number.

    ``first`` and ``second`` have shapes (n,) and (m,), neither empty.

    >>> largest_distance(np.array([1.0, 2.0]), np.array([2.0, 3.0, 4.0]))
    4
    """
    places = np.concatenate([first, second])
    below_first = np.searchsorted(np.sort(first), places, side="right")
    below_second = np.searchsorted(np.sort(second), places, side="right")
    return int(np.abs(below_first * second.size - below_second * first.size).max())


@lru_cache(maxsize=64)
def distance_threshold(first: int, second: int, rate: float) -> int:
    """The smallest distance, times both numbers, that is reached with ``rate`` at most.

    It is above the largest possible, ``first * second``, when even that is likelier.

    >>> distance_threshold(4, 4, 0.05), distance_threshold(4, 4, 0.001)
    (16, 20)
    """
    unit = gcd(first, second)  # every distance is a multiple
    low, high = 0, first * second // unit + 1  # reached for certain; never
    while high - low > 1:
        middle = (low + high) // 2
        if reached(first, second, middle * unit) <= rate:
            high = middle
        else:
            low = middle
    return high * unit


def reached(first: int, second: int, distance: int) -> float:
    """Probability that the distance, times both numbers, is ``distance`` or more without ties.

    Every order of ``first`` and ``second`` values is equally likely; each is a path in a grid,
    and those that come ``distance`` or more away from the diagonal are counted (Hodges 1958),
    as a share of all paths to each place, which loses no small probability to rounding.

    >>> round(reached(2, 2, 4), 4)  # two of the six orders set the samples apart
    0.3333
    """
    away = np.zeros(first + 1)
    taken = np.arange(first + 1)  # of the first sample
    for step in range(1, first + second + 1):
        other = step - taken  # places with other < 0 or above second lead to no real one
        # of the paths to (i, j) a share of i / (i + j) comes from (i - 1, j)
        earlier = np.concatenate([[0.0], away[:-1]])
        away = (away * np.maximum(other, 0) + earlier * taken) / step
        away[np.abs(taken * second - other * first) >= distance] = 1.0
    return float(min(away[first], 1.0))
