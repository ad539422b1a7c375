"""A classifier's metrics before its labels are there, from calibrated probabilities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.estimate.calibration_sd import CERTAIN, CalibrationSd
from homeostat.stats.estimate.expected_loss import LOSSES, expected_loss
from homeostat.stats.estimate.label_draws import Cells, cells, drawn
from homeostat.stats.estimate.metric_of_counts import COUNTED, RANKS, expected, measured
from homeostat.stats.result import Result, unable

Array = NDArray[np.float64]
ASSUMED = (
    "the probabilities are calibrated for these rows: what a row's features say of its label is"
    " as it was in the reference, the rows are of kinds seen there, and labels are independent"
)
MAX_CELLS = 1000
"""Labels are drawn for so many groups of rows at most."""
MAX_UNDEFINED = 0.05
"""Largest share of draws in which the metric may be undefined."""


def estimate_binary(
    metric: str,
    score: ArrayLike,
    probability: ArrayLike,
    *,
    threshold: float = 0.5,
    confidence: float = 0.95,
    calibration_sd: CalibrationSd = CERTAIN,
    draws: int = 1000,
    seed: int = 0,
) -> Result:
    """What ``metric`` will probably be on these rows once their labels are known.

    Confidence-based performance estimation (NannyML's CBPE): with the calibrated
    ``probability`` p of each row, a row is p of a positive and 1 - p of a negative one. The
    metrics are ``accuracy``, ``precision``, ``recall``, ``f1``, ``specificity`` (a row is
    predicted positive when its ``score`` is at least ``threshold``), ``roc_auc`` and
    ``average_precision`` (rows ranked by ``score``, ties together), ``brier`` and ``log_loss``
    (``score`` is the stated probability, cut at 1e-7). Both arrays have shape (rows,). The
    estimate is the metric of the expected counts; for ``average_precision`` each positive row
    counts itself, without which it is far too low where positives are rare.

    ``low`` and ``high`` hold the metric that the labels will show, not a long-run mean, with
    probability ``confidence``; ``error_rate`` is the rest. They come from ``draws`` windows of
    labels drawn from p (order statistics, so that this holds on average over seeds), and for
    losses from the variance of the sum, with a term for its skewness. ``calibration_sd`` adds
    how wrong the calibration may be; without it the probabilities are taken as exact. That
    matters: calibrated on 1,500 rows, the interval of 6,000 others held the metric in 56 to
    64 % of trials without it and in 89 to 97 % with it, at a stated 95 % (roc_auc and log_loss
    least).

    It does not see concept drift: when the labels of the same rows change, the estimate does not
    move. Nor does it see rows unlike the reference: see ``trust``. The verdict is *pass* when
    an interval could be given, which says nothing of how good the model is; *inconclusive*
    without rows or where the metric is (or in more than 5 % of draws would be) undefined;
    *error* for a probability outside 0..1. Rows with a NaN or infinity are left out. ValueError
    for other shapes, an unknown metric, or too few draws for the confidence. The same arguments
    give the same answer.

    >>> found = estimate_binary("accuracy", [0.9] * 50 + [0.2] * 50, [0.9] * 50 + [0.2] * 50)
    >>> round(found.estimate, 3), found.low, found.high
    (0.85, 0.78, 0.92)
    """
    _check(metric, threshold, confidence, draws)
    x, p = np.asarray(score, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    if x.ndim != 1 or x.shape != p.shape:
        raise ValueError(f"one score and probability per row are asked, got {x.shape}, {p.shape}")
    kept = np.isfinite(x) & np.isfinite(p)
    skipped = int(x.size - kept.sum())
    x, p = x[kept], p[kept]
    if not x.size:
        return unable("there is no row with a score and a probability", skipped=skipped)
    ranges = [("probability", p), ("score", x)] if metric in LOSSES else [("probability", p)]
    for name, values in ranges:
        if values.min() < 0 or values.max() > 1:
            reason = f"a {name} lies outside 0..1: {values.min():g} to {values.max():g}"
            return Result(Verdict.ERROR, rows=x.size, skipped=skipped, reason=reason)
    if metric in LOSSES:
        estimate, low, high = expected_loss(metric, x, p, confidence, calibration_sd)
        return _answer(metric, estimate, low, high, confidence, x.size, skipped)
    fine = cells(x, p, threshold)
    coarse = cells(x, p, threshold, MAX_CELLS, calibration_sd)
    found = measured(
        metric, coarse, drawn(coarse, draws, np.random.default_rng(seed), calibration_sd)
    )
    return _ranged(metric, fine, coarse, found, confidence, skipped)


def _ranged(
    metric: str, fine: Cells, coarse: Cells, found: Array, confidence: float, skipped: int
) -> Result:
    """The answer from ``found``, the metric of each draw."""
    rows, draws = int(fine.rows.sum()), found.size
    estimate = expected(metric, fine)
    if math.isnan(estimate):
        reason = f"{metric} is undefined on these {rows:,} rows: a class or a prediction is missing"
        return unable(reason, rows=rows, skipped=skipped)
    found = np.sort(found[np.isfinite(found)])
    if found.size < draws * (1 - MAX_UNDEFINED):
        share = 1 - found.size / draws
        reason = f"{metric} would be undefined in {share:.0%} of windows: a class is too rare"
        return Result(Verdict.INCONCLUSIVE, estimate, rows=rows, skipped=skipped, reason=reason)
    # Exact counts need no correction; ranks within a cell of unlike scores do.
    moved = estimate - expected(metric, coarse) if metric in RANKS else 0.0
    outside = max(1, int((found.size + 1) * (1 - confidence) / 2 + 1e-9))
    low, high = found[outside - 1] + moved, found[-outside] + moved
    return _answer(metric, estimate, float(low), float(high), confidence, rows, skipped)


def _check(metric: str, threshold: float, confidence: float, draws: int) -> None:
    known = (*COUNTED, *RANKS, *LOSSES)
    if metric not in known:
        raise ValueError(f"unknown metric {metric!r}; one of {', '.join(known)} is asked")
    if not math.isfinite(threshold):
        raise ValueError(f"the threshold must be a finite number, got {threshold}")
    if not 0 < confidence < 1:
        raise ValueError(f"the confidence lies between 0 and 1, got {confidence}")
    if (draws * (1 - MAX_UNDEFINED) + 1) * (1 - confidence) / 2 < 1:
        raise ValueError(f"{draws} draws are too few for a confidence of {confidence}")


def _answer(
    metric: str,
    estimate: float,
    low: float,
    high: float,
    confidence: float,
    rows: int,
    skipped: int,
) -> Result:
    low, high = min(low, estimate), max(high, estimate)
    if metric != "log_loss":
        low, high = max(low, 0.0), min(high, 1.0)
    reason = (
        f"{metric} of {rows:,} rows is estimated at {estimate:.4g} and will be within"
        f" {low:.4g} and {high:.4g} with a probability of {confidence:g}"
    )
    rate = 1 - confidence
    return Result(
        Verdict.PASS, estimate, low, high, None, rate, rows, skipped, None, ASSUMED, reason
    )
