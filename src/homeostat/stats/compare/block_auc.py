"""AUC of rows drawn by whole blocks, from one matrix of wins between blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.stats.metrics import Array


class BlockAuc:
    """AUC of one prediction when block ``i`` counts ``counts[i]`` times, for many ``counts``.

    AUC is the share of pairs of a positive and a negative row that are in the right order, ties
    counted one half (Hanley & McNeil 1982). Pairs fall into pairs of blocks, so with
    ``wins[i, j]``, the pairs won by positives of block ``i`` over negatives of block ``j``, it
    is ``counts @ wins @ counts`` over all pairs: exact, and independent of the number of rows.
    Building takes blocks x rows x log(rows) steps, so it pays for few blocks.

    ``truth``, ``prediction`` and ``codes`` have shape (rows,); ``codes`` number the blocks from
    0. Equals :class:`homeostat.stats.metrics.Ranked` with row weights ``counts[codes]``, up to
    rounding. Raises ValueError for a prediction that is not a finite number.

    >>> both = BlockAuc(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.9, 0.5, 0.2]),
    ...                 np.array([0, 0, 1, 1]))
    >>> both.auc(np.array([1.0, 1.0])), both.auc(np.array([1.0, 0.0]))
    (0.75, 1.0)
    """

    def __init__(self, truth: Array, prediction: Array, codes: NDArray[np.intp]) -> None:
        if not np.isfinite(prediction).all():
            raise ValueError("a prediction is not a finite number")
        blocks = int(codes.max()) + 1 if codes.size else 0
        positive = truth > 0
        order = np.argsort(prediction[positive])
        winners, owners = prediction[positive][order], codes[positive][order]
        losers, sides = prediction[~positive], codes[~positive]
        self._wins = np.zeros((blocks, blocks))
        self._positives = np.bincount(owners, minlength=blocks).astype(np.float64)
        self._negatives = np.bincount(sides, minlength=blocks).astype(np.float64)
        for block in range(blocks):
            beaten = np.sort(losers[sides == block])
            below = np.searchsorted(beaten, winners, side="left")
            not_above = np.searchsorted(beaten, winners, side="right")
            won = (below + not_above) / 2
            self._wins[:, block] = np.bincount(owners, weights=won, minlength=blocks)

    def auc(self, counts: Array) -> float | None:
        """The AUC; None when only one class is drawn. ``counts`` has shape (blocks,)."""
        pairs = float(counts @ self._positives) * float(counts @ self._negatives)
        return float(counts @ self._wins @ counts) / pairs if pairs > 0 else None
