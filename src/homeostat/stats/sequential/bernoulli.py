"""An interval for a rate (errors, refusals, clicks) that holds at every look."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable

PRIOR = 0.5
"""Both parameters of the default Beta mixture: as many rows as it counts for on each side."""
MAX_TRIALS = 10**12
"""With more rows the rounding of the evidence would count."""
CHUNK = 65_536
"""So many rows are looked at together."""
ASSUMED = "each row is 1 with the same probability, whatever came before it"


def log_evidence(
    successes: ArrayLike,
    trials: ArrayLike,
    rate: ArrayLike,
    prior: tuple[float, float] = (PRIOR, PRIOR),
) -> NDArray[np.float64]:
    """Log of the evidence against ``rate``: the beta-binomial mixture martingale.

    The arrays are broadcast against each other. The likelihood of the rows under a rate drawn
    from Beta(``prior``), divided by that under ``rate`` (Robbins 1970; Howard, Ramdas, McAuliffe
    & Sekhon 2021, section 3). When ``rate`` is the true one, the probability that its evidence
    ever reaches 1 / alpha is at most alpha (Ville 1939), so one may look after every row.
    ``prior`` must be chosen before the rows are seen; it changes the power, not that guarantee.
    Rounding is below 0.01 up to ``MAX_TRIALS``. The counts are not checked.

    >>> [round(float(value), 2) for value in log_evidence([50, 70], 100, 0.5)]
    [-2.53, 5.7]
    """
    from scipy.special import betaln, xlog1py, xlogy

    a, b = prior
    ones = np.asarray(successes, dtype=np.float64)
    zeros = np.asarray(trials, dtype=np.float64) - ones
    p = np.asarray(rate, dtype=np.float64)
    mixed = betaln(a + ones, b + zeros) - betaln(a, b)
    return np.asarray(mixed - xlogy(ones, p) - xlog1py(zeros, -p))


def rate_interval(
    successes: int, trials: int, confidence: float, prior: float = PRIOR
) -> tuple[float, float]:
    """Lowest and highest rate that ``successes`` of ``trials`` leave standing, at any look.

    These are the rates whose ``log_evidence`` is below log(1 / (1 - ``confidence``)). With
    probability at least ``confidence`` the interval holds the true rate after each and every
    row, in the sense of a confidence sequence; ``ASSUMED`` says for which rows. At 10,000 rows
    it is about twice as wide as an interval made for one look. No trials give (0, 1). Counts
    that no rows can have, more than ``MAX_TRIALS`` of them, and a ``confidence`` or ``prior``
    out of range raise ValueError.

    >>> low, high = rate_interval(10, 1000, 0.95)
    >>> round(low, 4), round(high, 4)
    (0.0024, 0.0262)
    >>> rate_interval(0, 0, 0.95)
    (0.0, 1.0)
    """
    _check(confidence, prior)
    if not 0 <= successes <= trials <= MAX_TRIALS:
        raise ValueError(f"0 <= successes <= trials <= 1e12 is asked, got {successes}, {trials}")
    low = _lowest(successes, trials, confidence, prior)
    return low, 1.0 - _lowest(trials - successes, trials, confidence, prior)


class BernoulliRate:
    """Stream of 0 and 1: their rate with an interval that holds at every look.

    ``confidence`` is that of ``rate_interval``, which ``result`` gives. With a ``limit`` the
    stream also decides: *fail* once the rate was shown to be above ``limit`` (the interval was
    above it after some row), *pass* while the interval is at or below it, *inconclusive* in
    between. Without one it decides nothing and stays *inconclusive*. ``error_rate`` is the
    probability that the interval ever misses the true rate, so that of a false *fail* as well.

    Memory: two counts. Assumes that each row is 1 with the same probability whatever came
    before. It does not see a rate that moves: the interval is one for the rate of all rows, and
    old rows never leave. Values that are not finite are skipped; any other value than 0 and 1
    makes the verdict *error*. A ``confidence`` or ``limit`` outside (0, 1) and [0, 1], or a
    ``prior`` that is not positive, raise ValueError.

    >>> stream = BernoulliRate(0.95, limit=0.02)
    >>> stream.update_many(np.random.default_rng(1).random(2000) < 0.05)
    >>> found = stream.result
    >>> found.verdict.value, found.estimate, round(found.low, 4), round(found.high, 4)
    ('fail', 0.0485, 0.0326, 0.0686)
    """

    def __init__(
        self, confidence: float = 0.95, *, limit: float | None = None, prior: float = PRIOR
    ) -> None:
        _check(confidence, prior)
        if limit is not None and not 0 <= limit <= 1:
            raise ValueError(f"limit must be between 0 and 1, got {limit}")
        self._confidence, self._limit, self._prior = confidence, limit, prior
        self.reset()

    def reset(self) -> None:
        """Forget everything that was read."""
        self._successes = self._trials = self._skipped = self._wrong = 0
        self._failed = False

    def update(self, value: float) -> None:
        """Read one value, 0 or 1."""
        self.update_many([value])

    def update_many(self, values: ArrayLike) -> None:
        """Read the values of an array of shape (rows,), in order; the limit is held to each."""
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 1:
            raise ValueError(f"an array of shape (rows,) is asked, got {array.shape}")
        finite = np.isfinite(array)
        right = (array == 0) | (array == 1)
        self._skipped += int((~finite).sum())
        self._wrong += int((finite & ~right).sum())
        kept = array[right].astype(np.int64)
        for start in range(0, kept.size, CHUNK):
            self._read(kept[start : start + CHUNK])

    def _read(self, rows: NDArray[np.int64]) -> None:
        """Count the rows; remember whether the limit was below the interval after any of them."""
        if self._limit is not None and not self._failed:
            successes = self._successes + np.cumsum(rows)
            trials = self._trials + np.arange(1, rows.size + 1)
            evidence = log_evidence(successes, trials, self._limit, (self._prior, self._prior))
            above = (successes > self._limit * trials) & (evidence >= self._threshold)
            self._failed = bool(above.any())
        self._successes += int(rows.sum())
        self._trials += int(rows.size)

    @property
    def _threshold(self) -> float:
        return -math.log1p(-self._confidence)

    @property
    def result(self) -> Result:
        """The rate of all rows so far, its interval, and the verdict about the limit."""
        if not self._trials and not self._wrong:
            return unable("no rows", skipped=self._skipped)
        trials, wrong = self._trials, self._wrong
        low, high = rate_interval(self._successes, trials, self._confidence, self._prior)
        reason = f"{self._successes} of {trials} rows, so the rate is {low:.4g} to {high:.4g}"
        if self._limit is not None:
            reason += f", limit {self._limit:g}"
        if wrong:
            reason += f"; {wrong} values are neither 0 nor 1"
        return Result(
            self._verdict(high),
            estimate=self._successes / trials if trials else None,
            low=low,
            high=high,
            error_rate=1 - self._confidence,
            rows=trials,
            skipped=self._skipped,
            assumed=ASSUMED,
            reason=reason + (" (it was shown to be above)" if self._failed else ""),
        )

    def _verdict(self, high: float) -> Verdict:
        if self._failed:
            return Verdict.FAIL
        if self._wrong:
            return Verdict.ERROR
        shown = self._limit is not None and self._trials > 0 and high <= self._limit
        return Verdict.PASS if shown else Verdict.INCONCLUSIVE


def _lowest(successes: int, trials: int, confidence: float, prior: float) -> float:
    """The lower end, on the log scale so that tiny rates keep their digits."""
    from scipy.optimize import brentq

    if not successes:
        return 0.0
    threshold = -math.log1p(-confidence)

    def excess(log_rate: float) -> float:
        rate = math.exp(log_rate)
        return float(log_evidence(successes, trials, rate, (prior, prior))) - threshold

    lowest, share = -700.0, math.log(successes / trials)
    return math.exp(brentq(excess, lowest, share, xtol=1e-12)) if excess(lowest) > 0 else 0.0


def _check(confidence: float, prior: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    if not 0 < prior < math.inf:
        raise ValueError(f"prior must be a positive number, got {prior}")
