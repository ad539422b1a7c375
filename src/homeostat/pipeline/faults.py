"""Faults that a scenario may inject into a training run: declared, recorded, reproducible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StepError

SHUFFLE_LABELS = "shuffle_labels"


def tampered(
    target: NDArray[np.float64], faults: tuple[str, ...], seed: int
) -> NDArray[np.float64]:
    """The training target after ``faults``; StepError for a fault that is not known."""
    for fault in faults:
        if fault != SHUFFLE_LABELS:
            raise StepError(
                f"there is no fault '{fault}'", subject="train", next_step=f"use {SHUFFLE_LABELS}"
            )
        target = np.random.default_rng(seed).permutation(target)
    return target
