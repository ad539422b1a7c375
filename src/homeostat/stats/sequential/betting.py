"""The mean of bounded values by betting against it: narrow where the values vary little."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable
from homeostat.stats.sequential.bets import ASSUMED, Array, Bets, Bounds, capitals

CHUNK = 512
"""So many rows are played together."""


class BettingMean:
    """Stream of bounded values: their mean with an interval that holds at every look.

    ``low`` and ``high`` are the bounds that every value keeps to, in the values' unit. For each
    mean on a grid of ``grid`` + 1 points a game is played that is fair if that mean is the true
    one; a mean whose game has ever multiplied its capital by 2 / (1 - ``confidence``), on its
    upper or on its lower side, is ruled out for good (the hedged capital process with truncated
    predictable plug-in bets: Waudby-Smith & Ramdas 2023, section 4.2). The capital of each side
    is monotone in the mean, so the interval between two ruled-out grid points loses nothing but
    width: at most a grid step on each side.

    ``result`` gives the smallest interval so far, and as ``estimate`` the mean of all values, or
    the nearest end where that has left the interval. With a ``limit`` it also decides: *fail* when
    the mean was shown to be above ``limit``, *pass* when at most ``limit``, else *inconclusive*,
    as it always is without a limit. *error* when a value was outside the bounds (it is left
    out), or when every mean was ruled out, as happens when the mean has moved.

    ``error_rate`` is 1 - ``confidence``: the probability that the interval ever misses the true
    mean, which bounds that of a false *fail*. Assumes that each value has the same mean given
    those before it, and bounds that were known before. It does not see a mean that moves until
    no mean is left. Values that are not finite are skipped. Memory: two numbers per grid point.
    Bounds that are not finite or not apart, a confidence outside (0, 1), a limit outside the
    bounds and a grid of less than 2 steps raise ValueError.

    >>> stream = BettingMean(0.0, 1.0, 0.95, limit=0.4)
    >>> stream.update_many(np.random.default_rng(1).beta(2, 8, size=1000))
    >>> found = stream.result
    >>> found.verdict.value, round(found.estimate, 3), round(found.low, 3), round(found.high, 3)
    ('pass', 0.2, 0.183, 0.208)
    """

    def __init__(
        self,
        low: float = 0.0,
        high: float = 1.0,
        confidence: float = 0.95,
        *,
        limit: float | None = None,
        grid: int = 1000,
    ) -> None:
        if not 0 < confidence < 1:
            raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
        self._bounds = Bounds(low, high)
        if limit is not None and not low <= limit <= high:
            raise ValueError(f"limit must be between {low} and {high}, got {limit}")
        if grid < 2:
            raise ValueError(f"a grid of at least 2 steps is asked, got {grid}")
        self._confidence, self._limit = confidence, limit
        self._threshold = math.log(2) - math.log1p(-confidence)
        self._means = np.linspace(0.0, 1.0, grid + 1)
        self.reset()

    def reset(self) -> None:
        """Forget everything that was read."""
        self._bets = Bets(self._threshold)
        self._above = np.zeros(self._means.size)
        self._below = np.zeros(self._means.size)
        self._first, self._last = 0, self._means.size - 1
        self._skipped = self._outside = 0

    def update(self, value: float) -> None:
        """Read one value."""
        self.update_many([value])

    def update_many(self, values: ArrayLike) -> None:
        """Read the values of an array of shape (rows,), in order."""
        units, skipped, outside = self._bounds.units(values)
        self._skipped += skipped
        self._outside += outside
        for start in range(0, units.size, CHUNK):
            chunk = units[start : start + CHUNK]
            self._play(chunk, self._bets.next(chunk))

    def _play(self, units: Array, stakes: Array) -> None:
        """Play the games of the means that still stand, and rule out those that paid too much."""
        first, last = self._first, self._last
        if first >= last:
            return
        means = self._means
        upper, lower = slice(first + 1, last + 1), slice(first, last)
        above = capitals(self._above[upper], means[upper], units, stakes, 1)
        below = capitals(self._below[lower], means[lower], units, stakes, -1)
        too_low = np.flatnonzero((above >= self._threshold).any(axis=0))
        too_high = np.flatnonzero((below >= self._threshold).any(axis=0))
        first = first + 1 + int(too_low[-1]) if too_low.size else first
        last = lower.start + int(too_high[0]) if too_high.size else last
        if first >= last and units.size > 1:  # no mean is left: find the row at which
            for row in range(units.size):
                self._play(units[row : row + 1], stakes[row : row + 1])
            return
        self._above[upper], self._below[lower] = above[-1], below[-1]
        self._first, self._last = first, last

    @property
    def result(self) -> Result:
        """The mean of all values so far, its interval, and the verdict about the limit."""
        rows = self._bets.rows
        if not rows and not self._outside:
            return unable("no rows", skipped=self._skipped)
        low, high = (self._bounds.value(float(self._means[i])) for i in (self._first, self._last))
        reason = f"the mean of {rows} rows is {low:.4g} to {high:.4g}"
        estimate = self._bounds.value(self._bets.mean) if rows else None
        if self._first >= self._last:
            reason = f"no mean is left that fits {rows} rows: it has moved"
        elif estimate is not None:
            estimate = min(max(estimate, low), high)
        if self._limit is not None:
            reason += f", limit {self._limit:g}"
        if self._outside:
            reason += f"; {self._outside} values are outside the bounds"
        return Result(
            self._verdict(low, high),
            estimate=estimate,
            low=low if self._first < self._last else None,
            high=high if self._first < self._last else None,
            error_rate=1 - self._confidence,
            rows=rows,
            skipped=self._skipped,
            assumed=ASSUMED,
            reason=reason,
        )

    def _verdict(self, low: float, high: float) -> Verdict:
        if self._limit is not None and low > self._limit:
            return Verdict.FAIL
        if self._outside or self._first >= self._last:
            return Verdict.ERROR
        shown = self._limit is not None and high <= self._limit
        return Verdict.PASS if shown and self._bets.rows else Verdict.INCONCLUSIVE
