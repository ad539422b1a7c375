"""One model's metric with an interval, for rows that go together in blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.compare.clustered_mean import clustered_mean
from homeostat.stats.compare.influence import influence
from homeostat.stats.metrics import Array, Metric, measure
from homeostat.stats.result import Result, unable

ASSUMED = "independent blocks of rows"


def metric_interval(
    metric: str | Metric,
    truth: Array,
    prediction: Array,
    blocks: NDArray[np.int64],
    *,
    confidence: float = 0.95,
) -> Result:
    """``metric`` and a two-sided interval by the influence of each row, added up by block.

    ``truth``, ``prediction`` and ``blocks`` (a label per row) have shape (rows,). The interval is
    that of :func:`homeostat.stats.compare.clustered_mean.clustered_mean` around the value, with
    ``error_rate`` ``1 - confidence`` of missing the true value. A metric without influences
    (average precision, calibration error, a project's own) has a value and no interval, and so
    has one on fewer than 5 blocks: *inconclusive*, as without rows or where it is undefined or
    larger than any float. Rows with a NaN are left out and counted. The verdict *pass* says that
    an interval could be given, not that the model is good.

    >>> found = metric_interval("mae", np.zeros(8), np.arange(8.0), np.arange(8))
    >>> found.estimate, round(found.low, 2), round(found.high, 2)
    (3.5, 1.45, 5.55)
    """
    kept = np.isfinite(truth) & np.isfinite(prediction)
    skipped = int(truth.size - kept.sum())
    truth, prediction, blocks = truth[kept], prediction[kept], blocks[kept]
    value = measure(metric, truth, prediction) if truth.size else None
    if value is None:
        return unable("the metric is undefined on these rows", rows=truth.size, skipped=skipped)
    if not np.isfinite(value):
        reason = "the metric is larger than any float on these rows"
        return unable(reason, rows=truth.size, skipped=skipped)
    rows = influence(metric, truth, prediction)
    if rows is not None and not np.isfinite(rows).all():
        rows = None
    found = None if rows is None else clustered_mean(rows, blocks, confidence)
    if found is None or found.low is None or found.high is None:
        reason = "the metric has no interval" if found is None else "too few blocks of rows"
        return Result(Verdict.INCONCLUSIVE, value, rows=truth.size, skipped=skipped, reason=reason)
    low, high = value + min(found.low, 0.0), value + max(found.high, 0.0)  # 0 but for rounding
    if not np.isfinite(high - low):
        reason = "the interval is wider than any float"
        return Result(Verdict.INCONCLUSIVE, value, rows=truth.size, skipped=skipped, reason=reason)
    return Result(
        Verdict.PASS,
        value,
        low,
        high,
        error_rate=1 - confidence,
        rows=truth.size,
        skipped=skipped,
        assumed=ASSUMED,
        reason=f"{value:.4g} on {truth.size:,} rows in {found.blocks:,} blocks",
    )
