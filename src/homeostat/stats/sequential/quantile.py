"""Whether a quantile of latency is too high, or higher than the champion's, at any look."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable
from homeostat.stats.sequential.bernoulli import log_evidence

TUNED_ROWS = 1000
"""The number of rows at which the interval is about as narrow as it can be."""
ASSUMED = "rows are independent and alike; whether a row is known does not depend on its value"


def rank_interval(rows: int, p: float, confidence: float) -> tuple[int, int]:
    """Fewest and most of ``rows`` values that may lie at or below the true ``p``-quantile.

    Values at or below it (ties broken at random) are 1 with probability ``p``, so their count
    has little evidence (``log_evidence``) against ``p`` after every row, but for a probability
    of 1 - ``confidence``: the beta-binomial bound of Howard & Ramdas 2022, section 3. The
    mixture is centred on ``p`` and tuned to ``TUNED_ROWS``. The arguments are not checked.

    >>> rank_interval(1000, 0.5, 0.95)
    (453, 547)
    >>> rank_interval(100, 0.99, 0.95)
    (94, 100)
    """
    threshold = -math.log1p(-confidence)
    weight = TUNED_ROWS / (2 * threshold + math.log1p(2 * threshold))

    def stands(count: int) -> bool:
        return bool(log_evidence(count, rows, p, (weight * p, weight * (1 - p))) < threshold)

    # The evidence is convex in the count, and at its least here.
    inside = min(rows, math.ceil(p * (rows - 1)))
    return _furthest(stands, inside, -1), _furthest(stands, inside, rows + 1)


def quantile_interval(values: ArrayLike, p: float, confidence: float) -> tuple[float, float]:
    """Lowest and highest ``p``-quantile that fits ``values``, of shape (rows,), at any look.

    ``values`` are all values so far, in any order (sorted ones are sorted at once); the ends
    are two of them, in their unit. An end that too few rows leave open is infinite: the upper
    one of the 0.99-quantile needs some 500 rows. With probability at least ``confidence`` the
    interval holds the true quantile after each and every row, for one ``p``: ask for more
    confidence to look at several. It is exact for ties and gaps as well. A value of +inf is a
    value (a timeout), larger than all others; NaN and -inf are left out. No values give
    (-inf, inf). Assumes independent rows from one distribution: bursts make it too narrow. It
    does not see a distribution that moves. A ``p`` or ``confidence`` outside (0, 1) raises
    ValueError.

    >>> latency_ms = np.random.default_rng(1).lognormal(3, 0.5, size=2000)
    >>> low, high = quantile_interval(latency_ms, 0.95, 0.95)
    >>> round(low, 1), round(high, 1)
    (42.7, 50.3)
    """
    _check(p, 1 - confidence)
    found = _seen(values, p, confidence)
    return found.low, found.high


def too_slow(values: ArrayLike, p: float, *, limit: float, error_rate: float = 0.05) -> Result:
    """Tell whether the ``p``-quantile of ``values``, of shape (rows,), is above ``limit``.

    By ``quantile_interval``, which says what is assumed, what is not seen, and how values that
    are not finite count. *fail*: its low end is above ``limit`` (in the unit of the values).
    *pass*: its high end is at most that. *inconclusive*: neither. ``error_rate`` bounds false
    alarms and false passes together over all looks. ``estimate``, ``low`` and ``high`` are None
    where they are infinite. A ``limit`` that is not finite raises ValueError.

    >>> latency_ms = np.random.default_rng(1).lognormal(3, 0.5, size=2000)
    >>> too_slow(latency_ms, 0.95, limit=60.0).verdict.value
    'pass'
    """
    _check(p, error_rate)
    if not math.isfinite(limit):
        raise ValueError(f"limit must be a finite number, got {limit}")
    found = _seen(values, p, 1 - error_rate)
    if not found.rows:
        return unable("no rows", skipped=found.skipped)
    return Result(
        _verdict(found.low, found.high, limit),
        estimate=_finite(found.estimate),
        low=_finite(found.low),
        high=_finite(found.high),
        error_rate=error_rate,
        rows=found.rows,
        skipped=found.skipped,
        assumed=ASSUMED,
        reason=f"the {p:g}-quantile of {found.rows} rows is {found.low:.4g} to {found.high:.4g},"
        f" limit {limit:g}",
    )


def slower(
    challenger: ArrayLike,
    champion: ArrayLike,
    p: float,
    *,
    margin: float = 0.0,
    error_rate: float = 0.05,
) -> Result:
    """Tell whether the challenger's ``p``-quantile is over ``margin`` above the champion's.

    Both arms have shape (rows,), each its own. The interval of the difference is the union of
    two ``quantile_interval``, each at half of ``error_rate``: conservative (at 5 % and 100 looks
    it missed a difference of 0 in none of 1,000 streams). ``margin`` and the difference are in
    the unit of the values. *fail*: its low end is above ``margin``. *pass*: its high end is
    at most that. *inconclusive*: neither, or an arm has no rows. ``error_rate`` bounds false
    alarms and false passes together over all looks. ``estimate``, ``low`` and ``high`` are None
    where they are infinite. It does not see that one arm got harder rows, nor what
    ``quantile_interval`` does not. A negative ``margin`` raises ValueError.

    >>> random = np.random.default_rng(1)
    >>> ours, theirs = random.lognormal(3.4, 0.5, 2000), random.lognormal(3, 0.5, 2000)
    >>> slower(ours, theirs, 0.5, margin=2.0).verdict.value
    'fail'
    """
    _check(p, error_rate)
    if not 0 <= margin < math.inf:
        raise ValueError(f"margin must be finite and at least 0, got {margin}")
    ours, theirs = (_seen(arm, p, 1 - error_rate / 2) for arm in (challenger, champion))
    rows, skipped = ours.rows + theirs.rows, ours.skipped + theirs.skipped
    if not ours.rows or not theirs.rows:
        reason = f"{ours.rows} rows of the challenger, {theirs.rows} of the champion"
        return unable(reason, rows=rows, skipped=skipped)
    low = _minus(ours.low, theirs.high, -math.inf)
    high = _minus(ours.high, theirs.low, math.inf)
    return Result(
        _verdict(low, high, margin),
        estimate=_finite(ours.estimate - theirs.estimate),
        low=_finite(low),
        high=_finite(high),
        error_rate=error_rate,
        rows=rows,
        skipped=skipped,
        assumed=ASSUMED,
        reason=f"the {p:g}-quantile is {ours.low:.4g} to {ours.high:.4g} in {ours.rows} rows"
        f" against {theirs.low:.4g} to {theirs.high:.4g} in {theirs.rows}, {margin:g} is allowed",
    )


class _Seen(NamedTuple):
    """What is known of one arm's quantile."""

    estimate: float
    low: float
    high: float
    rows: int
    skipped: int


