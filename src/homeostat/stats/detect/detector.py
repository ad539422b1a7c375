"""What the detectors of a change in a stream share: which values count, and the answer's form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result

LARGEST = 1e100
"""A finite value beyond this counts as this, so that sums and squares stay finite."""
RECENT = 100
"""The present level is the mean of so many last values, or of all when they are fewer."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change found after ``rows`` values: the level ``before`` it and ``after`` it."""

    rows: int
    before: float
    after: float


class Detector(ABC):
    """A stream that looks for a change and stays at *fail* once it found one.

    ``error_rate`` is the probability of any alarm within ``horizon`` values, warm-up included,
    when nothing changes; each detector says how its threshold follows from it. Values that are
    not finite are counted in ``Result.skipped`` and change nothing else. A detector of ``binary``
    values leaves out what is neither 0 nor 1, and its verdict is then *error* until it is reset,
    unless a change is found.
    """

    assumed = ""
    binary = False

    def __init__(self, *, error_rate: float, horizon: int) -> None:
        if not 0 < error_rate < 1:
            raise ValueError(f"error_rate lies between 0 and 1, got {error_rate}")
        at_least("horizon", horizon, 1)
        self.error_rate = float(error_rate)
        self.horizon = int(horizon)

    def update(self, value: float) -> None:
        """Read one value."""
        value = float(value)
        if not isfinite(value):
            self._skipped += 1
        elif self.binary and value not in (0.0, 1.0):
            self._skipped += 1
            self._senseless += 1
        else:
            self._take([min(max(value, -LARGEST), LARGEST)])

    def update_many(self, values: ArrayLike) -> None:
        """Read the values of an array of shape (rows,), in order."""
        array: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
        if array.ndim != 1:
            raise ValueError(f"an array of one dimension is asked, got shape {array.shape}")
        kept = array[np.isfinite(array)]
        if self.binary:
            finite = kept.size
            kept = kept[(kept == 0) | (kept == 1)]
            self._senseless += int(finite - kept.size)
        self._skipped += int(array.size - kept.size)
        self._take(np.clip(kept, -LARGEST, LARGEST).tolist())

    @property
    def result(self) -> Result:
        """What is known now; ``estimate`` is the mean of the last ``RECENT`` values."""
        level = sum(self._recent) / len(self._recent) if self._recent else None
        verdict, reason = self._answer(level)
        if self._rows > self.horizon:
            reason += f" The stated error rate is that of the first {self.horizon} values."
        return Result(
            verdict,
            estimate=level,
            error_rate=self.error_rate,
            rows=self._rows,
            skipped=self._skipped,
            assumed=self.assumed,
            reason=reason,
        )

    def reset(self) -> None:
        """Forget everything that was read."""
        self._rows = 0
        self._skipped = 0
        self._senseless = 0
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._change: Change | None = None
        self._clear()

    def _answer(self, level: float | None) -> tuple[Verdict, str]:
        """The verdict and its reason; ``level`` is None when no value was read."""
        if self._change is not None:
            found = self._change
            levels = f"from {found.before:.4g} to {found.after:.4g}"
            reason = f"The level went {levels}; found after {found.rows} values."
            return Verdict.FAIL, reason
        if self._senseless:
            return Verdict.ERROR, f"{self._senseless} values are neither 0 nor 1."
        if level is None:
            return Verdict.INCONCLUSIVE, "No values were read."
        waiting = self._waiting()
        if waiting:
            return Verdict.INCONCLUSIVE, waiting
        return Verdict.PASS, f"No change in {self._rows} values; the level is {level:.4g}."

    def _take(self, values: list[float]) -> None:
        """Count ``values``; read them unless a change was found already."""
        if self._change is None:
            self._read(values)
        self._rows += len(values)
        self._recent.extend(values)

    @abstractmethod
    def _clear(self) -> None:
        """Set the state as before any value."""

    @abstractmethod
    def _read(self, values: list[float]) -> None:
        """Read finite values, the first of which has the number ``self._rows + 1``."""

    @abstractmethod
    def _waiting(self) -> str:
        """What is still missing before an answer can be given; empty when nothing is."""


def at_least(name: str, value: int, least: int) -> None:
    """Raise ValueError unless ``value`` is a whole number of ``least`` or more.

    >>> at_least("block", 0, 1)
    Traceback (most recent call last):
    ValueError: block is a whole number of 1 or more, got 0
    """
    if not isfinite(value) or value != int(value) or value < least:
        raise ValueError(f"{name} is a whole number of {least} or more, got {value}")


def check_bounds(lowest: float, highest: float) -> None:
    """Raise ValueError unless the bounds of a value are finite, in order and not too wide.

    >>> check_bounds(1.0, 0.0)
    Traceback (most recent call last):
    ValueError: lowest is below highest and both within 1e+100, got 1.0 and 0.0
    """
    if not -LARGEST <= lowest < highest <= LARGEST:
        asked = f"lowest is below highest and both within {LARGEST:g}"
        raise ValueError(f"{asked}, got {lowest} and {highest}")
