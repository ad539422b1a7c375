"""Page-Hinkley: whether the mean of unbounded values rose against their running mean."""

from __future__ import annotations

from math import ceil, exp, expm1, log, sqrt
from typing import Literal

from homeostat.stats.detect.detector import Change, Detector, at_least

CLIP = (3.0, 10.0)
"""Least and largest clip of a standardised value."""
TINY = 1e-150
"""A smaller distance or standard deviation counts as 0: its square is no longer exact."""


class PageHinkley(Detector):
    """Page's test (1954) on how far each value lies above the mean of those before it.

    Values have any unit. Value t gives the recursive residual ``(x - mean) * sqrt((t - 1) / t)``
    over the standard deviation, both of the values before it (Brown, Durbin & Evans 1975):
    without a change these are uncorrelated with mean 0, so that the doubt about the mean does
    not add up as it does against a fixed baseline. The sum ``g`` becomes
    ``max(0, g + z - allowance)`` with z the residual clipped from above at the largest of the
    first ``warm_up`` values in standard deviations, within ``CLIP``; a change is found when g
    reaches the threshold. The mean and the standard deviation take a value beyond the clip, on
    either side, as one at the clip.
    ``direction="down"`` looks for a fall.

    Error rate: that of any alarm within ``horizon`` values. For values of mean 0 and variance 1
    that do not exceed the clip, Bennett's bound (1962) gives the exponent r at which
    ``exp(r (z - allowance))`` has expectation 1 at most; a start then reaches the threshold
    with probability ``exp(-r threshold)`` at most, and there are ``horizon`` starts. For a
    small clip r is about ``2 * allowance``, as in Siegmund's normal approximation (1985). The
    bound holds for a known mean and variance and approximately for estimated ones; the tests
    measure the rate for rare errors and heavy tails and find it far below. A doubling of an
    error rate of 0.1 after 2000 values is found after a median of about 270.

    Best for a rise of twice the ``allowance`` or more, in standard deviations. Does not see a
    fall, a change of spread, a change during the warm-up, or a rise that is slow or small enough
    for the running mean to follow it. A warm-up of constant values takes every larger value as
    one at the clip. Inconclusive during the warm-up, and after it until so many values were read
    as the clearest change takes to be found. Values that are not finite are left out.
    ``result.estimate`` is the mean of the last values; the reason of an alarm names the mean
    until ``g`` was last 0 and the mean since.

    >>> import numpy as np
    >>> found = PageHinkley()
    >>> found.update_many(np.random.default_rng(1).normal(5, 1, size=1000))
    >>> found.result.verdict.value
    'pass'
    >>> found.update_many(np.random.default_rng(2).normal(6, 1, size=1000))
    >>> found.result.reason
    'The level went from 4.941 to 5.79; found after 1057 values.'
    """

    assumed = "independent values of one distribution, with a finite variance"

    def __init__(
        self,
        *,
        error_rate: float = 0.05,
        horizon: int = 10_000,
        warm_up: int = 500,
        allowance: float = 0.15,
        direction: Literal["up", "down"] = "up",
    ) -> None:
        super().__init__(error_rate=error_rate, horizon=horizon)
        at_least("warm_up", warm_up, 30)
        if not 0.01 <= allowance <= 2:
            raise ValueError(f"allowance is 0.01 to 2 standard deviations, got {allowance}")
        if direction not in ("up", "down"):
            raise ValueError(f"direction is 'up' or 'down', got {direction!r}")
        self.warm_up, self.allowance, self.direction = int(warm_up), float(allowance), direction
        self.reset()

    def _clear(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0  # sum of squared distances from the mean
        self._highest = 0.0
        self._sum = 0.0
        self._rise_rows = 0  # values since the sum was last 0, and what they add up to
        self._rise_total = 0.0
        self._mean_then = 0.0
        self._clip = self._threshold = float("inf")

    def _read(self, values: list[float]) -> None:
        sign = 1.0 if self.direction == "up" else -1.0
        for row, value in enumerate(values, self._rows + 1):
            signed = sign * value
            if row <= self.warm_up:
                self._highest = signed if row == 1 else max(self._highest, signed)
                self._learn(signed)
                if row == self.warm_up:
                    self._start()
            elif self._rises(signed):
                after = sign * self._rise_total / self._rise_rows
                self._change = Change(row, sign * self._mean_then, after)
                return

    def _start(self) -> None:
        """Fix the clip and the threshold after the warm-up."""
        spread = self._spread()
        top = (self._highest - self._mean) / spread if spread > 0 else CLIP[1]
        self._clip = min(max(top, CLIP[0]), CLIP[1])
        exponent = bennett_exponent(self.allowance, self._clip)
        self._threshold = log(self.horizon / self.error_rate) / exponent
        self._least = self.warm_up + ceil(self._threshold / (self._clip - self.allowance))

    def _rises(self, value: float) -> bool:
        """Add a value to the sum; whether it reaches the threshold."""
        spread, clip = self._spread(), self._clip
        distance = value - self._mean
        if abs(distance) < TINY:
            distance = 0.0
        if spread > 0:
            score = distance / spread * sqrt(self._count / (self._count + 1))
        else:
            score = clip if distance > 0 else min(distance, 0.0)
        if self._sum == 0.0:
            self._mean_then, self._rise_rows, self._rise_total = self._mean, 0, 0.0
        self._rise_rows += 1
        self._rise_total += value
        self._sum = max(0.0, self._sum + min(score, clip) - self.allowance)
        reach = clip * spread if spread > 0 else abs(distance)
        self._learn(self._mean + min(max(distance, -reach), reach))
        return self._sum >= self._threshold

    def _learn(self, value: float) -> None:
        """Add a value to the running mean and squares (Welford 1962)."""
        self._count += 1
        distance = value - self._mean
        self._mean += distance / self._count
        self._squares += distance * (value - self._mean)

    def _spread(self) -> float:
        """Standard deviation of the values so far."""
        spread = sqrt(max(self._squares, 0.0) / (self._count - 1)) if self._count > 1 else 0.0
        return spread if spread >= TINY else 0.0

    def _waiting(self) -> str:
        if self._rows < self.warm_up:
            return f"{self._rows} values were read and the warm-up takes {self.warm_up}."
        if self._rows >= self._least:
            return ""
        return f"{self._rows} values were read; no change can be found before {self._least}."


def bennett_exponent(allowance: float, clip: float) -> float:
    """The r at which Bennett's bound on the mean of ``exp(r (z - allowance))`` is 1.

    For any z of mean 0 and variance 1 that is ``clip`` at most, the mean of ``exp(r z)`` is at
    most ``1 + (exp(r clip) - 1 - r clip) / clip**2`` (Bennett 1962, as in Hoeffding 1963). For
    a small clip that is about ``2 * allowance``, which is exact for normal values.

    >>> round(bennett_exponent(0.15, 0.001), 3), round(bennett_exponent(0.15, 3.0), 3)
    (0.307, 0.237)
    """
    low, high = 0.0, 2 * allowance + 1.0
    for _ in range(60):
        middle = (low + high) / 2
        bound = (expm1(middle * clip) - middle * clip) / clip**2
        if 1 + bound < exp(middle * allowance):
            low = middle
        else:
            high = middle
    return low
