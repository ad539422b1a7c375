"""How far values moved, on average: the Wasserstein distance of order one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.stats.drift.distances import countable, shares

Array = NDArray[np.float64]


def wasserstein(first: ArrayLike, second: ArrayLike) -> float | None:
    """W1 of two samples of any sizes, shapes (rows,), in the unit of the values.

    The area between the two empirical distribution functions (Vallender 1974), as
    ``scipy.stats.wasserstein_distance``: how far a value has to move on average to make one
    sample of the other. It has no error rate: two samples of one distribution are at a distance
    that shrinks with ``1 / sqrt(rows)``, so judge it by what windows without drift give. One
    value that is far out can make it any size.

    NaN and infinities are left out. None when a side has no other value, or when the distance is
    larger than any float.

    >>> wasserstein([0.0, 1.0, 3.0], [5.0, 6.0, 8.0])
    5.0
    >>> wasserstein([float("nan")], [1.0]) is None
    True
    """
    one, other = _finite(first), _finite(second)
    if not one.size or not other.size:
        return None
    both = np.sort(np.concatenate([one, other]))
    unit = float(np.abs(both).max()) or 1.0
    below_one = np.searchsorted(one, both[:-1], side="right") / one.size
    below_other = np.searchsorted(other, both[:-1], side="right") / other.size
    area = float(np.abs(below_one - below_other) @ np.diff(both / unit))
    return _number(area * unit)


def binned_wasserstein(
    expected: ArrayLike, actual: ArrayLike, points: ArrayLike, spread: float | None = None
) -> float | None:
    """W1 of two count vectors of shape (bins,) over ordered bins, in reference deviations.

    As :func:`windows_wasserstein`, for one window; None where that answers NaN.

    >>> binned_wasserstein([50, 50, 0], [0, 50, 50], points=[0.0, 1.0, 2.0])
    2.0
    """
    after = np.asarray(actual, dtype=np.float64)
    if after.ndim != 1:
        raise ValueError(f"counts of shape (bins,) are asked, got {after.shape}")
    found = float(windows_wasserstein(expected, after[None], points, spread)[0])
    return None if np.isnan(found) else found


def windows_wasserstein(
    expected: ArrayLike, windows: ArrayLike, points: ArrayLike, spread: float | None = None
) -> Array:
    """W1 of each row of ``windows`` (windows, bins) from ``expected`` (bins,); shape (windows,).

    ``points`` (bins,) hold a finite value for each bin, in ascending order; all rows of a bin
    are taken to stand at its point (see :func:`representatives`). This is an approximation: the
    result is wrong by no more than the mean distance of values from their points, both sides
    added, so it sees no move within a bin, nor how far out a value of an outer bin is. Leave
    out a bin of nulls, which has no place in the order.

    The distance is divided by ``spread``, in the unit of the points: the standard deviation of
    the reference, computed from its bins when it is None. ``spread=1`` keeps the unit.

    NaN for a window without rows or with a count that is negative or not finite, for every
    window when the reference is so or does not vary (then give a ``spread``), and where the
    result is larger than any float. No error rate, as with :func:`wasserstein`.

    >>> windows_wasserstein([5, 5], [[5, 5], [0, 10], [0, 0]], points=[0.0, 1.0])
    array([ 0.,  1., nan])
    """
    before = np.asarray(expected, dtype=np.float64)
    after = np.asarray(windows, dtype=np.float64)
    places = np.asarray(points, dtype=np.float64)
    _check(before, after, places, spread)
    found = np.full(after.shape[0], np.nan)
    fit = countable(after)
    if not countable(before[None])[0]:
        return found
    unit = float(np.abs(places).max()) or 1.0
    share = shares(before)
    deviation = _deviation(share, places / unit) if spread is None else spread / unit
    if deviation == 0:
        return found
    apart = np.abs(np.cumsum(shares(after[fit]) - share, axis=1)[:, :-1])
    with np.errstate(over="ignore"):
        distance = apart @ np.diff(places / unit) / deviation
    found[fit] = np.where(np.isfinite(distance), distance, np.nan)
    return found


def representatives(edges: ArrayLike, lowest: float, highest: float) -> Array:
    """A point for each of the bins ``(-inf, e0], (e0, e1], ..., (ek, inf)``; shape (edges + 1,).

    Inner bins stand at their middle. The outer bins have none, so their points are given: the
    means or medians of the reference there, for instance. ValueError unless the edges ascend
    and ``lowest <= e0``, ``ek <= highest``.

    >>> representatives([0.0, 1.0, 3.0], lowest=-1.0, highest=5.0)
    array([-1. ,  0.5,  2. ,  5. ])
    """
    cut = np.asarray(edges, dtype=np.float64)
    if cut.ndim != 1:
        raise ValueError(f"edges of shape (edges,) are asked, got {cut.shape}")
    points = np.concatenate([[lowest], cut[:-1] / 2 + cut[1:] / 2, [highest]])
    order = np.concatenate([[lowest], cut, [highest]])
    if not np.isfinite(order).all() or (order[1:] < order[:-1]).any():
        raise ValueError("edges must be finite and ascend from lowest to highest")
    return points if cut.size else np.array([lowest / 2 + highest / 2])


def _finite(values: ArrayLike) -> Array:
    """The finite values of shape (rows,), sorted."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise ValueError(f"values of shape (rows,) are asked, got {found.shape}")
    return np.sort(found[np.isfinite(found)])


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _deviation(share: Array, points: Array) -> float:
    """Standard deviation of the reference, all of it at its points; exactly 0 when constant."""
    used = points[share > 0]
    if used[0] == used[-1]:
        return 0.0
    return float(np.sqrt(share @ (points - share @ points) ** 2))


def _check(before: Array, after: Array, points: Array, spread: float | None) -> None:
    """ValueError for shapes that do not fit, points out of order or an impossible spread."""
    shapes = before.shape, after.shape, points.shape
    if before.ndim != 1 or after.ndim != 2 or shapes[0] != shapes[2] or len(before) != shapes[1][1]:
        raise ValueError(f"bins, windows and points do not fit: shapes {shapes}")
    if not np.isfinite(points).all() or (points[1:] < points[:-1]).any():
        raise ValueError("points must be finite and ascend")
    if spread is not None and not (np.isfinite(spread) and spread > 0):
        raise ValueError(f"spread must be a positive number, got {spread}")
