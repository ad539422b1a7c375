"""How much each row moves a metric: the way to an interval for dependent rows, without drawing.

A smooth metric on n rows is its true value plus the mean of one number per row, its influence,
up to terms that vanish faster (Hampel 1974). So the interval of a metric is that of a mean, and
rows that belong together are dealt with as for any mean: by adding them up.
"""

from __future__ import annotations

import numpy as np

from homeostat.stats.metrics import Array, Metric, measure, row_values


def influence(
    metric: str | Metric, truth: Array, prediction: Array, value: float | None = None
) -> Array | None:
    """The influence of each row on ``metric``: shape (rows,), mean zero, in the metric's units.

    ``value`` is the metric on these rows, where it is known already.

    Means over rows: the row's value less the mean. AUC: the placement values of DeLong, DeLong &
    Clarke-Pearson (1988), which give DeLong's variance. Precision, recall, F1, RMSE and R2: the
    delta method for a ratio of means. None for metrics that have none in closed form (average
    precision, calibration error, a project's own), and where the metric is undefined.

    >>> influence("mae", np.zeros(2), np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    if value is None:
        value = measure(metric, truth, prediction)
    if value is None:
        return None
    values = row_values(metric, truth, prediction)
    if values is not None:
        return values - value
    if metric == "auc":
        return _auc(truth, prediction, value)
    if metric in ("precision", "recall", "f1"):
        return _share(str(metric), truth, prediction, value)
    if metric in ("rmse", "r2"):
        return _squares(str(metric), truth, prediction, value)
    return None


def placements(truth: Array, prediction: Array) -> Array:
    """For each row the share of rows of the other class that it is in the right order with.

    Ties count one half. By ranks, in rows x log(rows) steps (Sun & Xu 2014). Shape (rows,). The
    mean over the positive rows is the AUC, and so is that over the negative ones.

    >>> placements(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.9]))
    array([0.75, 0.5 , 1.  ])
    """
    positive = truth > 0
    order = np.argsort(prediction, kind="stable")
    ranked, sides = prediction[order], positive[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])[: ranked.size])
    sizes = np.diff(np.append(starts, ranked.size))
    ups = np.add.reduceat(sides.astype(np.float64), starts)
    downs = sizes - ups
    below = np.cumsum(downs) - downs + downs / 2
    above = ups.sum() - np.cumsum(ups) + ups / 2
    found = np.empty(truth.size)
    found[order] = np.where(
        sides, np.repeat(below, sizes) / downs.sum(), np.repeat(above, sizes) / ups.sum()
    )
    return found


def _auc(truth: Array, prediction: Array, value: float) -> Array:
    positive = truth > 0
    share = float(positive.mean())
    return (placements(truth, prediction) - value) / np.where(positive, share, 1 - share)


def _share(metric: str, truth: Array, prediction: Array, value: float) -> Array:
    called = (prediction >= 0.5).astype(np.float64)
    positive = (truth > 0).astype(np.float64)
    whole = {"precision": called, "recall": positive, "f1": (called + positive) / 2}[metric]
    return np.asarray((called * positive - value * whole) / whole.mean())


def _squares(metric: str, truth: Array, prediction: Array, value: float) -> Array:
    squared = (truth - prediction) ** 2
    if metric == "rmse":
        return (squared - value**2) / (2 * value) if value > 0 else np.zeros(truth.size)
    spread = (truth - truth.mean()) ** 2
    return np.asarray((squared.mean() / spread.mean() * spread - squared) / spread.mean())
