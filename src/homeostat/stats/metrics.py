"""Metrics of a model on rows, each as a function of row weights.

All take ``truth`` and ``prediction`` of shape (rows,) and optional integer or real ``weights``
of shape (rows,): how often each row counts. A bootstrap resample is such a weight vector, so a
metric on a resample costs no copy of the rows. Every function answers None where the metric is
undefined (no rows, no weight, one class only), and raises ValueError on NaN and infinities: a
prediction that is not a number is an error of its maker, never a zero. For the classification
metrics a row is positive when its truth is above 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array, Array, "Array | None"], "float | None"]
"""``(truth, prediction, weights) -> value``; None where the metric is undefined."""
LOSSES = frozenset({"log_loss", "brier", "calibration_error", "mae", "mape", "rmse"})
"""Metrics of which less is better, beside ``pinball_<percent>``."""
CLIP = 1e-7
"""Probabilities are kept this far from 0 and 1 in the logarithmic loss."""
_PINBALL = re.compile(r"pinball_([1-9][0-9]?)")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of the project's own: a function over rows, and which way is better."""

    name: str
    function: Function
    less_is_better: bool


def own(name: str, function: Callable[[Array, Array], float], less_is_better: bool) -> Metric:
    """A metric from ``function(truth, prediction)``, which knows nothing of weights.

    Whole weights repeat rows. A value that is not a finite number counts as undefined.

    >>> bias = own("bias", lambda truth, prediction: float((prediction - truth).mean()), False)
    >>> measure(bias, np.array([1.0, 2.0]), np.array([2.0, 4.0]), np.array([1.0, 3.0]))
    1.75
    """

    def measured(truth: Array, prediction: Array, weights: Array | None) -> float | None:
        _finite(truth, prediction)
        if weights is not None:
            places = np.repeat(np.arange(truth.size), np.asarray(weights, dtype=np.intp))
            truth, prediction = truth[places], prediction[places]
        value = float(function(truth, prediction)) if truth.size else np.nan
        return value if np.isfinite(value) else None

    return Metric(name, measured, less_is_better)


def known(name: str) -> bool:
    """Whether ``name`` is a metric that is built in."""
    return name in METRICS or _PINBALL.fullmatch(name) is not None


def less_is_better(metric: str | Metric) -> bool:
    """Whether a smaller value of ``metric`` is the better one."""
    if isinstance(metric, Metric):
        return metric.less_is_better
    return metric in LOSSES or metric.startswith("pinball_")


def oriented(metric: str | Metric, challenger: float, champion: float) -> float:
    """Difference of two values of ``metric``, positive when the challenger is better."""
    return champion - challenger if less_is_better(metric) else challenger - champion


def measure(
    metric: str | Metric, truth: Array, prediction: Array, weights: Array | None = None
) -> float | None:
    """``metric``, or the one built in of that name; KeyError for one that is not known."""
    if isinstance(metric, Metric):
        return metric.function(truth, prediction, weights)
    percent = _PINBALL.fullmatch(metric)
    if percent is not None:
        return pinball(truth, prediction, weights, int(percent[1]) / 100)
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


