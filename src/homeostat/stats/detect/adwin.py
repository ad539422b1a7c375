"""ADWIN: whether the mean before some place differs from the mean after it."""

from __future__ import annotations

from math import ceil, log, log2

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.detect.detector import Change, Detector, at_least, check_bounds


class Adwin(Detector):
    """Compare every older with every newer part of all values read (Bifet & Gavalda 2007).

    Values lie within ``lowest`` and ``highest``, in any unit; one beyond counts as the bound.
    They are kept as an exponential histogram: sums over blocks of ``block`` values, and at most
    ``per_level`` sums of each doubled size, so that memory grows with the logarithm of the rows.
    After each block every border between two sums is a possible place of the change.

    Error rate: that of any alarm within ``horizon`` values of one mean. In place of the paper's
    cut this takes the likelihood ratio ``n0 kl(m0, m) + n1 kl(m1, m)`` for parts of n0 and n1
    values with means m0, m1 and together m, kl that of Bernoulli variables. It exceeds x with
    probability at most ``(2 x + 6) exp(-x)`` for independent values within the bounds (Hoeffding
    1963, theorem 1, for either part), and x is chosen by the union over all borders of all looks
    within the horizon. No sample variance is used, so the bound is not approximate; the tests
    measure rates far below it. A doubling of an error rate of 0.1 after 2000 values is found
    after a median of about 480.

    Finds a rise and a fall. Does not see a change of spread at the same mean, nor a change in
    the last ``block`` values, and finds little when the values lie in a narrow part of the
    bounds. Dependent values alarm more often than stated. Inconclusive before two blocks. Values
    that are not finite are left out. ``result.estimate`` is the mean of the last values.

    >>> found = Adwin()
    >>> found.update_many(np.random.default_rng(1).random(1000) < 0.1)
    >>> found.result.verdict.value
    'pass'
    >>> found.update_many(np.random.default_rng(2).random(1000) < 0.5)
    >>> found.result.reason
    'The level went from 0.09173 to 0.4219; found after 1056 values.'
    """

    assumed = "independent values within the bounds, all of one mean"

    def __init__(
        self,
        *,
        error_rate: float = 0.05,
        horizon: int = 10_000,
        lowest: float = 0.0,
        highest: float = 1.0,
        block: int = 32,
        per_level: int = 5,
    ) -> None:
        super().__init__(error_rate=error_rate, horizon=horizon)
        check_bounds(lowest, highest)
        at_least("block", block, 1)
        at_least("per_level", per_level, 2)
        self.lowest, self.highest = float(lowest), float(highest)
        self.block, self.per_level = int(block), int(per_level)
        self.threshold = cut_threshold(self.error_rate, self.horizon // self.block, self.per_level)
        self.reset()

    def _clear(self) -> None:
        self._levels: list[list[float]] = [[]]
        self._partial = 0.0
        self._partial_rows = 0
        self._blocks = 0

    def _read(self, values: list[float]) -> None:
        lowest, span, block = self.lowest, self.highest - self.lowest, self.block
        partial, count = self._partial, self._partial_rows
        for row, value in enumerate(values, self._rows + 1):
            share = (value - lowest) / span
            partial += 0.0 if share < 0.0 else min(share, 1.0)
            count += 1
            if count == block:
                self._push(partial)
                partial, count = 0.0, 0
                self._change = self._cut(row)
                if self._change is not None:
                    break
        self._partial, self._partial_rows = partial, count

    def _push(self, total: float) -> None:
        """Add the sum of a block; two oldest sums of a full level become one of the next."""
        self._blocks += 1
        for level in self._levels:
            level.append(total)
            if len(level) <= self.per_level:
                return
            total = level.pop(0) + level.pop(0)
        self._levels.append([total])

    def _cut(self, row: int) -> Change | None:
        """The change at the border with the largest ratio, if that is above the threshold."""
        sums, sizes = [], []
        for number in range(len(self._levels) - 1, -1, -1):
            sums += self._levels[number]
            sizes += [self.block << number] * len(self._levels[number])
        if len(sums) < 2:
            return None
        before, rows_before = np.cumsum(sums), np.cumsum(np.array(sizes, dtype=np.float64))
        total, rows = before[-1], rows_before[-1]
        before, rows_before = before[:-1], rows_before[:-1]
        after, rows_after = np.maximum(total - before, 0.0), rows - rows_before
        ratio = fit(before, rows_before) + fit(after, rows_after) - fit(total, rows)
        best = int(np.argmax(ratio))
        if ratio[best] < self.threshold:
            return None
        first = self._valued(float(before[best]), float(rows_before[best]))
        return Change(row, first, self._valued(float(after[best]), float(rows_after[best])))

    def _valued(self, total: float, rows: float) -> float:
        """The mean of ``rows`` shares with the sum ``total``, in the unit of the values."""
        return self.lowest + (self.highest - self.lowest) * total / rows

    def _waiting(self) -> str:
        if self._blocks >= 2:
            return ""
        return f"{self._rows} values were read and {2 * self.block} are needed."


def fit(total: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest Bernoulli log-likelihood of ``rows`` values with the sum ``total``, same shapes.

    ``rows`` is positive and ``total`` lies between 0 and ``rows``; rounding beyond is cut off.

    >>> fit(np.array([0.0, 5.0]), np.array([10.0, 10.0])).round(3)
    array([ 0.   , -6.931])
    """
    share = np.clip(total / rows, 0.0, 1.0)
    tiny = np.finfo(np.float64).tiny  # x log x is 0 at 0
    heads = share * np.log(np.maximum(share, tiny))
    return rows * (heads + (1 - share) * np.log(np.maximum(1 - share, tiny)))


def cut_threshold(error_rate: float, looks: int, per_level: int) -> float:
    """The smallest x with ``(2 x + 6) exp(-x) <= error_rate / borders``.

    ``looks`` is the number of blocks in the horizon; a look has at most ``per_level`` borders per
    level of the histogram.

    >>> round(cut_threshold(0.05, 312, 5), 2)
    15.93
    """
    looks = max(looks, 1)
    borders = looks * per_level * (1 + ceil(log2(1 + looks / per_level)))
    goal = log(borders / error_rate)
    found = goal
    for _ in range(50):
        found = goal + log(2 * found + 6)
    return found
