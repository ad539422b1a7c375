"""Faults that a scenario may inject into a training run: declared, recorded, reproducible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StepError

SHUFFLE_LABELS = "shuffle_labels"
"""The training labels in random order: a model that has learnt nothing."""


def tampered(
    target: NDArray[np.float64], faults: tuple[str, ...], seed: int
) -> NDArray[np.float64]:
    """The training target, shape (rows,), after ``faults``; the one given stays as it is.

    The same seed gives the same answer. Raises StepError for a fault that is not known.

    >>> tampered(np.array([0.0, 1.0, 2.0]), ("shuffle_labels",), seed=2).tolist()
    [2.0, 0.0, 1.0]
    """
    for fault in faults:
        if fault != SHUFFLE_LABELS:
            raise StepError(
                f"there is no fault '{fault}'", subject="train", next_step=f"use {SHUFFLE_LABELS}"
            )
        target = np.random.default_rng(seed).permutation(target)
    return target
