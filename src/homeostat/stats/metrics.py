"""Metrics of a model on rows, each as a function of row weights.

All take ``truth`` and ``prediction`` of shape (rows,) and optional integer or real ``weights``
of shape (rows,): how often each row counts. A bootstrap resample is such a weight vector, so a
metric on a resample costs no copy of the rows. Every function answers None where the metric is
undefined (no rows, no weight, one class only), and raises ValueError on NaN and infinities: a
prediction that is not a number is an error of its maker, never a zero. For the classification
metrics a row is positive when its truth is above 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LOSSES = frozenset({"log_loss", "brier", "mae", "rmse"})
"""Metrics of which less is better."""
CLIP = 1e-7
"""Probabilities are kept this far from 0 and 1 in the logarithmic loss."""


def oriented(metric: str, challenger: float, champion: float) -> float:
    """Difference of two values of ``metric``, positive when the challenger is better."""
    return champion - challenger if metric in LOSSES else challenger - champion


def measure(
    metric: str, truth: Array, prediction: Array, weights: Array | None = None
) -> float | None:
    """``metric`` by name; KeyError for one that is not known."""
    return METRICS[metric](truth, prediction, weights)


def row_loss(task: str, truth: Array, prediction: Array) -> Array:
    """Loss of each row: log loss for ``binary``, squared error for ``regression``."""
    _finite(truth, prediction)
    if task == "binary":
        p = np.clip(prediction, CLIP, 1 - CLIP)
        return -(truth * np.log(p) + (1 - truth) * np.log(1 - p))
    return (truth - prediction) ** 2


class Ranked:
    """Rank metrics of one prediction under many weightings: sorted once, then linear in rows.

    Rows with the same prediction are taken together, so that their order never matters.
    """

    def __init__(self, truth: Array, prediction: Array) -> None:
        _finite(truth, prediction)
        self.order = np.argsort(prediction, kind="stable")
        ranked = prediction[self.order]
        self._starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])[: ranked.size])
        self._positive = (truth[self.order] > 0).astype(np.float64)

    def auc(self, weights: Array | None = None) -> float | None:
        """Area under the ROC curve with each row counted ``weights`` times.

        The Mann-Whitney statistic over pairs of a positive and a negative row, ties counted one
        half (Hanley & McNeil 1982). None with one class only.
        """
        positive, negative = self._grouped(weights)
        total = positive.sum() * negative.sum()
        if total <= 0:
            return None
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2)).sum() / total)

    def average_precision(self, weights: Array | None = None) -> float | None:
        """Sum over thresholds of precision times the step in recall. None without positive rows."""
        positive, negative = (part[::-1] for part in self._grouped(weights))
        found = np.cumsum(positive)
        seen = found + np.cumsum(negative)
        if not found.size or found[-1] <= 0:
            return None
        used = seen > 0
        return float((positive[used] * found[used] / seen[used]).sum() / found[-1])

    def _grouped(self, weights: Array | None) -> tuple[Array, Array]:
        """Weight of positive and of negative rows per distinct prediction, lowest first."""
        if not self.order.size:
            return self._positive, self._positive
        if weights is None:
            weight = np.ones(self.order.size)
        else:
            weight = np.asarray(weights, dtype=np.float64)[self.order]
        positive = np.add.reduceat(weight * self._positive, self._starts)
        return positive, np.add.reduceat(weight, self._starts) - positive


def auc(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Area under the ROC curve: see :meth:`Ranked.auc`. Equals scikit-learn's ``roc_auc_score``.

    >>> auc(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    return Ranked(truth, prediction).auc(weights)


def average_precision(
    truth: Array, prediction: Array, weights: Array | None = None
) -> float | None:
    """Area under the precision-recall steps: see :meth:`Ranked.average_precision`.

    Equals scikit-learn's ``average_precision_score``.

    >>> average_precision(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.9]))
    0.8333333333333333
    """
    return Ranked(truth, prediction).average_precision(weights)


def accuracy(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Share of rows in which (prediction >= 0.5) equals (truth > 0).

    >>> accuracy(np.array([0.0, 1.0]), np.array([0.5, 0.9]))
    0.5
    """
    return _mean(_hits(truth, prediction), weights)


def log_loss(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Mean negative log likelihood, in nats, probabilities clipped by 1e-7.

    >>> round(log_loss(np.array([1.0]), np.array([0.5])), 4)
    0.6931
    """
    return _mean(row_loss("binary", truth, prediction), weights)


def brier(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Mean squared difference of probability and outcome (Brier 1950).

    >>> brier(np.array([1.0, 0.0]), np.array([0.5, 0.5]))
    0.25
    """
    return _mean(row_loss("regression", truth, prediction), weights)


def mae(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Mean absolute error, in units of the target.

    >>> mae(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    1.5
    """
    return _mean(_absolute(truth, prediction), weights)


def rmse(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Root of the mean squared error, in units of the target.

    >>> rmse(np.array([1.0, 2.0]), np.array([4.0, 6.0])) == 12.5 ** 0.5
    True
    """
    squared = brier(truth, prediction, weights)
    return None if squared is None else float(np.sqrt(squared))


def r2(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Share of the target's variance explained; None when the target is constant.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    squared = brier(truth, prediction, weights)
    centre = _mean(truth, weights)
    if squared is None or centre is None:
        return None
    variance = _mean((truth - centre) ** 2, weights)
    return None if not variance else float(1 - squared / variance)


METRICS: dict[str, Callable[[Array, Array, Array | None], float | None]] = {
    "auc": auc,
    "average_precision": average_precision,
    "accuracy": accuracy,
    "log_loss": log_loss,
    "brier": brier,
    "mae": mae,
    "rmse": rmse,
    "r2": r2,
}
"""Every metric by its name in the project file."""


def row_values(metric: str, truth: Array, prediction: Array) -> Array | None:
    """What each row adds to a metric that is a mean over rows; None for the other metrics."""
    if metric in ("brier", "log_loss"):
        return row_loss("binary" if metric == "log_loss" else "regression", truth, prediction)
    if metric == "accuracy":
        return _hits(truth, prediction)
    return _absolute(truth, prediction) if metric == "mae" else None


def _hits(truth: Array, prediction: Array) -> Array:
    _finite(truth, prediction)
    return np.asarray((prediction >= 0.5) == (truth > 0), dtype=np.float64)


def _absolute(truth: Array, prediction: Array) -> Array:
    _finite(truth, prediction)
    return np.asarray(np.abs(truth - prediction))


def _mean(values: Array, weights: Array | None) -> float | None:
    if weights is None:
        return float(values.mean()) if values.size else None
    weight = np.asarray(weights, dtype=np.float64)
    total = float(weight.sum())
    return float(values @ weight / total) if total > 0 else None


def _finite(truth: Array, prediction: Array) -> None:
    if truth.shape != prediction.shape:
        raise ValueError(f"{prediction.size:,} predictions for {truth.size:,} rows")
    if not np.isfinite(prediction).all():
        raise ValueError("a prediction is not a finite number")
    if not np.isfinite(truth).all():
        raise ValueError("a true value is not a finite number")
