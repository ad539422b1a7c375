"""A regression model's error before its true values are there, from predicted losses."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable

Array = NDArray[np.float64]
METRICS = ("mae", "mse", "rmse")
MIN_PAIRS = 30
"""With fewer reference pairs no interval is given."""
ASSUMED = (
    "the loss model errs on these rows as it did on the reference rows it was not fitted on, and"
    " rows are independent"
)


def estimate_loss(
    metric: str,
    predicted: ArrayLike,
    reference_predicted: ArrayLike,
    reference_loss: ArrayLike,
    *,
    confidence: float = 0.95,
) -> Result:
    """What ``metric`` will probably be on these rows once their true values are known.

    Direct loss estimation (NannyML's DLE). ``predicted``, shape (rows,), is what a loss model,
    fitted elsewhere, expects of each row: the absolute error for ``mae``, the squared one for
    ``mse`` and ``rmse`` (whose root is taken of the mean). ``reference_predicted`` and
    ``reference_loss``, both of shape (pairs,), are what it expected of reference rows *out of
    fold* and what their loss was, in the same units.

    The bias of the loss model is the mean of (loss - predicted) over the pairs, and ``p_value``
    that of a two-sided t test of no bias. The estimate is the mean of ``predicted``, plus the
    bias where the p-value is below ``1 - confidence``. The interval is that of a mean of n new
    rows, ``mean + bias -+ t * s * sqrt(1/n + 1/pairs)`` with the standard deviation s of (loss -
    predicted): the first term is the chance in these rows, the second what the pairs cannot
    tell. It is centred on the corrected mean always, since to correct only now and then would
    make it miss too often. It holds the error that the true values will show with probability
    ``confidence``, for windows and references so large that means are about normal; with 30
    rows of squared normal errors 0.94 was measured at a stated 0.95.

    It does not see concept drift: the estimate depends on features only. Nor a bias that holds
    for a part of the rows and so changes with their mixture. The verdict is *pass* when an
    interval could be given, which says nothing of how good the model is; *inconclusive* without
    rows or with fewer than 30 pairs; *error* for a negative reference loss. Rows and pairs with
    a NaN or infinity are left out; ``skipped`` counts both. ValueError for other shapes, an
    unknown metric or an impossible confidence.

    >>> loss = np.random.default_rng(1).exponential(size=1000)
    >>> found = estimate_loss("mae", np.ones(100), np.ones(1000), loss)
    >>> round(found.estimate, 3), round(found.low, 3), round(found.high, 3)
    (1.0, 0.797, 1.22)
    """
    if metric not in METRICS:
        raise ValueError(f"unknown metric {metric!r}; one of {', '.join(METRICS)} is asked")
    if not 0 < confidence < 1:
        raise ValueError(f"the confidence lies between 0 and 1, got {confidence}")
    window, before, loss, skipped = _finite(predicted, reference_predicted, reference_loss)
    if (loss < 0).any():
        reason = f"a loss is never negative, and one of the reference is {loss.min():g}"
        return Result(Verdict.ERROR, rows=window.size, skipped=skipped, reason=reason)
    if not window.size:
        return unable("there is no row with a predicted loss", skipped=skipped)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, error = float(window.mean()), loss - before
        bias = float(error.mean()) if error.size else 0.0
        sd = float(error.std(ddof=1)) if error.size > 1 else 0.0
    if not math.isfinite(mean + bias + sd):
        return unable("the losses are too large to add up", rows=window.size, skipped=skipped)
    if error.size < MIN_PAIRS:
        reason = f"{error.size} reference pairs are too few to know the error of the loss model"
        estimate = _scaled(metric, mean)
        return Result(
            Verdict.INCONCLUSIVE, estimate, rows=window.size, skipped=skipped, reason=reason
        )
    return _answer(metric, mean, bias, sd, window.size, error.size, skipped, confidence)


def _finite(
    predicted: ArrayLike, reference_predicted: ArrayLike, reference_loss: ArrayLike
) -> tuple[Array, Array, Array, int]:
    window = np.asarray(predicted, dtype=np.float64)
    before = np.asarray(reference_predicted, dtype=np.float64)
    loss = np.asarray(reference_loss, dtype=np.float64)
    if window.ndim != 1 or before.ndim != 1 or before.shape != loss.shape:
        shapes = f"{window.shape}, {before.shape}, {loss.shape}"
        raise ValueError(f"arrays of shape (rows,), (pairs,), (pairs,) are asked, got {shapes}")
    kept, paired = np.isfinite(window), np.isfinite(before) & np.isfinite(loss)
    skipped = int((~kept).sum() + (~paired).sum())
    return window[kept], before[paired], loss[paired], skipped


def _answer(
    metric: str,
    mean: float,
    bias: float,
    sd: float,
    rows: int,
    pairs: int,
    skipped: int,
    confidence: float,
) -> Result:
    from scipy.special import stdtr, stdtrit

    if sd > 0:
        p_value = 2 * float(stdtr(pairs - 1, -abs(bias) * math.sqrt(pairs) / sd))
    else:
        p_value = 1.0 if bias == 0 else 0.0
    corrected = p_value < 1 - confidence
    estimate = mean + bias if corrected else mean
    reach = float(stdtrit(pairs - 1, 0.5 + confidence / 2)) * sd * math.sqrt(1 / rows + 1 / pairs)
    low, high = min(mean + bias - reach, estimate), max(mean + bias + reach, estimate)
    estimate, low, high = (_scaled(metric, value) for value in (estimate, low, high))
    what = "corrected for" if corrected else "not corrected for"
    reason = (
        f"{metric} of {rows:,} rows is estimated at {estimate:.4g} and will be within {low:.4g}"
        f" and {high:.4g} with a probability of {confidence:g}, {what} the loss model's bias of"
        f" {bias:.4g} (p = {p_value:.2g}, {pairs:,} pairs)"
    )
    rate = 1 - confidence
    return Result(
        Verdict.PASS, estimate, low, high, p_value, rate, rows, skipped, None, ASSUMED, reason
    )


def _scaled(metric: str, mean: float) -> float:
    """A mean loss as the metric; no metric is below 0, whatever was predicted."""
    value = max(mean, 0.0)
    return math.sqrt(value) if metric == "rmse" else value
