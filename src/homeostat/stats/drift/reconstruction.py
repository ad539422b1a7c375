"""Whether features stopped moving together: rows rebuilt from a few principal components."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable

Array = NDArray[np.float64]

MIN_ROWS = 20
"""A window with fewer rows is inconclusive: its mean error is not close to normal."""
MIN_WINDOWS = 10
"""With fewer reference windows it is not known how much a window's mean error varies."""
FARTHEST = 1e100
"""Values are taken to be at most so many deviations away, so that no square overflows."""


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components of standardised columns (Pearson 1901; Jolliffe 2002, ch. 2).

    ``columns`` (kept,) are the places of the columns that vary, of ``features`` in all; ``mean``
    and ``scale`` (kept,) their mean and standard deviation; ``axes`` (kept, number) orthonormal.
    """

    features: int
    columns: NDArray[np.intp]
    mean: Array
    scale: Array
    axes: Array

    @classmethod
    def fit(
        cls, matrix: ArrayLike, *, share: float = 0.65, number: int | None = None
    ) -> Components:
        """Components of a matrix of shape (rows, features), of rows without drift.

        Kept are the fewest components that explain ``share`` (in (0, 1]) of the variance, or
        ``number`` of them, but always one less than there are columns that vary: with all of
        them every row is rebuilt perfectly and nothing is seen. Each column is standardised;
        NaN and infinities stand at its mean; columns that are constant or have no value are
        dropped, so that of an empty matrix no column is left.

        >>> random = np.random.default_rng(1)
        >>> one = random.normal(size=(500, 1))
        >>> found = Components.fit(np.hstack([one, one, -one, np.ones((500, 1))]))
        >>> found.columns.tolist(), found.axes.shape
        ([0, 1, 2], (3, 1))
        """
        if not 0 < share <= 1:
            raise ValueError(f"share must be in (0, 1], got {share}")
        if number is not None and number < 1:
            raise ValueError(f"number of components must be 1 or more, got {number}")
        rows = _matrix(matrix)
        features, finite = rows.shape[1], np.isfinite(rows)
        lowest = np.where(finite, rows, np.inf).min(axis=0, initial=np.inf)
        highest = np.where(finite, rows, -np.inf).max(axis=0, initial=-np.inf)
        columns = np.flatnonzero(lowest < highest)
        finite, rows = finite[:, columns], rows[:, columns]
        unit = np.maximum(np.abs(lowest), np.abs(highest))[columns]
        scaled, counts = np.where(finite, rows / unit, 0.0), finite.sum(axis=0)
        mean = scaled.sum(axis=0) / counts
        deviation = np.sqrt((np.where(finite, scaled - mean, 0.0) ** 2).sum(axis=0) / counts)
        varies = deviation > 0  # values that differ by rounding only may not
        columns, unit = columns[varies], unit[varies]
        mean, scale = mean[varies] * unit, deviation[varies] * unit
        standard = _standardised(rows[:, varies], mean, scale)
        return cls(features, columns, mean, scale, _axes(standard, share, number))

    def error(self, matrix: ArrayLike) -> Array:
        """Distance of each row of (rows, features) from its rebuilt form, shape (rows,).

        Euclidean, in standard deviations of the columns. A missing value stands at the mean of
        its column. NaN for a row in which no column that is used has a value.

        >>> fitted = Components.fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
        >>> fitted.error([[5.0, 5.0], [2.0, 0.0], [float("nan")] * 2]).round(3)
        array([0.   , 1.732,   nan])
        """
        rows = _matrix(matrix)
        if rows.shape[1] != self.features:
            raise ValueError(f"{self.features} features were fitted, got {rows.shape[1]}")
        rows = rows[:, self.columns]
        standard = _standardised(rows, self.mean, self.scale)
        rest = standard - standard @ self.axes @ self.axes.T
        distance = np.sqrt((rest**2).sum(axis=1))
        return np.where(np.isfinite(rows).any(axis=1), distance, np.nan)


def reconstruction_drift(
    components: Components, reference: ArrayLike, window: ArrayLike, *, alpha: float = 0.05
) -> Result:
    """Whether rows of a window are rebuilt worse or better than those of the reference.

    ``reference`` and ``window`` have shape (rows, features), the reference in the order of time.
    It is cut into consecutive windows of as many rows as ``window`` has; how much their mean
    errors vary gives the interval for one more (a prediction interval by Student's t, so that
    dependence within windows counts). ``estimate`` is the mean error of the window less the
    reference's, in standard deviations of the columns; ``low`` and ``high`` its interval;
    ``p_value`` is two-sided.

    Error rate: ``alpha`` is the probability of a false alarm. Assumes that the reference windows
    are like independent draws, with means close to normal, and that ``reference`` is *not* what
    the components were fitted on: those rows are rebuilt too well. Judged against the very 200
    rows of 40 features it was fitted on, with share 0.9, nearly every window fails (0.98 at a
    stated 0.05); with 2000 rows of 20 features none too many do (0.05).

    It sees a change of how columns go together, and values far from where they were. It does not
    see a move along the components that are kept, a change in a dropped column, or a change
    small against the usual error. A changed share of missing values changes the error too:
    watch it apart. Rows without any value are left out and counted in ``skipped``. Fewer than
    ``MIN_ROWS`` rows in the window, or fewer than ``MIN_WINDOWS`` reference windows of that size,
    are inconclusive.

    >>> random = np.random.default_rng(1)
    >>> one = random.normal(size=(3000, 1))
    >>> rows = np.hstack([one, one]) + random.normal(scale=0.3, size=(3000, 2))
    >>> fitted = Components.fit(rows[:1000])
    >>> reconstruction_drift(fitted, rows[1000:2900], rows[2900:]).verdict
    <Verdict.PASS: 'pass'>
    >>> reconstruction_drift(fitted, rows[1000:2900], rows[2900:] * [1, -1]).verdict
    <Verdict.FAIL: 'fail'>
    """
    from scipy.stats import t

    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
    errors = components.error(reference), components.error(window)
    before, after = (one[np.isfinite(one)] for one in errors)
    rows, size = before.size + after.size, after.size
    skipped = sum(one.size for one in errors) - rows
    if not components.columns.size:
        return unable("no column varies in the reference", rows=rows, skipped=skipped)
    if size < MIN_ROWS:
        return unable(f"a window of {size} rows, {MIN_ROWS} needed", rows=rows, skipped=skipped)
    count = before.size // size
    if count < MIN_WINDOWS:
        reason = f"{count} reference windows of {size} rows, {MIN_WINDOWS} are needed"
        return unable(reason, rows=rows, skipped=skipped)
    means = before[: count * size].reshape(count, size).mean(axis=1)
    expected, found = float(means.mean()), float(after.mean())
    estimate = found - expected
    error = float(means.std(ddof=1)) * math.sqrt(1 + 1 / count)
    reach = float(t.isf(alpha / 2, count - 1)) * error
    if error > 1e-12 * expected:
        p_value = 2 * float(t.sf(abs(estimate) / error, count - 1))
    else:  # the errors of all reference rows are equal
        p_value = float(abs(estimate) <= 1e-9 * max(1.0, expected))
    return Result(
        Verdict.FAIL if p_value < alpha else Verdict.PASS,
        estimate=estimate,
        low=estimate - reach,
        high=estimate + reach,
        p_value=p_value,
        error_rate=alpha,
        rows=rows,
        skipped=skipped,
        assumed="reference windows are independent and were not used to fit the components",
        reason=(
            f"mean reconstruction error {found:.4g} over {size} rows, {expected:.4g} in {count} "
            f"reference windows of that size, p = {p_value:.3g}"
        ),
    )


def _axes(standard: Array, share: float, number: int | None) -> Array:
    """Leading eigenvectors of the correlation matrix, shape (kept, number)."""
    kept = standard.shape[1]
    values, vectors = np.linalg.eigh(standard.T @ standard / max(1, standard.shape[0]))
    explained = np.cumsum(np.maximum(values[::-1], 0.0))
    if number is None:
        number = 1 + int(np.searchsorted(explained, share * explained[-1] - 1e-12)) if kept else 0
    return np.asarray(vectors[:, ::-1][:, : max(0, min(number, kept - 1))])


def _standardised(rows: Array, mean: Array, scale: Array) -> Array:
    """(value - mean) / scale, missing values at 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        standard = np.clip((rows - mean) / scale, -FARTHEST, FARTHEST)
    return np.where(np.isfinite(rows), standard, 0.0)


def _matrix(matrix: ArrayLike) -> Array:
    rows = np.asarray(matrix, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"a matrix of shape (rows, features) is asked, got {rows.shape}")
    return rows
