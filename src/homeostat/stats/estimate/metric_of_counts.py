"""Metrics of a binary classifier from counts per cell of rows, for many windows at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.estimate.label_draws import Cells

Array = NDArray[np.float64]
COUNTED = ("accuracy", "precision", "recall", "f1", "specificity")
RANKS = ("roc_auc", "average_precision")


def expected(metric: str, of: Cells) -> float:
    """The metric of the expected counts; NaN where it is undefined.

    For ``average_precision`` a positive row finds itself for certain and the others with their
    probability: the mean of the numerator, by the mean number of positives.

    >>> from homeostat.stats.estimate.label_draws import cells
    >>> expected("roc_auc", cells(np.array([0.1, 0.9]), np.array([0.0, 1.0]), 0.5))
    1.0
    """
    if metric != "average_precision":
        return float(measured(metric, of, of.positive[None, :])[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = of.positive[::-1]
        found = np.cumsum(positive)
        each = positive * (1 + found) - of.squares[::-1]
        return float((each / np.cumsum(of.rows[::-1])).sum() / found[-1])


def measured(metric: str, of: Cells, positive: Array) -> Array:
    """The metric of ``positive`` counts of shape (draws, cells), shape (draws,).

    Rows of one cell are taken as tied. NaN where the metric is undefined: no row of a class, or
    for precision no row predicted positive.

    >>> from homeostat.stats.estimate.label_draws import cells
    >>> of = cells(np.array([0.1, 0.9]), np.array([0.5, 0.5]), 0.5)
    >>> measured("recall", of, np.array([[1.0, 1.0], [0.0, 1.0]])).tolist()
    [0.5, 1.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if metric in COUNTED:
            return _counted(metric, of, positive)
        total = positive.sum(axis=1)
        if metric == "roc_auc":
            negative = of.rows - positive
            below = np.cumsum(negative, axis=1) - negative / 2
            return np.asarray((positive * below).sum(axis=1) / (total * negative.sum(axis=1)))
        found = np.cumsum(positive[:, ::-1], axis=1)
        precision = found / np.cumsum(of.rows[::-1])
        return np.asarray((positive[:, ::-1] * precision).sum(axis=1) / total)


def _counted(metric: str, of: Cells, positive: Array) -> Array:
    tp, fn = positive[:, of.above].sum(axis=1), positive[:, ~of.above].sum(axis=1)
    above, rows = float(of.rows[of.above].sum()), float(of.rows.sum())
    if metric == "accuracy":
        return np.asarray((tp + rows - above - fn) / rows)
    if metric == "precision":
        return np.asarray(tp / np.full_like(tp, above))
    if metric == "recall":
        return np.asarray(tp / (tp + fn))
    if metric == "f1":
        return np.asarray(2 * tp / (above + tp + fn))
    return np.asarray((rows - above - fn) / (rows - tp - fn))
