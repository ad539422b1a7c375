"""Interval by resampling whole blocks of rows, for metrics that have no simpler one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.compare.resampled import Resampled, resampled
from homeostat.stats.metrics import Array, Metric, oriented

MAX_UNDEFINED = 0.05
"""Largest share of resamples in which the metric may be undefined."""
JACKKNIFE = 200
"""At most so many groups of blocks are left out in turn to measure the skewness."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """``low`` and ``high`` bound the difference; ``error`` is its standard error. Or a note."""

    low: float | None = None
    high: float | None = None
    error: float | None = None
    note: str = ""


def paired_bootstrap(
    metric: str | Metric,
    truth: Array,
    challenger: Array,
    champion: Array,
    codes: NDArray[np.intp],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Drawn:
    """Two-sided BCa interval of a paired block bootstrap (Efron 1987; Efron & Tibshirani 1993).

    Rows are drawn by whole blocks, both models on the same draw, so that dependence within a
    block (rows of the same hour or day) widens the interval as it must. All arrays have shape
    (rows,); ``codes`` number the blocks from 0. The bias is corrected by the share of resamples
    below the estimate, the skewness by leaving out blocks in turn (in at most 200 groups), and
    few blocks by the expanded tails of Hesterberg (2015): those of t with blocks - 1 degrees of
    freedom.

    Error rate: at a stated 0.95 the interval of average precision held the truth in 0.89 to 0.94
    of samples, with 20 to 100 blocks and 1 to 50 % positive rows. It does not see dependence
    between blocks. Models that answer alike give an interval of width zero. A metric
    that is undefined in more than 5 % of resamples gives no interval, and a note. Same
    arguments, same answer.
    """
    assert resamples > 0, resamples
    blocks = int(codes.max(initial=-1)) + 1
    if blocks < 2:
        return Drawn(note=f"{blocks} blocks of rows are too few to draw from")
    ours = resampled(metric, truth, challenger, codes)
    theirs = resampled(metric, truth, champion, codes)
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        chosen = random.integers(blocks, size=blocks)
        value = _difference(metric, ours, theirs, np.bincount(chosen, minlength=blocks))
        if value is not None:
            drawn.append(value)
    if len(drawn) < resamples * (1 - MAX_UNDEFINED):
        share = 1 - len(drawn) / resamples
        return Drawn(
            note=f"the metric is undefined in {share:.0%} of resamples: one class is too rare"
        )
    values = np.array(drawn)
    centre = _difference(metric, ours, theirs, np.ones(blocks))
    assert centre is not None
    tails = _expanded(blocks, confidence)
    ends = _bca(values, centre, _skewness(metric, ours, theirs, blocks), tails)
    low, high = np.quantile(values, ends)
    return Drawn(float(low), float(high), float(values.std(ddof=1)))


def _difference(
    metric: str | Metric, ours: Resampled, theirs: Resampled, counts: NDArray[np.generic]
) -> float | None:
    weights = counts.astype(np.float64)
    one, other = ours(weights), theirs(weights)
    return None if one is None or other is None else oriented(metric, one, other)


def _skewness(metric: str | Metric, ours: Resampled, theirs: Resampled, blocks: int) -> float:
    """The acceleration: skewness of the estimate, from leaving out groups of blocks in turn."""
    groups = np.arange(blocks) * min(blocks, JACKKNIFE) // blocks
    left = []
    for group in range(int(groups.max()) + 1):
        value = _difference(metric, ours, theirs, groups != group)
        if value is not None:
            left.append(value)
    centred = np.mean(left) - np.array(left)
    spread = float((centred**2).sum())
    return float((centred**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0


def _expanded(blocks: int, confidence: float) -> Array:
    """Normal deviates of the interval's ends, as far out as few blocks ask for."""
    from scipy.stats import t

    reach = float(t.ppf(0.5 + confidence / 2, blocks - 1)) * np.sqrt(blocks / (blocks - 1))
    return np.array([-reach, reach])


def _bca(values: Array, centre: float, skewness: float, tails: Array) -> Array:
    """Which quantiles of the draws are the interval's ends."""
    from scipy.stats import norm

    below = float((values < centre).mean() + (values == centre).mean() / 2)
    edge = 1 / (2 * values.size)
    bias = float(norm.ppf(min(max(below, edge), 1 - edge)))
    shifted = bias + tails
    return np.asarray(norm.cdf(bias + shifted / (1 - skewness * shifted)))
