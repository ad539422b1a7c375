"""Evidently's PSI and Jensen-Shannon distance restated over numpy alone, to be checked against.

As in evidently 0.7.23, ``evidently/legacy/calculations/stattests``: ``utils.get_binned_data``,
``psi._psi`` and ``jensenshannon._jensenshannon``; the cleaning is that of
``legacy/calculations/data_drift.get_one_column_drift``. Its docstring says bins are "based on
reference quantiles" and the signature says 30 of them. Neither is so for numbers: the bins are of
equal width, their number is Sturges' over both samples together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FEW = 20
"""A reference with at most so many distinct values is compared value by value."""


def cleaned(column: Any) -> np.ndarray:
    """A column of numbers without NaN and infinities."""
    values = np.asarray(column)
    return values[np.isfinite(values)]


def edges(reference: np.ndarray, current: np.ndarray) -> np.ndarray | None:
    """Bin edges for two cleaned columns, or None where each value is a bin of its own.

    n = both samples' size together, k = ceil(range / (range / (log2(n) + 1))): k equal bins from
    the smallest to the largest value of both. Whole numbers get bins at least 1 wide. Each bin is
    closed on the left, the last on both sides. The bins move with the current data.
    """
    if len(np.unique(reference)) <= FEW:
        return None
    return np.histogram_bin_edges(np.concatenate([reference, current]), bins="sturges")


def shares(reference: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The share of each sample in each bin, nothing filled in."""
    found = edges(reference, current)
    if found is not None:
        before, after = np.histogram(reference, found)[0], np.histogram(current, found)[0]
    else:
        keys = np.union1d(reference, current)
        before = np.array([np.count_nonzero(reference == key) for key in keys])
        after = np.array([np.count_nonzero(current == key) for key in keys])
    return before / len(reference), after / len(current)


def filled(share: np.ndarray) -> np.ndarray:
    """Empty bins get 0.0001, or the smallest share / 1e6 where that share is <= 0.0001.

    Each side by its own smallest share; the sum is not brought back to 1.
    """
    smallest = share[share != 0].min()
    return np.where(share == 0, smallest / 10**6 if smallest <= 0.0001 else 0.0001, share)


def psi(reference: Any, current: Any) -> float:
    """``sum((r - c) * ln(r / c))`` over the filled shares."""
    before, after = (filled(side) for side in shares(cleaned(reference), cleaned(current)))
    return float(np.sum((before - after) * np.log(before / after)))


def jensen_shannon(reference: Any, current: Any) -> float:
    """The distance (the root of the divergence), natural logarithm, nothing filled in.

    At most ``sqrt(ln 2)`` = 0.8326.
    """
    before, after = (side / side.sum() for side in shares(cleaned(reference), cleaned(current)))
    middle = (before + after) / 2
    return float(np.sqrt((_divergence(before, middle) + _divergence(after, middle)) / 2))


def _divergence(share: np.ndarray, middle: np.ndarray) -> float:
    used = share > 0
    return float(np.sum(share[used] * np.log(share[used] / middle[used])))
