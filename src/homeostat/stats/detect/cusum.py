"""CUSUM: whether the mean of bounded values rose above what it was."""

from __future__ import annotations

from math import ceil, log, log1p
from typing import Literal

from homeostat.stats.detect.detector import Change, Detector, at_least, check_bounds


class Cusum(Detector):
    """Page's cumulative sum (1954) on the log-likelihood ratio of a risen mean.

    Values lie within ``lowest`` and ``highest``, in any unit; one beyond counts as the bound.
    With x the place of a value between the bounds, 0 to 1, the sum ``g`` becomes
    ``max(0, g + log(1 + bet * (x - m0)))`` and a change is found when ``g`` reaches
    ``log(horizon / rate)``. For values 0 and 1 this is the likelihood ratio of mean m1 against
    m0, ``bet = (m1 - m0) / (m0 (1 - m0))``. ``direction="down"`` looks for a fall instead.

    m0 is ``baseline`` where it is given and then taken as exact; the rate is ``error_rate``.
    Otherwise m0 is the upper Chernoff limit of the mean of the first ``warm_up`` values, missed
    with probability ``error_rate / 2``, and the rate is the other half. m1 has the odds of the
    baseline's mean times ``odds_ratio``, and at least those of m0 times its square root. A
    longer warm-up, or a baseline given, finds smaller changes and finds them earlier.

    Error rate: that of any alarm within ``horizon`` values. The product of the ratios from any
    one start is a non-negative supermartingale while the mean is m0 or less, so it reaches
    ``horizon / rate`` with at most ``rate / horizon`` (Ville), and there are ``horizon`` starts
    (as Lorden 1971; Shin, Ramdas & Rinaldo 2022). This needs no distribution, only independent
    values within the bounds; the tests measure rates far below it. A doubling of an error rate
    of 0.1 after 2000 values is found after a median of about 520, or 240 with a known baseline.

    Does not see a fall (a rise for ``down``), a change of spread, a change during the warm-up or
    one smaller than the doubt about the baseline. Inconclusive during the warm-up, and after it
    until so many values were read as the clearest change takes to be found. Values that are not
    finite are left out. ``result.estimate`` is the mean of the last values; the reason of an
    alarm names the baseline's mean and the mean since ``g`` was last 0.

    >>> import numpy as np
    >>> found = Cusum(baseline=0.1)
    >>> found.update_many(np.random.default_rng(1).random(1000) < 0.1)
    >>> found.result.verdict.value
    'pass'
    >>> found.update_many(np.random.default_rng(2).random(1000) < 0.2)
    >>> found.result.reason
    'The level went from 0.1 to 0.2137; found after 1231 values.'
    """

    assumed = "independent values within the bounds, all of one mean"

    def __init__(
        self,
        *,
        error_rate: float = 0.05,
        horizon: int = 10_000,
        lowest: float = 0.0,
        highest: float = 1.0,
        baseline: float | None = None,
        warm_up: int = 1000,
        odds_ratio: float = 2.0,
        direction: Literal["up", "down"] = "up",
    ) -> None:
        super().__init__(error_rate=error_rate, horizon=horizon)
        check_bounds(lowest, highest)
        at_least("warm_up", warm_up, 1)
        if not 1 < odds_ratio <= 1e6:
            raise ValueError(f"odds_ratio is above 1 and at most a million, got {odds_ratio}")
        if direction not in ("up", "down"):
            raise ValueError(f"direction is 'up' or 'down', got {direction!r}")
        if baseline is not None and not lowest < baseline < highest:
            raise ValueError(f"baseline lies between the bounds, got {baseline}")
        self.lowest, self.highest, self.baseline = float(lowest), float(highest), baseline
        self.warm_up, self.odds_ratio = int(warm_up), float(odds_ratio)
        self.direction = direction
        self.reset()

    def _clear(self) -> None:
        self._seen = 0  # values of the warm-up, or since the sum was last 0
        self._seen_total = 0.0
        self._sum = 0.0
        self._ready = False
        if self.baseline is not None:
            mean = self._share(self.baseline)
            self._start(mean, mean, self.error_rate)

    def _share(self, value: float) -> float:
        """Where a value lies between the bounds, from 0 to 1; turned round for a fall."""
        share = min(max((value - self.lowest) / (self.highest - self.lowest), 0.0), 1.0)
        return share if self.direction == "up" else 1.0 - share

    def _valued(self, share: float) -> float:
        """The value that lies at ``share``."""
        place = share if self.direction == "up" else 1.0 - share
        return self.lowest + (self.highest - self.lowest) * place

    def _start(self, mean: float, limit: float, rate: float) -> None:
        """Look for a rise above ``limit``, where the baseline's mean is ``mean``, from now on."""
        risen = max(with_odds(mean, self.odds_ratio), with_odds(limit, self.odds_ratio**0.5))
        room = limit * (1 - limit)
        self._bet = (risen - limit) / room if room > 0 else 0.0  # a mean of 1 cannot rise
        self._mean, self._limit = mean, limit
        self._threshold = log(self.horizon / rate)
        self._ready, self._seen, self._seen_total = True, 0, 0.0
        step = log1p(self._bet * (1 - limit))  # of the largest value there is
        warm_up = self.warm_up if self.baseline is None else 0
        self._least = warm_up + (ceil(self._threshold / step) if step > 0 else 1)

    def _read(self, values: list[float]) -> None:
        for row, value in enumerate(values, self._rows + 1):
            share = self._share(value)
            self._seen += 1
            self._seen_total += share
            if not self._ready:
                if self._seen == self.warm_up:
                    mean = self._seen_total / self._seen
                    half = self.error_rate / 2
                    self._start(mean, upper_limit(mean, self._seen, half), half)
                continue
            self._sum += log1p(self._bet * (share - self._limit))
            if self._sum <= 0.0:
                self._sum, self._seen, self._seen_total = 0.0, 0, 0.0
            elif self._sum >= self._threshold:
                after = self._valued(self._seen_total / self._seen)
                self._change = Change(row, self._valued(self._mean), after)
                return

    def _waiting(self) -> str:
        if not self._ready:
            return f"{self._rows} values were read and the warm-up takes {self.warm_up}."
        if self._rows >= self._least:
            return ""
        return f"{self._rows} values were read; no change can be found before {self._least}."


