"""Whether two samples come from one distribution: tests with a p-value.

Both tests judge at any size: with many rows they show differences that do not matter. Prefer a
calibrated distance where one is at hand, and look at ``estimate`` before acting.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.distances import chi_square
from homeostat.stats.result import Result, unable

Array = NDArray[np.float64]

MIN_ROWS = 20
"""With fewer independent rows on a side the verdict is inconclusive, whatever the p-value."""
LEAST_EXPECTED = 5.0
"""Bins in which a side expects fewer rows are pooled (Cochran 1954)."""
LARGEST_COUNT = 2.0**53
"""Above this a float no longer counts one by one."""


def kolmogorov_smirnov_test(
    reference: ArrayLike, window: ArrayLike, *, alpha: float = 0.05, effective: float = 1.0
) -> Result:
    """Two-sample Kolmogorov-Smirnov test of two samples of shape (rows,).

    ``estimate`` is the largest difference D of the two distribution functions, ``p_value`` the
    asymptotic one, as ``scipy.stats.ks_2samp(method="asymp")``. ``low`` and ``high`` bound the
    true largest difference: D -+ the two bands of Massart (1990), each at ``alpha / 2``; they are
    wider than the test, so ``low`` may be 0 when the test fails.

    Error rate: ``alpha`` is the probability of a false alarm. It is lower with ties: with few
    distinct values the test is conservative. Assumes that a share ``effective`` of the rows
    counts as independent (1 / design effect, Kish 1965, in (0, 1]): D is judged as if there were
    only so many rows. It is a first-order correction.

    It sees a move of the middle best, and is weak against changes in the tails. NaN and
    infinities are left out and counted in ``skipped``. Fewer than ``MIN_ROWS`` independent rows
    on a side are inconclusive.

    >>> random = np.random.default_rng(1)
    >>> found = kolmogorov_smirnov_test(random.normal(size=500), random.normal(0.5, size=500))
    >>> found.verdict, round(found.estimate, 3)
    (<Verdict.FAIL: 'fail'>, 0.216)
    """
    from scipy.stats import kstwo

    _check(alpha, effective)
    before, after = _rows(reference), _rows(window)
    skipped = np.size(reference) + np.size(window) - before.size - after.size
    rows = before.size + after.size
    if not before.size or not after.size:
        return unable("a side has no rows", rows=rows, skipped=skipped)
    both = np.concatenate([before, after])
    below = np.searchsorted(before, both, "right") / before.size
    apart = float(np.abs(below - np.searchsorted(after, both, "right") / after.size).max())
    sizes = before.size * effective, after.size * effective
    p_value = float(kstwo.sf(apart, max(1, round(sizes[0] * sizes[1] / sum(sizes)))))
    reach = sum(math.sqrt(math.log(4 / alpha) / (2 * size)) for size in sizes)
    return judged(
        f"largest difference of the distribution functions {apart:.3f}",
        (apart, max(0.0, apart - reach), min(1.0, apart + reach)),
        p_value=p_value,
        alpha=alpha,
        assumed=f"each row counts as {effective:g} independent rows",
        effective=effective,
        sizes=(before.size, after.size),
        skipped=skipped,
    )


def homogeneity_test(
    expected: ArrayLike, actual: ArrayLike, *, alpha: float = 0.05, effective: float = 1.0
) -> Result:
    """Pearson's chi-square test of two count vectors of shape (bins,), over the same bins.

    Bins in which a side expects fewer than 5 independent rows are pooled into one, and if that
    is still too small it joins the smallest other bin (Cochran 1954). Which bins are pooled
    depends on the totals of the bins only. ``estimate`` is Cramér's V of the table as given,
    before pooling; the p-value belongs to the pooled table.

    Error rate: ``alpha`` is the probability of a false alarm. Assumes that a share ``effective``
    of the rows counts as independent: the statistic is multiplied by it (the first-order
    correction of Rao & Scott 1981, for one design effect in all bins).

    It sees no change within a bin, nor among bins that are pooled. A count that is negative, not
    finite or above 2**53 is an error. No rows on a side, or fewer than ``MIN_ROWS`` independent
    ones, are inconclusive; rows that are all in one bin do not differ.

    >>> found = homogeneity_test([500, 500], [430, 570])
    >>> found.verdict, round(found.p_value, 4)
    (<Verdict.FAIL: 'fail'>, 0.0017)
    """
    from scipy.stats import chi2

    _check(alpha, effective)
    before, after = np.asarray(expected, np.float64), np.asarray(actual, np.float64)
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"count vectors of one shape are asked, got {before.shape}, {after.shape}")
    table = np.vstack([before, after])
    if not ((table >= 0) & (table <= LARGEST_COUNT)).all():
        return Result(Verdict.ERROR, reason="a count is negative, not finite or above 2**53")
    rows = int(table.sum())
    estimate = chi_square(before, after)
    if estimate is None:
        return unable("a side has no rows", rows=rows)
    pooled = _pooled(table, effective)
    degrees = pooled.shape[1] - 1
    if not degrees and (table.sum(axis=0) > 0).sum() > 1:
        return unable("too few rows to tell two bins apart", rows=rows)
    # V squared, times the rows, is Pearson's statistic
    strength = chi_square(pooled[0], pooled[1]) or 0.0
    statistic = strength**2 * float(table.sum()) * effective
    return judged(
        f"Cramér's V {estimate:.3f} over {pooled.shape[1]} bins after pooling",
        (estimate, None, None),
        p_value=float(chi2.sf(statistic, degrees)) if degrees else 1.0,
        alpha=alpha,
        assumed=f"each row counts as {effective:g} independent rows",
        effective=effective,
        sizes=(int(before.sum()), int(after.sum())),
        skipped=0,
    )


def _pooled(table: Array, effective: float) -> Array:
    """``table`` (2, bins) without empty bins and with the small ones as one, the last."""
    table = table[:, table.sum(axis=0) > 0]
    share = table.sum(axis=1).min() / table.sum()
    expected = table.sum(axis=0) * share * effective
    small = expected < LEAST_EXPECTED
    if not small.any():
        return table
    rest, kept = table[:, small].sum(axis=1, keepdims=True), table[:, ~small]
    if kept.size and expected[small].sum() < LEAST_EXPECTED:
        smallest = int(np.argmin(expected[~small]))
        rest = rest + kept[:, [smallest]]
        kept = np.delete(kept, smallest, axis=1)
    return np.hstack([kept, rest])


def judged(
    found: str,
    interval: tuple[float | None, float | None, float | None],
    *,
    p_value: float,
    alpha: float,
    sizes: tuple[int, int],
    skipped: int,
    assumed: str,
    effective: float = 1.0,
) -> Result:
    """The verdict on ``p_value``; inconclusive below ``MIN_ROWS`` independent rows on a side.

    ``interval`` is (estimate, low, high), ``found`` the begin of the reason.

    >>> judged("much", (1.0, None, None), p_value=0.01, alpha=0.05, sizes=(9, 9), skipped=0,
    ...        assumed="").verdict
    <Verdict.INCONCLUSIVE: 'inconclusive'>
    """
    enough = min(sizes) * effective >= MIN_ROWS
    shown = Verdict.FAIL if p_value < alpha else Verdict.PASS
    few = "" if enough else f"; {MIN_ROWS} independent rows on each side are needed"
    estimate, low, high = interval
    return Result(
        shown if enough else Verdict.INCONCLUSIVE,
        estimate=estimate,
        low=low,
        high=high,
        p_value=p_value,
        error_rate=alpha,
        rows=sum(sizes),
        skipped=skipped,
        rows_needed=None if enough else math.ceil(min(2 * MIN_ROWS / effective, LARGEST_COUNT)),
        assumed=assumed,
        reason=f"{found} between {sizes[0]} and {sizes[1]} rows, p = {p_value:.3g}{few}",
    )


def _rows(values: ArrayLike) -> Array:
    """The finite values of shape (rows,), sorted."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise ValueError(f"values of shape (rows,) are asked, got {found.shape}")
    return np.sort(found[np.isfinite(found)])


def _check(alpha: float, effective: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    if not 0 < effective <= 1:
        raise ValueError(f"effective must be in (0, 1], got {effective}")