def precision(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Share of rows called positive (prediction >= 0.5) that are; None when none is called so.

    >>> precision(np.array([0.0, 1.0]), np.array([0.5, 0.9]))
    0.5
    """
    return _ratio(_both(truth, prediction), _called(prediction), weights)


def recall(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Share of positive rows that are called so (prediction >= 0.5); None when there are none.

    >>> recall(np.array([1.0, 1.0]), np.array([0.4, 0.9]))
    0.5
    """
    return _ratio(_both(truth, prediction), _positive(truth), weights)


def f1(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Harmonic mean of precision and recall; None when nothing is positive or called so.

    >>> f1(np.array([1.0, 1.0, 0.0]), np.array([0.4, 0.9, 0.1]))
    0.6666666666666666
    """
    both = _both(truth, prediction)
    return _ratio(both, (_called(prediction) + _positive(truth)) / 2, weights)


def calibration_error(
    truth: Array, prediction: Array, weights: Array | None = None
) -> float | None:
    """Mean distance of probability and frequency over ten bins of equal width.

    The expected calibration error (Naeini, Cooper & Hauskrecht 2015). It is biased upwards for
    few rows: a calibrated model on n rows has about ``sqrt(10 / n)`` times the spread of the
    outcomes, so compare it between models on the same rows.

    >>> calibration_error(np.array([0.0, 1.0, 1.0, 1.0]), np.full(4, 0.5))
    0.25
    """
    _finite(truth, prediction)
    weight = np.ones(truth.size) if weights is None else np.asarray(weights, dtype=np.float64)
    total = float(weight.sum())
    if total <= 0:
        return None
    places = np.clip((prediction * 10).astype(np.intp), 0, 9)
    gaps = np.bincount(places, weights=weight * (prediction - _positive(truth)), minlength=10)
    return float(np.abs(gaps).sum() / total)


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


def mape(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Mean absolute error as a share of the true value; None when a true value is 0.

    >>> mape(np.array([1.0, 2.0]), np.array([2.0, 1.0]))
    0.75
    """
    absolute = _absolute(truth, prediction)
    return None if (truth == 0).any() else _mean(absolute / np.abs(truth), weights)


def pinball(
    truth: Array, prediction: Array, weights: Array | None = None, quantile: float = 0.5
) -> float | None:
    """Mean pinball loss of a predicted quantile (Koenker & Bassett 1978), in the target's units.

    >>> pinball(np.array([1.0, 2.0]), np.array([2.0, 1.0]), quantile=0.9)
    0.5
    """
    return _mean(_tilted(truth, prediction, quantile), weights)


def rmse(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Root of the mean squared error, in units of the target.

    >>> rmse(np.array([1.0, 2.0]), np.array([4.0, 6.0])) == 12.5 ** 0.5
    True
    """
    squared = brier(truth, prediction, weights)
    return None if squared is None else float(np.sqrt(squared))


def r2(truth: Array, prediction: Array, weights: Array | None = None) -> float | None:
    """Share of the target's variance explained; None when the target is constant or overflows.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    squared = brier(truth, prediction, weights)
    centre = _mean(truth, weights)
    if squared is None or centre is None:
        return None
    variance = _mean((truth - centre) ** 2, weights)
    found = float("nan") if not variance else 1 - squared / variance
    return float(found) if np.isfinite(found) else None


METRICS: dict[str, Function] = {
    "auc": auc,
    "average_precision": average_precision,
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "log_loss": log_loss,
    "brier": brier,
    "calibration_error": calibration_error,
    "mae": mae,
    "mape": mape,
    "rmse": rmse,
    "r2": r2,
}
"""Every metric by its name in the project file, beside ``pinball_<percent>``."""


def row_values(metric: str | Metric, truth: Array, prediction: Array) -> Array | None:
    """What each row adds to a metric that is a mean over rows; None for the other metrics."""
    if isinstance(metric, Metric):
        return None
    percent = _PINBALL.fullmatch(metric)
    if percent is not None:
        return _tilted(truth, prediction, int(percent[1]) / 100)
    if metric == "mape":
        return None if (truth == 0).any() else _absolute(truth, prediction) / np.abs(truth)
    of_rows = _ROWS.get(metric)
    return of_rows(truth, prediction) if of_rows is not None else None


def _tilted(truth: Array, prediction: Array, quantile: float) -> Array:
    _finite(truth, prediction)
    short = truth - prediction
    return np.asarray(np.maximum(quantile * short, (quantile - 1) * short))


def _called(prediction: Array) -> Array:
    return np.asarray(prediction >= 0.5, dtype=np.float64)


def _positive(truth: Array) -> Array:
    return np.asarray(truth > 0, dtype=np.float64)


def _both(truth: Array, prediction: Array) -> Array:
    _finite(truth, prediction)
    return _called(prediction) * _positive(truth)


def _ratio(part: Array, whole: Array, weights: Array | None) -> float | None:
    over, under = _mean(part, weights), _mean(whole, weights)
    return None if over is None or not under else over / under


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


_ROWS: dict[str, Callable[[Array, Array], Array]] = {
    "accuracy": _hits,
    "log_loss": partial(row_loss, "binary"),
    "brier": partial(row_loss, "regression"),
    "mae": _absolute,
}
"""Metrics that are means over rows, by what each row adds."""
