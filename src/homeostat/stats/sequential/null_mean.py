"""Whether the mean of bounded values is above (or below) a given one, asked at any time."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable
from homeostat.stats.sequential.bets import Bets, Bounds, capitals

ASSUMED = "the mean of each value, given those before it, keeps to one side; all are within bounds"
CHUNK = 65_536
"""So many rows are played together."""


class BettingTest:
    """Stream of bounded values: whether their mean is on ``side`` of ``null_mean``.

    ``low`` and ``high`` are the bounds that every value keeps to; all are in the values' unit.
    Two games are played with truncated predictable plug-in bets (Waudby-Smith & Ramdas 2023,
    section 4): one against a mean that is at most ``null_mean`` when ``side`` is "above" (at
    least, when "below"), one the other way round. A game that multiplies its capital by
    1 / ``error_rate`` has decided (Ville 1939), whenever one looks.

    - *fail*: the mean was shown to be on ``side`` of ``null_mean``; it stays until ``reset``.
    - *pass*: it was shown to be on the other side.
    - *inconclusive*: neither yet, as it mostly remains when the mean is ``null_mean``.
    - *error*: a value was outside the bounds. Such values are left out.

    ``error_rate`` bounds the false *fails* over all looks, and likewise the false *passes*.
    ``p_value`` is 1 over the largest capital so far, valid at any look, for "the mean is not on
    ``side``". Assumes that the mean of each value, given those before it, keeps to one side of
    ``null_mean``; it may move there. A move to the other side after much evidence for the first
    is seen late. Values that are not finite are skipped. Memory: a few numbers. Bounds that are
    not finite or not apart, a ``null_mean`` outside them and an error rate outside (0, 1) raise
    ValueError.

    >>> test = BettingTest(0.1, 0.0, 1.0, 0.05, "above")
    >>> test.update_many(np.random.default_rng(1).beta(2, 8, size=200))
    >>> test.result.verdict.value, test.result.p_value < 1e-6
    ('fail', True)
    """

    def __init__(
        self,
        null_mean: float,
        low: float = 0.0,
        high: float = 1.0,
        error_rate: float = 0.05,
        side: Literal["above", "below"] = "above",
    ) -> None:
        self._bounds = Bounds(low, high)
        if not low <= null_mean <= high:
            raise ValueError(f"null_mean must be between {low} and {high}, got {null_mean}")
        if not 0 < error_rate < 1:
            raise ValueError(f"error_rate must be between 0 and 1, got {error_rate}")
        if side not in ("above", "below"):
            raise ValueError(f"side must be 'above' or 'below', got {side!r}")
        self._mean, self._error_rate, self._side = null_mean, error_rate, side
        self._tried = np.array([(null_mean - low) / (high - low)])
        self._threshold = -math.log(error_rate)
        self.reset()

    def reset(self) -> None:
        """Forget everything that was read."""
        self._bets = Bets(self._threshold)
        self._capital = {1: np.zeros(1), -1: np.zeros(1)}
        self._best = {1: 0.0, -1: 0.0}
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
            stakes = self._bets.next(chunk)
            for side, before in self._capital.items():
                after = capitals(before, self._tried, chunk, stakes, side)
                self._best[side] = max(self._best[side], float(after.max()))
                self._capital[side] = after[-1]

    @property
    def result(self) -> Result:
        """The verdict, and how much a bet on ``side`` has won at best."""
        rows = self._bets.rows
        if not rows and not self._outside:
            return unable("no rows", skipped=self._skipped)
        looked_for, other = (1, -1) if self._side == "above" else (-1, 1)
        best = self._best[looked_for]
        verdict = Verdict.INCONCLUSIVE
        if best >= self._threshold:
            verdict = Verdict.FAIL
        elif self._outside:
            verdict = Verdict.ERROR
        elif self._best[other] >= self._threshold:
            verdict = Verdict.PASS
        p_value = math.exp(-best)
        reason = f"is the mean of {rows} rows {self._side} {self._mean:g}: p = {p_value:.2g}"
        if self._outside:
            reason += f"; {self._outside} values are outside the bounds"
        return Result(
            verdict,
            estimate=self._bounds.value(self._bets.mean) if rows else None,
            p_value=p_value,
            error_rate=self._error_rate,
            rows=rows,
            skipped=self._skipped,
            assumed=ASSUMED,
            reason=reason,
        )
