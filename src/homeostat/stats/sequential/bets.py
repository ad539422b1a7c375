"""How much to bet that the mean of bounded values is not the one that is tried."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
SHARE = 0.5
"""Largest share of the capital that one row may cost."""
ASSUMED = "every value has the same mean given those before it, and lies within the bounds"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and highest value there can be, known before the values are."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse bounds between which nothing can lie."""
        if not (self.low < self.high and math.isfinite(self.high - self.low)):
            raise ValueError(f"finite bounds, the low below the high, got {self.low}, {self.high}")

    def units(self, values: ArrayLike) -> tuple[Array, int, int]:
        """Put values of shape (rows,) on the scale 0 to 1; how many were not finite, not within.

        Both are left out.

        >>> Bounds(0.0, 10.0).units([5.0, float("nan"), 11.0])
        (array([0.5]), 1, 1)
        """
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 1:
            raise ValueError(f"an array of shape (rows,) is asked, got {array.shape}")
        finite = array[np.isfinite(array)]
        kept = finite[(finite >= self.low) & (finite <= self.high)]
        units = np.clip((kept - self.low) / (self.high - self.low), 0.0, 1.0)
        return units, array.size - finite.size, finite.size - kept.size

    def value(self, unit: float) -> float:
        """Take a number back from the scale 0 to 1.

        >>> Bounds(0.0, 10.0).value(0.25)
        2.5
        """
        return min(self.high, max(self.low, self.low + unit * (self.high - self.low)))


class Bets:
    """The stake for each row, from the rows before it: large when those varied little.

    The predictable plug-in of Waudby-Smith & Ramdas (2023), equation 26, for ``threshold``, the
    log of the capital that is to be reached (log(2 / alpha) for two sides). Values lie in
    [0, 1]. The running mean and variance start as if one row of 1/2 with variance 1/4 had been
    seen.

    >>> bets = Bets(math.log(40))
    >>> [round(float(stake), 3) for stake in bets.next(np.array([0.5, 0.5, 0.5]))]
    [6.525, 5.183, 4.614]
    >>> bets.rows, bets.mean
    (3, 0.5)
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self.rows = 0
        self._sum, self._squares = 0.5, 0.25

    @property
    def mean(self) -> float:
        """The mean of the rows so far, of which there must be one."""
        return (self._sum - 0.5) / self.rows

    def next(self, units: Array) -> Array:
        """Stakes of shape (rows,) for values of that shape in [0, 1], each before it is seen."""
        if not units.size:
            return units
        number = self.rows + np.arange(1, units.size + 1)
        sums = np.cumsum(np.concatenate([[self._sum], units]))
        apart = (units - sums[1:] / (number + 1)) ** 2
        squares = np.cumsum(np.concatenate([[self._squares], apart]))
        variance = squares[:-1] / number
        self.rows += units.size
        self._sum, self._squares = float(sums[-1]), float(squares[-1])
        return np.asarray(np.sqrt(2 * self._threshold / (variance * number * np.log1p(number))))


def capitals(start: Array, means: Array, units: Array, stakes: Array, side: int) -> Array:
    """Log capital after each row, shape (rows, means), of betting that the mean is elsewhere.

    ``start`` is the log capital before and has the shape of ``means``; ``side`` is 1 for bets
    that the true mean is above, -1 for below. No row costs more than the share ``SHARE`` of the
    capital (the truncation), so it stays positive. If the mean given the past is the one tried,
    or on the side away from the bet, the capital is a martingale, or a supermartingale. The
    capital of side 1 does not increase with the mean that is tried, that of side -1 does not
    decrease.

    >>> start, tried = np.zeros(2), np.array([0.25, 0.5])
    >>> capitals(start, tried, np.array([0.5]), np.array([1.0]), 1).round(3)
    array([[0.223, 0.   ]])
    """
    with np.errstate(divide="ignore"):
        most = SHARE / (means if side > 0 else 1.0 - means)
    bets = np.minimum(stakes[:, None], most)
    gains = np.log1p(side * bets * (units[:, None] - means))
    return np.asarray(np.cumsum(np.concatenate([start[None, :], gains]), axis=0)[1:])
