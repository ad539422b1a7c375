"""Many tests at once: p values that may be compared with one error rate for all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from homeostat.stats.metrics import Array


def holm(p_values: ArrayLike) -> Array:
    """Adjusted p values of Holm (1979), shape (tests,), in the order given.

    Rejecting those at or below a level keeps the probability of *any* false rejection below it,
    whatever the dependence between the tests. NaN, a test that could not be made, stays NaN and
    does not count.

    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    return _adjusted(p_values, lambda n: np.arange(n, 0, -1.0), np.maximum.accumulate)


def benjamini_hochberg(p_values: ArrayLike) -> Array:
    """Adjusted p values of Benjamini & Hochberg (1995), shape (tests,), in the order given.

    Rejecting those at or below a level keeps the expected *share* of false ones among the
    rejected below it, for tests that are independent or positively dependent (Benjamini &
    Yekutieli 2001). NaN stays NaN and does not count.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    array([0.03, 0.04, 0.04])
    """
    return _adjusted(
        p_values,
        lambda n: n / np.arange(1.0, n + 1),
        lambda scaled: np.minimum.accumulate(scaled[::-1])[::-1],
    )


def _adjusted(p_values: ArrayLike, factors, monotone) -> Array:  # type: ignore[no-untyped-def]
    given = np.asarray(p_values, dtype=np.float64)
    if given.ndim != 1 or (given < 0).any() or (given > 1).any():
        raise ValueError("p values are a list of numbers from 0 to 1")
    found = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    found[order] = np.minimum(monotone(given[order] * factors(order.size)), 1.0)
    return found