def _seen(values: ArrayLike, p: float, confidence: float) -> _Seen:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"an array of shape (rows,) is asked, got {array.shape}")
    ordered = np.sort(array[array > -math.inf])
    rows = ordered.size
    if not rows:
        return _Seen(math.nan, -math.inf, math.inf, 0, array.size)
    least, most = rank_interval(rows, p, confidence)
    low = float(ordered[least - 1]) if least else -math.inf
    high = float(ordered[most]) if most < rows else math.inf
    estimate = float(ordered[max(0, math.ceil(p * rows) - 1)])
    return _Seen(estimate, low, high, rows, array.size - rows)


def _furthest(stands: Callable[[int], bool], inside: int, outside: int) -> int:
    """The count furthest from ``inside``, on the way to ``outside``, that stands."""
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        inside, outside = (middle, outside) if stands(middle) else (inside, middle)
    return inside


def _minus(value: float, other: float, unknown: float) -> float:
    difference = value - other
    return unknown if math.isnan(difference) else difference


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _verdict(low: float, high: float, limit: float) -> Verdict:
    if low > limit:
        return Verdict.FAIL
    return Verdict.PASS if high <= limit else Verdict.INCONCLUSIVE


def _check(p: float, error_rate: float) -> None:
    if not 0 < p < 1:
        raise ValueError(f"p must be between 0 and 1, got {p}")
    if not 0 < error_rate < 1:
        raise ValueError(f"error rate and confidence must be between 0 and 1, got {error_rate}")
