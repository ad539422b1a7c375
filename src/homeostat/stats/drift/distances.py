"""How far two distributions over the same bins are apart, for one window or for many at once.

Every distance takes two count vectors of shape (bins,), ``expected`` (the reference) and
``actual`` (the window), and answers a float, or None when a side has no rows or a count is
negative or not finite. None of them has an error rate: a small window is far from its reference
by chance alone. What distance is normal must be found by resampling, which is why
:func:`over_windows` does thousands of windows in one call. No distance over bins sees a change
within a bin; only :func:`kolmogorov_smirnov` uses the order of the bins.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.stats.drift.psi import SMOOTHING, psi

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


def over_windows(name: str, expected: ArrayLike, windows: ArrayLike) -> Array:
    """Distance ``name`` of each row of ``windows`` (windows, bins) from ``expected``.

    ``expected`` has shape (bins,), or (windows, bins) with a row for each window. Answers shape
    (windows,); NaN where the scalar function of that name answers None. ValueError when ``name``
    is not in ``DISTANCES`` or the shapes do not fit.

    >>> over_windows("total_variation", [1, 1], [[1, 1], [2, 0], [0, 0]])
    array([0. , 0.5, nan])
    """
    if name not in _WINDOWS:
        raise ValueError(f"no distance {name!r}; there are {', '.join(_WINDOWS)}")
    before = np.asarray(expected, dtype=np.float64)
    after = np.asarray(windows, dtype=np.float64)
    if after.ndim != 2 or before.shape not in (after.shape, after.shape[1:]):
        raise ValueError(
            f"counts of shapes (bins,) and (windows, bins) are asked, "
            f"got {before.shape} and {after.shape}"
        )
    found = np.full(after.shape[0], np.nan)
    before = np.broadcast_to(before, after.shape)
    fit = countable(after) & countable(before)
    if fit.any():
        found[fit] = _WINDOWS[name](before[fit], after[fit])
    return found


def kolmogorov_smirnov(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Largest difference of the cumulative shares, 0 to 1; for bins in their natural order.

    The two-sample statistic of Smirnov (1939) on binned values: it equals the one on raw values
    when that is reached at an edge of a bin, and is smaller otherwise. A bin of nulls must be
    left out first, since it has no place in the order.

    >>> kolmogorov_smirnov([5, 5, 0], [0, 5, 5])
    0.5
    """
    return _one("kolmogorov_smirnov", expected, actual)


