"""Whether a share moved: nulls, values out of range, categories never seen before."""

from __future__ import annotations

import math

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable

LEAST_EXPECTED = 5.0
"""Where a cell of the table expects less, the p-value is Fisher's exact one."""
WIDEST = 0.2
"""With a wider interval for the difference, "not shown" is no pass."""
LARGEST_COUNT = 2**53
"""Above this a float no longer counts one by one."""


def share_shift(
    reference: tuple[int, int],
    window: tuple[int, int],
    *,
    alpha: float = 0.05,
    margin: float = 0.0,
) -> Result:
    """The share of rows with a property, in a window against a reference.

    ``reference`` and ``window`` are (rows with it, all rows). ``estimate`` is the window's share
    less the reference's, -1 to 1; ``low`` and ``high`` its interval by method 10 of Newcombe
    (1998), from two Wilson intervals, which is right for few rows and for none or all of them.
    ``p_value`` is two-sided, for no difference: Fisher's exact test where a cell of the table
    expects fewer than 5 rows, otherwise the pooled z test.

    *fail* when ``p_value < alpha`` and the whole interval lies beyond ``margin`` (the largest
    difference that does not matter) on one side of 0. *inconclusive* without rows, or when
    neither holds and the interval is wider than 0.2; otherwise *pass*.

    Error rate: ``alpha`` is the probability of a false alarm. The tests compute it over all
    outcomes: for 0.05 it is between 0 and 0.055 for 10 to 240 rows and shares of 0.01 to 0.5,
    lowest for few rows and shares near 0 (60 rows each: 0.012 at 0.05). Assumes that rows
    are independent; when the property comes in bursts it alarms too often. It sees neither
    which rows have the property nor a change of the values that have it not.

    Counts that are no counts (negative, not whole, more than the rows) are an error.

    >>> found = share_shift((10, 1000), (30, 1000))
    >>> found.verdict, round(found.estimate, 3), round(found.low, 3), round(found.high, 3)
    (<Verdict.FAIL: 'fail'>, 0.02, 0.008, 0.033)
    >>> share_shift((10, 1000), (0, 0)).verdict
    <Verdict.INCONCLUSIVE: 'inconclusive'>
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    if not 0 <= margin < 1:
        raise ValueError(f"margin must be in [0, 1), got {margin}")
    if not (_counted(*reference) and _counted(*window)):
        return Result(Verdict.ERROR, reason=f"not counts of rows: {reference} and {window}")
    rows = int(reference[1] + window[1])
    if not reference[1] or not window[1]:
        return unable("a side has no rows", rows=rows)
    before, after = reference[0] / reference[1], window[0] / window[1]
    low, high = _newcombe(reference, window, alpha)
    p_value = _p_value(reference, window)
    shown = p_value < alpha and (low > margin or high < -margin)
    enough = high - low <= WIDEST
    few = "" if shown or enough else ", which is too wide to tell"
    return Result(
        Verdict.FAIL if shown else Verdict.PASS if enough else Verdict.INCONCLUSIVE,
        estimate=after - before,
        low=low,
        high=high,
        p_value=p_value,
        error_rate=alpha,
        rows=rows,
        assumed="independent rows",
        reason=(
            f"share {after:.4g} of {window[1]} rows against {before:.4g} of {reference[1]}: "
            f"difference {low:.4f} to {high:.4f}, p = {p_value:.3g}{few}"
        ),
    )


def wilson(count: int, rows: int, alpha: float = 0.05) -> tuple[float, float]:
    """Wilson's (1927) score interval of a share, level ``1 - alpha``; (0, 1) without rows.

    Never wider than 0 to 1 and never of width zero. Assumes independent rows and
    ``0 <= count <= rows``, ValueError otherwise.

    >>> low, high = wilson(0, 20)
    >>> low, round(high, 3)
    (0.0, 0.161)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    if not _counted(count, rows):
        raise ValueError(f"not counts of rows: {count} of {rows}")
    if not rows:
        return 0.0, 1.0
    share, square = count / rows, _normal_quantile(alpha) ** 2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    within = share * (1 - share) / rows + square / (4 * rows * rows)
    reach = math.sqrt(square * within) / (1 + square / rows)
    low = 0.0 if count == 0 else max(0.0, middle - reach)
    return low, 1.0 if count == rows else min(1.0, middle + reach)


def _newcombe(
    reference: tuple[int, int], window: tuple[int, int], alpha: float
) -> tuple[float, float]:
    """Newcombe's (1998) method 10: the window's share less the reference's."""
    before, after = reference[0] / reference[1], window[0] / window[1]
    (low_before, high_before), (low_after, high_after) = (
        wilson(*reference, alpha),
        wilson(*window, alpha),
    )
    difference = after - before
    return (
        difference - math.hypot(after - low_after, high_before - before),
        difference + math.hypot(high_after - after, before - low_before),
    )


def _p_value(reference: tuple[int, int], window: tuple[int, int]) -> float:
    from scipy.stats import fisher_exact

    (a, n), (b, m) = reference, window
    share = (a + b) / (n + m)
    if share in (0, 1):
        return 1.0
    if min(n, m) * min(share, 1 - share) < LEAST_EXPECTED:
        return min(1.0, float(fisher_exact([[a, n - a], [b, m - b]])[1]))
    error = math.sqrt(share * (1 - share) * (1 / n + 1 / m))
    return math.erfc(abs(b / m - a / n) / error / math.sqrt(2))


def _normal_quantile(alpha: float) -> float:
    from scipy.special import ndtri

    return -float(ndtri(alpha / 2))


def _counted(count: float, rows: float) -> bool:
    """Whether these are whole numbers with ``0 <= count <= rows``."""
    return 0 <= count <= rows <= LARGEST_COUNT and count == int(count) and rows == int(rows)
