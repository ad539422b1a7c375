"""How far a shadow challenger's predictions are from the champion's, asked at any time."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.domain.verdict import Verdict
from homeostat.stats.result import Result, unable
from homeostat.stats.sequential.bets import Bounds
from homeostat.stats.sequential.betting import BettingMean

ROUNDING = 1e-4
"""How far the probabilities of one row may be from summing to 1."""
ASSUMED = "every row has the same mean difference given those before it; predictions are bounded"


def disagreement(
    challenger: ArrayLike,
    champion: ArrayLike,
    *,
    limit: float,
    low: float = 0.0,
    high: float = 1.0,
    error_rate: float = 0.05,
) -> Result:
    """Tell whether the predictions of two arms for the same rows differ by more than ``limit``.

    Both arrays have shape (rows,), with predictions between ``low`` and ``high`` (0 and 1 for
    probabilities), or (rows, classes), with probabilities that sum to 1 in each row; row i of
    both is the same request, in the order in which they came. What is averaged is the absolute
    difference, or with classes half the sum of the absolute differences (total variation),
    which is between 0 and 1; ``estimate``, ``low``, ``high`` and ``limit`` are in that unit.
    The interval is that of ``BettingMean`` (Waudby-Smith & Ramdas 2023): it may be asked again
    with every row that is added.

    - *fail*: the mean difference was shown to be above ``limit``.
    - *pass*: it was shown to be at most ``limit``.
    - *inconclusive*: neither yet, or no rows.
    - *error*: predictions out of bounds, or the difference moved so that no mean is left.

    ``error_rate`` is the probability that the interval ever misses the mean difference: it
    bounds false alarms and false passes together, over all looks. Two arms that agree may both
    be wrong, and it does not see a difference on few rows that leaves the mean low: ask slice by
    slice. Rows with a prediction that is not finite are skipped. For a running service without
    the rows in memory, ``BettingMean`` reads the differences as they come. Arrays of unlike
    shape, a limit outside 0 and ``high`` - ``low``, bounds that are not apart and an error rate
    outside (0, 1) raise ValueError.

    >>> random = np.random.default_rng(1)
    >>> champion = random.random(2000)
    >>> challenger = np.clip(champion + random.normal(0, 0.05, 2000), 0, 1)
    >>> found = disagreement(challenger, champion, limit=0.1)
    >>> found.verdict.value, round(found.estimate, 3), round(found.low, 3), round(found.high, 3)
    ('pass', 0.038, 0.035, 0.042)
    """
    if not 0 < error_rate < 1:
        raise ValueError(f"error_rate must be between 0 and 1, got {error_rate}")
    ours, theirs = np.asarray(challenger, np.float64), np.asarray(champion, np.float64)
    if ours.shape != theirs.shape or ours.ndim not in (1, 2):
        raise ValueError(f"two arrays of one shape are asked, got {ours.shape}, {theirs.shape}")
    classes = ours.ndim == 2
    bounds = Bounds(0.0, 1.0) if classes else Bounds(low, high)
    stream = BettingMean(0.0, bounds.high - bounds.low, 1 - error_rate, limit=limit)
    both = np.stack([ours, theirs])
    finite = np.isfinite(both).all(axis=(0, 2) if classes else 0)
    both = both[:, finite]
    skipped = int(finite.size - finite.sum())
    wrong = int((~_within(both, bounds)).sum())
    if wrong:
        reason = f"{wrong} of {finite.sum()} rows have a prediction that there cannot be"
        return Result(Verdict.ERROR, error_rate=error_rate, skipped=skipped, reason=reason)
    if not finite.any():
        return unable("no rows", skipped=skipped)
    apart = np.abs(both[0] - both[1])
    units = np.minimum(apart.sum(axis=1) / 2, 1.0) if classes else apart
    stream.update_many(units)
    found = stream.result
    return dataclasses.replace(
        found, skipped=skipped, assumed=ASSUMED, reason=f"mean difference: {found.reason}"
    )


def _within(both: NDArray[np.float64], bounds: Bounds) -> NDArray[np.bool_]:
    """Which rows, of shape (2, rows) or (2, rows, classes), are predictions of both arms."""
    inside = (both >= bounds.low) & (both <= bounds.high)
    if both.ndim == 2:
        return np.asarray(inside.all(axis=0))
    with np.errstate(over="ignore"):
        whole = np.abs(both.sum(axis=2) - 1) <= ROUNDING
    return np.asarray(inside.all(axis=(0, 2)) & whole.all(axis=0))
