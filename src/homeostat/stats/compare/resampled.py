"""A metric made ready to be computed on many draws of whole blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.compare.block_auc import BlockAuc
from homeostat.stats.metrics import Array, Metric, Ranked, measure, row_values

FEW_BLOCKS = 400
"""Up to so many blocks the AUC is computed from wins between blocks."""

Resampled = Callable[[Array], "float | None"]
"""The metric when block ``i`` counts ``counts[i]`` times; ``counts`` has shape (blocks,)."""


def resampled(
    metric: str | Metric, truth: Array, prediction: Array, codes: NDArray[np.intp]
) -> Resampled:
    """``metric`` made ready to be computed on many draws of whole blocks.

    ``codes`` of shape (rows,) number the blocks from 0. A draw costs as much as there are blocks
    for means and for the AUC of few blocks, and as much as there are rows otherwise.
    """
    if metric == "auc" and codes.size and int(codes.max()) < FEW_BLOCKS:
        return BlockAuc(truth, prediction, codes).auc
    if metric in ("auc", "average_precision"):
        ranked = Ranked(truth, prediction)
        of = ranked.auc if metric == "auc" else ranked.average_precision
        return lambda counts: of(counts[codes])
    values = row_values(metric, truth, prediction)
    if values is None:
        return lambda counts: measure(metric, truth, prediction, counts[codes])
    sums = np.bincount(codes, weights=values)
    sizes = np.bincount(codes).astype(np.float64)
    return lambda counts: float(counts @ sums / (counts @ sizes))