def jensen_shannon(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Jensen-Shannon distance, 0 to 1: the square root of the divergence in bits (base 2).

    Endres & Schindelin (2003), as ``scipy.spatial.distance.jensenshannon(p, q, base=2)``. No
    smoothing is needed: an empty bin gives a finite value.

    >>> jensen_shannon([1, 0], [0, 1])
    1.0
    """
    return _one("jensen_shannon", expected, actual)


def kullback_leibler(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Kullback-Leibler divergence of ``actual`` from ``expected``, in nats; 0 or more.

    ``sum(a * ln(a / e))`` over bin shares. As in :mod:`psi <homeostat.stats.drift.psi>`, counts
    get +0.5 first and bins empty on both sides are left out. Not symmetric.

    >>> round(kullback_leibler([100, 100], [150, 50]), 3)
    0.129
    """
    return _one("kullback_leibler", expected, actual)


def hellinger(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Hellinger distance, 0 to 1: ``sqrt(sum((sqrt(a) - sqrt(e))**2) / 2)`` over bin shares.

    >>> round(hellinger([1, 0], [0, 1]), 6)
    1.0
    """
    return _one("hellinger", expected, actual)


def l_infinity(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Largest difference of one bin's share, 0 to 1. Easy to explain; made for categories.

    >>> l_infinity([50, 50], [75, 25])
    0.25
    """
    return _one("l_infinity", expected, actual)


def chi_square(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Cramér's V of the table of 2 rows and ``bins`` columns, 0 to 1.

    ``sqrt(X2 / rows)``, with X2 Pearson's statistic of homogeneity without correction and
    ``rows`` the total of both sides (Cramér 1946, ch. 21). It depends on the ratio of the two
    sizes: compare values only between windows of one size.

    >>> chi_square([10, 0], [0, 10])
    1.0
    """
    return _one("chi_square", expected, actual)


def total_variation(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """Half the sum of the absolute differences of the bin shares, 0 to 1.

    It is the share of rows that would have to move to another bin.

    >>> total_variation([50, 50, 0], [25, 50, 25])
    0.25
    """
    return _one("total_variation", expected, actual)


DISTANCES: dict[str, Callable[[ArrayLike, ArrayLike], float | None]] = {
    "psi": psi,
    "kolmogorov_smirnov": kolmogorov_smirnov,
    "jensen_shannon": jensen_shannon,
    "kullback_leibler": kullback_leibler,
    "hellinger": hellinger,
    "l_infinity": l_infinity,
    "chi_square": chi_square,
    "total_variation": total_variation,
}
"""Each distance by its name, which is also what :func:`over_windows` takes."""


def _one(name: str, expected: ArrayLike, actual: ArrayLike) -> float | None:
    before = np.asarray(expected, dtype=np.float64)
    after = np.asarray(actual, dtype=np.float64)
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"count vectors of one shape are asked, got {before.shape}, {after.shape}")
    found = float(over_windows(name, before, after[None])[0])
    return None if np.isnan(found) else found


def countable(counts: Array) -> Bools:
    """Which rows of ``counts`` (windows, bins) are finite, not negative and not all zero.

    >>> countable(np.array([[1.0, 0.0], [0.0, 0.0], [np.nan, 1.0]]))
    array([ True, False, False])
    """
    sensible = (np.isfinite(counts) & (counts >= 0)).all(axis=1)
    return np.asarray(sensible & (counts > 0).any(axis=1))


def shares(counts: Array) -> Array:
    """Each count over the sum of its row; by the largest first, so that no sum overflows.

    >>> shares(np.array([[1e308, 1e308], [3.0, 1.0]]))
    array([[0.5 , 0.5 ],
           [0.75, 0.25]])
    """
    scaled = counts / counts.max(axis=-1, keepdims=True)
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))


def _log(values: Array) -> Array:
    """Natural logarithm, and 0 for 0."""
    return np.log(values, out=np.zeros_like(values), where=values > 0)


def _smoothed(before: Array, after: Array) -> tuple[Array, Array, Array]:
    """Shares of both after smoothing, and the logarithm of their ratio, all (windows, bins)."""
    used = (before > 0) | (after > 0)
    e = shares(np.where(used, before + SMOOTHING, 0.0))
    a = shares(np.where(used, after + SMOOTHING, 0.0))
    return e, a, _log(a) - _log(e)


def _psi(before: Array, after: Array) -> Array:
    e, a, ratio = _smoothed(before, after)
    return np.asarray(((a - e) * ratio).sum(axis=1))


def _kullback_leibler(before: Array, after: Array) -> Array:
    _, a, ratio = _smoothed(before, after)
    return np.asarray(np.maximum((a * ratio).sum(axis=1), 0.0))


def _kolmogorov_smirnov(before: Array, after: Array) -> Array:
    difference = np.cumsum(shares(after) - shares(before), axis=1)
    return np.asarray(np.minimum(np.abs(difference).max(axis=1), 1.0))


def _jensen_shannon(before: Array, after: Array) -> Array:
    e, a = shares(before), shares(after)
    middle = _log((e + a) / 2)
    nats = (a * (_log(a) - middle) + e * (_log(e) - middle)).sum(axis=1) / 2
    return np.asarray(np.sqrt(np.clip(nats / np.log(2), 0.0, 1.0)))


def _hellinger(before: Array, after: Array) -> Array:
    squares = (np.sqrt(shares(after)) - np.sqrt(shares(before))) ** 2
    return np.asarray(np.sqrt(np.minimum(squares.sum(axis=1) / 2, 1.0)))


def _l_infinity(before: Array, after: Array) -> Array:
    return np.asarray(np.abs(shares(after) - shares(before)).max(axis=1))


def _total_variation(before: Array, after: Array) -> Array:
    return np.asarray(np.minimum(np.abs(shares(after) - shares(before)).sum(axis=1) / 2, 1.0))


def _chi_square(before: Array, after: Array) -> Array:
    largest = np.maximum(before.max(axis=1), after.max(axis=1))
    sizes = (before / largest[:, None]).sum(axis=1), (after / largest[:, None]).sum(axis=1)
    weight = (sizes[1] / (sizes[0] + sizes[1]))[:, None]
    e, a = shares(before), shares(after)
    pooled = (1 - weight) * e + weight * a
    ratio = np.divide((a - e) ** 2, pooled, out=np.zeros_like(pooled), where=pooled > 0)
    return np.asarray(np.sqrt(np.minimum((weight * (1 - weight) * ratio).sum(axis=1), 1.0)))


_WINDOWS: dict[str, Callable[[Array, Array], Array]] = {
    "psi": _psi,
    "kolmogorov_smirnov": _kolmogorov_smirnov,
    "jensen_shannon": _jensen_shannon,
    "kullback_leibler": _kullback_leibler,
    "hellinger": _hellinger,
    "l_infinity": _l_infinity,
    "chi_square": _chi_square,
    "total_variation": _total_variation,
}