def with_odds(mean: float, factor: float) -> float:
    """The mean whose odds are ``factor`` times those of ``mean``; 0 and 1 stay.

    >>> round(with_odds(0.1, 2.0), 4)
    0.1818
    """
    return mean * factor / (1 + mean * (factor - 1))


def upper_limit(mean: float, rows: int, rate: float) -> float:
    """Chernoff's upper limit of the mean of values from 0 to 1, ``rate`` or less to be missed.

    ``mean`` is that of ``rows`` independent values; the limit u has ``rows * kl(mean, u)`` equal
    to ``log(1 / rate)`` (Hoeffding 1963, theorem 1), kl that of Bernoulli variables.

    >>> round(upper_limit(0.0, 100, 0.05), 4)  # 1 - 0.05 ** (1 / 100)
    0.0295
    """
    goal, low, high = log(1 / rate) / rows, mean, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if divergence(mean, middle) < goal:
            low = middle
        else:
            high = middle
    return high


def divergence(mean: float, other: float) -> float:
    """Kullback-Leibler divergence of Bernoulli(``other``) from Bernoulli(``mean``), in nats.

    >>> round(divergence(0.5, 0.25), 4)
    0.1438
    """
    if other >= 1.0:
        return 0.0 if mean >= 1.0 else float("inf")
    heads = mean * log(mean / other) if mean > 0 else 0.0
    return heads + ((1 - mean) * log((1 - mean) / (1 - other)) if mean < 1 else 0.0)
