"""Whether the window's rows differ from the reference as a whole, not feature by feature.

Two looks at all features at once. A classifier that tells window rows from reference rows (Lopez-
Paz & Oquab 2017): its AUC is 0.5 when nobody can. And the error of rebuilding rows from principal
components. What days differ by anyway is measured, not assumed away: stretches of the reference
as long as the window are put through the same, and only what goes beyond them counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.monitor import JudgedReport
from homeostat.domain.verdict import Verdict
from homeostat.stats.drift.reconstruction import Components, reconstruction_drift
from homeostat.stats.metrics import Array, auc

if TYPE_CHECKING:
    import polars as pl

MAX_ROWS = 4_000
"""Rows of either side that the classifier reads at most."""
MIN_ROWS = 200
STRETCHES = 6
"""Stretches of the reference that are put through the same, at most."""
MIN_STRETCHES = 3
FOLDS = 4
CONFIDENCE = 0.95


def domain_classifier(
    reference: pl.DataFrame,
    stretch: NDArray[np.int64],
    window: pl.DataFrame,
    categorical: tuple[str, ...],
    seed: int,
) -> JudgedReport:
    """Whether a classifier knows the window's rows better than stretches of the reference.

    Both frames hold the features; ``stretch`` of shape (rows,) numbers stretches of the
    reference that are as long as the window. *fail* when the AUC lies above the upper end of
    the one-sided 95 % t prediction interval of the stretches' AUCs; *inconclusive* with fewer
    than 3 stretches or 200 rows on a side. It names no feature.
    """
    name = "domain classifier"
    numbers = [n for n in np.unique(stretch) if (stretch == n).sum() >= MIN_ROWS][-STRETCHES:]
    if window.height < MIN_ROWS or len(numbers) < MIN_STRETCHES:
        reason = f"{window.height:,} rows against {len(numbers)} stretches of the reference"
        return JudgedReport(name, Verdict.INCONCLUSIVE, None, None, None, f"{reason}: too few")
    random = np.random.default_rng(seed)
    rest, moved = _encoded(reference, window, categorical)
    value = _auc(_some(rest, random), _some(moved, random), random)
    healthy = np.array([
        _auc(_some(rest[stretch != n], random), _some(rest[stretch == n], random), random)
        for n in numbers
    ])  # fmt: skip
    limit = _beyond(healthy)
    verdict = Verdict.FAIL if value > limit else Verdict.PASS
    reason = (
        f"AUC {value:.3f}; stretches of the reference have {healthy.mean():.3f}, "
        f"up to {limit:.3f} is chance"
    )
    return JudgedReport(name, verdict, value, 0.5, limit, reason)


def reconstruction(
    reference: pl.DataFrame, at_s: Array, window: pl.DataFrame, numbers: tuple[str, ...]
) -> JudgedReport:
    """Whether the window's rows are rebuilt worse from the reference's principal components.

    Components are fitted on every other day of the reference and judged by the days between, as
    :func:`homeostat.stats.drift.reconstruction.reconstruction_drift` asks. Numbers only.
    """
    name = "PCA reconstruction"
    if len(numbers) < 2:
        reason = "fewer than two features are numbers"
        return JudgedReport(name, Verdict.INCONCLUSIVE, None, None, None, reason)
    matrix, moved = (_matrix(frame, numbers) for frame in (reference, window))
    fitted = (at_s // 86_400).astype(np.int64) % 2 == 0
    if min(fitted.sum(), (~fitted).sum()) < MIN_ROWS:
        reason = f"the reference has {reference.height:,} rows: too few"
        return JudgedReport(name, Verdict.INCONCLUSIVE, None, None, None, reason)
    components = Components.fit(matrix[fitted])
    found = reconstruction_drift(components, matrix[~fitted], moved)
    return JudgedReport(name, found.verdict, found.estimate, found.low, found.high, found.reason)


def _beyond(healthy: Array) -> float:
    """Upper end of where one more healthy value lies, one-sided."""
    from scipy.stats import t

    count = healthy.size
    reach = float(t.ppf(CONFIDENCE, count - 1)) * float(healthy.std(ddof=1))
    return min(float(healthy.mean()) + reach * float(np.sqrt(1 + 1 / count)), 1.0)


def _auc(first: Array, second: Array, random: np.random.Generator) -> float:
    """Out-of-fold AUC of a small boosted classifier between two sets of rows."""
    from lightgbm import LGBMClassifier

    matrix = np.concatenate([first, second])
    side = np.repeat([0.0, 1.0], [first.shape[0], second.shape[0]])
    folds = random.permutation(side.size) % FOLDS
    scores = np.empty(side.size)
    for fold in range(FOLDS):
        out = folds == fold
        model = LGBMClassifier(
            n_estimators=40, num_leaves=8, min_child_samples=20, learning_rate=0.1,
            random_state=0, deterministic=True, force_row_wise=True, num_threads=1, verbosity=-1,
        ).fit(matrix[~out], side[~out])  # fmt: skip
        scores[out] = model.booster_.predict(matrix[out], num_threads=1)
    found = auc(side, scores)
    assert found is not None
    return found


def _some(rows: Array, random: np.random.Generator) -> Array:
    if rows.shape[0] <= MAX_ROWS:
        return rows
    return np.asarray(rows[np.sort(random.permutation(rows.shape[0])[:MAX_ROWS])])


def _encoded(
    reference: pl.DataFrame, window: pl.DataFrame, categorical: tuple[str, ...]
) -> tuple[Array, Array]:
    """Both frames as numbers: categories by their place among all values, null as NaN."""
    import polars as pl

    columns = []
    for name in reference.columns:
        both = pl.concat([
            frame[name].cast(pl.String if _is_text(name, reference, categorical) else pl.Float64)
            for frame in (reference, window)
        ])  # fmt: skip
        if both.dtype == pl.String:
            both = both.rank("dense").cast(pl.Float64)
        columns.append(both.fill_null(float("nan")).to_numpy())
    matrix = np.column_stack(columns)
    return matrix[: reference.height], matrix[reference.height :]


def _is_text(name: str, reference: pl.DataFrame, categorical: tuple[str, ...]) -> bool:
    return name in categorical or not reference[name].dtype.is_numeric()


def _matrix(frame: pl.DataFrame, numbers: tuple[str, ...]) -> Array:
    import polars as pl

    columns = [frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in numbers]
    return np.column_stack(columns)
