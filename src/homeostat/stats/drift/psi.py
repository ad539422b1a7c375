"""The population stability index: how far one distribution over fixed bins is from another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

SMOOTHING = 0.5
"""Added to each bin's count, so that an empty bin gives a finite value."""


def psi(expected: ArrayLike, actual: ArrayLike) -> float | None:
    """PSI of two count vectors over the same bins, both of shape (bins,).

    ``sum((a - e) * ln(a / e))`` over bin shares a and e: the symmetrised Kullback-Leibler
    divergence (Jeffreys 1946; as PSI in Siddiqi, "Credit Risk Scorecards", 2006). Counts get
    +0.5 before they become shares (the Jeffreys prior of a multinomial), which bounds the value
    of an empty bin. Bins that are empty on both sides are left out.

    None when either side has no rows or a count is negative or not finite. Under no drift the
    expectation is about ``(bins - 1) * (1/n_expected + 1/n_actual)`` (Yurdakul 2018): small
    samples give large values by chance alone, which is why callers ask for a number of rows.
    It does not see a change within a bin.

    >>> psi([50, 50], [50, 50])
    0.0
    >>> round(psi([100, 100], [150, 50]), 3)
    0.272
    >>> psi([0, 0], [1, 2]) is None
    True
    """
    before = np.asarray(expected, dtype=np.float64)
    after = np.asarray(actual, dtype=np.float64)
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError(f"count vectors of one shape are asked, got {before.shape}, {after.shape}")
    counts = np.concatenate([before, after])
    if not np.isfinite(counts).all() or (counts < 0).any():
        return None
    if before.sum() == 0 or after.sum() == 0:
        return None
    used = (before > 0) | (after > 0)
    before, after = before[used] + SMOOTHING, after[used] + SMOOTHING
    share_before, share_after = before / before.sum(), after / after.sum()
    return float(np.sum((share_after - share_before) * np.log(share_after / share_before)))
