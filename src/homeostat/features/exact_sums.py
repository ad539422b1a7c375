"""Sums over spans of an array, exact, in constant time each.

Differences of floating-point running sums cancel: after one value of 1e300, or after many
rows, what is left of a small window is noise, and the noise depends on where the running sum
began. Here each value is cut into three whole numbers (units 2^20, 2^-20 and 2^-60) whose
running sums are 64-bit integers: their differences are exact, also when a running sum wraps.
So a window's sum depends on the window's rows alone, not on their order or on what came before.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_UNITS = (2.0**20, 2.0**-20, 2.0**-60)
LARGEST = 2.0**60
"""Values of this size and above are left out, as NaN and infinities are."""


class ExactSums:
    """Running sums of ``values``, a 1-d float array; NaN, infinite and huge values are left out.

    Exact down to 2^-60 (8.7e-19) per value, for spans of up to 8 million rows.
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        usable = np.abs(values) < LARGEST  # false for NaN
        rest = np.where(usable, values, 0.0)
        self._limbs = []
        for unit in _UNITS:
            whole = np.trunc(rest / unit)
            self._limbs.append(_running(whole.astype(np.int64)))
            rest = rest - whole * unit
        self._counts = _running(usable.astype(np.int64))

    def between(
        self, start: NDArray[np.int64], end: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Sum and number of usable values in each span ``[start, end)`` of positions."""
        total = np.zeros(start.shape)
        for unit, running in zip(_UNITS, self._limbs, strict=True):
            total += (running[end] - running[start]) * unit
        return total, self._counts[end] - self._counts[start]


def exact_sum(values: Iterable[float | None]) -> tuple[float, int]:
    """Sum and number of usable values, bit for bit as :class:`ExactSums` gives them.

    >>> exact_sum([0.1, 0.2, None, float("nan"), 1e300])
    (0.30000000000000004, 2)
    """
    limbs, count = [0, 0, 0], 0
    for value in values:
        if value is None or not abs(value) < LARGEST:
            continue
        count += 1
        rest = float(value)
        for place, unit in enumerate(_UNITS):
            whole = int(rest / unit)
            limbs[place] += whole
            rest -= whole * unit
    total = 0.0
    for unit, limb in zip(_UNITS, limbs, strict=True):
        total += limb * unit
    return total, count


def _running(values: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = np.zeros(values.size + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
