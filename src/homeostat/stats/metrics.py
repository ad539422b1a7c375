"""Metrics of a model on rows, each as a function of row weights.

All take ``truth`` and ``prediction`` of shape (rows,) and optional integer or real ``weights``
of shape (rows,): how often each row counts. A bootstrap resample is such a weight vector, so a
metric on a resample costs no copy of the rows. Every function answers None where the metric is
undefined (no rows, one class only), and raises ValueError on NaN: a prediction that is not a
number is an error of its maker, never a zero.
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
    if task == "binary":
        p = np.clip(prediction, CLIP, 1 - CLIP)
        return -(truth * np.log(p) + (1 - truth) * np.log(1 - p))
    return (truth - prediction) ** 2


class Ranked:
    """AUC of one prediction under many weightings: sorted once, then linear per weighting.

    AUC is the Mann-Whitney statistic over pairs of a positive and a negative row, ties counted
    one half (Hanley & McNeil 1982). Equals ``sklearn.metrics.roc_auc_score``.
    """

    def __init__(self, truth: Array, prediction: Array) -> None:
        _finite(prediction)
        self._order = np.argsort(prediction, kind="stable")
        ranked = prediction[self._order]
        self._starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
        self._positive = truth[self._order] > 0

    def auc(self, weights: Array | None = None) -> float | None:
        """AUC with each row counted ``weights`` times; None with one class only."""
        weight = np.ones(self._order.size) if weights is None else weights[self._order]
        positive = np.add.reduceat(weight * self._positive, self._starts)
        negative = np.add.reduceat(weight * ~self._positive, self._starts)
        total = positive.sum() * negative.sum()
        if total <= 0:
            return None
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2)).sum() / total)


def auc(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Area under the ROC curve; see :class:`Ranked`.

    >>> auc(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    return Ranked(truth, prediction).auc(weights) if truth.size else None


def average_precision(
    truth: Array, prediction: Array, weights: Array | None = None
) -> float | None:
    """Sum of precision times step in recall over thresholds, ties taken together.

    Equals ``sklearn.metrics.average_precision_score``. None without positive rows.
    """
    _finite(prediction)
    weight = _weights(truth, weights)
    order = np.argsort(-prediction, kind="stable")
    ranked, hit = prediction[order], (truth > 0)[order] * weight[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if truth.size else order
    found = np.cumsum(hit)[ends]
    seen = np.cumsum(weight[order])[ends]
    if not found.size or found[-1] <= 0:
        return None
    used = seen > 0
    steps = np.diff(np.append(0.0, found[used]))
    return float((steps * found[used] / seen[used]).sum() / found[-1])


def accuracy(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Share of rows in which (prediction >= 0.5) equals the truth."""
    _finite(prediction)
    return _mean(((prediction >= 0.5) == (truth > 0)).astype(np.float64), weights)


def log_loss(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Mean negative log likelihood, in nats, probabilities clipped by 1e-7."""
    _finite(prediction)
    return _mean(row_loss("binary", truth, prediction), weights)


def brier(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Mean squared difference of probability and outcome (Brier 1950)."""
    _finite(prediction)
    return _mean((truth - prediction) ** 2, weights)


def mae(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Mean absolute error, in units of the target."""
    _finite(prediction)
    return _mean(np.abs(truth - prediction), weights)


def rmse(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Root of the mean squared error, in units of the target."""
    squared = brier(truth, prediction, weights)
    return None if squared is None else float(np.sqrt(squared))


def r2(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Share of the target's variance explained; None when the target is constant."""
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


def _weights(truth: Array, weights: Array | None) -> Array:
    return np.ones(truth.size) if weights is None else np.asarray(weights, dtype=np.float64)


def _mean(values: Array, weights: Array | None) -> float | None:
    weight = _weights(values, weights)
    total = float(weight.sum())
    return float(values @ weight / total) if total > 0 else None


def _finite(prediction: Array) -> None:
    if not np.isfinite(prediction).all():
        raise ValueError("a prediction is not a finite number")
