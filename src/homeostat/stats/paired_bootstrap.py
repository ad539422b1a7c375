"""Interval for the difference of a metric between two models on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.metrics import METRICS, Array, Ranked, oriented

MIN_BLOCKS = 5
"""With fewer blocks no interval is given."""


@dataclass(frozen=True, slots=True)
class PairedInterval:
    """``difference`` is positive when the challenger is better; ``low`` and ``high`` bound it.

    ``low`` and ``high`` are None when no interval can be given; ``note`` then says why.
    """

    challenger: float | None
    champion: float | None
    difference: float | None
    low: float | None
    high: float | None
    blocks: int
    note: str = ""


def paired_bootstrap(
    metric: str,
    truth: Array,
    challenger: Array,
    champion: Array,
    blocks: NDArray[np.int64],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> PairedInterval:
    """Percentile interval of a paired block bootstrap (Efron & Tibshirani 1993, ch. 13).

    Rows are drawn by whole blocks, both models on the same draw, so that dependence within a
    block (rows of the same hour or day) widens the interval as it must. ``truth``,
    ``challenger``, ``champion`` and ``blocks`` (a label per row) have shape (rows,).

    Assumes that blocks are independent and that there are enough of them; below
    ``MIN_BLOCKS`` no interval is given. Coverage falls short of ``confidence`` for few blocks:
    about 0.91 for 20 blocks and 0.94 for 60 at a stated 0.95 (measured in the tests).
    Same arguments, same answer. Undefined metrics (one class) give no interval.
    """
    ours = _evaluator(metric, truth, challenger)
    theirs = _evaluator(metric, truth, champion)
    first, second = ours(None), theirs(None)
    labels, codes = np.unique(blocks, return_inverse=True)
    if first is None or second is None:
        note = "the metric is undefined on these rows (none, or one class only)"
        return PairedInterval(first, second, None, None, None, labels.size, note)
    difference = oriented(metric, first, second)
    if labels.size < MIN_BLOCKS:
        note = f"{labels.size} independent blocks of rows are too few for an interval"
        return PairedInterval(first, second, difference, None, None, labels.size, note)
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        counts = np.bincount(random.integers(labels.size, size=labels.size), minlength=labels.size)
        weights = counts[codes].astype(np.float64)
        one, other = ours(weights), theirs(weights)
        if one is not None and other is not None:
            drawn.append(oriented(metric, one, other))
    if len(drawn) < resamples / 2:
        note = "the metric is undefined in most resamples"
        return PairedInterval(first, second, difference, None, None, labels.size, note)
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return PairedInterval(first, second, difference, float(low), float(high), labels.size)


def _evaluator(
    metric: str, truth: Array, prediction: Array
) -> Callable[[Array | None], float | None]:
    if metric == "auc" and truth.size:
        return Ranked(truth, prediction).auc
    return lambda weights: METRICS[metric](truth, prediction, weights)
