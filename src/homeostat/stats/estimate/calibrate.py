"""Scores made into probabilities, and how far a score is from being one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising step-and-slope curve from score to probability.

    ``thresholds`` rise strictly and ``values`` never fall; both have one number per knot, and
    none at all when there was nothing to fit on. Only the ends of each flat part are kept.
    """

    thresholds: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def fit(cls, score: ArrayLike, truth: ArrayLike) -> Calibration:
        """Isotonic regression of the outcome on the score, by pooling adjacent violators.

        ``score`` and ``truth`` have shape (rows,); a row is positive when its truth is above 0.
        Rows with one score are taken as one knot with their mean outcome, weighted by their
        number (Zadrozny & Elkan 2002). Equals scikit-learn's ``IsotonicRegression``.

        Assumes that the true probability rises with the score; where it does not, the curve is
        the best rising one and wrong. On few rows the ends of the curve are too close to 0 and
        1. Rows with a NaN or infinity on either side are left out; without any row the curve is
        empty, and :meth:`apply` answers NaN. ValueError when the shapes differ.

        >>> Calibration.fit([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1])
        Calibration(thresholds=(0.1, 0.2, 0.3, 0.4), values=(0.0, 0.5, 0.5, 1.0))
        """
        from scipy.optimize import isotonic_regression

        x, y = _pairs(score, truth)
        if not x.size:
            return cls((), ())
        knots, codes, rows = np.unique(x, return_inverse=True, return_counts=True)
        means = np.bincount(codes, weights=y) / rows
        fitted = np.clip(isotonic_regression(means, weights=rows).x, 0.0, 1.0)
        same = np.flatnonzero((fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])) + 1
        kept = np.delete(np.arange(knots.size), same)
        return cls(tuple(knots[kept].tolist()), tuple(fitted[kept].tolist()))

    def apply(self, score: ArrayLike) -> Array:
        """Probability of each score, shape (rows,): straight lines between knots.

        A score beyond the knots gets the value of the nearest one. NaN stays NaN, as does any
        score when the curve is empty.

        >>> Calibration((0.0, 1.0), (0.2, 0.4)).apply([-5.0, 0.5, 9.0]).tolist()
        [0.2, 0.30000000000000004, 0.4]
        """
        x = np.asarray(score, dtype=np.float64)
        if not self.thresholds:
            return np.full(x.shape, np.nan)
        # Halved, so that the distance between two huge knots does not overflow.
        return np.asarray(np.interp(x / 2, np.asarray(self.thresholds) / 2, self.values))


def expected_calibration_error(score: ArrayLike, truth: ArrayLike, bins: int = 10) -> float | None:
    """Mean distance of stated probability and observed share over ``bins`` equal parts of 0..1.

    ``sum(n_b / n * |mean score - mean truth|)`` (Naeini, Cooper & Hauskrecht 2015). ``score``
    holds probabilities and ``truth`` outcomes, both of shape (rows,); positive is above 0. A
    score on the border of two bins belongs to the upper one. Pure chance makes it larger than
    0 even for a perfect score: by 0.3 to 0.4 times ``sqrt(bins / rows)``. It does not
    see errors that cancel within a bin. Rows that are not finite are left out; None without
    any row. ValueError for a score outside 0..1, other shapes or fewer than one bin.

    >>> expected_calibration_error([0.25, 0.25, 0.75, 0.75], [0, 1, 1, 1])
    0.25
    """
    if bins < 1:
        raise ValueError(f"at least one bin is asked, got {bins}")
    x, y = _pairs(score, truth)
    if not x.size:
        return None
    if (x < 0).any() or (x > 1).any():
        raise ValueError(f"a probability lies in 0..1, got {x.min():g} to {x.max():g}")
    places = np.minimum((x * bins).astype(np.int64), bins - 1)
    return float(np.abs(np.bincount(places, weights=x - y)).sum() / x.size)


def _pairs(score: ArrayLike, truth: ArrayLike) -> tuple[Array, Array]:
    """The finite rows, the truth as 0 and 1."""
    x, y = np.asarray(score, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"one score and one truth per row are asked, got {x.shape}, {y.shape}")
    kept = np.isfinite(x) & np.isfinite(y)
    return x[kept], np.asarray(y[kept] > 0, dtype=np.float64)
