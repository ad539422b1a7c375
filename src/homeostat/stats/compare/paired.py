"""The difference of a metric between two models on the same rows, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.compare.clustered_mean import clustered_mean
from homeostat.stats.compare.influence import influence
from homeostat.stats.compare.mcnemar import score_interval
from homeostat.stats.compare.paired_bootstrap import paired_bootstrap
from homeostat.stats.metrics import Array, Metric, measure, oriented

MIN_BLOCKS = 10
"""With fewer blocks no interval is given: it would be far too narrow."""
MIN_CLASS_BLOCKS = 5
"""A rank metric asks for so many blocks with rows of either class."""
_CLASSES = ("auc", "average_precision", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class PairedInterval:
    """``difference`` is positive when the challenger is better; ``low`` and ``high`` bound it.

    ``error`` is the standard error of the difference, and ``blocks`` the number of independent
    blocks of rows behind it. ``low``, ``high`` and ``error`` are None when no interval can be
    given; ``note`` then says why. ``method`` names how the interval was made.
    """

    challenger: float | None
    champion: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    blocks: int = 0
    note: str = ""
    error: float | None = None
    method: str = ""


def paired(
    metric: str | Metric,
    truth: Array,
    challenger: Array,
    champion: Array,
    blocks: NDArray[np.int64],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> PairedInterval:
    """Two-sided interval for the oriented difference of ``metric``, by the method that fits it.

    * Accuracy of rows that stand alone: the score interval for paired shares (Tango 1998), which
      also holds when no or few rows differ.
    * AUC, precision, recall, F1, means over rows, RMSE, R2: the influence of each row
      (:mod:`homeostat.stats.compare.influence`; for the AUC that is DeLong's test), added up by
      block (Obuchowski 1997), with a t interval of blocks - 1 degrees of freedom.
    * Calibration error: none. Its bias depends on the model and on the number of rows, so that
      no interval for a difference holds; log loss and Brier score have one, and see the same.
    * Anything else: a paired block bootstrap, BCa.

    ``truth``, ``challenger``, ``champion`` and ``blocks`` (a label per row) have shape (rows,).
    Assumes independent blocks, whatever goes on within them. At a stated 0.95 the tests measure
    0.93 to 0.97 from 10 blocks on for the first two; the bootstrap's file says its own. Fewer
    than 10 blocks, a class that stands in fewer than 5 of them, or a metric that is undefined
    give no interval, and a note that says so. NaN raises ValueError. It does not see dependence
    between blocks: prefer longer ones.

    >>> truth = np.tile([0.0, 1.0], 50)
    >>> found = paired("brier", truth, truth, 1 - truth, np.arange(100),
    ...                confidence=0.95, resamples=100, seed=1)
    >>> found.difference, found.low, found.high
    (1.0, 1.0, 1.0)
    """
    first, second = measure(metric, truth, challenger), measure(metric, truth, champion)
    labels, codes = np.unique(blocks, return_inverse=True)
    known = PairedInterval(first, second, blocks=labels.size)
    if first is None or second is None:
        return _without(known, "the metric is undefined on these rows (none, or one class only)")
    difference = oriented(metric, first, second)
    if not np.isfinite(difference):
        return _without(known, "the metric is larger than any float on these rows")
    known = PairedInterval(first, second, difference, blocks=labels.size)
    problem = _too_few(metric, truth, codes, labels.size)
    if problem:
        return _without(known, problem)
    if metric == "accuracy" and labels.size == truth.size:
        return _shares(known, truth, challenger, champion, confidence)
    ours = influence(metric, truth, challenger, first)
    theirs = influence(metric, truth, champion, second)
    if ours is not None and theirs is not None:
        return _smooth(known, oriented_rows(metric, ours, theirs), codes, confidence)
    drawn = paired_bootstrap(
        metric, truth, challenger, champion, codes,
        confidence=confidence, resamples=resamples, seed=seed,
    )  # fmt: skip
    return PairedInterval(
        first, second, known.difference, drawn.low, drawn.high, labels.size, drawn.note,
        drawn.error, "paired block bootstrap (BCa)",
    )  # fmt: skip


def oriented_rows(metric: str | Metric, ours: Array, theirs: Array) -> Array:
    """Difference row by row, positive when the challenger is better."""
    return np.asarray(oriented(metric, ours, theirs))  # type: ignore[arg-type]


def _too_few(metric: str | Metric, truth: Array, codes: NDArray[np.intp], blocks: int) -> str:
    if metric == "calibration_error":
        return "the calibration error has no interval that holds; log_loss and brier have one"
    if blocks < MIN_BLOCKS:
        return f"{blocks} independent blocks of rows are too few for an interval"
    if metric in _CLASSES:
        for name, rows in (("positive", truth > 0), ("negative", truth <= 0)):
            held = int(np.count_nonzero(np.bincount(codes[rows])))
            if held < MIN_CLASS_BLOCKS:
                return f"only {held} independent blocks have {name} rows: too few for an interval"
    return ""


def _without(known: PairedInterval, note: str) -> PairedInterval:
    return PairedInterval(
        known.challenger, known.champion, known.difference, blocks=known.blocks, note=note
    )


def _shares(
    known: PairedInterval, truth: Array, challenger: Array, champion: Array, confidence: float
) -> PairedInterval:
    ours, theirs = ((p >= 0.5) == (truth > 0) for p in (challenger, champion))
    won, lost = int((ours & ~theirs).sum()), int((~ours & theirs).sum())
    low, high = score_interval(won, lost, truth.size, confidence)
    error = float(np.sqrt(max(won + lost - (won - lost) ** 2 / truth.size, 1.0))) / truth.size
    return PairedInterval(
        known.challenger, known.champion, known.difference, low, high, known.blocks, "",
        error, "McNemar, score interval (Tango)",
    )  # fmt: skip


def _smooth(
    known: PairedInterval, rows: Array, codes: NDArray[np.intp], confidence: float
) -> PairedInterval:
    assert known.difference is not None
    mean = clustered_mean(rows, codes.astype(np.int64), confidence)
    if mean.rows < rows.size or mean.low is None or mean.high is None:
        return _without(known, "what a row adds to the metric is larger than any float")
    return PairedInterval(
        known.challenger, known.champion, known.difference,
        known.difference + min(mean.low, 0.0), known.difference + max(mean.high, 0.0),
        known.blocks, "", mean.error, "cluster-robust t interval of row influences",
    )  # fmt: skip
